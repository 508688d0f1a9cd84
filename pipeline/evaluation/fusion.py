"""Which regions to use together: feature selection over the classifiers of one network, one classifier a region.

A candidate is such a classifier, trained with several seeds. Candidates are joined by averaging their probabilities.
What is chosen here, weights or a subset, is chosen on the rows that are passed, and on nothing else: pass those of
validation, and score the choice on others.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from pipeline.evaluation.calibration import SMALLEST, check_probabilities, log_loss

# The search for weights ends when none can be better by more than this, in nats a prediction: far less than chance
# decides. Only candidates that hardly differ take more than these rounds, and with them it matters least: 25 copies
# with slight noise were within 0.00004 nats of the best at the end, after 1.4 s.
GAP = 1e-6
ROUNDS = 20_000


@dataclass(frozen=True)
class Step:
    """One step of `select_forward`.

    Attributes:
        candidate: the index of the one that was added.
        accuracy: of the equal-weight average of all so far, on the rows that choose; the mean over the seeds.
        kept: whether it belongs to the selection. After the first step that did not raise the accuracy, none does.
    """

    candidate: int
    accuracy: float
    kept: bool


def fit_weights(probabilities: npt.NDArray[np.float32], labels: npt.NDArray[np.uint8]) -> npt.NDArray[np.float64]:
    """The weights whose weighted average of probabilities makes the labels most likely.

    The log likelihood is concave in the weights, so there is one best value and no local one. Every round multiplies
    a candidate's weight by the mean ratio of its probability of the true class to the average's, which keeps the sum
    at 1: the EM step for the weights of a mixture. No round lowers the likelihood, the best one is the limit, and the
    highest of the ratios less 1 bounds how far away it is (Cover, "An algorithm for maximizing expected log investment
    return", IEEE Transactions on Information Theory 30, 1984). It starts from equal weights, so equal candidates end
    with equal weights; between candidates that say nearly the same, the division means little.

    Args:
        probabilities: (K, S, N, classes) of K candidates with S seeds each. 0 counts as `calibration.SMALLEST`.
        labels: (N,), indices of the true classes.

    Returns:
        (K,), at least 0, sum 1; the seeds share them. That of a useless candidate is tiny, seldom exactly 0.

    Raises:
        ValueError: labels and probabilities that `calibration.check_probabilities` refuses, or not of four axes.
    """
    _check(probabilities, labels)
    likelihood = probabilities[:, :, np.arange(len(labels)), labels].reshape(len(probabilities), -1).astype(np.float64)
    likelihood = np.maximum(likelihood, SMALLEST)
    weights = np.full(len(probabilities), 1 / len(probabilities))
    for _ in range(ROUNDS):
        ratios = likelihood @ (1 / (weights @ likelihood)) / likelihood.shape[1]
        if ratios.max() - 1 < GAP:
            break
        weights = weights * ratios
    return weights


def fuse(probabilities: npt.NDArray[np.float32], weights: npt.NDArray[np.floating[Any]]) -> npt.NDArray[np.float32]:
    """The weighted average of the candidates' probabilities, for each seed.

    Args:
        probabilities: (K, S, N, classes).
        weights: (K,), at least 0, sum 1.

    Returns:
        (S, N, classes).

    Raises:
        ValueError: other shapes, or a weight that is negative or not finite, or weights that do not sum to 1.
    """
    if probabilities.ndim != 4 or weights.shape != (len(probabilities),):
        raise ValueError(
            f"expected probabilities (K, S, N, classes) and weights (K,), not {probabilities.shape}, {weights.shape}"
        )
    if not (np.isfinite(weights).all() and (weights >= 0).all() and abs(weights.sum() - 1) < 1e-6):
        raise ValueError("a weight is negative or not finite, or the weights do not sum to 1")
    total = np.zeros(probabilities.shape[1:])
    for weight, candidate in zip(
        weights, probabilities, strict=True
    ):  # one by one: all in float64 would be twice the memory again
        total += float(weight) * candidate.astype(np.float64)
    return total.astype(np.float32)


def best_single(probabilities: npt.NDArray[np.float32], labels: npt.NDArray[np.uint8]) -> int:
    """The candidate with the highest accuracy, the mean over the seeds.

    Of equally accurate ones it is that with the lower log loss, then the first.

    Args:
        probabilities: (K, S, N, classes).
        labels: (N,), indices of the true classes.

    Returns:
        Its index.

    Raises:
        ValueError: as `fit_weights` does.
    """
    _check(probabilities, labels)
    return min(
        range(len(probabilities)),
        key=lambda one: (-_hits(probabilities[one], labels), log_loss(labels, probabilities[one])),
    )


def select_forward(probabilities: npt.NDArray[np.float32], labels: npt.NDArray[np.uint8]) -> list[Step]:
    """Greedy forward selection by accuracy (Kohavi and John, "Wrappers for feature subset selection", Artificial
    Intelligence 97, 1997; of models: Caruana et al., "Ensemble selection from libraries of models", ICML 2004).

    It starts with `best_single`. Each step adds the candidate with which the equal-weight average of all so far is the
    most accurate, without replacement; of equally good ones the first. The selection ends before the first step that
    does not raise the accuracy, but the path goes on to the end, so that it can be drawn. Its accuracies flatter, since
    the same rows chose the steps.

    Args:
        probabilities: (K, S, N, classes).
        labels: (N,), indices of the true classes.

    Returns:
        K steps; the selection is those that are `kept`.

    Raises:
        ValueError: as `fit_weights` does.
    """
    added = best_single(probabilities, labels)
    left = [one for one in range(len(probabilities)) if one != added]
    # The sum predicts what the average does, and in float64 it is exact enough to keep ties.
    total = probabilities[added].astype(np.float64)
    hits = _hits(total, labels)
    predictions = probabilities.shape[1] * len(labels)
    steps = [Step(added, hits / predictions, kept=True)]
    while left:
        trials = {one: _hits(total + probabilities[one], labels) for one in left}
        added = max(left, key=trials.__getitem__)
        kept = steps[-1].kept and trials[added] > hits
        hits = trials[added]
        total += probabilities[added]
        left.remove(added)
        steps.append(Step(added, hits / predictions, kept))
    return steps


def _hits(probabilities: npt.NDArray[np.floating[Any]], labels: npt.NDArray[np.uint8]) -> int:
    """How many of the (S, N) predictions are right: a whole number, so that equal accuracies are equal."""
    return int((probabilities.argmax(axis=-1) == labels).sum())


def _check(probabilities: npt.NDArray[np.float32], labels: npt.NDArray[np.uint8]) -> None:
    if probabilities.ndim != 4:
        raise ValueError(f"expected probabilities (K, S, N, classes), not {probabilities.shape}")
    check_probabilities(labels, probabilities)
