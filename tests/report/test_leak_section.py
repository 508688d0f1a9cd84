"""What known images add, against numbers worked by hand."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest
from made_up import groups_of, make_params, with_twins
from page_reader import Reader
from studies import (
    KNOWN,
    ROWS,
    Found,
    altered,
    approx,
    as_lines,
    by_hand,
    correct_on,
    drawn,
    find,
    find_right,
    row_of,
    with_mean,
    worth,
)

from pipeline.common.files import InputError
from pipeline.evaluation.results import Results
from pipeline.evaluation.uncertainty import estimate
from pipeline.params import Params
from pipeline.report.page import render
from pipeline.report.sections.leak import leak_rows, measure_leak, section
from pipeline.report.study import MEAN


def test_known_rows_are_those_with_a_twin_elsewhere(found: Found, results: Results) -> None:
    """Rows 35 and 36, twins of each other alone, are unknown."""
    for name, rows in (("known", KNOWN), ("unknown", ROWS["test_unique"])):
        expected = with_mean(correct_on(results, rows).mean(axis=-1).mean(axis=-1))
        assert measure_leak(found.study)[name].to_numpy().reshape(3, 3) == approx(expected)


def test_the_accuracy_on_test_is_made_of_both_parts(found: Found) -> None:
    scores = found.scored.scores.set_index(["protocol", "region", "network"])["accuracy"]
    for row in measure_leak(found.study).to_dict("records"):
        of = row["region"], row["network"]
        assert scores["test", *of] == approx((2 * row["known"] + 8 * row["unknown"]) / 10)
        assert scores["test_unique", *of] == approx(row["unknown"])
        assert row["shift"] == approx(scores["test", *of] - scores["test_unique", *of])


def test_the_interval_of_a_shift_is_paired(found: Found, results: Results) -> None:
    weights = drawn(ROWS["test"])
    right = correct_on(results, ROWS["test"])[2, 1]
    unknown = np.isin(ROWS["test"], ROWS["test_unique"])

    def shift(weights: npt.NDArray[np.float32]) -> npt.NDArray[np.float64]:
        """Of both seeds."""
        whole = np.average(right, axis=1, weights=weights)
        return np.asarray(whole - np.average(right[:, unknown], axis=1, weights=weights[unknown]))

    expected = estimate(
        shift(np.ones(10, np.float32))[None],
        np.stack([shift(of) for of in weights])[:, None],
        groups=worth(ROWS["test"]),
    )
    row = row_of(measure_leak(found.study), region="face", network="cnn2")
    assert [row["low"], row["high"]] == approx([expected.low, expected.high])


def test_without_known_rows_nothing_shifts(results: Results, params: Params) -> None:
    leak = measure_leak(find(with_twins(results, groups_of()), params).study)
    assert leak["known"].isna().all()
    assert leak["unknown"].notna().all()
    assert (leak[["shift", "low", "high"]] == 0).all(axis=None)


def test_one_unknown_row_is_enough(results: Results, params: Params) -> None:
    twins = groups_of(*((row - 30, row) for row in range(30, 39)))
    found = find(with_twins(results, twins), params)
    assert row_of(found.scored.baseline, protocol="test_unique")["n"] == 1
    assert measure_leak(found.study).notna().all(axis=None)
    right = correct_on(results, [39])[2, 0].mean()
    assert row_of(measure_leak(found.study), region="face", network="cnn1")["unknown"] == approx(right)


def test_no_unknown_row_is_a_mistake_of_the_setting(results: Results, params: Params) -> None:
    twins = groups_of(*((row - 30, row) for row in range(30, 40)))
    with pytest.raises(InputError) as caught:
        find(with_twins(results, twins), params)
    assert str(caught.value) == (
        "params.yaml: twins.min_correlation: leaves no image for test_unique; raise it and run `dvc repro`"
    )


# As it is read


def test_the_leak_as_it_is_read() -> None:
    """Rows 30 and 33 are known. The first six test images are right, so both of these are, and four of eight others."""
    found = by_hand()
    leak = altered(measure_leak(found.study), {"region": "vanilla", "network": "cnn2"}, low=-0.004, high=0.2345)
    rows = as_lines(leak_rows(leak, found.scored))
    assert rows[0] == "network; region; test; with a twin; without (test_unique); shift; 95% interval"
    assert rows[2] == "cnn2; vanilla; 60.0%; 100.0%; 50.0%; +10.0; -0.4 to +23.4"
    assert [row.split("; ")[:2] for row in rows[1:4]] == [["cnn1", "vanilla"], ["cnn2", "vanilla"], [MEAN, "vanilla"]]


def test_without_known_images_their_accuracy_stays_blank() -> None:
    found = find(with_twins(by_hand().results, groups_of()), by_hand().study.params)
    assert (
        as_lines(leak_rows(measure_leak(found.study), found.scored))[2]
        == "cnn2; vanilla; 60.0%; ; 60.0%; +0.0; +0.0 to +0.0"
    )


def test_the_mean_over_the_networks_stands_first_and_of_one_network_alone() -> None:
    page = render(section(by_hand().study, measure_leak(by_hand().study), by_hand().scored))
    reader = Reader(f"<main>{page}</main>")
    assert [[row[0] for row in rows[1:]] for rows in reader.tables] == [[MEAN] * 2, ["cnn1", "cnn2"] * 2]
    assert reader.texts("summary") == ["Each network"]
    assert "2 of the 10 test images have a twin" in " ".join(reader.text.split())
    one = find_right(make_params(networks=["cnn1"]), [[[5, 7]], [[8, 8]]], [[[5, 7]], [[8, 8]]])
    assert "Each network" not in render(section(one.study, measure_leak(one.study), one.scored))
