"""Tests of trained classifiers, and what to do about many tests at once.

McNemar's test asks of two classifiers as they were trained; it does not know that another start of the training would
have made others. What does is in `uncertainty`.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from statsmodels.stats import contingency_tables
from statsmodels.stats.multitest import multipletests


def mcnemar(correct_a: npt.NDArray[np.bool_], correct_b: npt.NDArray[np.bool_]) -> float:
    """McNemar's exact test: are two trained classifiers right equally often on images like these?

    McNemar, "Note on the sampling error of the difference between correlated proportions or percentages",
    Psychometrika 12, 1947; recommended for classifiers by Dietterich, Neural Computation 10, 1998.

    Args:
        correct_a, correct_b: (N,), whether each of them is right on a row.

    Returns:
        The two-sided p value; 1 if there is no row on which just one of them is right.

    Raises:
        ValueError: no rows, or other shapes.
    """
    if correct_a.ndim != 1 or correct_a.shape != correct_b.shape or not len(correct_a):
        raise ValueError(f"expected two arrays (N,), not {correct_a.shape} and {correct_b.shape}")
    table = [[np.sum((correct_a == a) & (correct_b == b)) for b in (True, False)] for a in (True, False)]
    return float(contingency_tables.mcnemar(table, exact=True).pvalue)


def holm(p_values: Sequence[float]) -> list[float]:
    """Adjust the p values of several tests, so that even one false alarm among them is as rare as the level says.

    Holm, "A simple sequentially rejective multiple test procedure", Scandinavian Journal of Statistics 6, 1979.

    Raises:
        ValueError: a p value is not between 0 and 1.
    """
    if not all(0 <= p <= 1 for p in p_values):
        raise ValueError(f"p values must be between 0 and 1, not {list(p_values)}")
    if not p_values:
        return []
    adjusted: list[float] = multipletests(p_values, method="holm")[1].tolist()
    return adjusted
