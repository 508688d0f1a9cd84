"""Tests of differences, against numbers worked by hand, other libraries and direct calls."""

from __future__ import annotations

import re
from dataclasses import replace
from itertools import product

import numpy as np
import numpy.typing as npt
import pandas as pd
import pytest
from made_up import FACE, LABELS, make_params, make_results
from page_reader import Reader
from studies import (
    ROWS,
    THREE,
    Found,
    altered,
    approx,
    as_lines,
    by_hand,
    cell_accuracies,
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
    worth,
)

from pipeline.evaluation.resampling import bootstrap
from pipeline.evaluation.results import Results
from pipeline.evaluation.uncertainty import estimate
from pipeline.report.page import render
from pipeline.report.sections.differences import pair_rows, section
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
    assert set(found.tested.pairs["protocol"]) == {"test", "test_unique", "test_cut", "validation_unique"}
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


def test_differences_know_images_and_trainings(found: Found, results: Results) -> None:
    accuracies, drawn_ones = cell_accuracies(results, ROWS["test"])
    pairs: dict[tuple[str, ...], tuple[list[tuple[int, int]], list[float]]] = {
        ("region", "cnn2", "face", "vanilla"): ([(2, 1), (1, 1)], [1, -1]),
        ("region", MEAN, "mouth", "vanilla"): ([(0, 0), (0, 1), (1, 0), (1, 1)], [0.5, 0.5, -0.5, -0.5]),
        ("network", "mouth", "cnn2", "cnn1"): ([(0, 1), (0, 0)], [1, -1]),
    }
    for (kind, within, one, other), (cells, weights) in pairs.items():
        row = row_of(found.tested.pairs, protocol="test", kind=kind, within=within, one=one, other=other)
        i, k = np.array(cells).T
        expected = estimate(accuracies[i, k], drawn_ones[:, i, k], weights, groups=worth(ROWS["test"]))
        assert [row["low"], row["high"], row["p"]] == approx([expected.low, expected.high, expected.p])
        assert [row["images"], row["trainings"]] == approx([expected.images, expected.trainings])
        assert row["detectable"] == approx(expected.detectable)


def test_differences_of_macro_f1_know_them_too(found: Found, results: Results) -> None:
    rows = ROWS["test"]
    cells = predicted_by(results, rows)[[2, 1], 0].reshape(4, -1).astype(np.uint8)
    once = np.ones((1, len(rows)), np.float32)
    actual, draws = (bootstrap(LABELS[rows], cells, weights, 7).macro_f1 for weights in (once, drawn(rows)))
    expected = estimate(actual.reshape(2, 2), draws.reshape(-1, 2, 2), (1, -1), groups=worth(rows))
    row = row_of(found.tested.pairs, protocol="test", kind="region", within="cnn1", one="face", other="vanilla")
    assert [row["macro_f1_low"], row["macro_f1_high"]] == approx([expected.low, expected.high])


@pytest.mark.parametrize("protocol", ["test", "test_unique"])
def test_with_one_seed_nothing_is_tested_but_the_networks_as_trained(protocol: str) -> None:
    pairs = one_seed().tested.pairs
    right = correct_on(one_seed().study.results, ROWS[protocol])[:, :, 0]
    for k, network in enumerate(["cnn1", "cnn2"]):
        for one, other in (("mouth", "vanilla"), ("face", "vanilla"), ("face", "mouth")):
            row = row_of(pairs, protocol=protocol, kind="region", within=network, one=one, other=other)
            expected = exact_mcnemar(*(right[list(THREE).index(name), k] for name in (one, other)))
            assert row["as_trained"] == approx(expected)
    assert pairs[["p", "p_holm", "trainings", "detectable"]].isna().all(axis=None)


def test_with_one_seed_intervals_are_of_images_alone() -> None:
    accuracies = drawn_accuracies(one_seed().study.results, ROWS["test"])
    row = row_of(one_seed().tested.pairs, protocol="test", kind="region", within="cnn2", one="face", other="vanilla")
    assert [row["low"], row["high"]] == approx(ends(accuracies[:, 2, 1] - accuracies[:, 1, 1], ROWS["test"]))


def test_as_trained_is_mcnemars_test_of_the_surest_pair_of_seeds(found: Found, results: Results) -> None:
    right = correct_on(results, ROWS["test"])
    for k, network in enumerate(["cnn1", "cnn2"]):
        one, other = right[2, k], right[1, k]
        row = row_of(found.tested.pairs, protocol="test", kind="region", within=network, one="face", other="vanilla")
        assert row["as_trained"] == approx(max(exact_mcnemar(one[seed], other[seed]) for seed in (0, 1)))


def test_the_mean_over_networks_is_tested_too(found: Found) -> None:
    means = (found.tested.pairs["kind"] == "region") & (found.tested.pairs["within"] == MEAN)
    assert found.tested.pairs.loc[means, ["p", "p_holm"]].notna().all(axis=None)
    assert found.tested.pairs.loc[means, "as_trained"].isna().all()


def test_a_region_may_be_called_mean() -> None:
    params = make_params(regions={MEAN: "whole", "face": FACE})
    pairs = find(make_results(params), params).tested.pairs
    assert row_of(pairs, protocol="test", kind="network", within=MEAN)["as_trained"] <= 1


