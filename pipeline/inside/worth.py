"""What each part is worth by expression, with the chance of images and seeds."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from pipeline.common.files import InputError
from pipeline.evaluation.resampling import interval, resample
from pipeline.inside.coalitions import METHODS
from pipeline.inside.part_values import REMEDY, PartValues

Floats = npt.NDArray[np.float64]

LEVEL = 0.95
ALL = "all expressions"  # stands for the mean over them, each counting alike
BOTH = "both"  # stands for the mean over the fillings


class Means(NamedTuple):
    """Means by class, and what they are in each bootstrap draw; the last class stands for the mean of all.

    Attributes:
        classes: the codes of the classes that have a row.
        actual: (classes + 1, ...).
        drawn: (draws, classes + 1, ...).
    """

    classes: list[int]
    actual: Floats
    drawn: Floats


def means_by_class(
    values: npt.NDArray[np.floating],
    labels: npt.NDArray[np.uint8],
    groups: npt.NDArray[np.integer[Any]],
    draws: int,
) -> Means:
    """Means of what several trainings say of the same images, and their bootstrap over twin groups and seeds.

    Each draw takes twin groups of a class, and seeds for all classes alike, with replacement. The same rows, groups and
    numbers of seeds and draws give the same draws, so that what is measured on the same images is compared in pairs.
    With one seed only the images are drawn.

    Args:
        values: (seeds, N, ...).
        labels, groups: (N,), the class and the twin group of each row.
        draws: how many.
    """
    seeds, rest = len(values), values.shape[2:]
    flat = values.reshape(*values.shape[:2], -1).astype(np.float64)
    rng = np.random.default_rng(0)
    chosen = np.stack([np.bincount(rng.integers(seeds, size=seeds), minlength=seeds) / seeds for _ in range(draws)])
    classes = np.unique(labels).tolist()
    actual, drawn = [], []
    for code in classes:
        of = labels == code
        weights = resample(groups[of], draws, seed=code).astype(np.float64)
        shares = weights / weights.sum(axis=1, keepdims=True)
        by_seed = (shares @ flat[:, of].transpose(1, 0, 2).reshape(of.sum(), -1)).reshape(draws, seeds, -1)
        actual.append(flat[:, of].mean(axis=(0, 1)))
        drawn.append(np.einsum("bs,bsk->bk", chosen, by_seed))
    found = np.stack([*actual, np.mean(actual, axis=0)])
    samples = np.stack([*drawn, np.mean(drawn, axis=0)], axis=1)
    return Means(classes, found.reshape(-1, *rest), samples.reshape(*samples.shape[:2], *rest))


def ends(drawn: Floats) -> tuple[Floats, Floats]:
    """Both ends of the interval that `LEVEL` of the draws (draws, ...) lie in."""
    low, high = interval(drawn, LEVEL)
    return low, high


def stacked(found: Sequence[PartValues]) -> Floats:
    """What the classifiers of several seeds say: (seeds, N, fillings + 1, 2**parts), last the mean of the fillings.

    Raises:
        InputError: they were shown other images, or other parts of them.
    """
    first = found[0]
    for other in found[1:]:
        asked = {**other.asked.model_dump(), "seed": first.asked.seed}
        if asked != first.asked.model_dump() or not np.array_equal(other.rows, first.rows):
            raise InputError(
                f"reports/inside/atlas/{other.asked.network}-{other.asked.seed}: of other images than those of seed "
                f"{first.asked.seed}; {REMEDY}"
            )
    values = np.stack([each.values for each in found]).astype(np.float64)
    return np.concatenate([values, values.mean(axis=2, keepdims=True)], axis=2)


def part_worth(found: Sequence[PartValues], draws: int) -> tuple[pd.DataFrame, dict[str, Means]]:
    """What each part is worth to a network, by method, filling and expression.

    Args:
        found: of its seeds.
        draws: of the bootstrap.

    Returns:
        a table of network, method (see `METHODS`), filling (or `BOTH`), expression (or `ALL`), part, n (images),
        value, low and high: probability of the true class, and the ends of its interval. And by method the means
        behind it, (classes + 1, fillings + 1, parts).
    """
    first, values = found[0], stacked(found)
    asked, counts = first.asked, np.bincount(first.labels, minlength=len(first.asked.classes))
    records, behind = [], {}
    for method, measure in METHODS.items():
        means = behind[method] = means_by_class(measure(values), first.labels, first.groups, draws)
        low, high = ends(means.drawn)
        for i, code in enumerate([*means.classes, None]):
            for f, filling in enumerate([*asked.fillings, BOTH]):
                for p, part in enumerate(asked.parts):
                    of = {
                        "network": asked.network,
                        "method": method,
                        "filling": filling,
                        "expression": ALL if code is None else asked.classes[code],
                        "part": part,
                        "n": len(first.labels) if code is None else int(counts[code]),
                    }
                    numbers = means.actual[i, f, p], low[i, f, p], high[i, f, p]
                    records.append(of | dict(zip(("value", "low", "high"), map(float, numbers), strict=True)))
    return pd.DataFrame(records), behind


def confusions(found: Sequence[PartValues], draws: int, most: int) -> pd.DataFrame:
    """Which expressions are taken for which others when a part is hidden: the pairs that become most frequent.

    Args:
        found: of a network's seeds.
        draws: of the bootstrap.
        most: pairs are kept.

    Returns:
        network, part, expression, called, n (images), before and after (shares of the images that are called so, mean
        over fillings and seeds), gain (after less before) with the ends low and high of its interval.
    """
    first = found[0]
    asked, classes = first.asked, len(first.asked.classes)
    named = np.eye(classes)[np.stack([each.called for each in found])].mean(axis=2)  # seeds, N, 1 + parts, classes
    means = means_by_class(named, first.labels, first.groups, draws)
    gain, (low, high) = means.actual - means.actual[:, :1], ends(means.drawn - means.drawn[:, :, :1])
    records = []
    for i, code in enumerate(means.classes):
        for p, part in enumerate(asked.parts, start=1):
            for other in range(classes):
                if other != code and gain[i, p, other] > 0:
                    of = {"network": asked.network, "part": part, "expression": asked.classes[code]}
                    before, after = means.actual[i, 0, other], means.actual[i, p, other]
                    record = of | {"called": asked.classes[other], "n": int((first.labels == code).sum())}
                    record |= {"before": before, "after": after, "gain": gain[i, p, other]}
                    records.append(record | {"low": low[i, p, other], "high": high[i, p, other]})
    columns = ["network", "part", "expression", "called", "n", "before", "after", "gain", "low", "high"]
    table = pd.DataFrame(records, columns=columns)
    return table.sort_values("gain", ascending=False, kind="stable").head(most).reset_index(drop=True)
