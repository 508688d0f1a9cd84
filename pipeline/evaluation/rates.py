"""How often the intervals and tests of the report are right, on drawn comparisons of which the truth is known."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd

from pipeline.evaluation.resampling import bootstrap, resample
from pipeline.evaluation.significance import mcnemar
from pipeline.evaluation.simulation import PRIOR, World
from pipeline.evaluation.uncertainty import SIGNIFICANT, Estimate, Floats, estimate

DRAWS = 400  # of the bootstrap; the report takes 2,000, which moves the ends of an interval less

RAREST = 1  # the class whose recall is looked at: disgust, with some 55 of 3,589 images

Truth = tuple[str, Estimate, float]


def measure_rates(world: World, count: int, seed: int = 0) -> pd.DataFrame:
    """Draw so many comparisons, and count.

    Returns:
        of (what is estimated), covered (the share of 95% intervals that hold the truth), found (the share of tests
        with a p value below 5%; missing with one seed), detectable (the mean of what `Estimate` says of it).
    """
    weights = resample(world.groups, DRAWS, seed=0)
    found: dict[str, list[tuple[bool, float, float]]] = {}
    by_mcnemar = []
    for labels, predicted in world.draw(count, seed):
        for name, guess, truth in _estimates(world, labels, predicted, weights):
            row = guess.low <= truth <= guess.high, guess.p, guess.detectable
            found.setdefault(name, []).append(row)
        by_mcnemar.append(mcnemar(*(predicted[:, 0, 0] == labels)) < SIGNIFICANT)
    records = []
    for name, rows in found.items():
        covered, p_values, detectable = np.array(rows, float).T
        rate = np.nan if np.isnan(p_values).any() else float((p_values < SIGNIFICANT).mean())
        records.append(
            {"of": name, "covered": covered.mean(), "found": rate, "detectable": detectable.mean()},
        )
    records.append({"of": "McNemar as trained", "found": float(np.mean(by_mcnemar))})
    return pd.DataFrame(records, columns=["of", "covered", "found", "detectable"])


def _estimates(world: World, labels: Any, predicted: Any, weights: Any) -> Iterator[Truth]:
    """What the report says of one comparison, and the truth of it."""
    shape = 2 * world.networks, world.seeds
    flat, once = predicted.reshape(-1, len(labels)), np.ones((1, len(labels)), np.float32)
    actual, drawn = (bootstrap(labels, flat, each, len(PRIOR)) for each in (once, weights))
    truth, one, mean = world.truth(), np.zeros(shape[0]), np.zeros(shape[0])
    one[[0, world.networks]] = 1, -1
    mean[: world.networks], mean[world.networks :] = 1 / world.networks, -1 / world.networks

    def of(measure: str, share: Floats, code: int | None = None) -> Estimate:
        values, draws = (
            getattr(each, measure).reshape(-1, *shape, *getattr(each, measure).shape[2:]) for each in (actual, drawn)
        )
        if code is not None:
            values, draws = values[..., code], draws[..., code]
        return estimate(values[0][share != 0], draws[:, share != 0], share[share != 0])

    accuracy, macro_f1, recall = truth["accuracy"], truth["macro_f1"], truth["recall"][:, RAREST]
    yield "accuracy of a network", of("accuracy", np.maximum(one, 0)), accuracy[0]
    yield "macro F1 of a network", of("macro_f1", np.maximum(one, 0)), macro_f1[0]
    yield "difference of accuracy, a network", of("accuracy", one), accuracy[0] - accuracy[1]
    yield "difference of macro F1, a network", of("macro_f1", one), macro_f1[0] - macro_f1[1]
    if world.networks > 1:
        yield "difference of accuracy, mean of networks", of("accuracy", mean), accuracy[0] - accuracy[1]
        yield "difference of recall, mean of networks", of("recall", mean, RAREST), recall[0] - recall[1]
