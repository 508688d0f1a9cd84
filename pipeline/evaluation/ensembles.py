"""Joining models of several regions beside joining as many trainings of one: only what is more is due to the regions.

Two networks that are wrong on different images are better together than each alone, and two trainings of one region
are such networks already.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from itertools import combinations, product

import numpy as np
import numpy.typing as npt

from pipeline.evaluation.uncertainty import Estimate, Floats, combine, of_images_alone

Choice = tuple[tuple[int, int], ...]  # the trainings that are joined: a region and a seed each


def choices(members: Sequence[int], seeds: int) -> list[Choice]:
    """Every way to take one training a member; those of one region take different seeds.

    Args:
        members: the region of each member, for example (0, 1), or (0, 0) for two trainings of one.
        seeds: how many trainings each region has.

    Returns:
        None where a region is to give more trainings than it has.
    """
    of_regions = [
        [tuple((region, seed) for seed in taken) for taken in combinations(range(seeds), count)]
        for region, count in Counter(members).items()
    ]
    return [tuple(training for part in parts for training in part) for parts in product(*of_regions)]


def joined_correct(
    probabilities: npt.NDArray[np.float32], labels: npt.NDArray[np.uint8], members: Sequence[int]
) -> dict[Choice, npt.NDArray[np.bool_]]:
    """For each of the `choices`, whether the mean of its probabilities names the true class: (n,).

    Args:
        probabilities: (regions, seeds, n, classes) of one network.
        labels: (n,).
        members: see `choices`.
    """
    found = {}
    for choice in choices(members, probabilities.shape[1]):
        total = np.zeros(probabilities.shape[2:], np.float64)
        for region, seed in choice:
            total += probabilities[region, seed]
        found[choice] = total.argmax(axis=-1) == labels
    return found


def add_greedily(probabilities: npt.NDArray[np.float32], labels: npt.NDArray[np.uint8], size: int) -> tuple[int, ...]:
    """The regions to join: the best one, and what helps most besides, by the mean accuracy over all choices of seeds.

    Args:
        probabilities: (regions, seeds, n, classes) on the rows that choose.
        labels: (n,).
        size: how many regions, at most as many as there are.

    Returns:
        In the order of choosing; of equally good ones the first.
    """
    members: tuple[int, ...] = ()
    for _ in range(size):
        left = [region for region in range(len(probabilities)) if region not in members]
        members = (*members, max(left, key=lambda one: _accuracy(probabilities, labels, (*members, one))))
    return members


def best_repeated(probabilities: npt.NDArray[np.float32], labels: npt.NDArray[np.uint8], size: int) -> tuple[int, ...]:
    """The region of which so many trainings together are the most accurate; of equally good ones the first."""
    regions = range(len(probabilities))
    return (max(regions, key=lambda one: _accuracy(probabilities, labels, (one,) * size)),) * size


def _accuracy(probabilities: npt.NDArray[np.float32], labels: npt.NDArray[np.uint8], members: Sequence[int]) -> float:
    # Rounded, so that equal means summed in another order stay equal.
    return round(float(np.mean(list(joined_correct(probabilities, labels, members).values()))), 12)


def gain(
    joined: dict[Choice, npt.NDArray[np.bool_]],
    control: dict[Choice, npt.NDArray[np.bool_]],
    weights: npt.NDArray[np.float32],
    groups: float = np.inf,
) -> Estimate:
    """The mean accuracy over all choices of seeds of `joined`, less that of `control`, or alone where that is empty.

    The chance of the images comes from the bootstrap, that of the trainings from a jackknife: each training is left
    out, of both, and the trainings of a region spread the result (Efron and Tibshirani, "An Introduction to the
    Bootstrap", 1993, chapter 11). Its interval is one of images alone where leaving one out leaves no choice.

    Args:
        joined, control: from `joined_correct`, of the same n images.
        weights: (draws, n), how often each image occurs in each bootstrap draw, from `resampling.resample`.
        groups: how many groups of equal size were drawn from, see `resampling.equal_groups`.
    """
    sides = [(1.0, joined), *([(-1.0, control)] if control else [])]
    difference = sum(sign * _mean(side) for sign, side in sides)
    total = weights.sum(axis=1, dtype=np.float64)
    sums = (weights @ np.asarray(difference, np.float32)).astype(np.float64) / total
    value = float(np.mean(difference))
    variance, squares = 0.0, 0.0
    trainings = sorted({training for _, side in sides for choice in side for training in choice})
    for region in {region for region, _ in trainings}:
        left_out = [
            [(sign, {choice: of for choice, of in side.items() if training not in choice}) for sign, side in sides]
            for training in trainings
            if training[0] == region
        ]
        seeds = len(left_out)
        if seeds < 2 or not all(side for parts in left_out for _, side in parts):
            return of_images_alone(value, sums, groups=groups)
        values = [sum(sign * float(np.mean(_mean(side))) for sign, side in parts) for parts in left_out]
        part = (seeds - 1) ** 2 / seeds * float(np.var(values, ddof=1))
        variance, squares = variance + part, squares + part**2 / (seeds - 1)
    return combine(value, sums, variance, squares, groups=groups)


def _mean(correct: dict[Choice, npt.NDArray[np.bool_]]) -> Floats:
    found: Floats = np.mean(list(correct.values()), axis=0)
    return found
