"""What is to be expected of answers if the label of each image is drawn in proportion to the votes that it got."""

from __future__ import annotations

from dataclasses import dataclass
from statistics import mean

import numpy as np
import numpy.typing as npt

from pipeline.data.expressions import Expressions
from pipeline.evaluation.resampling import equal_groups, resample
from pipeline.evaluation.results import Answers
from pipeline.evaluation.uncertainty import Estimate, Floats, estimate, of_a_score
from pipeline.report import sample
from pipeline.report.study import HEADLINE


@dataclass(frozen=True)
class Votes:
    """The test rows that have votes, n of them.

    Attributes:
        rows: (n,), which of all answers.
        shares: (n, classes), of the votes.
        weights: (draws, n), how much each row counts in each bootstrap draw; they sum to 1.
        groups: how many groups of equal size they are worth.
    """

    rows: npt.NDArray[np.intp]
    shares: Floats
    weights: Floats
    groups: float

    @classmethod
    def of(cls, expressions: Expressions, answers: Answers) -> Votes | None:
        """Those of a data set; None if it has no votes."""
        votes = expressions.class_votes[answers.row].astype(np.float64)
        rows = np.flatnonzero((answers.role == HEADLINE) & (votes.sum(axis=1) > 0))
        if not len(rows):
            return None
        groups = answers.groups[rows]
        weights = resample(groups, sample.DRAWS, seed=0).astype(np.float64)
        weights /= weights.sum(axis=1, keepdims=True)
        return cls(rows, votes[rows] / votes[rows].sum(axis=1, keepdims=True), weights, equal_groups(groups))

    def accuracy(self, named: npt.NDArray[np.uint8]) -> Estimate:
        """The share of a row's votes that its answer has, on average.

        Args:
            named: (seeds, M), the class that each training names, of all answers.
        """
        right = np.take_along_axis(self.shares, named[:, self.rows].T.astype(np.intp), axis=1)  # (n, seeds)
        return of_a_score(estimate(right.mean(axis=0)[None], (self.weights @ right)[:, None], groups=self.groups))

    def macro_f1(self, named: npt.NDArray[np.uint8]) -> float:
        """That of the expected confusion matrix, where a class without any row counts 0, as in `evaluation.scores`.

        Args:
            named: (seeds, M), as above; the mean over them.
        """
        return mean(self._macro_f1(of_seed) for of_seed in named[:, self.rows])

    def _macro_f1(self, named: npt.NDArray[np.uint8]) -> float:
        guessed = np.eye(self.shares.shape[1])[named]
        both, total = 2 * (guessed * self.shares).sum(axis=0), (guessed + self.shares).sum(axis=0)
        return float(np.divide(both, total, out=np.zeros_like(both), where=total > 0).mean())
