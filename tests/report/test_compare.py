"""The comparison against numbers worked by hand, and against other libraries and direct calls."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import product
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pytest
from made_up import (
    FACE,
    LABELS,
    MOUTH,
    SPLIT,
    TWINS,
    chances_right,
    groups_of,
    made_up_chances,
    make_crop,
    make_params,
    make_results,
    quickly,
    sure_chances,
)
from scipy.stats import binomtest
from sklearn.metrics import accuracy_score, confusion_matrix, f1_score
from sklearn.metrics import log_loss as sklearn_log_loss
from statsmodels.stats.contingency_tables import cochrans_q
from statsmodels.stats.multitest import multipletests

from pipeline.common.files import InputError
from pipeline.evaluation import calibration, fusion, significance
from pipeline.evaluation.results import Cell, Results
from pipeline.params import Params
from pipeline.report import compare, tables
from pipeline.report.compare import ALL, MEAN, ORDER, Comparison, fell_back_share, reference_region

# Worked out by hand, from SPLIT and TWINS.
ROWS = {
    "test": list(range(30, 40)),
    "validation": list(range(20, 30)),
    "test_unique": [31, 32, 34, 35, 36, 37, 38, 39],
    "as_reported": [*range(20), *range(30, 40)],
}
KNOWN = [30, 33]

# Right answers of the ten test images: by region and network, one entry a seed.
CORRECT = np.array([[(5, 7), (6, 6)], [(8, 8), (5, 6)]])

THREE = {"mouth": MOUTH, "vanilla": "whole", "face": FACE}


@pytest.fixture(scope="module", autouse=True)
def quick() -> Iterator[None]:
    with quickly():
        yield


@pytest.fixture(scope="module")
def params() -> Params:
    """Three regions of which the reference is the second, two networks, two seeds."""
    return make_params(regions=THREE)


@pytest.fixture(scope="module")
def results(params: Params) -> Results:
    return make_results(params)


@pytest.fixture(scope="module")
def found(quick: None, results: Results, params: Params) -> Comparison:
    return compare.compare(results, params)


@pytest.fixture(scope="module")
def one_seed() -> Params:
    return make_params(regions=THREE, seeds=[4])


@pytest.fixture(scope="module")
def of_one_seed(quick: None, one_seed: Params) -> Comparison:
    return compare.compare(make_results(one_seed), one_seed)


@pytest.fixture(scope="module")
def by_hand(quick: None) -> Comparison:
    """Vanilla and face, two networks, two seeds; validation is as right as test."""
    return compare.compare(make_results(make_params(), chances_right(CORRECT, CORRECT)), make_params())


def predicted_by(results: Results, rows: list[int]) -> npt.NDArray[np.int64]:
    """(regions, networks, seeds, n)."""
    return np.asarray(results.chances[..., rows, :].argmax(axis=-1))


def correct_on(results: Results, rows: list[int]) -> npt.NDArray[np.bool_]:
    return np.asarray(predicted_by(results, rows) == results.labels[rows])


def drawn(rows: list[int]) -> npt.NDArray[np.float32]:
    return significance.resample(TWINS[rows], 200, seed=0)


def with_mean(scores: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """(..., networks) to (..., networks + 1)."""
    return np.concatenate([scores, scores.mean(axis=-1, keepdims=True)], axis=-1)


def drawn_accuracies(results: Results, rows: list[int]) -> npt.NDArray[np.float64]:
    """(draws, regions, networks + 1), each network the mean of its seeds, from a plain weighted mean."""
    weights = drawn(rows).astype(np.float64)
    shares = weights / weights.sum(axis=1, keepdims=True)
    return with_mean(np.einsum("bn,rksn->brks", shares, correct_on(results, rows).astype(np.float64)).mean(axis=-1))


def ends(samples: npt.NDArray[np.float64]) -> list[float]:
    """The 95% percentile interval."""
    return [float(np.quantile(samples, 0.025)), float(np.quantile(samples, 0.975))]


def approx(value: Any) -> Any:
    return pytest.approx(value, abs=1e-6, nan_ok=True)


def row_of(table: pd.DataFrame, **wanted: Any) -> dict[str, Any]:
    """The one row that has these values."""
    for column, value in wanted.items():
        table = table[table[column] == value]
    assert len(table) == 1
    return {str(column): value for column, value in table.iloc[0].items()}


# The reference region


def test_the_reference_is_the_first_whole_region() -> None:
    assert reference_region(make_params(regions={"mouth": MOUTH, "all": "whole", "b": "whole"})) == "all"


def test_without_a_whole_region_the_reference_is_the_first() -> None:
    assert reference_region(make_params(regions={"mouth": MOUTH, "face": FACE})) == "mouth"


# Scores


def test_there_is_a_score_for_every_protocol_region_and_network_and_their_mean(found: Comparison) -> None:
    rows = found.scores[["protocol", "region", "network"]].itertuples(index=False, name=None)
    assert list(rows) == list(product(ORDER, THREE, ["cnn1", "cnn2", MEAN]))
    assert ORDER[0] == "test"
    assert set(found.scores["seeds"]) == {2}
    sizes = found.scores.groupby("protocol")["n"].unique()
    assert {protocol: n.tolist() for protocol, n in sizes.items()} == {name: [len(ROWS[name])] for name in ORDER}


def test_means_and_spread_over_seeds_by_hand(by_hand: Comparison) -> None:
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
            row = row_of(by_hand.scores, protocol=protocol, region=region, network=network)
            assert (row["accuracy"], row["accuracy_sd"]) == approx((accuracy, spread))
    # The first half of Training is right.
    assert row_of(by_hand.scores, protocol="as_reported", region="face", network="cnn1")["accuracy"] == approx(18 / 30)


def test_with_one_seed_there_is_no_spread(of_one_seed: Comparison) -> None:
    assert of_one_seed.scores["accuracy_sd"].isna().all()


@pytest.mark.parametrize("protocol", ORDER)
def test_scores_are_those_of_scikit_learn(found: Comparison, results: Results, protocol: str) -> None:
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
            row = row_of(found.scores, protocol=protocol, region=region, network=network)
            assert (row["accuracy"], row["macro_f1"]) == approx(tuple(of_networks[-1]))
        row = row_of(found.scores, protocol=protocol, region=region, network=MEAN)
        assert (row["accuracy"], row["macro_f1"]) == approx(tuple(np.mean(of_networks, axis=0)))


@pytest.mark.parametrize("protocol", ["test", "validation", "test_unique"])
def test_intervals_are_those_of_a_direct_bootstrap(found: Comparison, results: Results, protocol: str) -> None:
    rows = ROWS[protocol]
    accuracies = drawn_accuracies(results, rows)
    flat = predicted_by(results, rows).reshape(-1, len(rows)).astype(np.uint8)
    f1s = significance.bootstrap(LABELS[rows], flat, drawn(rows)).macro_f1
    f1s = with_mean(f1s.reshape(200, 3, 2, 2).mean(axis=-1))
    for i, region in enumerate(THREE):
        for k, network in enumerate(["cnn1", "cnn2", MEAN]):
            row = row_of(found.scores, protocol=protocol, region=region, network=network)
            assert [row["accuracy_low"], row["accuracy_high"]] == approx(ends(accuracies[:, i, k]))
            assert [row["macro_f1_low"], row["macro_f1_high"]] == approx(ends(f1s[:, i, k]))


def test_images_that_were_trained_on_have_no_interval(found: Comparison) -> None:
    reported = found.scores[found.scores["protocol"] == "as_reported"]
    assert reported[["accuracy_low", "accuracy_high", "macro_f1_low", "macro_f1_high"]].isna().all(axis=None)
    others = found.scores[found.scores["protocol"] != "as_reported"]
    assert others.notna().all(axis=None)


def test_the_share_that_fell_back_is_of_the_images_scored(found: Comparison) -> None:
    shares = found.scores.groupby(["protocol", "region"])["fell_back"].first()
    assert shares["test", "face"] == approx(2 / 10)
    assert shares["validation", "face"] == 0
    assert shares["as_reported", "face"] == approx((4 + 2) / 30)
    assert shares["test", "vanilla"] == 0


def test_of_no_images_no_share_fell_back() -> None:
    none = make_crop(0).model_copy(update={"images": {"Training": 0, "PublicTest": 0, "PrivateTest": 0}})
    assert fell_back_share(none, ("PrivateTest",)) == 0


def test_the_baseline_is_the_commonest_class_of_training(found: Comparison) -> None:
    rows = found.baseline.set_index("protocol")
    assert list(rows.index) == list(ORDER)
    assert set(rows["label"]) == {"happy"}
    assert rows["n"].to_dict() == {protocol: len(ROWS[protocol]) for protocol in ORDER}
    assert rows["accuracy"].to_dict() == approx(
        {"test": 0.4, "validation": 0.4, "test_unique": 3 / 8, "as_reported": 0.4}
    )
    assert rows["macro_f1"]["test"] == approx(2 * 4 / (10 + 4) / 7)


def test_the_baseline_does_not_look_at_the_labels_of_test(results: Results, params: Params) -> None:
    labels = np.where(SPLIT == "PrivateTest", 5, LABELS).astype(np.uint8)
    row = row_of(compare.compare(replace(results, labels=labels), params).baseline, protocol="test")
    assert (row["label"], row["accuracy"]) == ("happy", 0)


# Pairs


def test_every_pair_stands_once_and_the_reference_is_the_other(found: Comparison) -> None:
    for protocol in ("test", "test_unique"):
        part = found.pairs[found.pairs["protocol"] == protocol]
        rows = list(part[["kind", "within", "one", "other"]].itertuples(index=False, name=None))
        regions = [("mouth", "vanilla"), ("face", "vanilla"), ("face", "mouth")]
        assert rows == [
            *(("region", network, *pair) for network in ["cnn1", "cnn2", MEAN] for pair in regions),
            *(("network", region, "cnn2", "cnn1") for region in THREE),
        ]
    assert set(found.pairs["protocol"]) == {"test", "test_unique"}
    assert found.reference == "vanilla"


def test_a_difference_is_what_a_region_adds_to_the_reference(by_hand: Comparison) -> None:
    expected = {"cnn1": 0.2, "cnn2": -0.05, MEAN: 0.075}
    for network, difference in expected.items():
        row = row_of(by_hand.pairs, protocol="test", kind="region", within=network)
        assert (row["one"], row["other"], row["difference"]) == ("face", "vanilla", approx(difference))
    row = row_of(by_hand.pairs, protocol="test", kind="network", within="face")
    assert (row["one"], row["other"], row["difference"]) == ("cnn2", "cnn1", approx(-0.25))


@pytest.mark.parametrize("protocol", ["test", "test_unique"])
def test_differences_are_those_of_the_scores(found: Comparison, protocol: str) -> None:
    scores = found.scores[found.scores["protocol"] == protocol].set_index(["region", "network"])
    for row in found.pairs[found.pairs["protocol"] == protocol].to_dict("records"):
        of_regions = row["kind"] == "region"
        one, other = (
            (row[name], row["within"]) if of_regions else (row["within"], row[name]) for name in ("one", "other")
        )
        assert row["difference"] == approx(scores["accuracy"][one] - scores["accuracy"][other])
        assert row["macro_f1_difference"] == approx(scores["macro_f1"][one] - scores["macro_f1"][other])


def test_intervals_of_differences_are_paired(found: Comparison, results: Results) -> None:
    accuracies = drawn_accuracies(results, ROWS["test"])
    pairs = {
        ("region", "cnn2", "face", "vanilla"): accuracies[:, 2, 1] - accuracies[:, 1, 1],
        ("region", MEAN, "mouth", "vanilla"): accuracies[:, 0, 2] - accuracies[:, 1, 2],
        ("network", "mouth", "cnn2", "cnn1"): accuracies[:, 0, 1] - accuracies[:, 0, 0],
    }
    for (kind, within, one, other), draws in pairs.items():
        row = row_of(found.pairs, protocol="test", kind=kind, within=within, one=one, other=other)
        assert [row["low"], row["high"]] == approx(ends(draws))
        # 1.96 for the level and 0.84 for the power
        assert row["detectable"] == pytest.approx((1.959964 + 0.841621) * draws.std(ddof=1), rel=1e-4)


def test_intervals_of_differences_in_macro_f1_are_paired(found: Comparison, results: Results) -> None:
    rows = ROWS["test"]
    both = [predicted_by(results, rows)[i, 0].astype(np.uint8) for i in (2, 1)]
    one, other = (significance.bootstrap(LABELS[rows], answers, drawn(rows)).macro_f1.mean(axis=1) for answers in both)
    row = row_of(found.pairs, protocol="test", kind="region", within="cnn1", one="face", other="vanilla")
    assert [row["macro_f1_low"], row["macro_f1_high"]] == approx(ends(one - other))


def exact_mcnemar(one: npt.NDArray[np.bool_], other: npt.NDArray[np.bool_]) -> float:
    only_one, only_other = int((one & ~other).sum()), int((~one & other).sum())
    return float(binomtest(only_one, only_one + only_other).pvalue) if only_one + only_other else 1.0


@pytest.mark.parametrize("protocol", ["test", "test_unique"])
def test_with_one_seed_mcnemar_counts(of_one_seed: Comparison, one_seed: Params, protocol: str) -> None:
    right = correct_on(make_results(one_seed), ROWS[protocol])[:, :, 0]
    for k, network in enumerate(["cnn1", "cnn2"]):
        for one, other in (("mouth", "vanilla"), ("face", "vanilla"), ("face", "mouth")):
            row = row_of(of_one_seed.pairs, protocol=protocol, kind="region", within=network, one=one, other=other)
            expected = exact_mcnemar(*(right[list(THREE).index(name), k] for name in (one, other)))
            assert row["mcnemar"] == row["p"] == approx(expected)
    for i, region in enumerate(THREE):
        row = row_of(of_one_seed.pairs, protocol=protocol, kind="network", within=region)
        assert row["mcnemar"] == row["p"] == approx(exact_mcnemar(right[i, 0], right[i, 1]))
    assert of_one_seed.pairs["over_seeds"].isna().all()


def test_with_several_seeds_the_test_over_seeds_counts(found: Comparison, results: Results) -> None:
    rows = ROWS["test"]
    right = correct_on(results, rows)
    for k, network in enumerate(["cnn1", "cnn2"]):
        one, other = right[2, k], right[1, k]
        row = row_of(found.pairs, protocol="test", kind="region", within=network, one="face", other="vanilla")
        assert row["mcnemar"] == approx(max(exact_mcnemar(one[seed], other[seed]) for seed in (0, 1)))
        assert row["p"] == row["over_seeds"] == approx(significance.over_seeds(one, other, TWINS[rows]))


def test_of_the_mean_over_networks_there_is_no_test(found: Comparison) -> None:
    means = (found.pairs["kind"] == "region") & (found.pairs["within"] == MEAN)
    tests = ["mcnemar", "over_seeds", "p", "p_holm"]
    assert found.pairs.loc[means, tests].isna().all(axis=None)
    assert found.pairs.loc[~means, tests].notna().all(axis=None)


def test_a_region_may_be_called_mean() -> None:
    params = make_params(regions={MEAN: "whole", "face": FACE}, seeds=[0])
    pairs = compare.compare(make_results(params), params).pairs
    assert row_of(pairs, protocol="test", kind="network", within=MEAN)["p"] <= 1


def holm_by_hand(p_values: npt.NDArray[np.float64]) -> list[float]:
    order, many = np.argsort(p_values), len(p_values)
    steps = np.maximum.accumulate(p_values[order] * np.arange(many, 0, -1)).clip(max=1)
    return [float(steps[np.flatnonzero(order == place)[0]]) for place in range(many)]


def test_p_values_are_adjusted_for_all_pairs_of_a_protocol_and_kind(of_one_seed: Comparison) -> None:
    tested = of_one_seed.pairs.dropna(subset="p")
    families = {"region": 6, "network": 3}
    for protocol, kind in product(["test", "test_unique"], families):
        part = tested[(tested["protocol"] == protocol) & (tested["kind"] == kind)]
        assert len(part) == families[kind]
        assert part["p_holm"].tolist() == approx(holm_by_hand(part["p"].to_numpy()))
    assert (tested["p_holm"] > tested["p"]).any()


def test_with_all_test_images_in_one_twin_group_there_is_no_test_over_seeds(results: Results, params: Params) -> None:
    together = groups_of(*((31, row) for row in range(32, 40)), (8, 30))
    pairs = compare.compare(replace(results, twins=together), params).pairs
    unique = pairs[(pairs["protocol"] == "test_unique") & (pairs["within"] != MEAN)]
    assert unique["mcnemar"].notna().all()
    assert unique[["over_seeds", "p", "p_holm"]].isna().all(axis=None)
    assert pairs.loc[pairs["protocol"] == "test", "over_seeds"].notna().any()


# Omnibus


def test_the_omnibus_test_is_cochrans(found: Comparison, results: Results) -> None:
    right = correct_on(results, ROWS["test"])
    for s, seed in enumerate([0, 1]):
        of = {"protocol": "test", "seed": seed}
        for k, network in enumerate(["cnn1", "cnn2"]):
            row = row_of(found.omnibus, **of, kind="region", within=network)
            assert row["p"] == approx(cochrans_q(right[:, k, s].T).pvalue)
        for i, region in enumerate(THREE):
            row = row_of(found.omnibus, **of, kind="network", within=region)
            assert row["p"] == approx(cochrans_q(right[i, :, s].T).pvalue)
    assert len(found.omnibus) == 2 * 2 * (2 + 3)


def test_omnibus_p_values_are_adjusted_for_all_tests_of_a_protocol_kind_and_seed(found: Comparison) -> None:
    families = found.omnibus.groupby(["protocol", "kind", "seed"])
    assert {key[1]: len(part) for key, part in families} == {"region": 2, "network": 3}
    for _, part in families:
        assert part["p_holm"].tolist() == approx(multipletests(part["p"], method="holm")[1].tolist())
    assert (found.omnibus["p_holm"] > found.omnibus["p"]).any()


# Leak


def test_known_rows_are_those_with_a_twin_elsewhere(found: Comparison, results: Results) -> None:
    """Rows 35 and 36, twins of each other alone, are unknown."""
    for name, rows in (("known", KNOWN), ("unknown", ROWS["test_unique"])):
        expected = with_mean(correct_on(results, rows).mean(axis=-1).mean(axis=-1))
        assert found.leak[name].to_numpy().reshape(3, 3) == approx(expected)


def test_the_accuracy_on_test_is_made_of_both_parts(found: Comparison) -> None:
    scores = found.scores.set_index(["protocol", "region", "network"])["accuracy"]
    for row in found.leak.to_dict("records"):
        of = row["region"], row["network"]
        assert scores["test", *of] == approx((2 * row["known"] + 8 * row["unknown"]) / 10)
        assert scores["test_unique", *of] == approx(row["unknown"])
        assert row["shift"] == approx(scores["test", *of] - scores["test_unique", *of])


def test_the_interval_of_a_shift_is_paired(found: Comparison, results: Results) -> None:
    weights = drawn(ROWS["test"])
    right = correct_on(results, ROWS["test"])[2, 1].mean(axis=0)
    unknown = np.isin(ROWS["test"], ROWS["test_unique"])
    shifts = [np.average(right, weights=w) - np.average(right[unknown], weights=w[unknown]) for w in weights]
    row = row_of(found.leak, region="face", network="cnn2")
    assert [row["low"], row["high"]] == approx(ends(np.array(shifts)))


def test_without_known_rows_nothing_shifts(results: Results, params: Params) -> None:
    leak = compare.compare(replace(results, twins=groups_of()), params).leak
    assert leak["known"].isna().all()
    assert leak["unknown"].notna().all()
    assert (leak[["shift", "low", "high"]] == 0).all(axis=None)


def test_one_unknown_row_is_enough(results: Results, params: Params) -> None:
    twins = groups_of(*((row - 30, row) for row in range(30, 39)))
    found = compare.compare(replace(results, twins=twins), params)
    assert row_of(found.baseline, protocol="test_unique")["n"] == 1
    assert found.leak.notna().all(axis=None)
    right = correct_on(results, [39])[2, 0].mean()
    assert row_of(found.leak, region="face", network="cnn1")["unknown"] == approx(right)


def test_no_unknown_row_is_a_mistake_of_the_setting(results: Results, params: Params) -> None:
    twins = groups_of(*((row - 30, row) for row in range(30, 40)))
    with pytest.raises(InputError) as caught:
        compare.compare(replace(results, twins=twins), params)
    assert str(caught.value) == (
        "params.yaml: twins.min_correlation: leaves no image for test_unique; raise it and run `dvc repro`"
    )


# Calibration


def test_calibration_by_hand() -> None:
    """As sure as 0.7, right on 8 of 10 validation images: true would be 0.8. On 6 of 10 test images."""
    params = make_params(regions={"vanilla": "whole"}, networks=["cnn1"], seeds=[3])
    found = compare.compare(make_results(params, chances_right([[[8]]], [[[6]]])), params)
    row = found.calibration.iloc[0].to_dict()
    # 0.7 and 0.05 for each of the others have odds of 14; 0.8 and 0.2 / 6 have 24.
    assert (row["region"], row["network"], row["seed"]) == ("vanilla", "cnn1", 3)
    assert row["temperature"] == pytest.approx(np.log(14) / np.log(24), rel=1e-3)
    assert row["ece"] == pytest.approx(0.7 - 0.6, abs=1e-3)
    assert row["ece_fitted"] == pytest.approx(0.8 - 0.6, abs=1e-3)
    assert row["log_loss"] == pytest.approx(-(6 * np.log(0.7) + 4 * np.log(0.05)) / 10, abs=1e-3)
    assert row["log_loss_fitted"] == pytest.approx(-(6 * np.log(0.8) + 4 * np.log(0.2 / 6)) / 10, abs=1e-3)
    (only,) = found.reliability["vanilla", "cnn1"]
    assert (only.count, only.confidence, only.accuracy) == approx((10, 0.7, 0.6))


def test_calibration_of_every_cell(found: Comparison, results: Results) -> None:
    cells = list(product(enumerate(THREE), enumerate(["cnn1", "cnn2"]), enumerate([0, 1])))
    assert len(found.calibration) == len(cells)
    for (i, region), (k, network), (s, seed) in cells:
        chances = results.chances[i, k, s]
        temperature = calibration.fit_temperature(LABELS[20:30], chances[20:30])
        fitted = calibration.apply_temperature(chances[30:], temperature)
        row = row_of(found.calibration, region=region, network=network, seed=seed)
        assert row["temperature"] == approx(temperature)
        exact = chances[30:] / chances[30:].sum(axis=1, keepdims=True, dtype=np.float64)
        assert row["log_loss"] == approx(sklearn_log_loss(LABELS[30:], exact, labels=range(7)))
        assert row["log_loss_fitted"] == approx(sklearn_log_loss(LABELS[30:], fitted, labels=range(7)))
        assert row["ece"] == approx(calibration.expected_calibration_error(LABELS[30:], chances[30:]))
        assert row["ece_fitted"] == approx(calibration.expected_calibration_error(LABELS[30:], fitted))


def test_reliability_takes_all_seeds_together(found: Comparison, results: Results) -> None:
    for i, region in enumerate(THREE):
        for k, network in enumerate(["cnn1", "cnn2"]):
            both = np.concatenate([results.chances[i, k, 0, 30:], results.chances[i, k, 1, 30:]])
            expected = calibration.reliability(np.concatenate([LABELS[30:], LABELS[30:]]), both)
            assert found.reliability[region, network] == expected
    assert len(found.reliability) == 6


# Confusion


def test_confusion_is_counted_on_test_with_a_row_a_true_class(found: Comparison, results: Results) -> None:
    cells = list(product(enumerate(THREE), enumerate(["cnn1", "cnn2"]), enumerate([0, 1])))
    for (i, region), (k, network), (s, seed) in cells:
        expected = confusion_matrix(LABELS[30:], results.chances[i, k, s, 30:].argmax(axis=1), labels=range(7))
        assert found.confusion[Cell(region, network, seed)] == expected.tolist()
    assert len(found.confusion) == len(cells)


# Fusion

METHODS = ["best single", "equal weights", "fitted weights", "forward selection"]


def pool_of(results: Results, network: str) -> tuple[list[str], npt.NDArray[np.float32]]:
    """The candidates' names and chances (candidates, seeds, N, 7)."""
    if network == ALL:
        names = [f"{region} {name}" for region in THREE for name in ("cnn1", "cnn2")]
        return names, np.stack([results.chances[i, k] for i in range(3) for k in range(2)])
    return list(THREE), np.stack([results.chances[i, ["cnn1", "cnn2"].index(network)] for i in range(3)])


