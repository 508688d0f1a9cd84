"""The images of one protocol and what all cells say of them: scores, their intervals, tests of differences."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from pipeline.data.protocols import rows
from pipeline.evaluation import significance
from pipeline.evaluation.results import Results

DRAWS = 2000  # of the bootstrap: an interval's end then moves by a tenth of its half-width from seed to seed
LEVEL = 0.95
SIGNIFICANT = 1 - LEVEL
POWER = 0.8

Bools = npt.NDArray[np.bool_]
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Sample:
    """The rows of one protocol, and what every cell says of them.

    Attributes:
        rows: (N,), which of the data set.
        classes: how many there are.
        labels, groups: (n,).
        predicted: (regions, networks, seeds, n).
        weights: (draws, n), how often each row occurs in each bootstrap draw.
        actual: the scores (1, regions, networks + 1), means over the seeds; the last network is the mean of all.
        drawn: the same in each draw, (draws, regions, networks + 1).
    """

    rows: Bools
    classes: int
    labels: npt.NDArray[np.uint8]
    groups: npt.NDArray[np.int32]
    predicted: npt.NDArray[np.uint8]
    weights: npt.NDArray[np.float32]
    actual: significance.Draws
    drawn: significance.Draws

    @property
    def correct(self) -> Bools:
        return np.asarray(self.predicted == self.labels)


def draw(results: Results, predicted: npt.NDArray[np.uint8], protocol: str) -> Sample:
    """Draw from the rows of a protocol.

    Args:
        results: of N rows.
        predicted: (regions, networks, seeds, N), the most probable classes.
        protocol: what is scored.

    Raises:
        InputError: it scores no rows.
    """
    scored = rows(results.role, results.twins, protocol)
    labels, groups, answers = results.labels[scored], results.twins[scored], predicted[..., scored]
    weights, classes = significance.resample(groups, DRAWS, seed=0), len(results.classes)
    actual, drawn = score(labels, answers, classes), score(labels, answers, classes, weights)
    return Sample(scored, classes, labels, groups, answers, weights, actual, drawn)


def score(
    labels: npt.NDArray[np.uint8],
    predicted: npt.NDArray[np.uint8],
    classes: int,
    weights: npt.NDArray[np.float32] | None = None,
) -> significance.Draws:
    """The scores of every region and network: means over the seeds, and behind the networks their mean.

    Args:
        labels: (n,).
        predicted: (regions, networks, seeds, n).
        classes: how many there are.
        weights: (draws, n), how often each row counts; every row once where they are not given.

    Returns:
        scores (draws, regions, networks + 1).
    """
    if weights is None:
        weights = np.ones((1, len(labels)), np.float32)

    def means(scores: Floats) -> Floats:
        networks = scores.reshape(len(scores), *predicted.shape[:3]).mean(axis=-1)
        return np.concatenate([networks, networks.mean(axis=-1, keepdims=True)], axis=-1)

    draws = significance.bootstrap(labels, predicted.reshape(-1, len(labels)), weights, classes)
    return significance.Draws(means(draws.accuracy), means(draws.macro_f1))


def interval(samples: Floats) -> tuple[float, float]:
    """Both ends of the interval that `LEVEL` of the samples (draws,) lie in."""
    low, high = significance.interval(samples, LEVEL)
    return float(low), float(high)


def paired_test(correct: Bools, other: Bools, groups: npt.NDArray[np.int32]) -> dict[str, float]:
    """The p values of a pair whose answers are right or wrong (seeds, n); `p` is the one that counts."""
    mcnemar = max(significance.mcnemar(a, b) for a, b in zip(correct, other, strict=True))
    if len(correct) == 1:
        return {"mcnemar": mcnemar, "p": mcnemar}
    if len(np.unique(groups)) == 1:  # all of them twins, as good as one image
        return {"mcnemar": mcnemar, "p": np.nan}
    over_seeds = significance.over_seeds(correct, other, groups)
    return {"mcnemar": mcnemar, "over_seeds": over_seeds, "p": over_seeds}


def adjust(table: pd.DataFrame, *family: str) -> pd.DataFrame:
    """Add p_holm: p adjusted for all tests that agree in the columns `family`."""
    table["p_holm"] = np.nan
    tested = table[table["p"].notna()]
    for _, part in tested.groupby(list(family), sort=False):
        table.loc[part.index, "p_holm"] = significance.holm(part["p"].tolist())
    return table
