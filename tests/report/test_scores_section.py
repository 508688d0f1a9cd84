"""Scores, against numbers worked by hand, scikit-learn and a direct bootstrap."""

from __future__ import annotations

from dataclasses import replace
from itertools import product

import numpy as np
import pytest
from made_up import LABELS, ROLE, make_params
from page_reader import Reader
from sklearn.metrics import accuracy_score, f1_score
from studies import (
    ROWS,
    THREE,
    Found,
    altered,
    approx,
    as_lines,
    by_hand,
    cell_accuracies,
    drawn,
    drawn_accuracies,
    ends,
    find,
    find_right,
    one_seed,
    predicted_by,
    row_of,
    worth,
)

from pipeline.evaluation.resampling import bootstrap
from pipeline.evaluation.results import Results
from pipeline.evaluation.uncertainty import estimate
from pipeline.params import Params
from pipeline.report.page import render
from pipeline.report.sections.scores import score_rows, section
from pipeline.report.study import MEAN
from pipeline.report.tables import markdown_table

PROTOCOLS = ("test", "test_unique", "test_cut", "validation_unique", "validation", "as_reported")


def test_there_is_a_score_for_every_protocol_region_and_network_and_their_mean(found: Found) -> None:
    rows = found.scored.scores[["protocol", "region", "network"]].itertuples(index=False, name=None)
    assert list(rows) == list(product(PROTOCOLS, THREE, ["cnn1", "cnn2", MEAN]))
    assert set(found.scored.scores["seeds"]) == {2}
    sizes = found.scored.scores.groupby("protocol")["n"].unique()
    assert {protocol: n.tolist() for protocol, n in sizes.items()} == {name: [len(ROWS[name])] for name in PROTOCOLS}


def test_means_and_spread_over_seeds_by_hand() -> None:
    expected = {
        ("vanilla", "cnn1"): (0.6, 0.02**0.5),  # of 0.5 and 0.7
        ("vanilla", "cnn2"): (0.6, 0),
        ("vanilla", MEAN): (0.6, 0.005**0.5),  # of 0.55 and 0.65
        ("face", "cnn1"): (0.8, 0),
        ("face", "cnn2"): (0.55, 0.005**0.5),
        ("face", MEAN): (0.675, 0.00125**0.5),  # of 0.65 and 0.7
    }
    for (region, network), (accuracy, spread) in expected.items():
        for protocol in ("test", "validation"):
            row = row_of(by_hand().scored.scores, protocol=protocol, region=region, network=network)
            assert (row["accuracy"], row["accuracy_sd"]) == approx((accuracy, spread))
    # The first half of Training is right.
    assert row_of(by_hand().scored.scores, protocol="as_reported", region="face", network="cnn1")["accuracy"] == approx(
        18 / 30
    )


def test_with_one_seed_there_is_no_spread() -> None:
    assert one_seed().scored.scores["accuracy_sd"].isna().all()


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_scores_are_those_of_scikit_learn(found: Found, results: Results, protocol: str) -> None:
    rows = ROWS[protocol]
    for i, region in enumerate(THREE):
        of_networks = []
        for k, network in enumerate(["cnn1", "cnn2"]):
            of_seeds = [
                (
                    accuracy_score(LABELS[rows], answers),
                    f1_score(LABELS[rows], answers, labels=range(7), average="macro", zero_division=0),
                )
                for answers in predicted_by(results, rows)[i, k]
            ]
            of_networks.append(np.mean(of_seeds, axis=0))
            row = row_of(found.scored.scores, protocol=protocol, region=region, network=network)
            assert (row["accuracy"], row["macro_f1"]) == approx(tuple(of_networks[-1]))
        row = row_of(found.scored.scores, protocol=protocol, region=region, network=MEAN)
        assert (row["accuracy"], row["macro_f1"]) == approx(tuple(np.mean(of_networks, axis=0)))