def test_every_network_and_all_together_are_joined_in_four_ways(found: Comparison) -> None:
    rows = found.fusion[["network", "protocol", "method"]].itertuples(index=False, name=None)
    protocols = ["test", "test_unique", "validation"]
    assert list(rows) == list(product(["cnn1", "cnn2", ALL], protocols, METHODS))


@pytest.mark.parametrize("network", ["cnn1", "cnn2", ALL])
@pytest.mark.parametrize("protocol", ["test", "test_unique", "validation"])
def test_joined_models_are_scored_beside_the_best_single_one(
    found: Comparison, results: Results, network: str, protocol: str
) -> None:
    _, chances = pool_of(results, network)
    rows, seen = ROWS[protocol], chances[:, :, 20:30]
    kept = [step.candidate for step in fusion.select_forward(seen, LABELS[20:30]) if step.kept]
    best = fusion.best_single(seen, LABELS[20:30])
    weights = {
        "best single": np.eye(len(chances))[best],
        "equal weights": np.ones(len(chances)) / len(chances),
        "fitted weights": fusion.fit_weights(seen, LABELS[20:30]),
        "forward selection": np.array([one in kept for one in range(len(chances))]) / len(kept),
    }
    draws = drawn(rows).astype(np.float64)
    draws /= draws.sum(axis=1, keepdims=True)
    singles = (chances[best][:, rows].argmax(axis=-1) == LABELS[rows]).mean(axis=0)
    for method, shares in weights.items():
        answers = np.einsum("k,ksnc->snc", shares, chances[:, :, rows].astype(float)).argmax(axis=-1)
        right = (answers == LABELS[rows]).mean(axis=0)  # of the seeds
        row = row_of(found.fusion, network=network, method=method, protocol=protocol)
        assert (row["n"], row["accuracy"]) == (len(rows), approx(right.mean()))
        f1s = [f1_score(LABELS[rows], one, labels=range(7), average="macro", zero_division=0) for one in answers]
        assert row["macro_f1"] == approx(np.mean(f1s))
        assert [row["low"], row["high"]] == approx(ends(draws @ right))
        if method == "best single" or protocol == "validation":
            assert np.isnan([row[name] for name in ("gain", "gain_low", "gain_high", "p", "p_holm")]).all()
        else:
            assert row["gain"] == approx(right.mean() - singles.mean())
            assert [row["gain_low"], row["gain_high"]] == approx(ends(draws @ (right - singles)))


