"""Tests of differences, against numbers worked by hand, other libraries and direct calls."""

from __future__ import annotations

import re
from dataclasses import replace
from itertools import product

import numpy as np
import numpy.typing as npt
import pandas as pd
import pytest
from made_up import FACE, LABELS, TWINS, groups_of, make_params, make_results
from page_reader import Reader
from statsmodels.stats.contingency_tables import cochrans_q
from statsmodels.stats.multitest import multipletests
from studies import (
    ROWS,
    THREE,
    Found,
    altered,
    approx,
    as_lines,
    by_hand,
    correct_on,
    drawn,
    drawn_accuracies,
    ends,
    exact_mcnemar,
    find,
    find_right,
    one_seed,
    predicted_by,
    row_of,
)

from pipeline.evaluation import significance
from pipeline.evaluation.results import Results
from pipeline.params import Params
from pipeline.report.page import render
from pipeline.report.sections.differences import omnibus_rows, pair_rows, section
from pipeline.report.study import MEAN


def test_every_pair_stands_once_and_the_reference_is_the_other(found: Found) -> None:
    for protocol in ("test", "test_unique"):
        part = found.tested.pairs[found.tested.pairs["protocol"] == protocol]
        rows = list(part[["kind", "within", "one", "other"]].itertuples(index=False, name=None))
        regions = [("mouth", "vanilla"), ("face", "vanilla"), ("face", "mouth")]
        assert rows == [
            *(("region", network, *pair) for network in ["cnn1", "cnn2", MEAN] for pair in regions),
            *(("network", region, "cnn2", "cnn1") for region in THREE),
        ]
    assert set(found.tested.pairs["protocol"]) == {"test", "test_unique"}
    assert found.study.reference == "vanilla"


def test_a_difference_is_what_a_region_adds_to_the_reference() -> None:
    expected = {"cnn1": 0.2, "cnn2": -0.05, MEAN: 0.075}
    for network, difference in expected.items():
        row = row_of(by_hand().tested.pairs, protocol="test", kind="region", within=network)
        assert (row["one"], row["other"], row["difference"]) == ("face", "vanilla", approx(difference))
    row = row_of(by_hand().tested.pairs, protocol="test", kind="network", within="face")
    assert (row["one"], row["other"], row["difference"]) == ("cnn2", "cnn1", approx(-0.25))


@pytest.mark.parametrize("protocol", ["test", "test_unique"])
def test_differences_are_those_of_the_scores(found: Found, protocol: str) -> None:
    scores = found.scored.scores[found.scored.scores["protocol"] == protocol].set_index(["region", "network"])
    for row in found.tested.pairs[found.tested.pairs["protocol"] == protocol].to_dict("records"):
        of_regions = row["kind"] == "region"
        one, other = (
            (row[name], row["within"]) if of_regions else (row["within"], row[name]) for name in ("one", "other")
        )
        assert row["difference"] == approx(scores["accuracy"][one] - scores["accuracy"][other])
        assert row["macro_f1_difference"] == approx(scores["macro_f1"][one] - scores["macro_f1"][other])


def test_intervals_of_differences_are_paired(found: Found, results: Results) -> None:
    accuracies = drawn_accuracies(results, ROWS["test"])
    pairs = {
        ("region", "cnn2", "face", "vanilla"): accuracies[:, 2, 1] - accuracies[:, 1, 1],
        ("region", MEAN, "mouth", "vanilla"): accuracies[:, 0, 2] - accuracies[:, 1, 2],
        ("network", "mouth", "cnn2", "cnn1"): accuracies[:, 0, 1] - accuracies[:, 0, 0],
    }
    for (kind, within, one, other), draws in pairs.items():
        row = row_of(found.tested.pairs, protocol="test", kind=kind, within=within, one=one, other=other)
        assert [row["low"], row["high"]] == approx(ends(draws))
        # 1.96 for the level and 0.84 for the power
        assert row["detectable"] == pytest.approx((1.959964 + 0.841621) * draws.std(ddof=1), rel=1e-4)


def test_intervals_of_differences_in_macro_f1_are_paired(found: Found, results: Results) -> None:
    rows = ROWS["test"]
    both = [predicted_by(results, rows)[i, 0].astype(np.uint8) for i in (2, 1)]
    one, other = (
        significance.bootstrap(LABELS[rows], answers, drawn(rows), 7).macro_f1.mean(axis=1) for answers in both
    )
    row = row_of(found.tested.pairs, protocol="test", kind="region", within="cnn1", one="face", other="vanilla")
    assert [row["macro_f1_low"], row["macro_f1_high"]] == approx(ends(one - other))


