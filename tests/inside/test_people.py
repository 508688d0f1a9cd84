"""The order of the expressions beside that of people."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import spearmanr

from pipeline.inside.people import agreement
from pipeline.inside.worth import Means

PARTS = ["eyes", "brows", "mouth", "nose"]
CLASSES = ("angry", "disgust", "fear", "happy", "sad", "surprise", "neutral")
# Eyes and brows less mouth, from the paper's figures.
THEIRS = [58 - 38, 1 - 90, 52 - 39, 7 - 84, 55 - 15, 32 - 58, 33 - 53]


def worth(upper: list[float], spread: float = 0.0) -> Means:
    """Eyes and brows share what the mouth does not have; the nose is worth less than nothing."""
    share = np.array(upper)
    actual = np.stack([share / 3, share * 2 / 3, 1 - share, np.full(len(share), -0.5)], axis=1)
    actual = np.concatenate([actual, actual.mean(axis=0, keepdims=True)])
    drawn = actual + spread * np.random.default_rng(0).normal(size=(500, *actual.shape))
    return Means(list(range(len(share))), actual, drawn)


def test_the_same_order_agrees_and_its_opposite_does_not() -> None:
    upper = [(each + 100) / 200 for each in THEIRS]
    agreed = agreement(worth(upper), CLASSES, PARTS)
    assert agreed is not None
    assert (agreed.rho, agreed.low, agreed.high) == pytest.approx((1, 1, 1))
    assert agreed.p == pytest.approx(1 / 5040)  # one of 7! orders
    np.testing.assert_allclose(agreed.table["classifier"], 2 * np.array(upper) - 1)
    np.testing.assert_allclose(agreed.table["people"], np.array(THEIRS) / 100)
    opposite = agreement(worth([1 - each for each in upper]), CLASSES, PARTS)
    assert opposite is not None
    assert (opposite.rho, opposite.p) == pytest.approx((-1, 1))


def test_it_is_spearmans_and_its_interval_widens_with_chance() -> None:
    upper = [0.7, 0.2, 0.4, 0.5, 0.6, 0.1, 0.3]
    found = [agreement(worth(upper, spread), CLASSES, PARTS) for spread in (0.02, 0.2)]
    sure, unsure = found
    assert sure is not None
    assert unsure is not None
    assert sure.rho == pytest.approx(spearmanr(upper, THEIRS).statistic)
    assert unsure.high - unsure.low > sure.high - sure.low
    assert sure.low <= sure.rho <= sure.high


def test_only_expressions_that_both_know_are_compared() -> None:
    means = worth([0.5, 0.4, 0.3, 0.2, 0.6])
    agreed = agreement(means, ("happy", "contempt", "sad", "fear", "angry"), PARTS)
    assert agreed is not None
    assert agreed.table["expression"].tolist() == ["happy", "sad", "fear", "angry"]
    assert agreement(means, ("happy", "contempt", "sad", "fear", "calm"), PARTS) is None
    assert agreement(means, CLASSES[:5], ["left", "right", "mouth", "nose"]) is None


def test_what_is_worth_nothing_prefers_nothing() -> None:
    means = worth([0.5] * 7)
    nothing = Means(means.classes, means.actual * 0, means.drawn * 0)
    agreed = agreement(nothing, CLASSES, PARTS)
    assert agreed is not None
    assert (agreed.table["classifier"] == 0).all()
    assert (agreed.rho, agreed.p) == (0, 1)