@pytest.mark.parametrize("protocol", ["test", "test_unique"])
def test_gains_are_tested_as_pairs_are(
    found: Comparison, of_one_seed: Comparison, results: Results, one_seed: Params, protocol: str
) -> None:
    rows = ROWS[protocol]

    def right_by_method(made: Results) -> tuple[npt.NDArray[np.bool_], npt.NDArray[np.bool_]]:
        _, chances = pool_of(made, "cnn2")
        best = fusion.best_single(chances[:, :, 20:30], LABELS[20:30])
        both = chances.mean(axis=0), chances[best]
        equal, single = (one[:, rows].argmax(axis=-1) == LABELS[rows] for one in both)
        return equal, single

    wanted = {"network": "cnn2", "method": "equal weights", "protocol": protocol}
    equal, single = right_by_method(results)
    assert row_of(found.fusion, **wanted)["p"] == approx(significance.over_seeds(equal, single, TWINS[rows]))
    equal, single = right_by_method(make_results(one_seed))
    assert row_of(of_one_seed.fusion, **wanted)["p"] == approx(exact_mcnemar(equal[0], single[0]))


def test_gains_are_adjusted_for_all_of_a_protocol(found: Comparison) -> None:
    for protocol in ("test", "test_unique"):
        part = found.fusion[found.fusion["protocol"] == protocol].dropna(subset="p")
        assert len(part) == 3 * 3  # pools and methods
        assert part["p_holm"].tolist() == approx(multipletests(part["p"], method="holm")[1].tolist())


