"""Are the probabilities of a classifier true? Of the images it is 80% sure of, it should get 80% right.

All of it follows Guo et al., "On Calibration of Modern Neural Networks", ICML 2017: the reliability diagram, the
expected calibration error, and temperature scaling, the one-number remedy.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize_scalar
from scipy.special import log_softmax

# Guo et al.'s number of bins.
BINS = 15

# A probability below the smallest ordinary float32 counts as that much: 0 is what a softmax in float32 rounds such a
# one to, and its logarithm, which would be infinite, is -87.
SMALLEST = float(np.finfo(np.float32).tiny)

# A temperature is sought between this and its reciprocal. Networks that overfit have one of 1 to 4.
COLDEST = 0.05


@dataclass(frozen=True)
class Bin:
    """The images whose confidence is above `low` and at most `high`.

    Attributes:
        low, high: the edges.
        count: how many images, at least 1.
        confidence: the mean of their highest probabilities.
        accuracy: the share of them whose most probable class is the true one.
    """

    low: float
    high: float
    count: int
    confidence: float
    accuracy: float


def check_probabilities(labels: npt.NDArray[np.uint8], probabilities: npt.NDArray[np.floating[Any]]) -> None:
    """Make sure that labels and probabilities are what they should be.

    Args:
        labels: (N,), indices of the true classes.
        probabilities: (N, classes), or (..., N, classes) for several classifiers.

    Raises:
        ValueError: no rows, other shapes, a label that is no class, a probability that is negative or not finite, or
            a row of them whose sum is more than 0.001 off 1.
    """
    if labels.ndim != 1 or not probabilities.size or probabilities.ndim < 2 or probabilities.shape[-2] != len(labels):
        raise ValueError(
            f"expected labels (N,) and probabilities (..., N, classes), not {labels.shape}, {probabilities.shape}"
        )
    if not (labels < probabilities.shape[-1]).all():
        raise ValueError("a label is no class")
    if not (np.isfinite(probabilities).all() and (probabilities >= 0).all()):
        raise ValueError("a probability is negative or not finite")
    if np.abs(probabilities.sum(axis=-1, dtype=np.float64) - 1).max() > 0.001:
        raise ValueError("the probabilities of an image do not sum to 1")


def reliability(
    labels: npt.NDArray[np.uint8], probabilities: npt.NDArray[np.floating[Any]], bins: int = BINS
) -> list[Bin]:
    """The reliability diagram: accuracy by confidence, in bins of equal width (Guo et al., section 2).

    The confidence is the highest probability; of equal ones the first counts as the class predicted.

    Args:
        labels: (N,), indices of the true classes.
        probabilities: (N, classes).
        bins: how many equal parts the interval from 0 to 1 has. A confidence on an edge belongs to the part below.

    Returns:
        The bins that hold images, in ascending order. Empty ones, which have no accuracy, are left out.

    Raises:
        ValueError: no bins, or labels and probabilities that `check_probabilities` refuses or of several classifiers.
    """
    if bins < 1:
        raise ValueError(f"expected at least 1 bin, not {bins}")
    _check_one(labels, probabilities)
    # Edges are rounded as confidences are, so that 0.2 lies on the edge 3/15 and not a hair above it.
    edges = np.linspace(0, 1, bins + 1, dtype=np.float32)
    confidence = probabilities.max(axis=1).astype(np.float32)
    right = probabilities.argmax(axis=1) == labels
    # A sum rounded up can make a confidence of 1.0000001.
    part = np.minimum(np.searchsorted(edges, confidence, side="left") - 1, bins - 1)
    return [
        Bin(
            low=int(number) / bins,
            high=(int(number) + 1) / bins,
            count=int((part == number).sum()),
            confidence=float(confidence[part == number].mean(dtype=np.float64)),
            accuracy=float(right[part == number].mean()),
        )
        for number in np.unique(part)
    ]


def expected_calibration_error(
    labels: npt.NDArray[np.uint8], probabilities: npt.NDArray[np.floating[Any]], bins: int = BINS
) -> float:
    """The mean distance of confidence and accuracy over the bins of `reliability`, weighted by their counts.

    With few images it is biased upwards: by chance alone the accuracy of a bin of n images is some 0.4 / sqrt(n) off,
    and distances do not cancel. Perfect probabilities of a classifier that is right on half of the images score 0.02
    with 3,589 images and 0.07 with 300. So such a value is no sign of miscalibration, and only values of equally many
    images compare. Where confidence is too high for some images of a bin and too low for others, the two cancel, which
    is a bias downwards (Kumar et al., "Verified Uncertainty Calibration", NeurIPS 2019).

    Args:
        labels: (N,), indices of the true classes.
        probabilities: (N, classes).
        bins: see `reliability`.

    Returns:
        A fraction: 0.05 is 5 percentage points.

    Raises:
        ValueError: as `reliability` does.
    """
    parts = reliability(labels, probabilities, bins)
    return sum(part.count * abs(part.accuracy - part.confidence) for part in parts) / len(labels)


def log_loss(labels: npt.NDArray[np.uint8], probabilities: npt.NDArray[np.floating[Any]]) -> float:
    """The mean negative logarithm of the probability of the true class; 0 is certain and right.

    Args:
        labels: (N,), indices of the true classes.
        probabilities: (N, classes), or (..., N, classes) for the mean over several classifiers. 0 counts as `SMALLEST`.

    Returns:
        In nats.

    Raises:
        ValueError: `check_probabilities` refuses them.
    """
    check_probabilities(labels, probabilities)
    return float(-_logs(probabilities[..., np.arange(len(labels)), labels]).mean())


def fit_temperature(labels: npt.NDArray[np.uint8], probabilities: npt.NDArray[np.floating[Any]]) -> float:
    """The temperature T with which softmax(log p / T) has the lowest log loss (Guo et al., section 4.2).

    Above 1 it makes a classifier less sure of itself, below 1 surer. The log loss is convex in 1/T, so that a bounded
    search of log T finds its only minimum. It keeps T between 0.05 and 20: of a classifier that is always right the
    loss falls for ever as T falls, of one that is worse than guessing as T grows.

    Args:
        labels: (N,), indices of the true classes, of images that did not train the classifier and will not test it.
        probabilities: (N, classes). 0 counts as `SMALLEST`.

    Returns:
        T. It is 1 where no other is better.

    Raises:
        ValueError: labels and probabilities that `check_probabilities` refuses or of more than one classifier.
    """
    _check_one(labels, probabilities)
    logs = _logs(probabilities)
    rows = np.arange(len(labels))

    def loss(log_temperature: float) -> float:
        return float(-log_softmax(logs / np.exp(log_temperature), axis=1)[rows, labels].mean())

    bound = -np.log(COLDEST)
    found = minimize_scalar(loss, bounds=(-bound, bound), method="bounded", options={"xatol": 1e-6})
    return float(np.exp(found.x)) if found.fun < loss(0) else 1.0


def apply_temperature(probabilities: npt.NDArray[np.floating[Any]], temperature: float) -> npt.NDArray[np.float64]:
    """softmax(log p / T): the probabilities of a classifier made softer (T above 1) or sharper (T below 1).

    The order of an image's classes, and so the class predicted, stays. That is why the result is float64: in float32
    a high T could make two different probabilities equal.

    Args:
        probabilities: (..., classes). 0 counts as `SMALLEST`.
        temperature: T; 1 changes nothing.

    Returns:
        (..., classes); every row sums to 1.

    Raises:
        ValueError: the temperature is not a number above 0.
    """
    if not (np.isfinite(temperature) and temperature > 0):
        raise ValueError(f"expected a temperature above 0, not {temperature}")
    scaled: npt.NDArray[np.float64] = np.exp(log_softmax(_logs(probabilities) / temperature, axis=-1))
    return scaled


def _check_one(labels: npt.NDArray[np.uint8], probabilities: npt.NDArray[np.floating[Any]]) -> None:
    check_probabilities(labels, probabilities)
    if probabilities.ndim != 2:
        raise ValueError(f"expected the probabilities (N, classes) of one classifier, not {probabilities.shape}")


def _logs(probabilities: npt.NDArray[np.floating[Any]]) -> npt.NDArray[np.float64]:
    logs: npt.NDArray[np.float64] = np.log(np.maximum(probabilities.astype(np.float64), SMALLEST))
    return logs
