"""How often `pipeline.evaluation.significance` is right, on thousands of drawn test sets of which the truth is known.

A drawn test set is like FER2013's: seven classes of very different sizes, and images that occur up to four times.
Twins get the same answers and nearly always the same label. `pytest -s` prints the measured rates.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
import numpy.typing as npt
import pytest

from pipeline.evaluation.significance import Draws, bootstrap, detectable, interval, mcnemar, over_seeds, resample

pytestmark = pytest.mark.slow


PRIOR = np.array([0.137, 0.015, 0.142, 0.245, 0.182, 0.116, 0.163])  # the classes' shares in FER2013
RECALL = np.array([0.62, 0.55, 0.50, 0.87, 0.58, 0.80, 0.68])
RELABELLED = 0.1  # of the rows that have a twin: they were labelled apart from it

FEW = np.array([0.965, 0.025, 0.007, 0.003])  # the shares of groups of 1, 2, 3 and 4 rows: 8% of the rows have twins
MANY = np.array([0.5, 0.25, 0.15, 0.1])  # 73% have

TestSet = tuple[npt.NDArray[np.int64], npt.NDArray[np.uint8], npt.NDArray[np.uint8]]


@dataclass(frozen=True)
class World:
    """What test sets are drawn from.

    Attributes:
        rows: about how many rows a test set has. FER2013's has 3,589.
        sizes: the shares of groups of 1, 2, 3 and 4 rows.
        behind: by how much the recall of classifier B is below that of A, where it does not repeat A's answer.
        repeats: the share of images where B repeats A's answer, right or wrong.
    """

    rows: int
    sizes: npt.NDArray[np.float64]
    behind: float
    repeats: float = 0.5

    def answers(self) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
        """The chances of A's answers, and of B's where it does not repeat A's: a row a true class."""
        elsewhere = np.tile(PRIOR, (7, 1)) * (1 - np.eye(7))
        elsewhere /= elsewhere.sum(axis=1, keepdims=True)
        a, b = (np.diag(recall) + elsewhere * (1 - recall)[:, None] for recall in (RECALL, RECALL - self.behind))
        return a, b

    def truth(self) -> npt.NDArray[np.float64]:
        """What `scores` would give for infinitely many images."""
        of_a, of_b = self.answers()
        relabelled = RELABELLED * (1 - self.sizes[0] / (self.sizes @ [1, 2, 3, 4]))
        accuracy, macro_f1 = [], []
        for chances in (of_a, self.repeats * of_a + (1 - self.repeats) * of_b):
            joint = PRIOR[:, None] * chances
            joint = (1 - relabelled) * joint + relabelled * np.outer(PRIOR, joint.sum(axis=0))
            accuracy.append(np.trace(joint))
            macro_f1.append(np.mean(2 * np.diag(joint) / (joint.sum(axis=0) + joint.sum(axis=1))))
        return scores(Draws(np.array([accuracy]), np.array([macro_f1]))).ravel()

    def draw(self, rng: np.random.Generator) -> TestSet:
        """Draw a test set: groups (N,), labels (N,) and the answers of A and B (2, N)."""
        of_a, of_b = self.answers()
        groups = draw_groups(rng, self.rows, self.sizes)
        many = groups[-1] + 1
        label = rng.choice(7, many, p=PRIOR)
        a = answer(rng, of_a[label])
        b = np.where(rng.random(many) < self.repeats, a, answer(rng, of_b[label]))
        twin = np.bincount(groups)[groups] > 1
        apart = twin & (rng.random(len(groups)) < RELABELLED)
        labels = np.where(apart, rng.choice(7, len(groups), p=PRIOR), label[groups])
        return groups, labels.astype(np.uint8), np.stack([a, b])[:, groups].astype(np.uint8)


def draw_groups(rng: np.random.Generator, rows: int, sizes: npt.NDArray[np.float64]) -> npt.NDArray[np.int64]:
    many = round(rows / float(sizes @ [1, 2, 3, 4]))
    return np.repeat(np.arange(many), rng.choice([1, 2, 3, 4], many, p=sizes))


def answer(rng: np.random.Generator, chances: npt.NDArray[np.float64]) -> npt.NDArray[np.int64]:
    """Draw a class for each row of chances (N, 7)."""
    passed: npt.NDArray[np.int64] = (rng.random((len(chances), 1)) > chances.cumsum(axis=1)[:, :-1]).sum(axis=1)
    return passed


NAMES = ("accuracy of A", "accuracy of B", "their difference", "macro-F1 of A", "macro-F1 of B", "its difference")


def scores(draws: Draws) -> npt.NDArray[np.float64]:
    """The scores that `NAMES` names, a row a draw."""
    return np.hstack([draws.accuracy, np.diff(draws.accuracy), draws.macro_f1, np.diff(draws.macro_f1)])


@dataclass(frozen=True)
class Measured:
    """Attributes: the rates over the drawn test sets, and the mean of what `detectable` says."""

    covered: npt.NDArray[np.float64]
    rejected: float
    rejected_by_mcnemar: float
    detectable: float


# A third of FER2013's test images, so that the rarest class has about 18; B is behind by what they can just detect.
JUST_DETECTABLE = World(1200, FEW, behind=0.0785)


