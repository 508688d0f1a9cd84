"""Scores of a classifier."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt


def classification(
    labels: npt.NDArray[np.uint8], probabilities: npt.NDArray[np.float32], classes: Sequence[str]
) -> dict[str, Any]:
    """Scores of a classifier, ready for JSON. The class predicted is the most probable one.

    `macro_f1` is the mean over all classes, where one without any row counts 0; `balanced_accuracy` is
    the mean recall over the classes that do occur among the labels.

    Args:
        labels: (N,), indices of the true classes.
        probabilities: (N, classes).
        classes: their names.

    Returns:
        n, accuracy, balanced_accuracy, macro_f1, per_class {class: {precision, recall, f1, support}} and
        confusion, counts with one row a true class and one column a predicted one.

    Raises:
        ValueError: no rows, other shapes, a label that is no class, or a probability that is not finite.
    """
    if not len(labels) or probabilities.shape != (len(labels), len(classes)):
        raise ValueError(
            f"expected labels (N,) and probabilities (N, {len(classes)}), not {labels.shape}, {probabilities.shape}"
        )
    if not (np.isin(labels, range(len(classes))).all() and np.isfinite(probabilities).all()):
        raise ValueError("a label is no class, or a probability is not finite")
    predicted = probabilities.argmax(axis=1)
    confusion = np.bincount(labels.astype(np.int64) * len(classes) + predicted, minlength=len(classes) ** 2)
    confusion = confusion.reshape(len(classes), len(classes))
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
            for code, name in enumerate(classes)
        },
        "confusion": confusion.tolist(),
    }