@pytest.mark.parametrize("protocol", ["test", "validation", "test_unique", "test_cut"])
def test_intervals_know_images_and_trainings(found: Found, results: Results, protocol: str) -> None:
    rows = ROWS[protocol]
    flat = predicted_by(results, rows).reshape(-1, len(rows)).astype(np.uint8)
    once = np.ones((1, len(rows)), np.float32)
    f1, drawn_f1 = (bootstrap(LABELS[rows], flat, of, 7).macro_f1.reshape(-1, 3, 2, 2) for of in (once, drawn(rows)))
    measures = {"accuracy": cell_accuracies(results, rows), "macro_f1": (f1[0], drawn_f1)}
    for i, region in enumerate(THREE):
        for network, cells in {"cnn1": [0], "cnn2": [1], MEAN: [0, 1]}.items():
            row = row_of(found.scored.scores, protocol=protocol, region=region, network=network)
            for name, (values, draws) in measures.items():
                share = np.full(len(cells), 1 / len(cells))
                expected = estimate(values[i, cells], draws[:, i, cells], share, groups=worth(rows))
                ends_of = [max(0.0, expected.low), min(1.0, expected.high)]
                assert [row[f"{name}_low"], row[f"{name}_high"]] == approx(ends_of)


def test_intervals_of_one_seed_are_those_of_a_direct_bootstrap() -> None:
    accuracies = drawn_accuracies(one_seed().study.results, ROWS["test"])
    for i, region in enumerate(THREE):
        for k, network in enumerate(["cnn1", "cnn2", MEAN]):
            row = row_of(one_seed().scored.scores, protocol="test", region=region, network=network)
            assert [row["accuracy_low"], row["accuracy_high"]] == approx(
                np.clip(ends(accuracies[:, i, k], ROWS["test"]), 0, 1).tolist()
            )


def test_images_that_were_trained_on_have_no_interval(found: Found) -> None:
    reported = found.scored.scores[found.scored.scores["protocol"] == "as_reported"]
    assert reported[["accuracy_low", "accuracy_high", "macro_f1_low", "macro_f1_high"]].isna().all(axis=None)
    others = found.scored.scores[found.scored.scores["protocol"] != "as_reported"]
    assert others.notna().all(axis=None)


def test_the_share_that_fell_back_is_of_the_images_scored(found: Found) -> None:
    shares = found.scored.scores.groupby(["protocol", "region"])["fell_back"].first()
    assert shares["test", "face"] == approx(2 / 10)
    assert shares["validation", "face"] == 0
    assert shares["as_reported", "face"] == approx((4 + 2) / 30)
    assert shares["test", "vanilla"] == 0


def test_the_baseline_is_the_commonest_class_of_training(found: Found) -> None:
    rows = found.scored.baseline.set_index("protocol")
    assert list(rows.index) == list(PROTOCOLS)
    assert set(rows["label"]) == {"happy"}
    assert rows["n"].to_dict() == {protocol: len(ROWS[protocol]) for protocol in PROTOCOLS}
    assert rows["accuracy"].to_dict() == approx(
        {
            "test": 0.4,
            "validation": 0.4,
            "validation_unique": 0.4,
            "test_unique": 3 / 8,
            "test_cut": 4 / 8,
            "as_reported": 0.4,
        }
    )
    assert rows["macro_f1"]["test"] == approx(2 * 4 / (10 + 4) / 7)


def test_the_baseline_does_not_look_at_the_labels_of_test(results: Results, params: Params) -> None:
    labels = np.where(ROLE == "test", 5, LABELS).astype(np.uint8)
    row = row_of(find(replace(results, labels=labels), params).scored.baseline, protocol="test")
    assert (row["label"], row["accuracy"]) == ("happy", 0)


# As they are read


def test_scores_as_they_are_read() -> None:
    found = by_hand()
    of = {"protocol": "test", "kind": "region"}
    pairs = altered(found.tested.pairs, {**of, "within": "cnn1"}, p_holm=0.049)
    pairs = altered(pairs, {**of, "within": "cnn2"}, p_holm=0.051)
    rows = score_rows(found.scored, pairs, "test", found.study)
    assert markdown_table(rows).splitlines() == [
        "| region       |                 cnn1 |               cnn2 |               mean | fell back |",
        "| ------------ | -------------------: | -----------------: | -----------------: | --------: |",
        "| vanilla      |         60.0% ± 14.1 |        60.0% ± 0.0 |        60.0% ± 7.1 |      0.0% |",
        "| face         | 80.0% ± 0.0 (+20.0*) | 55.0% ± 7.1 (-5.0) | 67.5% ± 3.5 (+7.5) |     20.0% |",
        "| always happy |                      |                    |              40.0% |           |",
    ]


