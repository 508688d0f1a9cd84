"""The comparison in words, rows and files, worked by hand from a made-up one."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from made_up import FACE, MOUTH, PNG, chances_right, groups_of, make_audit, make_params, make_results, quickly

from pipeline.evaluation.results import CURVES, Cell, PointScores, Results, TrustScores
from pipeline.params import Params
from pipeline.report import compare, tables
from pipeline.report.compare import ALL, MEAN, ORDER, Comparison
from pipeline.report.reported import REPORTED, why

# Right answers of the ten validation and of the ten test images: by region and network, one entry a seed.
CORRECT = np.array([[(5, 7), (6, 6)], [(8, 8), (5, 6)]])
THREE = {"mouth": MOUTH, "vanilla": "whole", "face": FACE}


@pytest.fixture(scope="module", autouse=True)
def quick() -> Iterator[None]:
    with quickly():
        yield


@pytest.fixture(scope="module")
def params() -> Params:
    return make_params()


@pytest.fixture(scope="module")
def results(params: Params) -> Results:
    return make_results(params, chances_right(CORRECT, CORRECT))


@pytest.fixture(scope="module")
def found(quick: None, results: Results, params: Params) -> Comparison:
    return compare.compare(results, params)


def compared(params: Params, public: Any, private: Any) -> Comparison:
    return compare.compare(make_results(params, chances_right(public, private)), params)


def altered(table: pd.DataFrame, where: dict[str, Any], **values: Any) -> pd.DataFrame:
    """A copy in which the rows that have these values get others."""
    table = table.copy()
    wanted = np.logical_and.reduce([table[column] == value for column, value in where.items()])
    assert wanted.any()
    for column, value in values.items():
        table.loc[wanted, column] = value
    return table


def with_gap(found: Comparison, low: float, high: float, p_values: dict[str, float], one: str = "face") -> Comparison:
    """Give face's lead over vanilla this interval, and these p values by network; and face's accuracy an interval."""
    of = {"protocol": "test", "kind": "region", "one": one, "other": "vanilla"}
    pairs = altered(found.pairs, {**of, "within": MEAN}, low=low, high=high)
    for network, p in p_values.items():
        pairs = altered(pairs, {**of, "within": network}, p_holm=p)
    scores = altered(found.scores, {"protocol": "test", "network": MEAN}, accuracy_low=0.4, accuracy_high=0.9)
    return replace(found, pairs=pairs, scores=scores)


# Numbers


@pytest.mark.parametrize(
    ("fraction", "text"), [(0.5349, "53.5%"), (0.0, "0.0%"), (1.0, "100.0%"), (0.00049, "0.0%"), (np.nan, "")]
)
def test_percent(fraction: float, text: str) -> None:
    assert tables.percent(fraction) == text


@pytest.mark.parametrize(
    ("difference", "plain", "signed"),
    [
        (0.0131, "1.3", "+1.3"),
        (-0.0131, "-1.3", "-1.3"),
        (0.0, "0.0", "+0.0"),
        (-0.0, "0.0", "+0.0"),
        (-0.0004, "0.0", "+0.0"),
        (-0.0006, "-0.1", "-0.1"),
        (np.nan, "", ""),
    ],
)
def test_points(difference: float, plain: str, signed: str) -> None:
    assert tables.points(difference) == plain
    assert tables.points(difference, signed=True) == signed


@pytest.mark.parametrize(
    ("p", "text"),
    [(0.0312, "0.031"), (1.0, "1.000"), (0.001, "0.001"), (0.000999, "<0.001"), (0.0, "<0.001"), (np.nan, "")],
)
def test_p_value(p: float, text: str) -> None:
    assert tables.p_value(p) == text


# The answer

REACHED = "Validation chooses face: its test accuracy over 2 networks is 67.5% (95% interval 40.0 to 90.0). "


@pytest.mark.parametrize(
    ("low", "high", "p_values", "verdict"),
    [
        (-0.02, 0.17, {"cnn1": 0.01}, "-2.0 to +17.0), a difference that this test set cannot tell from none."),
        (0.0, 0.15, {"cnn1": 0.01}, "+0.0 to +15.0), a difference that this test set cannot tell from none."),
        (-0.02, 0.0, {"cnn1": 0.01}, "-2.0 to +0.0), a difference that this test set cannot tell from none."),
        (0.01, 0.15, {"cnn1": 0.051}, "+1.0 to +15.0), significant with none of the networks alone."),
        (0.01, 0.15, {"cnn1": 0.049}, "+1.0 to +15.0), significant with 1 of 2 networks."),
        # cnn2 is worse on face: that it is so for sure does not speak for face.
        (0.01, 0.15, {"cnn1": 0.001, "cnn2": 0.001}, "+1.0 to +15.0), significant with 1 of 2 networks."),
        (0.01, 0.15, {"cnn2": 0.001}, "+1.0 to +15.0), significant with none of the networks alone."),
    ],
)
def test_the_answer_when_another_region_is_chosen(
    found: Comparison, params: Params, low: float, high: float, p_values: dict[str, float], verdict: str
) -> None:
    comparison = with_gap(found, low, high, {"cnn1": 0.9, "cnn2": 0.9, **p_values})
    gap = "That of face lies 7.5 points above that of vanilla (95% interval "
    assert tables.answer(comparison, params) == REACHED + gap + verdict


def test_the_answer_counts_all_networks_that_differ_for_sure(params: Params) -> None:
    lower, higher = [(3, 3), (4, 4)], [(8, 8), (6, 6)]
    comparison = with_gap(compared(params, [lower, higher], [lower, higher]), 0.1, 0.6, {"cnn1": 0.02, "cnn2": 0.04})
    assert tables.answer(comparison, params).endswith("significant with 2 of 2 networks.")


def test_the_answer_when_the_region_chosen_turns_out_worse(params: Params) -> None:
    """Face is ahead on validation and behind on test."""
    lower, higher = [(3, 3), (4, 4)], [(8, 8), (6, 6)]
    comparison = with_gap(compared(params, [lower, higher], [higher, lower]), -0.6, -0.1, {"cnn1": 0.02, "cnn2": 0.3})
    assert tables.answer(comparison, params) == (
        "Validation chooses face: its test accuracy over 2 networks is 35.0% (95% interval 40.0 to 90.0). "
        "That of face lies 35.0 points below that of vanilla (95% interval -60.0 to -10.0), "
        "significant with 1 of 2 networks."
    )


def test_the_answer_when_the_reference_is_chosen() -> None:
    """The second of validation is named, here mouth, not that of test, and how it differs on test."""
    params = make_params(regions=THREE, networks=["cnn2"], seeds=[0])
    comparison = compared(params, [[[5]], [[7]], [[4]]], [[[3]], [[8]], [[9]]])
    comparison = with_gap(comparison, -0.8, -0.2, {"cnn2": 0.01}, one="mouth")
    assert tables.answer(comparison, params) == (
        "Validation chooses no region over vanilla: its test accuracy with cnn2 is 80.0% (95% interval 40.0 to 90.0). "
        "That of mouth lies 50.0 points below that of vanilla (95% interval -80.0 to -20.0), "
        "significant with 1 of 1 networks."
    )


def test_the_reference_wins_a_tie() -> None:
    params = make_params(regions=THREE, networks=["cnn1", "cnn2"], seeds=[0, 1, 2])
    # The same mean, but summed in another order mouth's comes out higher by the last bit.
    public = [[[3, 6, 5], [8, 3, 1]], [[8, 6, 5], [3, 3, 1]], [[1, 3, 3], [5, 6, 8]]]
    comparison = compared(params, public, public)
    means = comparison.scores.query("protocol == 'validation' and network == 'mean'").set_index("region")["accuracy"]
    assert means["mouth"] > means["vanilla"]
    answer = tables.answer(comparison, params)
    assert answer.startswith("Validation chooses no region over vanilla")
    assert "That of mouth lies 0.0 points above that of vanilla" in answer


def test_validation_chooses_by_the_mean_over_the_networks() -> None:
    """Face has the best network, mouth the best mean; vanilla, the reference, the first place in no way."""
    params = make_params(regions=THREE, seeds=[0])
    public = [[[7], [7]], [[5], [5]], [[9], [4]]]
    assert tables.answer(compared(params, public, public), params).startswith("Validation chooses mouth:")


def test_the_answer_with_one_region(results: Results) -> None:
    params = make_params(regions={"vanilla": "whole"}, networks=["cnn1"], seeds=[0])
    comparison = compared(params, [[[6]]], [[[7]]])
    scores = altered(comparison.scores, {"protocol": "test"}, accuracy_low=0.4, accuracy_high=0.9)
    assert tables.answer(replace(comparison, scores=scores), params) == (
        "There is only one region, vanilla: its test accuracy with cnn1 is 70.0% (95% interval 40.0 to 90.0)."
    )


# The caveat

MEASURED = "Measured on 10 test images of the data 'real', recipe 'report', 2 seeds."


def test_the_caveat_names_the_median_of_what_can_be_detected_with_a_network() -> None:
    params = make_params(regions=THREE, networks=["cnn1", "googlenet"], seeds=[0])
    found = compare.compare(make_results(params), params)
    of = {"protocol": "test", "kind": "region", "other": "vanilla"}
    pairs = found.pairs.assign(detectable=0.9)  # of other protocols and kinds, and of the mean
    pairs = altered(pairs, {**of, "one": "face", "within": "cnn1"}, detectable=0.01)
    pairs = altered(pairs, {**of, "one": "face", "within": "googlenet"}, detectable=0.02)
    pairs = altered(pairs, {**of, "one": "mouth", "within": "cnn1"}, detectable=0.03)
    pairs = altered(pairs, {**of, "one": "mouth", "within": "googlenet"}, detectable=0.054)
    # The pairs of face and mouth have 0.9: of six the third and the fourth are 0.03 and 0.054.
    text = tables.caveat(replace(found, pairs=pairs), params)
    assert "Between two trained networks this test set shows a difference of 4.2 points in 80% of all cases" in text


def test_the_caveat_of_several_seeds_leaves_out_what_one_training_could_show(found: Comparison, params: Params) -> None:
    assert tables.caveat(found, params) == MEASURED


def test_the_caveat_of_one_seed() -> None:
    params = make_params(regions={"vanilla": "whole"}, seeds=[3])
    text = tables.caveat(compared(params, [[[6], [6]]], [[[6], [6]]]), params)
    assert text == (
        "Measured on 10 test images of the data 'real', recipe 'report', 1 seed."
        " One seed: how much another start of the training would change is not known."
    )


def with_recipe(params: Params, **changes: Any) -> Params:
    """The same params with another recipe in use: `views`, or the `votes` of a network by its name."""
    content = params.model_dump(mode="json")
    recipe = content["recipes"][params.recipe]
    recipe["views"] = changes.pop("views", recipe["views"])
    for name, votes in changes.items():
        recipe["classifiers"][name]["votes"] = votes
    return Params.model_validate(content)


def test_the_caveat_says_how_many_views_of_an_image_were_judged(found: Comparison, params: Params) -> None:
    told = f"{MEASURED} Each image (in as_reported: of PrivateTest) was judged by itself"
    text = tables.caveat(found, with_recipe(params, views="mirror"))
    assert text == f"{told} and its mirror image."
    text = tables.caveat(found, with_recipe(params, views="ten"))
    assert text == f"{told}, four shifts of it, and the mirror images of all."


def test_the_caveat_says_which_networks_learnt_from_votes(found: Comparison, params: Params) -> None:
    text = tables.caveat(found, with_recipe(params, cnn2=0.25))
    assert text == f"{MEASURED} FER+'s votes stood in for a part of the labels learnt from: cnn2 25%."
    text = tables.caveat(found, with_recipe(params, cnn1=1.0, cnn2=0.25, googlenet=0.5))  # googlenet is not compared
    assert text.endswith(" cnn1 100%, cnn2 25%.")


def test_the_caveat_of_the_demo(found: Comparison) -> None:
    text = tables.caveat(found, make_params(data={"source": "demo"}, recipe="demo"))
    assert text.startswith("Measured on 10 test images of the data 'demo', recipe 'demo', 2 seeds.")
    assert text.endswith(" The demo's images are drawn: they show that the pipeline works and say nothing about faces.")
    assert "One seed" not in text


# Rows


def as_lines(rows: tables.Rows) -> list[str]:
    return ["; ".join(row) for row in rows]


def test_scores_as_they_are_read(found: Comparison, params: Params) -> None:
    of = {"protocol": "test", "kind": "region"}
    pairs = altered(found.pairs, {**of, "within": "cnn1"}, p_holm=0.049)
    pairs = altered(pairs, {**of, "within": "cnn2"}, p_holm=0.051)
    rows = tables.score_rows(replace(found, pairs=pairs), "test", params)
    assert tables.markdown_table(rows).splitlines() == [
        "| region       |                 cnn1 |               cnn2 |               mean | fell back |",
        "| ------------ | -------------------: | -----------------: | -----------------: | --------: |",
        "| vanilla      |         60.0% ± 14.1 |        60.0% ± 0.0 |        60.0% ± 7.1 |      0.0% |",
        "| face         | 80.0% ± 0.0 (+20.0*) | 55.0% ± 7.1 (-5.0) | 67.5% ± 3.5 (+7.5) |     20.0% |",
        "| always happy |                      |                    |              40.0% |           |",
    ]


def test_a_star_is_of_its_own_protocol(found: Comparison, params: Params) -> None:
    pairs = altered(found.pairs, {"protocol": "test"}, p_holm=0.001)
    pairs = altered(pairs, {"protocol": "test_unique"}, p_holm=0.9)
    stars = {
        protocol: sum(
            "*" in text for row in tables.score_rows(replace(found, pairs=pairs), protocol, params) for text in row
        )
        for protocol in ORDER
    }
    # With p values forced upon it, the mean has a star too.
    assert stars == {"test": 3, "test_unique": 0, "validation": 0, "as_reported": 0}


def test_scores_of_one_seed_have_no_spread() -> None:
    params = make_params(networks=["cnn2"], seeds=[0])
    found = compared(params, [[[5]], [[6]]], [[[6]], [[4]]])
    assert as_lines(tables.score_rows(found, "test", params)) == [
        "region; cnn2; mean; fell back",
        "vanilla; 60.0%; 60.0%; 0.0%",
        "face; 40.0% (-20.0); 40.0% (-20.0); 20.0%",
        "always happy; ; 40.0%; ",
    ]
    assert as_lines(tables.score_rows(found, "validation", params))[2] == "face; 60.0% (+10.0); 60.0% (+10.0); 0.0%"


PAIR = {
    "difference": 0.0523,
    "low": -0.0011,
    "high": 0.1,
    "mcnemar": 0.0004,
    "over_seeds": 0.0312,
    "p_holm": 0.0624,
    "detectable": 0.0449,
}


@pytest.mark.parametrize(("kind", "pair"), [("region", "face - vanilla"), ("network", "cnn2 - cnn1")])
def test_pairs_as_they_are_read(found: Comparison, kind: str, pair: str) -> None:
    pairs = altered(found.pairs, {"protocol": "test", "kind": kind}, **PAIR)
    rows = as_lines(tables.pair_rows(replace(found, pairs=pairs), "test", kind))
    within, names = ("network", ["cnn1", "cnn2", MEAN]) if kind == "region" else ("region", ["vanilla", "face"])
    numbers = "+5.2; -0.1 to +10.0; <0.001; 0.031; 0.062; 4.5"
    assert rows == [
        f"{within}; pair; difference; 95% interval; McNemar; over seeds; Holm; detectable",
        *(f"{name}; {pair}; {numbers}" for name in names),
    ]
    assert as_lines(tables.pair_rows(replace(found, pairs=pairs), "test_unique", kind)) != rows


def test_pairs_of_one_seed_have_no_test_over_seeds() -> None:
    params = make_params(seeds=[0])
    found = compared(params, [[[5], [6]], [[6], [7]]], [[[6], [5]], [[4], [6]]])
    one_off = {"p_holm": 0.25, "mcnemar": 0.125, "low": -0.4, "high": 0.0, "detectable": 0.3}
    pairs = altered(found.pairs, {"protocol": "test", "kind": "region", "within": "cnn1"}, **one_off)
    rows = as_lines(tables.pair_rows(replace(found, pairs=pairs), "test", "region"))
    assert rows[0] == "network; pair; difference; 95% interval; McNemar; Holm; detectable"
    assert rows[1] == "cnn1; face - vanilla; -20.0; -40.0 to +0.0; 0.125; 0.250; 30.0"
    assert rows[3].split("; ")[4:6] == ["", ""]  # the mean has no test


def test_omnibus_as_it_is_read(found: Comparison) -> None:
    omnibus = altered(found.omnibus, {"protocol": "test", "kind": "region"}, p=0.0312, p_holm=0.0624)
    omnibus = altered(omnibus, {"protocol": "test", "kind": "network"}, p=0.0004, p_holm=1.0)
    rows = as_lines(tables.omnibus_rows(replace(found, omnibus=omnibus), "test"))
    assert rows[0] == "within; of all; seed; p; Holm"
    assert sorted(rows[1:]) == [
        *(f"cnn{number}; regions; {seed}; 0.031; 0.062" for number in (1, 2) for seed in (0, 1)),
        *(f"{region}; networks; {seed}; <0.001; 1.000" for region in ("face", "vanilla") for seed in (0, 1)),
    ]


def test_the_leak_as_it_is_read(found: Comparison) -> None:
    """Rows 30 and 33 are known. The first six test images are right, so both of these are, and four of eight others."""
    leak = altered(found.leak, {"region": "vanilla", "network": "cnn2"}, low=-0.004, high=0.2345)
    rows = as_lines(tables.leak_rows(replace(found, leak=leak)))
    assert rows[0] == "network; region; test; with a twin; without (test_unique); shift; 95% interval"
    assert rows[2] == "cnn2; vanilla; 60.0%; 100.0%; 50.0%; +10.0; -0.4 to +23.4"
    assert [row.split("; ")[:2] for row in rows[1:4]] == [["cnn1", "vanilla"], ["cnn2", "vanilla"], [MEAN, "vanilla"]]


def test_without_known_images_their_accuracy_stays_blank(results: Results, params: Params) -> None:
    found = compare.compare(replace(results, twins=groups_of()), params)
    assert as_lines(tables.leak_rows(found))[2] == "cnn2; vanilla; 60.0%; ; 60.0%; +0.0; +0.0 to +0.0"


def test_calibration_as_it_is_read(found: Comparison) -> None:
    values = {"temperature": 1.2345, "ece": 0.0523, "ece_fitted": 0.01, "log_loss": 1.23456, "log_loss_fitted": 1.1}
    of = {"region": "face", "network": "cnn1", "seed": 1}
    rows = as_lines(tables.calibration_rows(replace(found, calibration=altered(found.calibration, of, **values))))
    assert rows[0] == "network; region; seed; ECE; temperature; ECE with it; log loss; log loss with it"
    assert "cnn1; face; 1; 5.2%; 1.23; 1.0%; 1.235; 1.100" in rows
    assert len(rows) == 1 + 8


def test_joined_models_as_they_are_read(found: Comparison) -> None:
    of = {"network": "cnn2", "protocol": "test"}
    single = {"accuracy": 0.6, "low": 0.31, "high": 0.9, "macro_f1": 0.45678, "members": "vanilla"}
    joined = {**single, "gain": -0.0123, "gain_low": -0.0456, "gain_high": 0.0, "p_holm": 0.0314}
    joined["members"] = "a 0.30 + b 0.30 + c 0.20 + d 0.10 + e 0.06 + f 0.04"
    table = altered(found.fusion, {**of, "method": "best single"}, **single)
    table = altered(table, {**of, "method": "fitted weights"}, **joined)
    rows = as_lines(tables.fusion_rows(replace(found, fusion=table), "test"))
    assert rows[0] == "network; method; accuracy; 95% interval; macro F1; gain; 95% interval of it; Holm; members"
    assert "cnn2; best single; 60.0%; 31.0 to 90.0; 0.457; ; ; ; vanilla" in rows
    more = "a 0.30 + b 0.30 + c 0.20 + d 0.10 and 2 more"
    assert f"cnn2; fitted weights; 60.0%; 31.0 to 90.0; 0.457; -1.2; -4.6 to +0.0; 0.031; {more}" in rows
    assert len(rows) == 1 + 3 * 4


def test_four_members_are_all_named(found: Comparison) -> None:
    four = "a 0.30 + b 0.30 + c 0.20 + d 0.20"
    rows = tables.fusion_rows(replace(found, fusion=found.fusion.assign(members=four)), "test")
    assert {row[-1] for row in rows[1:]} == {four}


def test_the_original_report_beside_ours(found: Comparison, params: Params) -> None:
    rows = as_lines(tables.reported_rows(found, params))
    assert rows[0] == (
        "region; network; report, as printed; its predictions on test; ours, as_reported; ours, test; ours, test_unique"
    )
    # Half of Training is right, six of ten test images, and four of eight without a twin.
    assert rows[2] == "vanilla; cnn2; 83%; 49.7%; 53.3%; 60.0%; 50.0%"
    assert rows[4] == "vanilla; cnn4; 80%; ; ; ; "
    assert rows[6] == "face; googlenet; 89%; ; ; ; "
    assert len(rows) == 1 + len(REPORTED)


def test_why_the_report_is_higher_is_told_in_points() -> None:
    # 80 - 48.2, 83 - 49.7, 77 - 48.0 and 87 - 53.5
    assert "the authors' own predictions come out 29 to 34 points lower" in why()


def test_landmarks_as_they_are_read(results: Results) -> None:
    ours = results.landmarks.providers["xception"]
    some = {"ibug": {"grey_48": PointScores(n=1135, nme=0.08004, auc=0.25, failure_rate=0.2)}}
    landmarks = results.landmarks.model_copy(update={"providers": {"xception": ours, "dlib": some}})
    assert as_lines(tables.landmark_rows(landmarks)) == [
        "points by; subset, view; faces; NME; AUC to 10%; failures above 10%",
        "xception; common, full_resolution; 1,554; 4.56%; 0.568; 6.2%",
        "xception; common, grey_48; 1,554; 6.12%; 0.410; 10.5%",
        "xception; challenging, full_resolution; 1,554; 4.56%; 0.568; 6.2%",
        "xception; challenging, grey_48; 1,554; 6.12%; 0.410; 10.5%",
        "dlib; ibug, grey_48; 1,135; 8.00%; 0.250; 20.0%",
    ]


def test_the_note_on_landmarks_says_how_well_bad_points_are_told_from_good(results: Results) -> None:
    trust = TrustScores(n=4134, limit=0.08, auc=0.95678, caught=0.9, lost=0.1)
    note = tables.landmark_note(results.landmarks.model_copy(update={"trust": trust}))
    assert note.startswith("Mean error of the 68 points on the test faces, normalised by the inter-ocular distance")
    assert " On 4,134 test images with occlusion, blur, rotation and pictures without a face added, " in note
    assert "tells errors above 8% from the rest with an area under the ROC curve of 0.957." in note
    assert "dlib" not in note


def test_the_note_on_landmarks_says_nothing_of_a_trust_that_could_not_be_measured(results: Results) -> None:
    unknown = results.landmarks.trust.model_copy(update={"auc": None})
    note = tables.landmark_note(results.landmarks.model_copy(update={"trust": unknown}))
    assert note.endswith("48 pixels, grey, loosely framed.")
    assert "ROC" not in note


def test_the_note_on_landmarks_warns_that_dlib_has_seen_the_test_faces(results: Results) -> None:
    providers = results.landmarks.providers
    both = results.landmarks.model_copy(update={"providers": {**providers, "dlib": providers["xception"]}})
    assert tables.landmark_note(both).endswith(" dlib's usual file was trained on 300-W, these test images included.")


def test_the_audit_as_it_is_read() -> None:
    audit = make_audit()
    twins = audit.twins.model_copy(update={"groups_within": {"Training": 1204, "PublicTest": 2, "PrivateTest": 3}})
    images = {"Training": 28709, "PublicTest": 3589, "PrivateTest": 3589}
    audit = audit.model_copy(update={"images": images, "twins": twins})
    assert as_lines(tables.audit_rows(audit)) == [
        "counted; Training; PublicTest; PrivateTest",
        "images; 28,709; 3,589; 3,589",
        "identical to another image; 1; 0; 3",
        "identical or nearly so; 1; 1; 4",
        "groups of identical images, all in this split; 0; 0; 1",
        "groups of twins, all in this split; 1,204; 2; 3",
        "constant; 1; 0; 0",
        "nearly constant; 1; 1; 0",
        "left out of training; 1; 0; 0",
        "no face, say most FER+ voters; 0; 0; 1",
    ]


def test_without_votes_nobody_counted_faces() -> None:
    rows = as_lines(tables.audit_rows(make_audit(voted=False)))
    assert rows[-1] == "left out of training; 1; 0; 0"


def test_groups_as_they_are_read() -> None:
    assert as_lines(tables.group_rows(make_audit())) == [
        "counted; identical; identical or nearly so",
        "groups of more than one image; 2; 3",
        "images in them; 4; 6",
        "images of the largest group; 2; 2",
        "groups whose labels conflict; 0; 1",
        "images in those; 0; 2",
        "test images with a twin in Training or PublicTest; 1; 2",
        "of these, in a group whose labels conflict; 0; 1",
        "groups across Training and PublicTest; 0; 0",
        "groups across Training and PrivateTest; 1; 1",
        "groups across PublicTest and PrivateTest; 0; 1",
        "groups across Training and PublicTest and PrivateTest; 0; 0",
    ]


SHAPES: list[dict[str, Any]] = [
    {},
    {"seeds": [0]},
    {"networks": ["googlenet"]},
    {"regions": {"face": FACE}},
    {"regions": {"face": FACE}, "networks": ["cnn1"], "seeds": [2]},
    {"regions": THREE, "networks": ["cnn1", "cnn3", "cnn4"]},
]


@pytest.mark.parametrize("shape", SHAPES)
def test_all_rows_of_a_table_are_equally_long_and_nothing_is_nan(shape: dict[str, Any]) -> None:
    params = make_params(**shape)
    results = make_results(params)
    found = compare.compare(results, params)
    every = [
        *(tables.score_rows(found, protocol, params) for protocol in ORDER),
        *(tables.pair_rows(found, *of) for of in product(["test", "test_unique"], ["region", "network"])),
        *(tables.omnibus_rows(found, protocol) for protocol in ("test", "test_unique")),
        *(tables.fusion_rows(found, protocol) for protocol in ("test", "test_unique", "validation")),
        tables.leak_rows(found),
        tables.calibration_rows(found),
        tables.reported_rows(found, params),
        tables.landmark_rows(results.landmarks),
        tables.audit_rows(results.audit),
        tables.group_rows(results.audit),
    ]
    for rows in every:
        assert {len(row) for row in rows} == {len(rows[0])}
        assert all("nan" not in text for row in rows for text in row)
    for text in (tables.markdown(found, results, params), tables.summary(found, params)):
        assert "nan" not in text.split()


# Text


def test_a_markdown_table_is_aligned() -> None:
    rows = [["name", "n", "share"], ["a", "1", "2.0%"], ["longer", "1,000", ""]]
    assert tables.markdown_table(rows) == (
        "| name   |     n | share |\n"
        "| ------ | ----: | ----: |\n"
        "| a      |     1 |  2.0% |\n"
        "| longer | 1,000 |       |\n"
    )


def test_a_markdown_table_may_lack_names() -> None:
    assert tables.markdown_table([["", "b"], ["", "1"]]) == "|  | b |\n| - | : |\n|  | 1 |\n"


def titles(text: str) -> list[str]:
    return [line.removeprefix("## ") for line in text.splitlines() if line.startswith("## ")]


SECTIONS = [
    "Protocol test",
    "Protocol validation",
    "Protocol test_unique",
    "Protocol as_reported",
    "Differences between regions",
    "What leaks",
    "Regions joined",
    "Calibration",
    "Beside the original report",
    "Landmarks",
    "Audit of the data set",
    "Images that occur more than once",
]


def test_the_whole_answer_in_markdown(found: Comparison, results: Results, params: Params) -> None:
    text = tables.markdown(found, results, params)
    assert text.startswith(
        f"# Comparison of regions\n\n**{tables.answer(found, params)}** {tables.caveat(found, params)}\n"
    )
    assert titles(text) == SECTIONS
    for rows in (
        *(tables.score_rows(found, protocol, params) for protocol in ORDER),
        tables.pair_rows(found, "test", "region"),
        tables.leak_rows(found),
        tables.fusion_rows(found, "test"),
        tables.calibration_rows(found),
        tables.reported_rows(found, params),
        tables.landmark_rows(results.landmarks),
        tables.audit_rows(results.audit),
        tables.group_rows(results.audit),
    ):
        assert f"\n\n{tables.markdown_table(rows)}" in text
    assert f"## Landmarks\n\n{tables.landmark_note(results.landmarks)}\n" in text
    assert "most of what it scores was trained on. 30 images (Training + PrivateTest). " in text
    assert "8 images (PrivateTest)" in text
    assert "brackets its difference to vanilla in points" in text
    assert text.endswith("|\n")


def test_a_table_without_rows_has_no_section() -> None:
    params = make_params(regions={"face": FACE}, networks=["cnn1"])
    results = make_results(params)
    text = tables.markdown(compare.compare(results, params), results, params)
    absent = {"Differences between regions", "Regions joined"}
    assert titles(text) == [title for title in SECTIONS if title not in absent]


def test_the_summary_for_the_terminal(found: Comparison, params: Params) -> None:
    of = {"network": ALL, "protocol": "test"}
    gain = {"accuracy": 0.8123, "gain": 0.0123, "gain_low": -0.01, "gain_high": 0.034}
    fusion = altered(found.fusion, {**of, "method": "fitted weights"}, **gain)
    comparison = replace(found, fusion=altered(fusion, {**of, "method": "best single"}, members="face cnn1"))
    table = tables.markdown_table(tables.score_rows(found, "test", params))
    assert tables.summary(comparison, params) == "\n".join(
        [
            tables.answer(found, params),
            tables.caveat(found, params),
            "",
            table,
            "Joined with weights fitted on validation, the models of all networks reach 81.2% on test, "
            "+1.2 points (-1.0 to +3.4) beside the best single one, face cnn1.",
        ]
    )


def test_the_summary_of_one_network_joins_its_regions() -> None:
    params = make_params(networks=["cnn2"])
    assert "the models of cnn2 reach" in tables.summary(compare.compare(make_results(params), params), params)


def test_the_summary_says_nothing_of_joining_one_model() -> None:
    params = make_params(networks=["cnn2"], regions={"face": FACE})
    assert "Joined" not in tables.summary(compare.compare(make_results(params), params), params)


# Files

FRAMES = ("scores", "baseline", "pairs", "omnibus", "leak", "calibration", "fusion", "selection")


def files_in(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_what_is_saved(found: Comparison, results: Results, params: Params, tmp_path: Path) -> None:
    tables.save_tables(tmp_path, found, results, params)
    cells = [
        f"{region}-{network}-{seed}.csv"
        for region in ("vanilla", "face")
        for network in ("cnn1", "cnn2")
        for seed in (0, 1)
    ]
    assert set(files_in(tmp_path)) == {
        "comparison.md",
        *(f"comparison/{name}.csv" for name in FRAMES),
        *(f"metrics/{protocol}/{network}.json" for protocol in ("validation", "test") for network in ("cnn1", "cnn2")),
        "metrics/landmarks.json",
        "plots/test_accuracy.csv",
        *(f"plots/{kind}/{cell}" for kind in ("learning_curves", "confusion_test") for cell in cells),
    }
    assert (tmp_path / "comparison.md").read_text() == tables.markdown(found, results, params)


@pytest.mark.parametrize("name", FRAMES)
def test_saved_tables_say_what_the_frames_say(
    found: Comparison, results: Results, params: Params, tmp_path: Path, name: str
) -> None:
    tables.save_tables(tmp_path, found, results, params)
    saved = pd.read_csv(tmp_path / f"comparison/{name}.csv")
    pd.testing.assert_frame_equal(saved, getattr(found, name), check_dtype=False, rtol=1e-5)
    assert b"\r" not in (tmp_path / f"comparison/{name}.csv").read_bytes()


def test_metrics_for_dvc(found: Comparison, results: Results, params: Params, tmp_path: Path) -> None:
    theirs = results.landmarks.providers["xception"]
    view = theirs["common"]["grey_48"].model_copy(update={"nme": 0.051234})
    ours = {**theirs, "common": {"grey_48": view}, "common_helen": theirs["common"]}
    landmarks = results.landmarks.model_copy(
        update={"provider": "dlib", "providers": {"xception": theirs, "dlib": ours}}
    )
    scores = altered(found.scores, {"protocol": "validation", "region": "vanilla", "network": "cnn2"}, accuracy=1 / 3)
    tables.save_tables(tmp_path, replace(found, scores=scores), replace(results, landmarks=landmarks), params)
    read = {name: json.loads(content) for name, content in files_in(tmp_path / "metrics").items()}
    assert read["test/cnn2.json"] == {"vanilla": 0.6, "face": 0.55}
    assert read["validation/cnn2.json"] == {"vanilla": 0.3333, "face": 0.55}
    assert read["landmarks.json"] == {"landmark_nme_common": 0.0512, "landmark_nme_challenging": 0.0612}


def test_saving_again_is_the_same_bytes_and_leaves_nothing_of_before(
    found: Comparison, results: Results, params: Params, tmp_path: Path
) -> None:
    tables.save_tables(tmp_path, found, results, params)
    before = files_in(tmp_path)
    for left_over in ("comparison/old.csv", "metrics/test/googlenet.json", "plots/confusion_test/mouth-cnn1-0.csv"):
        (tmp_path / left_over).write_text("left over")
    (tmp_path / "index.html").write_bytes(PNG)
    tables.save_tables(tmp_path, found, results, params)
    assert files_in(tmp_path) == {**before, "index.html": PNG}


def failing_after(count: int, function: Callable[..., None]) -> Callable[..., None]:
    """The function, which fails when it is called more often than this."""
    calls = 0

    def fail(*arguments: Any) -> None:
        nonlocal calls
        calls += 1
        if calls > count:
            raise OSError("no space")
        function(*arguments)

    return fail


@pytest.mark.parametrize(
    ("writer", "count", "folder"),
    [
        ("write_bytes", 0, ""),
        ("_write_csv", 3, "comparison"),
        ("write_json", 2, "metrics"),
        ("_write_csv", len(FRAMES) + 2, "plots"),
    ],
)
def test_each_is_saved_whole_or_not_at_all(
    found: Comparison,
    results: Results,
    params: Params,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    writer: str,
    count: int,
    folder: str,
) -> None:
    tables.save_tables(tmp_path, found, results, params)
    before = files_in(tmp_path / folder)
    monkeypatch.setattr(tables, writer, failing_after(count, getattr(tables, writer)))
    other = make_results(params)
    with pytest.raises(OSError, match="no space"):
        tables.save_tables(tmp_path, compare.compare(other, params), other, params)
    assert files_in(tmp_path / folder) == before
    assert not list(tmp_path.rglob("*.part"))


def test_plots_hold_every_epoch_and_every_test_image(found: Comparison, results: Results) -> None:
    plots = tables.plots(found, results)
    assert len(plots) == 1 + 2 * 8
    curve = plots["learning_curves/face-cnn2-1.csv"]
    pd.testing.assert_frame_equal(curve, results.curves[Cell("face", "cnn2", 1)])
    assert curve.columns.tolist() == ["step", *CURVES]
    # Seed 1 is right on the first seven test images, and calls the others by the next class.
    images = plots["confusion_test/vanilla-cnn1-1.csv"]
    assert sorted(images.itertuples(index=False, name=None)) == [
        ("angry", "angry"),
        ("disgust", "disgust"),
        ("fear", "fear"),
        *[("happy", "happy")] * 4,
        ("neutral", "angry"),
        ("sad", "surprise"),
        ("surprise", "neutral"),
    ]


def test_the_plot_of_accuracies_has_a_bar_a_cell(found: Comparison, results: Results) -> None:
    bars = tables.plots(found, results)["test_accuracy.csv"]
    assert bars.to_dict("list") == {
        "region": ["vanilla", "vanilla", "face", "face"],
        "network": ["cnn1", "cnn2", "cnn1", "cnn2"],
        "accuracy": pytest.approx([0.6, 0.6, 0.8, 0.55]),
        "bar": ["cnn1 vanilla", "cnn2 vanilla", "cnn1 face", "cnn2 face"],
    }
