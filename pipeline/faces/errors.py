"""How far found points are off, by the conventions of the 300-W challenge.

Sagonas et al., "300 Faces In-The-Wild Challenge: database and results", Image and Vision Computing 47, 2016: the mean
distance of the 68 points over the distance of the outer eye corners, summed up by the cumulative error curve.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

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
