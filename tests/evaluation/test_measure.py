"""Measures against independent computations, and at their edges."""

import json
from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import pytest
from sklearn.metrics import accuracy_score, confusion_matrix, precision_recall_fscore_support

from pipeline.data.expressions import CLASSES
from pipeline.evaluation.scores import classification
from pipeline.faces.errors import auc, failure_rate, nme
from pipeline.regions.overlap import iou


def random_points(count: int, seed: int = 0) -> npt.NDArray[np.float32]:
    return np.random.default_rng(seed).uniform(0, 48, (count, 68, 2)).astype(np.float32)


def test_nme_is_the_mean_distance_over_the_distance_of_the_outer_eye_corners() -> None:
    true, predicted = random_points(3), random_points(3, seed=1)
    expected = []
    for face in range(3):
        distances = [float(np.hypot(*(predicted[face, point] - true[face, point]).tolist())) for point in range(68)]
        eyes = float(np.hypot(*(true[face, 45] - true[face, 36]).tolist()))  # points 46 and 37
        expected.append(sum(distances) / 68 / eyes)
    np.testing.assert_allclose(nme(predicted, true), expected, rtol=1e-5)


def test_nme_has_no_unit_and_no_place() -> None:
    true, predicted = random_points(4), random_points(4, seed=1)
    np.testing.assert_allclose(nme(3 * predicted + 7, 3 * true + 7), nme(predicted, true), rtol=1e-4)
    assert (nme(true, true) == 0).all()


def test_a_face_that_was_not_found_counts_as_a_failure() -> None:
    true = random_points(2)
    predicted = true.copy()
    predicted[1, 5, 0] = np.nan
    errors = nme(predicted, true)
    assert errors.tolist() == [0, np.inf]
    assert failure_rate(errors) == 0.5
    assert auc(errors) == 0.5


def test_nme_refuses_what_cannot_be_normalised() -> None:
    true = random_points(2)
    with pytest.raises(ValueError, match="differ in shape"):
        nme(true[:1], true)
    coinciding = true.copy()
    coinciding[0, 45] = coinciding[0, 36]
    with pytest.raises(ValueError, match="coincide"):
        nme(true, coinciding)


def test_auc_is_the_integral_of_the_cumulative_curve() -> None:
    errors = np.random.default_rng(0).gamma(4, 0.015, 200)
    x = np.linspace(0, 0.08, 100_001)
    curve = np.searchsorted(np.sort(errors), x, side="right") / len(errors)
    assert auc(errors, limit=0.08) == pytest.approx(np.trapezoid(curve, x) / 0.08, abs=1e-5)


def test_auc_and_failure_rate_at_their_ends() -> None:
    assert auc(np.zeros(3)) == 1
    assert auc(np.array([0.1, 0.2, np.inf])) == 0
    assert auc(np.array([0.05])) == pytest.approx(0.5)
    assert failure_rate(np.array([0.05, 0.1, 0.11, np.inf])) == 0.5  # at the limit is no failure


@pytest.mark.parametrize("summary", [auc, failure_rate])
@pytest.mark.parametrize("errors", [[], [0.1, np.nan], [-0.1]])
def test_no_summary_of_nothing_or_of_nonsense(
    summary: Callable[[npt.NDArray[np.float64]], float], errors: list[float]
) -> None:
    with pytest.raises(ValueError, match="error"):
        summary(np.array(errors))


def test_iou_against_counted_pixels() -> None:
    corners = np.random.default_rng(0).integers(0, 20, (50, 2, 2, 2)).astype(np.float32)
    low, high = corners.min(axis=2), corners.max(axis=2) + 1
    boxes = np.concatenate([low, high], axis=-1)
    grid_x, grid_y = np.meshgrid(np.arange(21) + 0.5, np.arange(21) + 0.5)
    for a, b, found in zip(boxes[:, 0], boxes[:, 1], iou(boxes[:, 0], boxes[:, 1]), strict=True):
        in_a, in_b = ((grid_x > box[0]) & (grid_x < box[2]) & (grid_y > box[1]) & (grid_y < box[3]) for box in (a, b))
        assert found == pytest.approx((in_a & in_b).sum() / (in_a | in_b).sum())


def test_iou_of_a_box_with_itself_and_with_one_apart() -> None:
    box = np.array([[1.5, 2, 7, 9]], np.float32)
    assert iou(box, box).tolist() == [1]
    assert iou(box, box + 20).tolist() == [0]
    assert iou(box, box + np.array([20, 0, 20, 0], np.float32)).tolist() == [0]  # beside it, at the same height


def test_iou_refuses_empty_boxes_and_other_counts() -> None:
    box = np.array([[1, 2, 7, 9]], np.float32)
    with pytest.raises(ValueError, match="empty"):
        iou(box, box[:, [2, 1, 0, 3]])
    with pytest.raises(ValueError, match="differ"):
        iou(box, np.repeat(box, 2, axis=0))


def random_classification() -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.float32]]:
    rng = np.random.default_rng(3)
    labels = rng.integers(0, 7, 300).astype(np.uint8)
    probabilities = rng.dirichlet(np.ones(7), 300).astype(np.float32)
    probabilities[np.arange(300), labels] += 0.3
    return labels, probabilities


def test_classification_against_counting() -> None:
    labels, probabilities = random_classification()
    scores = classification(labels, probabilities)
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
    scores = classification(*random_classification())
    assert json.loads(json.dumps(scores, allow_nan=False)) == scores


def test_classes_without_rows_or_predictions_score_zero_and_leave_balanced_accuracy_alone() -> None:
    labels = np.array([3, 3, 6], np.uint8)
    scores = classification(labels, np.eye(7, dtype=np.float32)[[3, 3, 0]])
    assert scores["per_class"]["angry"] == {"precision": 0, "recall": 0, "f1": 0, "support": 0}
    assert scores["per_class"]["happy"]["f1"] == 1
    assert scores["balanced_accuracy"] == 0.5  # happy 1, neutral 0
    assert scores["macro_f1"] == pytest.approx(1 / 7)
    assert np.shape(scores["confusion"]) == (7, 7)


def test_classification_refuses_what_it_cannot_score() -> None:
    labels, probabilities = random_classification()
    with pytest.raises(ValueError, match="expected labels"):
        classification(labels[:0], probabilities[:0])
    with pytest.raises(ValueError, match="expected labels"):
        classification(labels, probabilities[:, :6])
    with pytest.raises(ValueError, match="outside 0 to 6"):
        classification(labels + np.uint8(1), probabilities)
    probabilities[4, 2] = np.nan
    with pytest.raises(ValueError, match="not finite"):
        classification(labels, probabilities)


def test_scores_are_those_of_scikit_learn() -> None:
    """Classes that never occur (4) and that are never predicted (5) included."""
    rng = np.random.default_rng(3)
    labels = rng.choice([0, 1, 2, 3, 5, 6], 200).astype(np.uint8)
    chances = rng.dirichlet(np.ones(7), 200).astype(np.float32)
    chances[:, 5] = 0
    predicted, codes = chances.argmax(axis=1), range(7)
    scores = classification(labels, chances)
    expected = precision_recall_fscore_support(labels, predicted, labels=codes, zero_division=0)
    for name, values in zip(("precision", "recall", "f1", "support"), expected, strict=True):
        assert [scores["per_class"][label][name] for label in CLASSES] == pytest.approx(values.tolist())
    assert scores["confusion"] == confusion_matrix(labels, predicted, labels=codes).tolist()
    assert scores["accuracy"] == pytest.approx(accuracy_score(labels, predicted))
    assert scores["macro_f1"] == pytest.approx(expected[2].mean())