def holm_by_hand(p_values: npt.NDArray[np.float64]) -> list[float]:
    order, many = np.argsort(p_values), len(p_values)
    steps = np.maximum.accumulate(p_values[order] * np.arange(many, 0, -1)).clip(max=1)
    return [float(steps[np.flatnonzero(order == place)[0]]) for place in range(many)]


def test_p_values_are_adjusted_for_all_pairs_of_a_protocol_and_kind_those_of_the_mean_apart(found: Found) -> None:
    tested = found.tested.pairs
    mean = (tested["kind"] == "region") & (tested["within"] == MEAN)
    families = {"region": (6, ~mean), "network": (3, ~mean), "mean": (3, mean)}
    for protocol, (kind, (many, of)) in product(["test", "test_unique"], families.items()):
        part = tested[(tested["protocol"] == protocol) & of]
        part = part if kind == "mean" else part[part["kind"] == kind]
        assert len(part) == many
        assert part["p_holm"].tolist() == approx(holm_by_hand(part["p"].to_numpy()))
    assert (tested["p_holm"] > tested["p"]).any()


# As they are read


PAIR = {
    "difference": 0.0523,
    "low": -0.0011,
    "high": 0.1,
    "p": 0.0312,
    "p_holm": 0.0624,
    "detectable": 0.0449,
    "as_trained": 0.0004,
}


@pytest.mark.parametrize(("kind", "pair"), [("region", "face - vanilla"), ("network", "cnn2 - cnn1")])
def test_pairs_as_they_are_read(kind: str, pair: str) -> None:
    found = by_hand()
    pairs = altered(found.tested.pairs, {"protocol": "test", "kind": kind}, **PAIR)
    rows = as_lines(pair_rows(pairs, "test", kind))
    within, names = ("network", ["cnn1", "cnn2", MEAN]) if kind == "region" else ("region", ["vanilla", "face"])
    numbers = "+5.2; -0.1 to +10.0; 0.031; 0.062; 4.5; <0.001"
    assert rows == [
        f"{within}; pair; difference; 95% interval; p; Holm; detectable; as trained",
        *(f"{name}; {pair}; {numbers}" for name in names),
    ]
    assert as_lines(pair_rows(pairs, "test_unique", kind)) != rows


def test_pairs_of_one_seed_have_no_test() -> None:
    params = make_params(seeds=[0])
    found = find_right(params, [[[5], [6]], [[6], [7]]], [[[6], [5]], [[4], [6]]])
    one_off = {"as_trained": 0.125, "low": -0.4, "high": 0.0}
    pairs = altered(found.tested.pairs, {"protocol": "test", "kind": "region", "within": "cnn1"}, **one_off)
    rows = as_lines(pair_rows(pairs, "test", "region"))
    assert rows[0] == "network; pair; difference; images only; as trained"
    assert rows[1] == "cnn1; face - vanilla; -20.0; -40.0 to +0.0; 0.125"
    assert rows[3].split("; ")[4] == ""  # of the mean no two networks were trained


def shown(found: Found, pairs: pd.DataFrame) -> str:
    return render(section(found.study, replace(found.tested, pairs=pairs)))


def test_the_forest_has_a_row_a_network_and_marks_what_is_significant() -> None:
    found = by_hand()
    pairs = found.tested.pairs.copy()
    of = (pairs["protocol"] == "test") & (pairs["one"] == "face")
    pairs.loc[of & (pairs["within"] == "cnn1"), "p_holm"] = 0.049
    pairs.loc[of & (pairs["within"] == "cnn2"), "p_holm"] = 0.051
    pairs.loc[of & (pairs["within"] == MEAN), ["difference", "low", "high", "p_holm"]] = 0.075, 0.001, 0.1234, 0.049
    page = shown(found, pairs)
    forest = re.findall(r'<table class="forest">.*?</table>', page, re.DOTALL)
    assert len(forest) == 3  # test, test_unique and test_cut
    rows = Reader(forest[0]).tables[0]
    assert [row[0] for row in rows] == ["network", "face less vanilla", "cnn1", "cnn2", MEAN]
    assert rows[2][2] == "+20.0"
    assert rows[4][2:] == ["+7.5", "+0.1 to +12.3"]
    marks = re.findall(r'class="line-1 (hollow )?mark" d="M-([\d.]+)', forest[0])
    assert marks == [("", "4.5"), ("hollow ", "4.5"), ("", "8")]  # squares, and a diamond
    pairs.loc[of & (pairs["within"] == MEAN), "p_holm"] = 0.05
    page = shown(found, pairs)
    assert re.findall(r'class="line-1 (hollow )?mark" d="M-8', page)[0] == "hollow "


def test_with_one_seed_no_mark_is_full_and_the_page_says_why() -> None:
    page = shown(one_seed(), one_seed().tested.pairs)
    marks = re.findall(r'class="line-\d (hollow )?mark"', page)
    assert len(marks) == 3 * 2 * 3  # protocols, regions, and two networks with their mean
    assert set(marks) == {"hollow "}
    assert "no\ndifference can be called significant" in page or "no difference can be called significant" in page
    assert "significantly" not in page


def test_one_network_has_no_mean_of_networks() -> None:
    params = make_params(networks=["cnn1"])
    found = find(make_results(params), params)
    page = shown(found, found.tested.pairs)
    forest = re.findall(r'<table class="forest">.*?</table>', page, re.DOTALL)[0]
    assert [row[0] for row in Reader(forest).tables[0]] == ["network", "face less vanilla", "cnn1"]