def test_the_path_of_the_selection_is_told(found: Comparison, results: Results) -> None:
    for network in ("cnn1", "cnn2", ALL):
        names, chances = pool_of(results, network)
        path = found.selection[found.selection["network"] == network]
        steps = fusion.select_forward(chances[:, :, 20:30], LABELS[20:30])
        assert path["step"].tolist() == list(range(1, len(names) + 1))
        assert path["added"].tolist() == [names[step.candidate] for step in steps]
        assert path["validation_accuracy"].tolist() == approx([step.accuracy for step in steps])
        assert path["kept"].tolist() == [step.kept for step in steps]


def test_members_are_named_with_their_weights(found: Comparison, results: Results) -> None:
    names, chances = pool_of(results, "cnn1")
    told = found.fusion[(found.fusion["network"] == "cnn1") & (found.fusion["protocol"] == "test")]
    members = told.set_index("method")["members"]
    assert members["best single"] == names[fusion.best_single(chances[:, :, 20:30], LABELS[20:30])]
    assert members["equal weights"] == "mouth 0.33 + vanilla 0.33 + face 0.33"
    weights = fusion.fit_weights(chances[:, :, 20:30], LABELS[20:30])
    order = sorted(range(3), key=lambda one: -weights[one])
    assert members["fitted weights"] == " + ".join(
        f"{names[one]} {weights[one]:.2f}" for one in order if weights[one] > 0.005
    )
    kept = found.selection[(found.selection["network"] == "cnn1") & found.selection["kept"]]["added"]
    for name in THREE:
        assert (name in members["forward selection"]) == (name in set(kept))


