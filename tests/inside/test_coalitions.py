"""Coalitions of parts: what is shown, and what every part is worth."""

from __future__ import annotations

from itertools import permutations

import numpy as np
import numpy.typing as npt
import pytest
import torch
from captum.attr import ShapleyValueSampling
from tiny_networks import tiny_network

from pipeline.inside.coalitions import alone, answers, compose, hidden, number, shapley, shown

PARTS = 4


def made_up_parts(count: int, side: int = 8, parts: int = PARTS) -> npt.NDArray[np.uint8]:
    return np.random.default_rng(3).integers(0, parts, (count, side, side)).astype(np.uint8)


def test_a_coalition_is_numbered_by_its_bits() -> None:
    assert number([]) == 0
    assert number([0, 2]) == number([2, 0, 2]) == 5
    np.testing.assert_array_equal(shown(3)[5], [True, False, True])
    assert len({tuple(row) for row in shown(7).tolist()}) == 128


@pytest.mark.parametrize("channels", [(), (3,)])
def test_hidden_parts_are_the_fillings_and_shown_ones_the_images(channels: tuple[int, ...]) -> None:
    labels = made_up_parts(2)
    rng = np.random.default_rng(0)
    images = rng.integers(0, 100, (2, 8, 8, *channels)).astype(np.uint8)
    fillings = rng.integers(100, 200, (2, 8, 8, *channels)).astype(np.uint8)
    seen = compose(images, fillings, labels, PARTS)
    assert seen.shape == (2, 2**PARTS, 8, 8, *channels)
    for code in range(2**PARTS):
        for row in range(2):
            for y, x in np.ndindex(8, 8):
                own = code >> int(labels[row, y, x]) & 1
                np.testing.assert_array_equal(seen[row, code, y, x], (images if own else fillings)[row, y, x])


def test_shapley_values_are_the_means_over_all_orders() -> None:
    values = np.random.default_rng(0).random(2**PARTS)
    added = np.zeros(PARTS)
    orders = list(permutations(range(PARTS)))
    for order in orders:
        for place, part in enumerate(order):
            before = number(order[:place])
            added[part] += values[before | 1 << part] - values[before]
    np.testing.assert_allclose(shapley(values), added / len(orders), atol=1e-12)


def test_they_sum_to_the_image_less_nothing() -> None:
    values = np.random.default_rng(1).random((50, 2, 128)).astype(np.float32)
    np.testing.assert_allclose(shapley(values).sum(axis=-1), values[..., -1] - values[..., 0], atol=1e-4)


def test_hidden_and_alone() -> None:
    values = np.array([0.1, 0.2, 0.4, 0.9])  # nothing, part 0, part 1, both
    np.testing.assert_allclose(hidden(values), [0.5, 0.7])
    np.testing.assert_allclose(alone(values), [0.1, 0.3])
    np.testing.assert_allclose(shapley(values), [0.3, 0.5])


def test_parts_that_only_add_up_are_worth_the_same_by_every_method() -> None:
    worth = np.array([0.3, -0.1, 0.0, 0.25])
    values = 0.2 + shown(PARTS) @ worth
    for method in (shapley, hidden, alone):
        np.testing.assert_allclose(method(values), worth, atol=1e-12)


@pytest.mark.parametrize("seed", range(3))
def test_captum_finds_the_same_by_evaluating_orders(seed: int) -> None:
    """All 24 orders of four parts, each many times: captum draws orders, so it is near and not equal."""
    network, labels = tiny_network(), made_up_parts(1, 16)
    rng = np.random.default_rng(seed)
    image, filling = (torch.from_numpy(rng.normal(size=(1, 1, 16, 16)).astype(np.float32)) for _ in range(2))

    def probability(images: torch.Tensor) -> torch.Tensor:
        with torch.inference_mode():
            odds: torch.Tensor = 20 * network(images)  # sure of something
        return odds.softmax(1)

    torch.manual_seed(0)
    mask = torch.from_numpy(labels[:, None].astype(np.int64))
    found = ShapleyValueSampling(probability).attribute(
        image, baselines=filling, target=2, feature_mask=mask, n_samples=400
    )
    captums = [float(found[mask == part][0]) for part in range(PARTS)]
    own = torch.from_numpy(shown(PARTS)[:, labels[0]])[:, None]
    values = probability(torch.where(own, image, filling))[:, 2].numpy()
    exact = shapley(values)
    assert np.abs(exact).max() > 0.01
    np.testing.assert_allclose(captums, exact, atol=0.1 * np.abs(exact).max())


def test_answers_are_those_of_each_coalition_of_each_image() -> None:
    labels = made_up_parts(600)
    images = np.random.default_rng(0).integers(0, 256, (600, 8, 8)).astype(np.uint8)
    fillings = np.zeros_like(images)

    def mean_level(seen: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
        level = seen.mean(axis=(1, 2), dtype=np.float64) / 255
        return np.stack([level, 1 - level], axis=1).astype(np.float32)

    found = answers(mean_level, images, fillings, labels, PARTS, "levels")
    assert found.shape == (600, 2**PARTS, 2)
    row, code = 577, 0b0110
    own = np.isin(labels[row], [1, 2])
    assert found[row, code, 0] == pytest.approx((images[row] * own).mean() / 255, abs=1e-5)
