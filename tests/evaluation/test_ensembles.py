"""Joining regions beside joining trainings, by hand and on made-up networks of which the truth is known."""

from __future__ import annotations

from itertools import combinations, product

import numpy as np
import numpy.typing as npt
import pytest

from pipeline.evaluation.ensembles import add_greedily, best_repeated, choices, gain, joined_correct
from pipeline.evaluation.resampling import resample


def made_up(
    regions: int, seeds: int, images: int = 400, same: float = 0.0, seed: int = 0
) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.uint8]]:
    """Probabilities (regions, seeds, images, 3) and labels. What an image is to all regions weighs `same`."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(3, size=images).astype(np.uint8)
    of_region = same * rng.normal(size=(1, 1, images, 3)) + (1 - same) * rng.normal(size=(regions, 1, images, 3))
    odds = of_region + rng.normal(size=(regions, seeds, images, 3)) + 1.2 * np.eye(3)[labels]
    return (np.exp(odds) / np.exp(odds).sum(axis=-1, keepdims=True)).astype(np.float32), labels


def test_choices_are_all_ways_to_take_different_trainings() -> None:
    assert choices((0, 1), 2) == [((0, 0), (1, 0)), ((0, 0), (1, 1)), ((0, 1), (1, 0)), ((0, 1), (1, 1))]
    assert choices((2, 2), 3) == [tuple((2, seed) for seed in pair) for pair in combinations(range(3), 2)]
    assert len(choices((0, 0, 1), 4)) == 6 * 4
    assert choices((0, 0), 1) == []


def test_joined_answers_are_those_of_the_mean() -> None:
    probabilities, labels = made_up(2, 2)
    found = joined_correct(probabilities, labels, (0, 1))
    assert len(found) == 4
    for choice, correct in found.items():
        mean = np.mean([probabilities[training] for training in choice], axis=0)
        assert np.array_equal(correct, mean.argmax(axis=1) == labels)


def test_regions_are_added_as_they_help_and_the_best_is_repeated() -> None:
    probabilities, labels = made_up(3, 3)
    probabilities[1] = probabilities[0]  # says nothing new
    probabilities[2] = 0.5 * probabilities[2] + 0.5 / 3  # is less sure, and so weighs less, but says something else

    def accuracy(members: tuple[int, ...]) -> float:
        return float(np.mean(list(joined_correct(probabilities, labels, members).values())))

    first = max(range(3), key=lambda one: accuracy((one,)))
    second = max(set(range(3)) - {first}, key=lambda one: accuracy((first, one)))
    assert add_greedily(probabilities, labels, 2) == (first, second)
    assert best_repeated(probabilities, labels, 2) == (max(range(3), key=lambda one: accuracy((one, one))),) * 2


def test_the_gain_is_the_mean_over_all_choices_of_seeds() -> None:
    probabilities, labels = made_up(2, 3)
    joined, control = (joined_correct(probabilities, labels, of) for of in ((0, 1), (0, 0)))
    found = gain(joined, control, resample(np.arange(400), 300, seed=0))
    by_hand = np.mean(
        [
            ((probabilities[0, a] + probabilities[1, b]).argmax(1) == labels).mean()
            for a, b in product(range(3), repeat=2)
        ]
    ) - np.mean(
        [((probabilities[0, a] + probabilities[0, b]).argmax(1) == labels).mean() for a, b in combinations(range(3), 2)]
    )
    assert found.value == pytest.approx(by_hand)
    assert found.low < found.value < found.high


def test_without_a_training_to_leave_out_the_interval_is_of_images_alone() -> None:
    probabilities, labels = made_up(2, 2)
    joined, control = (joined_correct(probabilities, labels, of) for of in ((0, 1), (0, 0)))
    found = gain(joined, control, resample(np.arange(400), 300, seed=0))
    assert np.isnan([found.p, found.trainings]).all()
    assert not np.isnan(gain(joined, {}, resample(np.arange(400), 300, seed=0)).p)


def test_the_jackknife_of_a_mean_is_its_variance() -> None:
    """Of single models the result is a mean over the seeds: what leaving one out says is the known formula."""
    probabilities, labels = made_up(1, 5)
    correct = joined_correct(probabilities, labels, (0,))
    found = gain(correct, {}, resample(np.arange(400), 300, seed=0))
    accuracies = [of.mean() for of in correct.values()]
    assert found.trainings == pytest.approx(np.std(accuracies, ddof=1) / 5**0.5)


def test_regions_that_say_the_same_gain_nothing_and_others_do() -> None:
    weights = resample(np.arange(3000), 300, seed=0)
    gains = []
    for same in (1.0, 0.0):
        probabilities, labels = made_up(2, 4, images=3000, same=same)
        joined, control = (joined_correct(probabilities, labels, of) for of in ((0, 1), (0, 0)))
        gains.append(gain(joined, control, weights))
    assert gains[0].low <= 0 <= gains[0].high
    assert gains[1].p < 0.001
    assert gains[1].value > 0.02
