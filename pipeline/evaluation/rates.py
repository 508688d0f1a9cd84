"""How often the intervals and tests of the report are right, on drawn comparisons of which the truth is known."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from pipeline.evaluation.ensembles import gain, joined_correct
from pipeline.evaluation.resampling import Draws, bootstrap, equal_groups, resample
from pipeline.evaluation.significance import mcnemar
from pipeline.evaluation.simulation import PRIOR, Drawn, World
from pipeline.evaluation.uncertainty import LEVEL, SIGNIFICANT, Estimate, Floats, estimate

DRAWS = 400  # of the bootstrap; the report takes 2,000, which moves the ends of an interval less

RAREST = 1  # the class whose recall is looked at: disgust, with some 55 of 3,589 images

ANY = "any network, after Holm"

MOST = 5  # seeds: with more there are too many ways to join trainings

KNOWN = 0.17  # of the groups have a twin elsewhere, which here changes nothing


class Said(NamedTuple):
    """What the report says of one thing in one comparison, and the truth of it; nan where it is known by its mean only.

    `estimates` are several where they are judged together.
    """

    of: str
    estimates: list[Estimate]
    truths: list[float]


Weigh = Callable[..., Estimate]  # scores, draws of them, the cells' shares, the interval's level, and the groups


def measure_rates(world: World, count: int, seed: int = 0) -> pd.DataFrame:
    """Draw so many comparisons, and count.

    Returns:
        of (what is estimated), covered (the share of intervals that hold the truth; of several the share of comparisons
        where all do), found (the share of tests with a p value below 5%; of several, of comparisons where one has,
        after Holm's adjustment; missing with one seed), detectable (the mean of what `Estimate` says of it).
    """
    weights, found, by_mcnemar = resample(world.groups, DRAWS, seed=0), {}, []
    truth, known = world.truth(), np.random.default_rng(0).random(len(world.groups)) < KNOWN
    said: dict[str, list[Said]] = {}
    for drawn in world.draw(count, seed):
        for each in _all_said(world, drawn, weights, truth, known):
            said.setdefault(each.of, []).append(each)
        by_mcnemar.append(mcnemar(*(drawn.predicted[:, 0, 0] == drawn.labels)) < SIGNIFICANT)
    for name, rows in said.items():
        found[name] = _rates(rows)
    if ANY in found:
        found[ANY]["covered"] = np.nan  # each of the intervals is meant to hold by itself
    records = [{"of": name, **rates} for name, rates in found.items()]
    records.append({"of": "McNemar as trained", "found": float(np.mean(by_mcnemar))})
    return pd.DataFrame(records, columns=["of", "covered", "found", "detectable"])


def _rates(rows: list[Said]) -> dict[str, float]:
    values = np.array([[one.value for one in row.estimates] for row in rows])
    truths = np.array([row.truths for row in rows])
    truths = np.where(np.isnan(truths), values.mean(axis=0), truths)
    ends = np.array([[(one.low, one.high) for one in row.estimates] for row in rows])
    held = ((ends[..., 0] <= truths) & (truths <= ends[..., 1])).all(axis=1)
    p_values = np.array([[one.p for one in row.estimates] for row in rows])
    tested = not np.isnan(p_values).any()
    return {
        "covered": float(held.mean()),
        # Of several the smallest times their number: Holm's first step, which decides whether there is any.
        "found": float((p_values.min(axis=1) * p_values.shape[1] < SIGNIFICANT).mean()) if tested else np.nan,
        "detectable": float(np.mean([row.estimates[0].detectable for row in rows])),
    }


def _all_said(
    world: World,
    drawn: Drawn,
    weights: npt.NDArray[np.float32],
    truth: dict[str, Floats],
    known: npt.NDArray[np.bool_],
) -> Iterator[Said]:
    labels, networks, seeds = drawn.labels, world.networks, world.seeds
    flat, once = drawn.predicted.reshape(-1, len(labels)), np.ones((1, len(labels)), np.float32)
    actual, draws = (bootstrap(labels, flat, each, len(PRIOR)) for each in (once, weights))
    shape = 2 * networks, seeds
    one, mean = np.zeros(shape[0]), np.repeat([1 / networks, -1 / networks], networks)
    one[[0, networks]] = 1, -1

    whole = equal_groups(world.groups)

    def of(values: Floats, samples: Floats, share: Floats, level: float = LEVEL, groups: float = whole) -> Estimate:
        values, samples = values.reshape(shape), samples.reshape(-1, *shape)
        usable = np.isfinite(samples).all(axis=(1, 2))
        return estimate(values[share != 0], samples[usable][:, share != 0], share[share != 0], level, groups)

    for measure in ("accuracy", "macro_f1"):
        values, samples, (first, second) = getattr(actual, measure), getattr(draws, measure), truth[measure]
        name = measure.replace("_", " ")
        yield Said(f"{name} of a network", [of(values, samples, np.maximum(one, 0))], [first])
        yield Said(f"difference of {name}, a network", [of(values, samples, one)], [first - second])
        if networks > 1:
            yield Said(f"difference of {name}, mean of networks", [of(values, samples, mean)], [first - second])
    if networks > 1:
        each = [np.roll(one, k) for k in range(networks)]
        gap = truth["accuracy"][0] - truth["accuracy"][1]
        several = [of(actual.accuracy, draws.accuracy, share) for share in each]
        yield Said(ANY, several, [gap] * networks)
        between = np.zeros(shape[0])
        between[[0, 1]] = 1, -1
        yield Said("difference of two networks on a region", [of(actual.accuracy, draws.accuracy, between)], [0.0])
        worth = [equal_groups(world.groups[labels == code]) for code in range(len(PRIOR))]
        yield from _of_classes(of, actual, draws, truth["recall"], mean, worth)
    yield from _of_leak(of, drawn, weights, known, one)
    yield from _of_joined(drawn, weights, whole)


def _of_classes(
    of: Weigh, actual: Draws, draws: Draws, recall: Floats, mean: Floats, worth: list[float]
) -> Iterator[Said]:
    level = 1 - SIGNIFICANT / len(PRIOR)
    gaps = (recall[0] - recall[1]).tolist()
    rare = of(actual.recall[..., RAREST], draws.recall[..., RAREST], mean, LEVEL, worth[RAREST])
    yield Said("difference of recall, the rarest class", [rare], [gaps[RAREST]])
    every = [
        of(actual.recall[..., code], draws.recall[..., code], mean, level, groups) for code, groups in enumerate(worth)
    ]
    yield Said("recall of all classes together, after Holm", every, gaps)


def _of_leak(
    of: Weigh, drawn: Drawn, weights: npt.NDArray[np.float32], known: npt.NDArray[np.bool_], one: Floats
) -> Iterator[Said]:
    """Accuracy on all images less that on those without a twin elsewhere."""
    correct = (drawn.predicted == drawn.labels).reshape(-1, len(known)).astype(np.float32)

    def shift(weights: npt.NDArray[np.float32]) -> Floats:
        left = weights[:, ~known]
        whole, rest = weights @ correct.T, left @ correct[:, ~known].T
        found: Floats = whole / weights.sum(axis=1, keepdims=True) - rest / left.sum(axis=1, keepdims=True)
        return found.astype(np.float64)

    actual = shift(np.ones((1, len(known)), np.float32))
    yield Said("leak of a network", [of(actual, shift(weights), np.maximum(one, 0))], [0.0])


def _of_joined(drawn: Drawn, weights: npt.NDArray[np.float32], groups: float) -> Iterator[Said]:
    """The first network: both regions joined over the first alone, and over two trainings of the first."""
    probabilities, labels = drawn.of_first, np.zeros(len(drawn.labels), np.uint8)
    total = weights.sum(axis=1, dtype=np.float64)
    both, single = (of.argmax(axis=-1) == 0 for of in (probabilities.sum(axis=0), probabilities[0]))
    more = both.astype(np.float32) - single  # (seeds, N)
    samples = (weights @ more.T).astype(np.float64) / total[:, None]
    yield Said(
        "gain of joined regions over one",
        [estimate(more.mean(axis=1)[None].astype(np.float64), samples[:, None], groups=groups)],
        [np.nan],
    )
    if 2 < probabilities.shape[1] <= MOST:
        joined, control = (joined_correct(probabilities, labels, members) for members in ((0, 1), (0, 0)))
        # Where regions differ in nothing there is none.
        yield Said("gain of joined regions over joined trainings", [gain(joined, control, weights, groups)], [np.nan])
