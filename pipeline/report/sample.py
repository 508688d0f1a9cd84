"""The images of one protocol and what all cells say of them: scores, and estimates that know both kinds of chance."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt
import pandas as pd

from pipeline.evaluation import resampling, significance
from pipeline.evaluation.resampling import Draws
from pipeline.evaluation.results import Answers
from pipeline.evaluation.uncertainty import LEVEL, Estimate, estimate, of_a_score

DRAWS = 2000  # of the bootstrap: an interval's end then moves by a tenth of its half-width from seed to seed

Bools = npt.NDArray[np.bool_]
Floats = npt.NDArray[np.float64]
Measure = Literal["accuracy", "macro_f1"]


@dataclass(frozen=True)
class Sample:
    """The rows of one protocol, and what every cell says of them.

    Attributes:
        rows: (M,), which of all answers.
        classes: how many there are.
        labels, groups: (n,), the groups being those that are drawn whole.
        predicted: (regions, networks, seeds, n).
        counts: (draws, n), how often each row occurs in each bootstrap draw.
        actual: the scores, (1, regions, networks, seeds) and for recall one axis more, the classes.
        drawn: the same in each draw, (draws, regions, networks, seeds).
    """

    rows: Bools
    classes: int
    labels: npt.NDArray[np.uint8]
    groups: npt.NDArray[np.int32]
    predicted: npt.NDArray[np.uint8]
    counts: npt.NDArray[np.uint8]
    actual: Draws
    drawn: Draws

    @property
    def weights(self) -> npt.NDArray[np.float32]:
        """The counts in the type that is fast to multiply: four times as large, 287 MB of FER2013's rows in folds."""
        return self.counts.astype(np.float32)

    @property
    def many(self) -> float:
        """How many groups of equal size the images are worth."""
        return resampling.equal_groups(self.groups)

    @property
    def correct(self) -> Bools:
        return np.asarray(self.predicted == self.labels)

    def share(self, region: int, network: int) -> Floats:
        """(regions, networks): 1 for a cell, and for the number behind the networks the mean of all of them."""
        regions, networks = self.predicted.shape[:2]
        share = np.zeros((regions, networks))
        if network == networks:
            share[region] = 1 / networks
        else:
            share[region, network] = 1
        return share

    def estimate(self, measure: Measure, share: Floats) -> Estimate:
        """How a measure, or a difference of them, may be in truth; share (regions, networks) are the cells' weights."""
        found = weigh(getattr(self.actual, measure)[0], getattr(self.drawn, measure), share, self.many)
        return of_a_score(found) if np.isclose(share.sum(), 1) else found


def weigh(actual: Floats, drawn: Floats, share: Floats, groups: float, level: float = LEVEL) -> Estimate:
    """The weighted sum of scores (regions, networks, seeds), of which drawn has an axis more in front.

    Args:
        share: (regions, networks), the weights.
        groups: how many groups of equal size were drawn from.
        level: of the interval.
    """
    of = share != 0
    return estimate(actual[of], drawn[:, of], share[of], level, groups)


def draw(answers: Answers, predicted: npt.NDArray[np.uint8], rows: Bools) -> Sample:
    """Draw from the rows of a protocol.

    Args:
        answers: M of them.
        predicted: (regions, networks, seeds, M), the most probable classes.
        rows: (M,), those that are scored.
    """
    labels, groups, named = answers.labels[rows], answers.groups[rows], predicted[..., rows]
    weights, classes = resampling.resample(groups, DRAWS, seed=0), len(answers.classes)
    actual, drawn = score(labels, named, classes), score(labels, named, classes, weights)
    # No group of many is ever drawn as often as 256 times, and of few none can be.
    return Sample(rows, classes, labels, groups, named, weights.astype(np.uint8), actual, drawn)


def score(
    labels: npt.NDArray[np.uint8],
    predicted: npt.NDArray[np.uint8],
    classes: int,
    weights: npt.NDArray[np.float32] | None = None,
) -> Draws:
    """The scores of all classifiers.

    Args:
        labels: (n,).
        predicted: (..., n).
        classes: how many there are.
        weights: (draws, n), how often each row counts; every row once where they are not given.

    Returns:
        scores (draws, ...), and recall (draws, ..., classes).
    """
    if weights is None:
        weights = np.ones((1, len(labels)), np.float32)
    found = resampling.bootstrap(labels, predicted.reshape(-1, len(labels)), weights, classes)
    shape = len(weights), *predicted.shape[:-1]
    return Draws(*(of.reshape(*shape, *of.shape[2:]) for of in found))


def adjust(table: pd.DataFrame, *family: str) -> pd.DataFrame:
    """Add p_holm: p adjusted for all tests that agree in the columns `family`."""
    table["p_holm"] = np.nan
    tested = table[table["p"].notna()]
    for _, part in tested.groupby(list(family), sort=False):
        table.loc[part.index, "p_holm"] = significance.holm(part["p"].tolist())
    return table
