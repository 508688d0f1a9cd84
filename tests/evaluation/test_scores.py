"""Scores of a classifier against counting and against scikit-learn, and at their edges."""

from __future__ import annotations

import json

import numpy as np
import numpy.typing as npt
import pytest
from sample_sets import CLASSES
from sklearn.metrics import accuracy_score, confusion_matrix, precision_recall_fscore_support

from pipeline.evaluation.scores import classification


def random_classification() -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.float32]]:
    rng = np.random.default_rng(3)
    labels = rng.integers(0, 7, 300).astype(np.uint8)
    probabilities = rng.dirichlet(np.ones(7), 300).astype(np.float32)
    probabilities[np.arange(300), labels] += 0.3
    return labels, probabilities


def test_classification_against_counting() -> None:
    labels, probabilities = random_classification()
    scores = classification(labels, probabilities, CLASSES)
    predicted = probabilities.argmax(axis=1)
    recalls, f1s, hits = [], [], 0
    for code, name in enumerate(CLASSES):
        counted = [int(((labels == code) & (predicted == other)).sum()) for other in range(7)]
        support, named = int((labels == code).sum()), int((predicted == code).sum())
        recalls.append(counted[code] / support)
        f1s.append(2 * counted[code] / (support + named))
        hits += counted[code]
        assert scores["confusion"][code] == counted  # a row is a true class
        assert scores["per_class"][name] == {
            "precision": pytest.approx(counted[code] / named),
            "recall": pytest.approx(recalls[code]),
            "f1": pytest.approx(f1s[code]),
            "support": support,
        }
    assert scores["n"] == 300
    assert scores["accuracy"] == pytest.approx(hits / 300)
    assert scores["balanced_accuracy"] == pytest.approx(sum(recalls) / 7)
    assert scores["macro_f1"] == pytest.approx(sum(f1s) / 7)


def test_classification_can_be_written_as_json() -> None:
    scores = classification(*random_classification(), CLASSES)
    assert json.loads(json.dumps(scores, allow_nan=False)) == scores


def test_classes_without_rows_or_predictions_score_zero_and_leave_balanced_accuracy_alone() -> None:
    labels = np.array([3, 3, 6], np.uint8)
    scores = classification(labels, np.eye(7, dtype=np.float32)[[3, 3, 0]], CLASSES)
    assert scores["per_class"]["angry"] == {"precision": 0, "recall": 0, "f1": 0, "support": 0}
    assert scores["per_class"]["happy"]["f1"] == 1
    assert scores["balanced_accuracy"] == 0.5  # happy 1, neutral 0
    assert scores["macro_f1"] == pytest.approx(1 / 7)
    assert np.shape(scores["confusion"]) == (7, 7)


def test_classification_refuses_what_it_cannot_score() -> None:
    labels, probabilities = random_classification()
    with pytest.raises(ValueError, match="expected labels"):
        classification(labels[:0], probabilities[:0], CLASSES)
    with pytest.raises(ValueError, match="expected labels"):
        classification(labels, probabilities[:, :6], CLASSES)
    with pytest.raises(ValueError, match="a label is no class"):
        classification(labels + np.uint8(1), probabilities, CLASSES)
    probabilities[4, 2] = np.nan
    with pytest.raises(ValueError, match="not finite"):
        classification(labels, probabilities, CLASSES)


def test_scores_are_those_of_scikit_learn() -> None:
    """Classes that never occur (4) and that are never predicted (5) included."""
    rng = np.random.default_rng(3)
    labels = rng.choice([0, 1, 2, 3, 5, 6], 200).astype(np.uint8)
    probabilities = rng.dirichlet(np.ones(7), 200).astype(np.float32)
    probabilities[:, 5] = 0
    predicted, codes = probabilities.argmax(axis=1), range(7)
    scores = classification(labels, probabilities, CLASSES)
    expected = precision_recall_fscore_support(labels, predicted, labels=codes, zero_division=0)
    for name, values in zip(("precision", "recall", "f1", "support"), expected, strict=True):
        assert [scores["per_class"][label][name] for label in CLASSES] == pytest.approx(values.tolist())
    assert scores["confusion"] == confusion_matrix(labels, predicted, labels=codes).tolist()
    assert scores["accuracy"] == pytest.approx(accuracy_score(labels, predicted))
    assert scores["macro_f1"] == pytest.approx(expected[2].mean())


@pytest.mark.parametrize("classes", [("no", "yes"), tuple("abcdefgh")])
def test_there_may_be_any_number_of_classes(classes: tuple[str, ...]) -> None:
    labels = np.arange(len(classes), dtype=np.uint8)
    scores = classification(labels, np.eye(len(classes), dtype=np.float32), classes)
    assert tuple(scores["per_class"]) == classes
    assert scores["accuracy"] == scores["macro_f1"] == 1
    assert scores["confusion"] == np.eye(len(classes), dtype=int).tolist()
