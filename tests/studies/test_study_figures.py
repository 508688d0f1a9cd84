"""A study's figures: scores, intervals by groups of rows, the accuracy to be expected under the votes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import statsmodels.api as sm
from projects import ROOT
from sample_sets import expression_set

from pipeline.data.roles import NO_FOLD
from pipeline.evaluation.predictions import Predictions
from pipeline.evaluation.scores import classification
from pipeline.params import Params, load_params
from pipeline.studies.figures import by_fold, class_rows, measure, one_figure, printed_rows, score_rows
from pipeline.studies.study_file import Ours, Printed

COUNT = 90
CLASSES = ("angry", "happy", "sad")
ROLE = np.repeat(["train", "validation", "test"], 30)
PEOPLE = [f"person {row % 7}" for row in range(COUNT)]
VOTES = {"a": "angry", "h": "happy", "s": "sad", "?": None}


def params(seeds: list[int]) -> Params:
    return load_params(ROOT / "params.yaml").model_copy(
        update={"regions": {"vanilla": "whole"}, "networks": ["cnn1"], "seeds": seeds}
    )


def write(folder: Path, seed: int, subjects: bool = True, folds: int = 0) -> Predictions:
    """A cell of random answers, and the data set; every row has a twin of its own."""
    expressions = expression_set(COUNT, classes=CLASSES, votes=VOTES, subjects=PEOPLE if subjects else None)
    expressions.save(folder / "data/expressions")
    probabilities = np.random.default_rng(seed).dirichlet(np.ones(3), COUNT).astype(np.float32)
    twins = np.arange(COUNT, dtype=np.int32)
    none = np.zeros(COUNT, np.bool_)
    no_fold = np.full(COUNT, NO_FOLD, np.int32)
    said = Predictions(CLASSES, twins, ROLE, no_fold, twins, twins, ~none, expressions.labels, none, probabilities)
    cell = folder / f"reports/classifiers/vanilla/cnn1-{seed}"
    cell.mkdir(parents=True)
    said.save(cell / "predictions.parquet")
    protocols = {
        name: classification(said.labels[name == ROLE], probabilities[name == ROLE], CLASSES)
        for name in ("validation", "test")
    }
    metrics = {"protocols": protocols, "folds": [{"test": protocols["test"]}] * folds}
    (cell / "metrics.json").write_text(json.dumps(metrics))
    return said


def right(said: Predictions) -> npt.NDArray[np.float64]:
    found = said.probabilities.argmax(1) == said.labels
    return np.asarray(found[ROLE == "test"], np.float64)


def figure(folder: Path, seeds: list[int], *of: str) -> dict[str, Any]:
    region, network, protocol, score, *of_class = of
    found = one_figure(measure(folder, params(seeds)), Ours(region, network, protocol, score, *of_class))
    assert found is not None
    return found


def test_an_accuracy_has_the_interval_of_its_people(tmp_path: Path) -> None:
    said = write(tmp_path, 0)
    people = np.array([int(name[-1]) for name in PEOPLE])[ROLE == "test"]
    fitted = sm.OLS(right(said), np.ones(30)).fit(cov_type="cluster", cov_kwds={"groups": people}, use_t=True)
    found = figure(tmp_path, [0], "vanilla", "cnn1", "test", "accuracy")
    assert found["value"] == pytest.approx(right(said).mean())
    assert [found["low"], found["high"]] == pytest.approx(fitted.conf_int()[0].tolist())
    assert (found["n"], found["groups"]) == (30, 7)


def test_without_people_each_row_counts(tmp_path: Path) -> None:
    said = write(tmp_path, 0, subjects=False)
    found = figure(tmp_path, [0], "vanilla", "cnn1", "test", "accuracy")
    half = 2.0452 * right(said).std(ddof=1) / 30**0.5  # Student's t for 29 degrees of freedom
    assert found["high"] - found["value"] == pytest.approx(half, rel=1e-3)
    assert found["groups"] == 30


def test_several_seeds_are_averaged(tmp_path: Path) -> None:
    every = [right(write(tmp_path, seed)).mean() for seed in (0, 1)]
    assert every[0] != every[1]
    assert figure(tmp_path, [0, 1], "vanilla", "cnn1", "test", "accuracy")["value"] == pytest.approx(np.mean(every))


def test_what_is_to_be_expected_if_labels_are_drawn_by_the_votes(tmp_path: Path) -> None:
    said = write(tmp_path, 0)
    votes = expression_set(COUNT, classes=CLASSES, votes=VOTES).votes
    rng, drawn = np.random.default_rng(1), []
    for row in np.flatnonzero(ROLE == "test"):
        counts = votes[row, :3].astype(float)
        drawn.append(rng.choice(3, 4000, p=counts / counts.sum()) == said.probabilities[row].argmax())
    found = figure(tmp_path, [0], "vanilla", "cnn1", "test", "expected_accuracy")
    assert found["value"] == pytest.approx(np.mean(drawn), abs=0.01)


def test_a_class_has_its_own_rows(tmp_path: Path) -> None:
    said = write(tmp_path, 0)
    happy = said.labels[ROLE == "test"] == 1
    found = figure(tmp_path, [0], "vanilla", "cnn1", "test", "recall", "happy")
    assert found["value"] == pytest.approx(right(said)[happy].mean())
    assert found["n"] == happy.sum()
    assert found["low"] < found["value"] < found["high"]
    assert np.isnan(figure(tmp_path, [0], "vanilla", "cnn1", "test", "f1", "happy")["low"])


def test_rows_that_are_not_the_ones_scored_give_no_interval(tmp_path: Path) -> None:
    write(tmp_path, 0)
    path = tmp_path / "reports/classifiers/vanilla/cnn1-0/metrics.json"
    metrics = json.loads(path.read_text())
    metrics["protocols"]["validation"]["n"] = 29
    path.write_text(json.dumps(metrics))
    assert np.isnan(figure(tmp_path, [0], "vanilla", "cnn1", "validation", "accuracy")["low"])
    assert not np.isnan(figure(tmp_path, [0], "vanilla", "cnn1", "test", "accuracy")["low"])


def test_printed_and_ours_stand_side_by_side(tmp_path: Path) -> None:
    said = write(tmp_path, 0)
    printed = [
        Printed(what="a", value=0.48, on="somewhere", ours="vanilla/cnn1/test/accuracy"),
        Printed(what="b", value="71%", on="elsewhere", ours="vanilla/cnn1/outside/accuracy"),
        Printed(what="c", value="1", on="there"),
    ]
    rows = printed_rows(printed, measure(tmp_path, params([0])))[1:]
    assert rows[0][:4] == ["a", "0.48", "somewhere", f"{100 * right(said).mean():.1f}%"]
    assert rows[0][5] == "test, 30 images in 7 groups"
    assert rows[1:] == [["b", "71%", "elsewhere", "", "", ""], ["c", "1", "there", "", "", ""]]


def test_tables_have_a_row_each(tmp_path: Path) -> None:
    write(tmp_path, 0, folds=3)
    figures = measure(tmp_path, params([0]))
    assert [row[2].split(",")[0] for row in score_rows(figures)[1:]] == ["validation", "test"]
    assert [row[2] for row in class_rows(figures)[1:]] == [*CLASSES]
    assert by_fold(tmp_path, params([0]))["fold"].tolist() == [0, 1, 2]
