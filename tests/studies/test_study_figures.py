"""A study's figures: scores, the comparison's own intervals, what is to be expected under the votes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from made_up import make_fold_results, make_params, make_results, quickly, write_reports
from projects import ROOT
from sample_sets import expression_set
from sklearn.metrics import f1_score

from pipeline.data.roles import NO_FOLD
from pipeline.evaluation.predictions import Predictions
from pipeline.evaluation.results import Results
from pipeline.evaluation.scores import classification
from pipeline.params import Params, load_params
from pipeline.report.sections.scores import measure_scores
from pipeline.report.study import Study
from pipeline.report.tables import records, where
from pipeline.studies.figures import (
    by_fold,
    class_rows,
    measure,
    one_figure,
    printed_rows,
    score_rows,
    unknown_classes,
    written,
)
from pipeline.studies.study_file import Ours, Printed

COUNT = 90
CLASSES = ("angry", "happy", "sad")
ROLE = np.repeat(["train", "validation", "test"], 30)
PEOPLE = np.arange(COUNT, dtype=np.int32) % 7
VOTES = {"a": "angry", "h": "happy", "s": "sad", "?": None}


def params(seeds: list[int]) -> Params:
    return load_params(ROOT / "params.yaml").model_copy(
        update={"regions": {"vanilla": "whole"}, "networks": ["cnn1"], "seeds": seeds}
    )


def write(folder: Path, seed: int, folds: int = 0, labels: npt.NDArray[np.uint8] | None = None) -> Predictions:
    """A cell of random answers, and the data set; every row has a twin of its own, and seven people are seen."""
    expressions = expression_set(COUNT, classes=CLASSES, votes=VOTES)
    expressions.save(folder / "data/expressions")
    labels = expressions.labels if labels is None else labels
    probabilities = np.random.default_rng(seed).dirichlet(np.ones(3), COUNT).astype(np.float32)
    rows, none = np.arange(COUNT, dtype=np.int32), np.zeros(COUNT, np.bool_)
    no_fold = np.full(COUNT, NO_FOLD, np.int32)
    said = Predictions(CLASSES, rows, ROLE, no_fold, rows, PEOPLE, ~none, labels, none, probabilities)
    cell = folder / f"reports/classifiers/vanilla/cnn1-{seed}"
    cell.mkdir(parents=True)
    said.save(cell / "predictions.parquet")
    protocols = {
        name: classification(labels[name == ROLE], probabilities[name == ROLE], CLASSES)
        for name in ("validation", "test")
    }
    metrics = {"protocols": protocols, "folds": [{"test": protocols["test"]}] * folds}
    (cell / "metrics.json").write_text(json.dumps(metrics))
    return said


def right(said: Predictions) -> npt.NDArray[np.float64]:
    found = said.probabilities.argmax(1) == said.labels
    return np.asarray(found[ROLE == "test"], np.float64)


def vote_shares() -> npt.NDArray[np.float64]:
    """(30, 3), of the test rows."""
    votes = expression_set(COUNT, classes=CLASSES, votes=VOTES).votes[ROLE == "test", :3].astype(float)
    return np.asarray(votes / votes.sum(axis=1, keepdims=True))


def figure(folder: Path, seeds: list[int], *of: str) -> dict[str, Any]:
    region, network, protocol, score, *of_class = of
    with quickly():
        found = one_figure(measure(folder, params(seeds)), Ours(region, network, protocol, score, *of_class))
    assert found is not None
    return found


def results_of(split: Any) -> tuple[Results, Params]:
    made_of = make_params(split=split)
    return make_results(made_of) if split == "official" else make_fold_results(made_of), made_of


@pytest.mark.parametrize("split", ["official", {"folds": 4, "group": "twins"}])
def test_an_accuracy_has_the_interval_that_the_comparison_gives_it(tmp_path: Path, split: Any) -> None:
    results, made_of = results_of(split)
    write_reports(tmp_path / "reports", results, made_of)
    expression_set(40).save(tmp_path / "data/expressions")
    with quickly():
        figures = measure(tmp_path, made_of)
        compared = measure_scores(Study.of(results, made_of)).scores
    for measured in ("accuracy", "macro_f1"):
        for row in records(where(figures, score=measured)):
            of = {name: row[name] for name in ("protocol", "region", "network")}
            told = records(where(compared, **of))[0]
            names = (measured, f"{measured}_low", f"{measured}_high")
            expected = [told[name] for name in names]
            assert [row[name] for name in ("value", "low", "high")] == pytest.approx(expected, nan_ok=True)
            # What was trained on is no sample of unseen images.
            assert np.isnan(row["low"]) == (row["protocol"] == "as_reported")
    assert ("as_reported" in figures["protocol"].tolist()) == (split == "official")


def test_twins_count_as_one(tmp_path: Path) -> None:
    """Of ten test images two are twins: eight squares of 1 and one of 4 make 12 * 12 / (8 + 16) equal groups."""
    results, made_of = results_of("official")
    write_reports(tmp_path / "reports", results, made_of)
    expression_set(40).save(tmp_path / "data/expressions")
    with quickly():
        found = one_figure(measure(tmp_path, made_of), Ours("vanilla", "cnn1", "test", "accuracy"))
    assert found is not None
    assert found["groups"] == pytest.approx(6)
    assert written(found)[2] == "test, 10 images in 6 groups"


def test_in_folds_every_row_is_tested_once(tmp_path: Path) -> None:
    results, made_of = results_of({"folds": 4})
    write_reports(tmp_path / "reports", results, made_of)
    expression_set(40).save(tmp_path / "data/expressions")
    with quickly():
        found = one_figure(measure(tmp_path, made_of), Ours("face", "cnn2", "test", "accuracy"))
    assert found is not None
    tested = results.probabilities[1, 1, :, :40].argmax(axis=-1) == results.labels[:40]
    assert (found["n"], found["value"]) == (40, pytest.approx(tested.mean()))


def test_few_people_that_are_all_right_are_no_certainty(tmp_path: Path) -> None:
    said = write(tmp_path, 0, labels=np.random.default_rng(0).dirichlet(np.ones(3), COUNT).argmax(1).astype(np.uint8))
    assert right(said).all()
    found = figure(tmp_path, [0], "vanilla", "cnn1", "test", "accuracy")
    assert found["low"] == pytest.approx(0.025 ** (1 / found["groups"]))
    assert (found["value"], found["high"]) == (1, 1)


def test_several_seeds_are_averaged(tmp_path: Path) -> None:
    every = [right(write(tmp_path, seed)).mean() for seed in (0, 1)]
    assert every[0] != every[1]
    assert figure(tmp_path, [0, 1], "vanilla", "cnn1", "test", "accuracy")["value"] == pytest.approx(np.mean(every))


def test_what_is_to_be_expected_if_labels_are_drawn_by_the_votes(tmp_path: Path) -> None:
    said, shares = write(tmp_path, 0), vote_shares()
    rng, named = np.random.default_rng(1), said.probabilities[ROLE == "test"].argmax(1)
    drawn = np.array([rng.choice(3, 4000, p=share) for share in shares]).T
    found = figure(tmp_path, [0], "vanilla", "cnn1", "test", "expected_accuracy")
    assert found["value"] == pytest.approx((drawn == named).mean(), abs=0.01)
    assert found["low"] < found["value"] < found["high"]
    # All drawings in one confusion matrix have the F1 of the expected one.
    pooled = f1_score(drawn.ravel(), np.tile(named, len(drawn)), average="macro")
    assert figure(tmp_path, [0], "vanilla", "cnn1", "test", "expected_macro_f1")["value"] == pytest.approx(
        pooled, abs=0.01
    )


def test_the_naive_guess_is_the_commonest_class_of_training(tmp_path: Path) -> None:
    """Not of what is scored: there it would be chosen by what it is measured on."""
    labels = np.repeat([2, 1, 1], [20, 50, 20]).astype(
        np.uint8
    )  # training is two thirds sad, test is happy but for one
    labels[-1] = 2
    write(tmp_path, 0, labels=labels)
    always, share = np.full(30, 2), vote_shares()[:, 2].mean()

    def value(*of: str) -> float:
        return float(figure(tmp_path, [0], "vanilla", "cnn1", "test", *of)["value"])

    assert value("always_commonest") == pytest.approx(1 / 30)
    assert value("always_commonest_f1") == pytest.approx(
        f1_score(labels[60:], always, labels=[0, 1, 2], average="macro", zero_division=0)
    )
    assert value("expected_always_commonest") == pytest.approx(share)
    assert value("expected_always_commonest_f1") == pytest.approx(2 * share / (1 + share) / 3)
    assert value("share", "happy") == pytest.approx(29 / 30)


def test_a_class_has_its_own_rows(tmp_path: Path) -> None:
    said = write(tmp_path, 0)
    happy = said.labels[ROLE == "test"] == 1
    found = figure(tmp_path, [0], "vanilla", "cnn1", "test", "recall", "happy")
    assert found["value"] == pytest.approx(right(said)[happy].mean())
    assert found["n"] == happy.sum()
    assert found["low"] < found["value"] < found["high"]
    assert np.isnan(figure(tmp_path, [0], "vanilla", "cnn1", "test", "f1", "happy")["low"])


def test_printed_and_ours_stand_side_by_side(tmp_path: Path) -> None:
    said = write(tmp_path, 0)
    printed = [
        Printed(what="a", value=0.48, on="somewhere", ours="vanilla/cnn1/test/accuracy"),
        Printed(what="b", value="71%", on="elsewhere", ours="vanilla/cnn1/outside/accuracy"),
        Printed(what="c", value="1", on="there"),
        Printed(what="d", value="2", on="there", ours="vanilla/cnn1/test/hapy/recall"),
    ]
    with quickly():
        figures = measure(tmp_path, params([0]))
    header, *rows = printed_rows(printed, figures, drawn=True)
    assert header[3] == "ours (drawn)"
    assert rows[0][:4] == ["a", "0.48", "somewhere", f"{100 * right(said).mean():.1f}%"]
    assert rows[0][5] == "test, 30 images in 7 groups"
    assert [row[3:] for row in rows[1:]] == [["not run", "", ""], ["", "", ""], ["not run", "", ""]]
    assert unknown_classes(printed, figures) == [
        "study.printed.3.ours: the data have no class 'hapy', only angry, happy, sad"
    ]


def test_tables_have_a_row_each(tmp_path: Path) -> None:
    write(tmp_path, 0, folds=3)
    with quickly():
        figures = measure(tmp_path, params([0]))
    assert [row[2].split(",")[0] for row in score_rows(figures)[1:]] == ["validation", "test"]
    assert [row[2] for row in class_rows(figures)[1:]] == [*CLASSES]
    assert by_fold(tmp_path, params([0]))["fold"].tolist() == [0, 1, 2]