@pytest.mark.parametrize("protocol", ["test", "test_unique"])
def test_with_one_seed_mcnemar_counts(protocol: str) -> None:
    pairs = one_seed().tested.pairs
    right = correct_on(one_seed().study.results, ROWS[protocol])[:, :, 0]
    for k, network in enumerate(["cnn1", "cnn2"]):
        for one, other in (("mouth", "vanilla"), ("face", "vanilla"), ("face", "mouth")):
            row = row_of(pairs, protocol=protocol, kind="region", within=network, one=one, other=other)
            expected = exact_mcnemar(*(right[list(THREE).index(name), k] for name in (one, other)))
            assert row["mcnemar"] == row["p"] == approx(expected)
    for i, region in enumerate(THREE):
        row = row_of(pairs, protocol=protocol, kind="network", within=region)
        assert row["mcnemar"] == row["p"] == approx(exact_mcnemar(right[i, 0], right[i, 1]))
    assert pairs["over_seeds"].isna().all()


def test_with_several_seeds_the_test_over_seeds_counts(found: Found, results: Results) -> None:
    rows = ROWS["test"]
    right = correct_on(results, rows)
    for k, network in enumerate(["cnn1", "cnn2"]):
        one, other = right[2, k], right[1, k]
        row = row_of(found.tested.pairs, protocol="test", kind="region", within=network, one="face", other="vanilla")
        assert row["mcnemar"] == approx(max(exact_mcnemar(one[seed], other[seed]) for seed in (0, 1)))
        assert row["p"] == row["over_seeds"] == approx(significance.over_seeds(one, other, TWINS[rows]))


def test_of_the_mean_over_networks_there_is_no_test(found: Found) -> None:
    means = (found.tested.pairs["kind"] == "region") & (found.tested.pairs["within"] == MEAN)
    tests = ["mcnemar", "over_seeds", "p", "p_holm"]
    assert found.tested.pairs.loc[means, tests].isna().all(axis=None)
    assert found.tested.pairs.loc[~means, tests].notna().all(axis=None)


def test_a_region_may_be_called_mean() -> None:
    params = make_params(regions={MEAN: "whole", "face": FACE}, seeds=[0])
    pairs = find(make_results(params), params).tested.pairs
    assert row_of(pairs, protocol="test", kind="network", within=MEAN)["p"] <= 1


def holm_by_hand(p_values: npt.NDArray[np.float64]) -> list[float]:
    order, many = np.argsort(p_values), len(p_values)
    steps = np.maximum.accumulate(p_values[order] * np.arange(many, 0, -1)).clip(max=1)
    return [float(steps[np.flatnonzero(order == place)[0]]) for place in range(many)]


def test_p_values_are_adjusted_for_all_pairs_of_a_protocol_and_kind() -> None:
    tested = one_seed().tested.pairs.dropna(subset="p")
    families = {"region": 6, "network": 3}
    for protocol, kind in product(["test", "test_unique"], families):
        part = tested[(tested["protocol"] == protocol) & (tested["kind"] == kind)]
        assert len(part) == families[kind]
        assert part["p_holm"].tolist() == approx(holm_by_hand(part["p"].to_numpy()))
    assert (tested["p_holm"] > tested["p"]).any()


def test_with_all_test_images_in_one_twin_group_there_is_no_test_over_seeds(results: Results, params: Params) -> None:
    together = groups_of(*((31, row) for row in range(32, 40)), (8, 30))
    pairs = find(replace(results, twins=together), params).tested.pairs
    unique = pairs[(pairs["protocol"] == "test_unique") & (pairs["within"] != MEAN)]
    assert unique["mcnemar"].notna().all()
    assert unique[["over_seeds", "p", "p_holm"]].isna().all(axis=None)
    assert pairs.loc[pairs["protocol"] == "test", "over_seeds"].notna().any()


# Omnibus


def test_the_omnibus_test_is_cochrans(found: Found, results: Results) -> None:
    right = correct_on(results, ROWS["test"])
    for s, seed in enumerate([0, 1]):
        of = {"protocol": "test", "seed": seed}
        for k, network in enumerate(["cnn1", "cnn2"]):
            row = row_of(found.tested.omnibus, **of, kind="region", within=network)
            assert row["p"] == approx(cochrans_q(right[:, k, s].T).pvalue)
        for i, region in enumerate(THREE):
            row = row_of(found.tested.omnibus, **of, kind="network", within=region)
            assert row["p"] == approx(cochrans_q(right[i, :, s].T).pvalue)
    assert len(found.tested.omnibus) == 2 * 2 * (2 + 3)


def test_omnibus_p_values_are_adjusted_for_all_tests_of_a_protocol_kind_and_seed(found: Found) -> None:
    families = found.tested.omnibus.groupby(["protocol", "kind", "seed"])
    assert {key[1]: len(part) for key, part in families} == {"region": 2, "network": 3}
    for _, part in families:
        assert part["p_holm"].tolist() == approx(multipletests(part["p"], method="holm")[1].tolist())
    assert (found.tested.omnibus["p_holm"] > found.tested.omnibus["p"]).any()