@cache
def measured() -> Measured:
    truth, rng = JUST_DETECTABLE.truth(), np.random.default_rng(0)
    covered, rejected, by_mcnemar, reach = [], [], [], []
    for seed in range(1200):
        groups, labels, predicted = JUST_DETECTABLE.draw(rng)
        samples = scores(bootstrap(labels, predicted, resample(groups, 500, seed), 7))
        low, high = interval(samples)
        covered.append((low <= truth) & (truth <= high))
        rejected.append(high[2] < 0 or low[2] > 0)
        by_mcnemar.append(mcnemar(*(predicted == labels)) < 0.05)
        reach.append(detectable(samples[:, 2]))
    return Measured(
        np.mean(covered, axis=0), float(np.mean(rejected)), float(np.mean(by_mcnemar)), float(np.mean(reach))
    )


def test_95_percent_intervals_hold_the_truth_in_93_to_97_percent_of_the_test_sets() -> None:
    covered = measured().covered
    print("\n95% intervals hold the truth:", dict(zip(NAMES, covered.round(4).tolist(), strict=True)))
    assert ((covered >= 0.93) & (covered <= 0.97)).all()


def test_a_detectable_difference_is_detected_in_80_percent_of_the_test_sets() -> None:
    found, difference = measured(), -JUST_DETECTABLE.truth()[2]
    print(
        f"\ndetectable {found.detectable:.4f}, true {difference:.4f}: "
        f"detected {found.rejected:.4f} by the interval, {found.rejected_by_mcnemar:.4f} by McNemar's test"
    )
    assert found.detectable == pytest.approx(difference, rel=0.01)
    assert found.rejected == pytest.approx(0.8, abs=0.06)
    assert found.rejected_by_mcnemar == pytest.approx(0.8, abs=0.06)


def test_mcnemar_finds_a_difference_where_there_is_none_in_at_most_6_percent_of_the_test_sets() -> None:
    world, rng = World(600, FEW, behind=0), np.random.default_rng(0)
    assert world.truth()[2] == pytest.approx(0)
    p_values = []
    for _ in range(4000):
        _, labels, predicted = world.draw(rng)
        p_values.append(mcnemar(*(predicted == labels)))
    rate = np.mean(np.array(p_values) < 0.05)
    print(f"\nMcNemar's test, no difference: {rate:.4f}")
    assert 0.02 < rate <= 0.06


def test_rows_drawn_without_their_twins_give_intervals_that_are_too_narrow() -> None:
    world, rng = World(600, MANY, behind=0.112), np.random.default_rng(0)
    truth = world.truth()[:3]
    covered = []
    for seed in range(1000):
        groups, labels, predicted = world.draw(rng)
        for units in (groups, np.arange(len(labels))):
            low, high = interval(scores(bootstrap(labels, predicted, resample(units, 300, seed), 7))[:, :3])
            covered.append((low <= truth) & (truth <= high))
    by_group, by_row = np.mean(covered[::2], axis=0), np.mean(covered[1::2], axis=0)
    print("\nmany twins, drawn by group:", dict(zip(NAMES, by_group.tolist(), strict=False)))
    print("many twins, drawn by row:", dict(zip(NAMES, by_row.tolist(), strict=False)))
    assert (by_group >= 0.92).all()
    assert (by_row <= 0.87).all()


def rates_over_seeds(seeds: int, spread: float, better: float = 0) -> tuple[float, float]:
    """How often p is below 0.05, for all seeds by `over_seeds`, and for the first of them by `mcnemar`.

    An image is answered rightly if its ease, what the region does to it, the chance of the seed on it and the luck of
    the whole training add up to more than a threshold; all are normal, and `spread` is the standard deviation of the
    last: 0.05 moves the accuracy by 1.3 points. `better` is by how much the threshold of A is lower: 0.25 makes it 6.5
    points more accurate.
    """
    rng = np.random.default_rng(0)
    of_all, of_first = [], []
    for _ in range(1000):
        groups = draw_groups(rng, 600, FEW)
        many = groups[-1] + 1
        ease = rng.normal(size=many)
        a, b = (
            ease
            + 0.5 * rng.normal(size=many)
            + 0.7 * rng.normal(size=(seeds, many))
            + spread * rng.normal(size=(seeds, 1))
            > threshold
            for threshold in (-0.6 - better, -0.6)
        )
        of_all.append(over_seeds(a[:, groups], b[:, groups], groups) < 0.05)
        of_first.append(mcnemar(a[0, groups], b[0, groups]) < 0.05)
    return float(np.mean(of_all)), float(np.mean(of_first))


@pytest.mark.parametrize("spread", [0, 0.05, 0.3])
def test_over_seeds_finds_a_difference_where_there_is_none_in_at_most_6_percent(spread: float) -> None:
    of_all, of_first = rates_over_seeds(seeds=3, spread=spread)
    print(f"\n3 seeds, spread {spread}, no difference: over_seeds {of_all}, McNemar's test of one seed {of_first}")
    assert of_all <= 0.06
    if spread:
        assert of_first > 0.1  # the weights at hand do differ: it is no test of the way to train


def test_over_seeds_finds_a_difference_that_is_there() -> None:
    of_all, _ = rates_over_seeds(seeds=5, spread=0.05, better=0.25)
    print(f"\n5 seeds, a true difference of 6.5 points: over_seeds {of_all}")
    assert of_all > 0.8
