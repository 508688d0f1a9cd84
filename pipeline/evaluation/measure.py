"""How good points, boxes and class probabilities are.

Errors of points follow the 300-W challenge: Sagonas et al., "300 Faces In-The-Wild Challenge: database and
results", Image and Vision Computing 47, 2016: the mean distance of the 68 points over the distance of the
outer eye corners, summed up by the cumulative error curve.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from pipeline.data.expressions import CLASSES
from pipeline.faces.points import interocular

# An error above this fraction of the inter-ocular distance counts as a failure (300-W's convention).
LIMIT = 0.10


def nme(predicted: npt.NDArray[np.float32], true: npt.NDArray[np.float32]) -> npt.NDArray[np.float64]:
    """Mean error of each face's points, normalised by the true inter-ocular distance.

    Args:
        predicted: (N, 68, 2), in pixels. A face with a point that is not finite was missed: error inf.
        true: (N, 68, 2), in pixels.

    Returns:
        (N,), as fractions: 0.05 is 5%.

    Raises:
        ValueError: the shapes differ, or a true face has eyes that coincide or are not finite.
    """
    if predicted.shape != true.shape:
        raise ValueError(f"predicted points {predicted.shape} and true points {true.shape} differ in shape")
    scale = interocular(true)
    if not (np.isfinite(true).all() and (scale > 0).all()):
        raise ValueError("a true face has points that are not finite, or eye corners that coincide")
    found = np.isfinite(predicted).all(axis=(1, 2))
    errors = np.full(len(true), np.inf)
    distances = np.linalg.norm(predicted[found].astype(np.float64) - true[found], axis=-1)
    errors[found] = distances.mean(axis=1) / scale[found]
    return errors


def auc(errors: npt.NDArray[np.floating[Any]], limit: float = LIMIT) -> float:
    """Area under the cumulative error curve from 0 to `limit`, divided by `limit`: 1 is no error at all.

    It is the exact integral of the step curve, not of a histogram: a face with error e adds 1 - e / limit.

    Raises:
        ValueError: there are no errors, or one is negative or not a number.
    """
    return float(np.clip(1 - _checked(errors) / limit, 0, 1).mean())


def failure_rate(errors: npt.NDArray[np.floating[Any]], limit: float = LIMIT) -> float:
    """The fraction of faces with an error above `limit`.

    Raises:
        ValueError: there are no errors, or one is negative or not a number.
    """
    return float((_checked(errors) > limit).mean())


def _checked(errors: npt.NDArray[np.floating[Any]]) -> npt.NDArray[np.float64]:
    if not len(errors):
        raise ValueError("no errors to sum up")
    if not (errors >= 0).all():
        raise ValueError("an error is negative or not a number")
    return errors.astype(np.float64)


def iou(a: npt.NDArray[np.float32], b: npt.NDArray[np.float32]) -> npt.NDArray[np.float64]:
    """Intersection over union of each box in `a` with the box in the same row of `b`.

    Args:
        a, b: (N, 4), x0, y0, x1, y1 in continuous pixel edges.

    Returns:
        (N,), from 0 (apart) to 1 (the same).

    Raises:
        ValueError: the shapes differ, or a box is empty.
    """
    if a.shape != b.shape:
        raise ValueError(f"boxes {a.shape} and {b.shape} differ in shape")
    a, b = a.astype(np.float64), b.astype(np.float64)
    size_a, size_b = a[:, 2:] - a[:, :2], b[:, 2:] - b[:, :2]
    if not ((size_a > 0).all() and (size_b > 0).all()):
        raise ValueError("a box is empty")
    shared = np.minimum(a[:, 2:], b[:, 2:]) - np.maximum(a[:, :2], b[:, :2])
    intersection = np.clip(shared, 0, None).prod(axis=1)
    union = size_a.prod(axis=1) + size_b.prod(axis=1) - intersection
    fraction: npt.NDArray[np.float64] = intersection / union
    return fraction


def classification(labels: npt.NDArray[np.uint8], probabilities: npt.NDArray[np.float32]) -> dict[str, Any]:
    """Scores of a classifier, ready for JSON. The class predicted is the most probable one.

    `macro_f1` is the mean over all seven classes, where one without any row counts 0; `balanced_accuracy` is
    the mean recall over the classes that do occur among the labels.

    Args:
        labels: (N,), true classes from 0 to 6.
        probabilities: (N, 7).

    Returns:
        n, accuracy, balanced_accuracy, macro_f1, per_class {class: {precision, recall, f1, support}} and
        confusion, counts with one row a true class and one column a predicted one.

    Raises:
        ValueError: no rows, other shapes, a label outside 0 to 6, or a probability that is not finite.
    """
    if not len(labels) or probabilities.shape != (len(labels), len(CLASSES)):
        raise ValueError(f"expected labels (N,) and probabilities (N, 7), not {labels.shape}, {probabilities.shape}")
    if not (np.isin(labels, range(len(CLASSES))).all() and np.isfinite(probabilities).all()):
        raise ValueError("a label is outside 0 to 6, or a probability is not finite")
    predicted = probabilities.argmax(axis=1)
    confusion = np.bincount(labels.astype(np.int64) * len(CLASSES) + predicted, minlength=len(CLASSES) ** 2)
    confusion = confusion.reshape(len(CLASSES), len(CLASSES))
    right, support, guessed = np.diag(confusion), confusion.sum(axis=1), confusion.sum(axis=0)
    # A class that never occurs, or is never predicted, scores 0, as in scikit-learn (which takes 0.7 s to import, in
    # every cell): the tests hold these numbers against its own.
    precision, recall = right / np.maximum(guessed, 1), right / np.maximum(support, 1)
    f1 = 2 * right / np.maximum(guessed + support, 1)
    return {
        "n": len(labels),
        "accuracy": float((predicted == labels).mean()),
        "balanced_accuracy": float(recall[support > 0].mean()),
        "macro_f1": float(f1.mean()),
        "per_class": {
            name: {
                "precision": float(precision[code]),
                "recall": float(recall[code]),
                "f1": float(f1[code]),
                "support": int(support[code]),
            }
            for code, name in enumerate(CLASSES)
        },
        "confusion": confusion.tolist(),
    }
