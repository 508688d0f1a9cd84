"""Classifiers applied: a probability a class, with and without test-time augmentation."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import torch
from new_networks import new_network
from torch import nn

from pipeline.classifiers import applying
from pipeline.classifiers.applying import probabilities


def noise(count: int) -> npt.NDArray[np.uint8]:
    return np.random.default_rng(1).integers(0, 256, (count, 48, 48)).astype(np.uint8)


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_probabilities_sum_to_1_in_every_row(precision: str) -> None:
    found = probabilities(new_network("cnn1"), noise(10), precision)
    assert found.shape == (10, 7)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found.sum(1), 1, atol=1e-5)
    assert (found > 0).all()


def in_batches(monkeypatch: pytest.MonkeyPatch, batch: int, *arguments: Any) -> npt.NDArray[np.float32]:
    monkeypatch.setitem(applying.BATCH, "cpu", batch)
    return probabilities(*arguments)


def test_rows_keep_their_order_whatever_the_batch(monkeypatch: pytest.MonkeyPatch) -> None:
    torch.manual_seed(0)
    network = new_network("cnn4")
    one, other = (in_batches(monkeypatch, batch, network, noise(10), "fp32") for batch in (3, 512))
    np.testing.assert_allclose(one, other, atol=1e-5)
    assert np.ptp(one, axis=0).max() > 1e-4
    assert not network.training


def every_pixel() -> nn.Sequential:
    """Each pixel has weights of its own, and no two views look alike."""
    torch.manual_seed(1)
    return nn.Sequential(nn.Flatten(), nn.Linear(48 * 48, 7))


def judge(images: npt.NDArray[np.uint8], augmentation: str) -> npt.NDArray[np.float32]:
    return probabilities(every_pixel(), images, "fp32", augmentation)


def moved(images: npt.NDArray[np.uint8], right: int, down: int) -> npt.NDArray[np.uint8]:
    """A window of the image's size that lies further right and down, over an image with its edge repeated."""
    padded = np.pad(images, ((0, 0), (2, 2), (2, 2)), mode="edge")
    return padded[:, 2 + down : 50 + down, 2 + right : 50 + right]


def test_one_view_is_what_the_network_says_of_the_image() -> None:
    images = noise(5)
    with torch.no_grad():
        expected = every_pixel()(torch.from_numpy(images).float()[:, None] / 127.5 - 1).softmax(1)
    np.testing.assert_allclose(judge(images, "none"), expected, atol=1e-6)
    np.testing.assert_array_equal(probabilities(every_pixel(), images, "fp32"), judge(images, "none"))


def test_the_mirror_view_is_the_mean_of_an_image_and_its_mirror_image() -> None:
    images = noise(5)
    one, other = judge(images, "none"), judge(images[:, :, ::-1].copy(), "none")
    np.testing.assert_allclose(judge(images, "mirror"), (one + other) / 2, atol=1e-6)
    assert np.abs(one - other).max() > 0.05


def test_ten_views_are_the_image_and_its_diagonal_shifts_and_the_mirror_images_of_all() -> None:
    images = noise(5)
    shown = [moved(images, *shift) for shift in [(0, 0), (2, 2), (2, -2), (-2, 2), (-2, -2)]]
    shown += [view[:, :, ::-1] for view in shown]
    expected = np.mean([judge(view.copy(), "none") for view in shown], axis=0)
    np.testing.assert_allclose(judge(images, "ten"), expected, atol=1e-6)


@pytest.mark.parametrize(("augmentation", "alike"), [("none", False), ("mirror", True), ("ten", True)])
def test_a_mirror_image_is_judged_alike_if_mirror_images_are_looked_at(augmentation: str, alike: bool) -> None:
    images = noise(5)
    one, other = judge(images, augmentation), judge(images[:, :, ::-1].copy(), augmentation)
    assert np.allclose(one, other, atol=1e-6) == alike
    np.testing.assert_allclose(one.sum(1), 1, atol=1e-5)


@pytest.mark.parametrize("augmentation", ["mirror", "ten"])
def test_augmented_images_keep_their_order_whatever_the_batch(
    augmentation: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    arguments = (every_pixel(), noise(10), "fp32", augmentation)
    one, other = (in_batches(monkeypatch, batch, *arguments) for batch in (3, 512))
    np.testing.assert_allclose(one, other, atol=1e-6)


def test_colour_images_are_seen_channel_by_channel() -> None:
    torch.manual_seed(0)
    images = np.random.default_rng(0).integers(0, 256, (4, 48, 48, 3)).astype(np.uint8)
    network = nn.Sequential(nn.Flatten(), nn.Linear(3 * 48 * 48, 7))
    with torch.no_grad():
        shown = torch.from_numpy(images).permute(0, 3, 1, 2).float() / 127.5 - 1
        expected = network(shown).softmax(1)
    np.testing.assert_allclose(probabilities(network, images, "fp32"), expected, atol=1e-5)