def test_a_candidate_of_all_networks_is_named_by_region_and_network() -> None:
    """Only face with cnn1 knows anything."""
    right = np.zeros((2, 2, 1), int)
    right[1, 0] = 10
    params = make_params(seeds=[0])
    found = compare.compare(make_results(params, chances_right(right, right)), params).fusion
    for network, name in (("cnn1", "face"), (ALL, "face cnn1")):
        row = row_of(found, network=network, method="best single", protocol="test")
        assert (row["members"], row["accuracy"]) == (name, 1)


def test_what_each_is_sure_of_adds_up() -> None:
    """Each region knows its half of the classes and does not know of the others: together they know all."""
    params = make_params(networks=["cnn1"], seeds=[0])
    chances = np.stack([sure_chances(np.where(half, LABELS, 6), 0.9) for half in (LABELS < 3, LABELS >= 3)])
    unsure = np.stack([LABELS >= 3, LABELS < 3])
    chances[unsure] = 1 / 7
    found = compare.compare(make_results(params, chances[:, np.newaxis, np.newaxis]), params).fusion
    row = row_of(found, network="cnn1", method="equal weights", protocol="test")
    # Where neither knows, the first class is named: all of the angry ones are right with either region.
    assert row["accuracy"] == 1
    assert row["gain"] == approx(2 / 10)