# As they are read


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
def test_pairs_as_they_are_read(kind: str, pair: str) -> None:
    found = by_hand()
    pairs = altered(found.tested.pairs, {"protocol": "test", "kind": kind}, **PAIR)
    rows = as_lines(pair_rows(pairs, "test", kind))
    within, names = ("network", ["cnn1", "cnn2", MEAN]) if kind == "region" else ("region", ["vanilla", "face"])
    numbers = "+5.2; -0.1 to +10.0; <0.001; 0.031; 0.062; 4.5"
    assert rows == [
        f"{within}; pair; difference; 95% interval; McNemar; over seeds; Holm; detectable",
        *(f"{name}; {pair}; {numbers}" for name in names),
    ]
    assert as_lines(pair_rows(pairs, "test_unique", kind)) != rows


def test_pairs_of_one_seed_have_no_test_over_seeds() -> None:
    params = make_params(seeds=[0])
    found = find_right(params, [[[5], [6]], [[6], [7]]], [[[6], [5]], [[4], [6]]])
    one_off = {"p_holm": 0.25, "mcnemar": 0.125, "low": -0.4, "high": 0.0, "detectable": 0.3}
    pairs = altered(found.tested.pairs, {"protocol": "test", "kind": "region", "within": "cnn1"}, **one_off)
    rows = as_lines(pair_rows(pairs, "test", "region"))
    assert rows[0] == "network; pair; difference; 95% interval; McNemar; Holm; detectable"
    assert rows[1] == "cnn1; face - vanilla; -20.0; -40.0 to +0.0; 0.125; 0.250; 30.0"
    assert rows[3].split("; ")[4:6] == ["", ""]  # the mean has no test


def test_omnibus_as_it_is_read() -> None:
    found = by_hand()
    omnibus = altered(found.tested.omnibus, {"protocol": "test", "kind": "region"}, p=0.0312, p_holm=0.0624)
    omnibus = altered(omnibus, {"protocol": "test", "kind": "network"}, p=0.0004, p_holm=1.0)
    rows = as_lines(omnibus_rows(omnibus, "test"))
    assert rows[0] == "within; of all; seed; p; Holm"
    assert sorted(rows[1:]) == [
        *(f"cnn{number}; regions; {seed}; 0.031; 0.062" for number in (1, 2) for seed in (0, 1)),
        *(f"{region}; networks; {seed}; <0.001; 1.000" for region in ("face", "vanilla") for seed in (0, 1)),
    ]


def shown(found: Found, pairs: pd.DataFrame) -> str:
    return render(section(found.study, replace(found.tested, pairs=pairs)))


def test_the_forest_has_a_row_a_network_and_marks_what_is_significant() -> None:
    found = by_hand()
    pairs = found.tested.pairs.copy()
    of = (pairs["protocol"] == "test") & (pairs["one"] == "face")
    pairs.loc[of & (pairs["within"] == "cnn1"), "p_holm"] = 0.049
    pairs.loc[of & (pairs["within"] == "cnn2"), "p_holm"] = 0.051
    pairs.loc[of & (pairs["within"] == MEAN), ["difference", "low", "high"]] = 0.075, 0.001, 0.1234
    page = shown(found, pairs)
    forest = re.findall(r'<table class="forest">.*?</table>', page, re.DOTALL)
    assert len(forest) == 2  # test and test_unique
    rows = Reader(forest[0]).tables[0]
    assert [row[0] for row in rows] == ["network", "face less vanilla", "cnn1", "cnn2", MEAN]
    assert rows[2][2] == "+20.0"
    assert rows[4][2:] == ["+7.5", "+0.1 to +12.3"]
    marks = re.findall(r'class="line-1 (hollow )?mark" d="M-([\d.]+)', forest[0])
    assert marks == [("", "4.5"), ("hollow ", "4.5"), ("", "8")]  # squares, and a diamond
    pairs.loc[of & (pairs["within"] == MEAN), "low"] = 0.0
    page = shown(found, pairs)
    assert re.findall(r'class="line-1 (hollow )?mark" d="M-8', page)[0] == "hollow "


def test_one_network_has_no_mean_of_networks() -> None:
    params = make_params(networks=["cnn1"])
    found = find(make_results(params), params)
    page = shown(found, found.tested.pairs)
    forest = re.findall(r'<table class="forest">.*?</table>', page, re.DOTALL)[0]
    assert [row[0] for row in Reader(forest).tables[0]] == ["network", "face less vanilla", "cnn1"]
