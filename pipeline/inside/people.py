"""Do classifiers rely on the eyes where people do, and on the mouth where people do?

`people.csv` has what people rely on: the share of the positive weight that lies in the band of eyes and brows and in
that of the mouth, in percent, from posed photographs that were uncovered tile by tile until they were recognised.
Source: Wegrzyn et al., "Mapping the emotional face. How individual face parts contribute to successful emotion
recognition", PLOS ONE 12, 2017, doi:10.1371/journal.pone.0177239.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import permutations
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.stats import rankdata

from pipeline.inside.worth import Means, ends

PEOPLE = Path(__file__).with_name("people.csv")

# The names in params.yaml of the parts that lie in either band.
UPPER, LOWER = ("brows", "eyes"), ("mouth",)
FEWEST = 4  # expressions that both know: of three, all orders are as good as equally likely

Floats = npt.NDArray[np.float64]


class Agreement(NamedTuple):
    """How alike the orders of the expressions are, from reliance on the eyes to reliance on the mouth.

    Attributes:
        table: expression, people and classifier: the share of the positive weight in eyes and brows less that in the
            mouth, from -1 to 1, with the ends low and high of the classifier's interval.
        rho: Spearman's rank correlation; low and high bound its interval over images and seeds.
        p: how often a random order of the expressions agrees at least as well; exact.
    """

    table: pd.DataFrame
    rho: float
    low: float
    high: float
    p: float


def agreement(means: Means, classes: Sequence[str], parts: Sequence[str]) -> Agreement | None:
    """Hold what the parts are worth to a network against what people rely on.

    Args:
        means: of the Shapley values, (classes + 1, parts).
        classes: the names of all classes.
        parts: the names of the parts.

    Returns:
        None where the parts have other names, or fewer than `FEWEST` expressions are known to both.
    """
    people = pd.read_csv(PEOPLE).set_index("expression")
    shared = [(row, classes[code]) for row, code in enumerate(means.classes) if classes[code] in people.index]
    if not {*UPPER, *LOWER} <= set(parts) or len(shared) < FEWEST:
        return None
    rows, names = [row for row, _ in shared], [name for _, name in shared]
    theirs = ((people["eyes_and_brows"] - people["mouth"]) / 100)[names].to_numpy()
    ours, drawn = _balance(means.actual[rows], parts), _balance(means.drawn[:, rows], parts)
    rho = float(_spearman(ours[None], theirs)[0])
    low, high = ends(_spearman(drawn, theirs))
    orders = np.array(list(permutations(rankdata(ours))))
    p = float((_spearman(orders, theirs) >= rho - 1e-9).mean())
    below, above = ends(drawn)
    table = pd.DataFrame({"expression": names, "people": theirs, "classifier": ours, "low": below, "high": above})
    return Agreement(table, rho, float(low), float(high), p)


def _balance(values: Floats, parts: Sequence[str]) -> Floats:
    """Upper less lower share of the positive worth, (..., parts) to (...); 0 where nothing is worth anything."""
    positive = np.maximum(values, 0)
    whole = positive.sum(axis=-1)
    upper, lower = (positive[..., [parts.index(name) for name in band]].sum(axis=-1) for band in (UPPER, LOWER))
    return np.asarray(np.divide(upper - lower, whole, out=np.zeros_like(whole), where=whole > 0))


def _spearman(ours: Floats, theirs: Floats) -> Floats:
    """Rank correlation of each row of (draws, expressions) with (expressions,); 0 where a row is all ties."""
    ranks, other = rankdata(ours, axis=1), rankdata(theirs)
    ranks, other = ranks - ranks.mean(axis=1, keepdims=True), other - other.mean()
    size = np.sqrt((ranks**2).sum(axis=1) * (other**2).sum())
    return np.asarray(np.divide(ranks @ other, size, out=np.zeros(len(ranks)), where=size > 0))