# Whatever is chosen is chosen on validation


def chosen(found: Comparison, params: Params) -> dict[str, Any]:
    """Everything that is chosen, and every number that it is chosen by."""
    validation = {
        name: table[table["protocol"] == "validation"]
        for name, table in tables_of(found).items()
        if "protocol" in table
    }
    return {
        "region": tables.answer(found, params).split(":")[0],
        "temperature": found.calibration["temperature"].tolist(),
        "members": found.fusion["members"].tolist(),
        "selection": found.selection.to_dict("list"),
        "baseline": found.baseline["label"].tolist(),
        "validation": {name: table.to_csv() for name, table in validation.items()},
    }


def tables_of(found: Comparison) -> dict[str, pd.DataFrame]:
    return {name: table for name, table in vars(found).items() if isinstance(table, pd.DataFrame)}


TEST = SPLIT == "PrivateTest"


@pytest.mark.parametrize("seed", range(4))
def test_nothing_is_chosen_by_the_labels_of_test(
    found: Comparison, results: Results, params: Params, seed: int
) -> None:
    labels = LABELS.copy()
    labels[TEST] = np.random.default_rng(seed).permutation(labels[TEST])
    other = compare.compare(replace(results, labels=labels), params)
    assert chosen(other, params) == chosen(found, params)
    assert not other.scores.equals(found.scores)
    assert (other.calibration["log_loss"] != found.calibration["log_loss"]).all()


