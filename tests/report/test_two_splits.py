"""Two splits of one data set side by side: paired by row, drawn by the coarser groups, refused where nothing pairs."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from made_up import FOLDS, LABELS, change, make_fold_results, make_params, make_results, quickly, write_reports
from sample_sets import refused

from pipeline.classifiers.cells import Cell
from pipeline.evaluation.resampling import resample
from pipeline.evaluation.results import Results
from pipeline.evaluation.uncertainty import estimate
from pipeline.params import Params
from pipeline.report import two_splits
from pipeline.report.two_splits import beside, linked, read_tested
from stages import leak

PEOPLE = (np.arange(len(LABELS)) // 4).astype(np.int32)  # ten


def params_of(group: str, **changes: Any) -> Params:
    return make_params(split={"folds": FOLDS, "group": group}, **changes)


def two_runs(folder: Path, **changes: Any) -> tuple[Results, Results]:
    """At random, and by people: other answers of the same rows."""
    apart, together = params_of("none", **changes), params_of("both", **changes)
    one, other = make_fold_results(apart), make_fold_results(together, test_seed=9)
    other = replace(other, groups=PEOPLE[other.row], unique=np.full(len(other.row), True))
    write_reports(folder / "a", one, apart)
    write_reports(folder / "b", other, together)
    return one, other


def test_the_difference_is_paired_by_row_and_drawn_by_people(tmp_path: Path) -> None:
    one, other = two_runs(tmp_path)
    with quickly():
        table, rows, many = beside(read_tested(tmp_path / "a"), read_tested(tmp_path / "b"))
    assert rows == 40
    # Rows 8 and 30, 35 and 36, 21 and 33 are twins, and join people.
    groups = linked(one.groups[:40], PEOPLE)
    assert len(np.unique(groups)) == 7
    right = [of.probabilities[1, 0, :, :40].argmax(-1) == LABELS for of in (one, other)]
    weights = resample(groups, 200, seed=0).astype(np.float64)
    weights /= weights.sum(axis=1, keepdims=True)
    values = np.stack([each.mean(axis=1) for each in right])
    drawn = np.stack([weights @ each.T.astype(float) for each in right], axis=1)
    expected = estimate(values, drawn, (1, -1), groups=many)
    row = table[(table["region"] == "face") & (table["network"] == "cnn1")].iloc[0]
    assert [row["one"], row["other"]] == pytest.approx([each.mean() for each in right])
    told = row[["difference", "low", "high", "p"]].tolist()
    assert told == pytest.approx([expected.value, expected.low, expected.high, expected.p], abs=1e-6)
    mean = table[(table["region"] == "face") & (table["network"] == "mean")].iloc[0]
    of_networks = table[(table["region"] == "face") & (table["network"] != "mean")]
    assert mean["difference"] == pytest.approx(of_networks["difference"].mean())


def test_the_same_run_twice_differs_by_nothing(tmp_path: Path) -> None:
    two_runs(tmp_path)
    with quickly():
        table, _, _ = beside(read_tested(tmp_path / "a"), read_tested(tmp_path / "a"))
    assert (table["difference"] == 0).all()


def test_what_is_tested_once_is_paired_with_what_folds_test(tmp_path: Path) -> None:
    """A split of its own tests ten rows, and these are compared."""
    two_runs(tmp_path)
    plain = make_params()
    write_reports(tmp_path / "c", make_results(plain), plain)
    with quickly():
        table, rows, _ = beside(read_tested(tmp_path / "c"), read_tested(tmp_path / "b"))
    assert rows == 10
    own = make_results(plain).probabilities[0, 0, :, 30:].argmax(-1) == LABELS[30:]
    row = table[(table["region"] == "vanilla") & (table["network"] == "cnn1")].iloc[0]
    assert row["one"] == pytest.approx(own.mean())


def test_groups_are_linked_over_both() -> None:
    one, other = np.array([0, 0, 1, 2, 3], np.int32), np.array([7, 8, 8, 9, 9], np.int32)
    found = linked(one, other)
    assert np.unique(found, return_inverse=True)[1].tolist() == [0, 0, 0, 1, 1]


def test_a_leak_that_is_planted_is_found(tmp_path: Path) -> None:
    """People who are trained on are recognised more often by a fifth: two hundred rows of forty people."""
    rng, people = np.random.default_rng(0), np.repeat(np.arange(40), 5).astype(np.int32)
    rows = np.arange(200, dtype=np.int32)
    labels = rng.integers(0, 7, 200).astype(np.uint8)
    cell = Cell("vanilla", "cnn1", 0)

    def tested(right: np.ndarray, groups: np.ndarray) -> two_splits.Tested:
        return two_splits.Tested(Path("x"), "demo", rows, labels, groups, np.zeros(200, np.bool_), {cell: right})

    ease = np.repeat(rng.random(40), 5)
    leaking, honest = (
        tested(rng.random(200) < 0.2 + 0.6 * ease + more, groups) for more, groups in ((0.2, rows), (0.0, people))
    )
    table, _, many = beside(leaking, honest)
    assert many == pytest.approx(40)
    assert 0 < table["low"][0] < 0.2 < table["high"][0]
    assert np.isnan(table["p"][0])


def test_other_data_sets_and_cells_are_one_line(tmp_path: Path) -> None:
    two_runs(tmp_path)
    assert refused(read_tested, tmp_path / "none").startswith(f"{tmp_path}/none: holds no classifiers/REGION/")
    run = read_tested(tmp_path / "a")
    assert "the labels of their rows differ; give two runs of one" in refused(
        beside, run, replace(run, labels=(run.labels + 1) % 7)
    )
    assert "they test no row in common" in refused(beside, run, replace(run, rows=run.rows + 40))
    fewer = dict(list(run.correct.items())[:-1])
    assert "has not the same regions, networks and seeds" in refused(beside, run, replace(run, correct=fewer))
    change(tmp_path / "a/classifiers/face/cnn2-1/metrics.json", recipe="strong")
    assert "face/cnn2-1/predictions.parquet: of other rows or another recipe" in refused(read_tested, tmp_path / "a")


def test_the_command_prints_both_and_the_difference(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    two_runs(tmp_path, seeds=[0], networks=["cnn1"])
    with quickly():
        leak.main(str(tmp_path / "a"), str(tmp_path / "b"))
    said = capsys.readouterr().out
    assert f"A: {tmp_path}/a, recipe report, 40 rows tested, 4 of them with a twin in what" in said
    assert "40 rows are tested by both; they are worth " in said
    assert "| region  | network |" in said
    assert "With one seed no difference can be called significant." in said
    assert "nan" not in said