def test_a_star_is_of_its_own_protocol() -> None:
    found = by_hand()
    pairs = altered(found.tested.pairs, {"protocol": "test"}, p_holm=0.001)
    pairs = altered(pairs, {"protocol": "test_unique"}, p_holm=0.9)
    stars = {
        protocol: sum("*" in text for row in score_rows(found.scored, pairs, protocol, found.study) for text in row)
        for protocol in PROTOCOLS
    }
    # With p values forced upon it, the mean has a star too.
    assert {protocol for protocol, many in stars.items() if many} == {"test"}
    assert stars["test"] == 3


def test_scores_of_one_seed_have_no_spread() -> None:
    params = make_params(networks=["cnn2"], seeds=[0])
    found = find_right(params, [[[5]], [[6]]], [[[6]], [[4]]])
    assert as_lines(score_rows(found.scored, found.tested.pairs, "test", found.study)) == [
        "region; cnn2; mean; fell back",
        "vanilla; 60.0%; 60.0%; 0.0%",
        "face; 40.0% (-20.0); 40.0% (-20.0); 20.0%",
        "always happy; ; 40.0%; ",
    ]
    validation = as_lines(score_rows(found.scored, found.tested.pairs, "validation", found.study))
    assert validation[2] == "face; 60.0% (+10.0); 60.0% (+10.0); 0.0%"


def read(found: Found) -> Reader:
    return Reader(f"<main>{render(section(found.study, found.scored, found.tested.pairs))}</main>")


def test_the_headline_is_open_and_the_other_protocols_on_request() -> None:
    reader = read(by_hand())
    summaries = reader.texts("summary")
    assert summaries[:5] == ["test_unique", "test_cut", "validation_unique", "validation", "as_reported"]
    assert "test" in reader.texts("h3")
    assert not any("open" in attributes for attributes in reader.of("details"))


def test_intervals_of_every_score_but_those_without() -> None:
    found = by_hand()
    rows = read(found).table("protocol", "region", "network", "n")
    assert len(rows) == 6 * 2 * 3
    scored = {tuple(row[:3]): row for row in rows}
    row = found.scored.scores[
        (found.scored.scores["protocol"] == "test") & (found.scored.scores["region"] == "face")
    ].iloc[0]
    assert scored["test", "face", "cnn1"][3:6] == [
        "10",
        "80.0%",
        f"{100 * row['accuracy_low']:.1f}% to {100 * row['accuracy_high']:.1f}%",
    ]
    # Half of the 20 Training images, and 27 of 4 x 10 test images: 16.75 of 30.
    as_reported = scored["as_reported", "face", MEAN]
    assert as_reported[3:6] == ["30", "55.8%", ""]
    assert as_reported[7] == ""


# For DVC


def test_the_plot_of_accuracies_has_a_bar_a_cell() -> None:
    found = by_hand()
    bars = section(found.study, found.scored, found.tested.pairs).plots["test_accuracy"]
    assert bars.to_dict("list") == {
        "region": ["vanilla", "vanilla", "face", "face"],
        "network": ["cnn1", "cnn2", "cnn1", "cnn2"],
        "accuracy": pytest.approx([0.6, 0.6, 0.8, 0.55]),
        "bar": ["cnn1 vanilla", "cnn2 vanilla", "cnn1 face", "cnn2 face"],
    }


def test_metrics_for_dvc() -> None:
    found = by_hand()
    of = {"protocol": "validation_unique", "region": "vanilla", "network": "cnn2"}
    scored = replace(found.scored, scores=altered(found.scored.scores, of, accuracy=1 / 3))
    assert section(found.study, scored, found.tested.pairs).metrics == {
        "validation_unique/cnn1": {"vanilla": 0.6, "face": 0.8},
        "validation_unique/cnn2": {"vanilla": 0.3333, "face": 0.55},
        "test/cnn1": {"vanilla": 0.6, "face": 0.8},
        "test/cnn2": {"vanilla": 0.6, "face": 0.55},
    }