@pytest.mark.parametrize("seed", range(4))
def test_nothing_is_chosen_by_the_answers_on_test(
    found: Comparison, results: Results, params: Params, seed: int
) -> None:
    chances = np.where(TEST[:, np.newaxis], made_up_chances(params, seed + 1), results.chances)
    other = compare.compare(replace(results, chances=chances), params)
    assert chosen(other, params) == chosen(found, params)
    assert not other.scores.equals(found.scores)


def test_the_region_that_test_prefers_is_not_chosen() -> None:
    """Face is right on all of validation and on nothing of test, vanilla the reverse."""
    params = make_params(networks=["cnn1"], seeds=[0])
    vanilla_first, face_first = np.array([[[10]], [[0]]]), np.array([[[0]], [[10]]])
    found = compare.compare(make_results(params, chances_right(face_first, vanilla_first)), params)
    assert tables.answer(found, params).startswith("Validation chooses face: its test accuracy with cnn1 is 0.0%")
    for method in ("best single", "fitted weights", "forward selection"):
        row = row_of(found.fusion, network="cnn1", method=method, protocol="test")
        assert (row["members"], row["accuracy"]) == ("face", 0)
    assert found.selection.iloc[0][["added", "validation_accuracy"]].tolist() == ["face", 1]


def test_validation_does_choose(found: Comparison, results: Results, params: Params) -> None:
    """Were the tests above blind, this one would fail."""
    swapped = replace(
        results, chances=np.where((SPLIT == "PublicTest")[:, np.newaxis], results.chances[::-1], results.chances)
    )
    other, before = chosen(compare.compare(swapped, params), params), chosen(found, params)
    assert all(other[name] != before[name] for name in ("region", "temperature", "members", "selection", "validation"))


