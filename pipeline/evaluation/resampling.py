"""Draw test sets again from the one at hand, by groups of twins, and score classifiers on each.

Images are drawn by twin group, not by row: copies of one image get the same answer, so a second copy says nothing new.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt


class Draws(NamedTuple):
    """The scores of M classifiers in B bootstrap draws, as fractions. A row is one draw of images for all of them.

    Attributes:
        accuracy: (B, M).
        macro_f1: (B, M), the mean over all classes, where one without any row counts 0, as in `scores`.
        recall: (B, M, classes); nan for a class without any row in the draw.
    """

    accuracy: npt.NDArray[np.float64]
    macro_f1: npt.NDArray[np.float64]
    recall: npt.NDArray[np.float64]


def resample(groups: npt.NDArray[np.integer[Any]], draws: int, seed: int) -> npt.NDArray[np.float32]:
    """Draw whole groups with replacement, as many as there are, and count how often each row occurs.

    Davison and Hinkley, "Bootstrap Methods and their Application", 1997, section 3.8.

    Args:
        groups: (N,), the twin group of each row, in any numbering.
        draws: how many draws (B).
        seed: the same seed gives the same draws.

    Returns:
        (B, N), whole numbers, the same for all rows of a group; 29 MB for 2,000 draws of 3,589 rows.

    Raises:
        ValueError: no rows, or no draws.
    """
    if not len(groups) or draws < 1:
        raise ValueError(f"nothing to draw from {len(groups)} rows in {draws} draws")
    names, member = np.unique(groups, return_inverse=True)
    many, rng = len(names), np.random.default_rng(seed)
    weights = np.empty((draws, len(groups)), np.float32)
    for draw in weights:
        draw[:] = np.bincount(rng.integers(many, size=many), minlength=many)[member]
    return weights


def equal_groups(groups: npt.NDArray[np.integer[Any]]) -> float:
    """How many groups of equal size would say as much about chance as these do.

    The mean of ten people with twenty images each hangs on ten chances, whatever else there is once. The number counts
    each group with the square of its size, which is right where the images of a group are all right or all wrong
    together and careful where they are not: Carter, Schnepel and Steigerwald, "Asymptotic behavior of a t-test robust
    to cluster heterogeneity", Review of Economics and Statistics 99, 2017.

    Args:
        groups: (N,), the group of each row, in any numbering.

    Raises:
        ValueError: no rows.
    """
    if not len(groups):
        raise ValueError("no rows, and so no groups")
    squares = np.unique(groups, return_counts=True)[1].astype(np.float64) ** 2
    return float(squares.sum() ** 2 / (squares**2).sum())


def bootstrap(
    labels: npt.NDArray[np.uint8],
    predicted: npt.NDArray[np.uint8],
    weights: npt.NDArray[np.float32],
    classes: int,
) -> Draws:
    """Score M classifiers in each draw. They share the draws, so differences between columns are paired.

    Args:
        labels: (N,), true classes from 0 to `classes` - 1.
        predicted: (M, N), the class that each classifier names.
        weights: (B, N), how often each row occurs in each draw, from `resample`. One row of ones scores the images
            as they are.
        classes: how many classes there are.

    Raises:
        ValueError: other shapes, a class out of range, or a draw without any row.
    """
    if predicted.ndim != 2 or weights.ndim != 2 or not len(labels) == predicted.shape[1] == weights.shape[1]:
        raise ValueError(
            "expected labels (N,), predicted (M, N) and weights (B, N), "
            f"not {labels.shape}, {predicted.shape}, {weights.shape}"
        )
    if not (np.isin(labels, range(classes)).all() and np.isin(predicted, range(classes)).all()):
        raise ValueError(f"a class is outside 0 to {classes - 1}")
    if not weights.any(axis=1).all():
        raise ValueError("a draw holds no row")
    # Counting is a product of matrices; float32 is the fast type for it and holds such counts exactly.
    one_hot = np.eye(classes, dtype=np.float32)
    named = one_hot[predicted.T]  # (N, M, classes)
    right = named * (labels[:, None] == predicted.T)[:, :, None]
    shape = len(weights), len(predicted), classes
    hits, guessed = (
        (weights @ counted.reshape(len(labels), -1)).reshape(shape).astype(np.float64) for counted in (right, named)
    )
    support = (weights @ one_hot[labels]).astype(np.float64)[:, None, :]
    f1 = 2 * hits / np.maximum(guessed + support, 1)  # 0, not 0 / 0, for a class that neither occurs nor is named
    recall = np.divide(hits, support, out=np.full_like(hits, np.nan), where=support > 0)
    return Draws(hits.sum(axis=2) / support.sum(axis=2), f1.mean(axis=2), recall)


def interval(
    samples: npt.NDArray[np.float64], level: float = 0.95
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """The percentile interval of bootstrap samples: Efron and Tibshirani, "An Introduction to the Bootstrap", 1993.

    In simulation its 95% intervals hold the true accuracy, macro-F1 and paired differences in 94 to 95% of the test
    sets. With only nine rows in the rarest class they hold the macro-F1 of one classifier in 92 to 93%: a draw of so
    few images scores too low. The bias-corrected interval (Efron, 1981) mends most of that, but is worse for paired
    differences, where this bias cancels.

    Args:
        samples: (B, ...), a row a draw.
        level: how often such an interval is meant to hold the truth.

    Returns:
        The lower and the upper ends, each (...).

    Raises:
        ValueError: no samples, one that is not finite, or a level not between 0 and 1.
    """
    if not len(samples) or not np.isfinite(samples).all() or not 0 < level < 1:
        raise ValueError(f"no interval of level {level} of samples {samples.shape}, or a sample is not finite")
    low, high = np.quantile(samples, [(1 - level) / 2, (1 + level) / 2], axis=0)
    return low, high
