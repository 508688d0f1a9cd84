"""Drawn comparisons of which the truth is known: how often are the intervals and tests of the report right?

A drawn comparison is like that of FER2013. Its test set has PrivateTest's own groups of twins, which get the same
answers and have the same label, and seven classes of very different sizes. A classifier is right on an image if the
sum of the image's ease, what the region and the network make of it, what the training makes of it, and the luck of the
training as a whole is above a threshold of the class; all are normally distributed, and trainings are independent.
What it answers where it is wrong belongs to the image.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from scipy import stats
from scipy.optimize import brentq

Floats = npt.NDArray[np.float64]

# How many groups of 1, 2, 3, ... rows PrivateTest has, at `twins.min_correlation` 0.85.
GROUP_SIZES = (3468, 52, 3, 2)

PRIOR = np.array([0.137, 0.015, 0.142, 0.245, 0.182, 0.116, 0.163])  # the classes' shares in FER2013
RECALL = np.array([0.62, 0.55, 0.50, 0.87, 0.58, 0.80, 0.68])

# The standard deviations of what makes an answer right, of which the image's ease is 1.
REGION, NETWORK, TRAINING = 0.5, 0.4, 0.7


class Drawn(NamedTuple):
    """A comparison.

    Attributes:
        labels: (N,).
        predicted: (2, networks, seeds, N), the answers.
        of_first: (2, seeds, N, 2), how sure the first network is of the true class and of its other answer.
    """

    labels: npt.NDArray[np.uint8]
    predicted: npt.NDArray[np.uint8]
    of_first: npt.NDArray[np.float32]


@dataclass(frozen=True)
class World:
    """What comparisons of two regions are drawn from.

    Attributes:
        networks, seeds: how many.
        luck: the standard deviation that the start of a training adds to its accuracy, as a fraction.
        difference: the accuracy of the first region less that of the second, on infinitely many images.
        region: the standard deviation of what a region makes of an image; 0 for two that are the same.
        group_sizes: how many groups of 1, 2, 3, ... rows a test set has.
    """

    networks: int
    seeds: int
    luck: float
    difference: float
    region: float = REGION
    group_sizes: tuple[int, ...] = GROUP_SIZES

    @property
    def groups(self) -> npt.NDArray[np.int64]:
        """(N,), the group of each row."""
        sizes = np.repeat(np.arange(1, len(self.group_sizes) + 1), self.group_sizes)
        return np.repeat(np.arange(len(sizes)), sizes)

    @property
    def whole(self) -> float:
        """The standard deviation of all that makes an answer right, but for the luck."""
        return float(np.sqrt(1 + self.region**2 + NETWORK**2 + TRAINING**2))

    @property
    def spread(self) -> float:
        """The luck on the scale of what makes an answer right."""
        density = float(PRIOR @ stats.norm.pdf(stats.norm.ppf(RECALL))) / self.whole
        return float(self.luck / density)

    def _shift(self) -> float:
        """By how much the first region moves that sum, so that it is better by `difference`."""

        def gain(shift: float) -> float:
            return float(PRIOR @ self._recall(shift) - PRIOR @ self._recall(0)) - self.difference

        return float(brentq(gain, -10, 10))

    def _recall(self, shift: float) -> Floats:
        """On infinitely many images and trainings, (classes,)."""
        total = np.hypot(self.whole, self.spread)
        found: Floats = stats.norm.cdf((stats.norm.ppf(RECALL) * self.whole + shift) / total)
        return found

    def truth(self) -> dict[str, Floats]:
        """accuracy and macro_f1 (2,) and recall (2, classes) of both regions, on infinitely many images and trainings.

        Macro F1 is that of the mean answers over the trainings, which is next to its mean where luck is small.
        """
        recall = np.stack([self._recall(self._shift()), self._recall(0)])
        elsewhere = _elsewhere()
        f1 = []
        for each in recall:
            joint = PRIOR[:, None] * (np.diag(each) + (1 - each)[:, None] * elsewhere)
            f1.append(np.mean(2 * np.diag(joint) / (joint.sum(axis=0) + joint.sum(axis=1))))
        return {"accuracy": recall @ PRIOR, "macro_f1": np.array(f1), "recall": recall}

    def draw(self, count: int, seed: int) -> Iterator[Drawn]:
        """Draw comparisons."""
        rng, groups, shifts = np.random.default_rng(seed), self.groups, (self._shift(), 0.0)
        many = int(groups[-1]) + 1
        per_training = self.networks, self.seeds
        for _ in range(count):
            label = rng.choice(len(PRIOR), many, p=PRIOR)
            wrong = (rng.random((many, 1)) > _elsewhere()[label].cumsum(axis=1)[:, :-1]).sum(axis=1)
            shared = _normal(rng, many) + NETWORK * _normal(rng, self.networks, 1, many)
            threshold = -stats.norm.ppf(RECALL)[label].astype(np.float32) * np.float32(self.whole)
            answers, sureness = [], []
            for shift in shifts:
                chance = TRAINING * _normal(rng, *per_training, many)
                luck = np.float32(self.spread) * _normal(rng, *per_training, 1)
                own = np.float32(self.region) * _normal(rng, many)
                ahead = shared + own + chance + luck + np.float32(shift) - threshold
                answers.append(np.where(ahead > 0, label, wrong)[..., groups])
                sureness.append(ahead[0][..., groups])
            right = stats.norm.cdf(np.stack(sureness)).astype(np.float32)
            of_first = np.stack([right, 1 - right], axis=-1)
            yield Drawn(label[groups].astype(np.uint8), np.stack(answers).astype(np.uint8), of_first)


def _normal(rng: np.random.Generator, *shape: int) -> npt.NDArray[np.float32]:
    return rng.standard_normal(shape, dtype=np.float32)


def _elsewhere() -> Floats:
    """The shares of the wrong answers, a row a true class: as common as the classes are."""
    shares = np.tile(PRIOR, (len(PRIOR), 1)) * (1 - np.eye(len(PRIOR)))
    found: Floats = shares / shares.sum(axis=1, keepdims=True)
    return found