# In all


def test_two_comparisons_of_the_same_results_are_equal(found: Comparison, results: Results, params: Params) -> None:
    again = compare.compare(results, params)
    for name, table in tables_of(found).items():
        pd.testing.assert_frame_equal(getattr(again, name), table, check_exact=True)
    assert (again.reliability, again.confusion) == (found.reliability, found.confusion)


def test_the_order_of_the_rows_does_not_matter(found: Comparison, results: Results, params: Params) -> None:
    order = np.random.default_rng(0).permutation(len(LABELS))
    rows = {name: getattr(results, name)[order] for name in ("split", "twins", "labels")}
    other = compare.compare(replace(results, **rows, chances=results.chances[:, :, :, order]), params)
    for name, table in tables_of(found).items():
        pd.testing.assert_frame_equal(getattr(other, name), table, rtol=1e-5, atol=1e-6)
    assert other.confusion == found.confusion


@pytest.mark.parametrize("regions", [{"face": FACE}, {"vanilla": "whole", "face": FACE}])
@pytest.mark.parametrize("networks", [["cnn1"], ["cnn1", "googlenet"]])
@pytest.mark.parametrize("seeds", [[5], [5, 7]])
@pytest.mark.filterwarnings("error")
def test_one_of_a_kind_is_compared_with_nothing(regions: dict[str, Any], networks: list[Any], seeds: list[int]) -> None:
    params = make_params(regions=regions, networks=networks, seeds=seeds)
    found = compare.compare(make_results(params), params)
    many_regions, many_networks = len(regions) > 1, len(networks) > 1
    assert len(found.scores) == 4 * len(regions) * (len(networks) + 1)
    assert len(found.pairs) == 2 * (many_regions * (len(networks) + 1) + many_networks * len(regions))
    assert len(found.omnibus) == 2 * len(seeds) * (many_regions * len(networks) + many_networks * len(regions))
    assert len(found.leak) == len(regions) * (len(networks) + 1)
    assert len(found.calibration) == len(found.confusion) == len(regions) * len(networks) * len(seeds)
    pools = many_regions * len(networks) + many_networks
    assert len(found.fusion) == pools * 3 * len(METHODS)
    assert set(found.selection["network"]) == {*(networks if many_regions else []), *([ALL] if many_networks else [])}
    assert list(found.pairs.columns) == [
        *("protocol", "kind", "within", "one", "other", "difference", "low", "high", "macro_f1_difference"),
        *("macro_f1_low", "macro_f1_high", "mcnemar", "over_seeds", "p", "detectable", "p_holm"),
    ]
