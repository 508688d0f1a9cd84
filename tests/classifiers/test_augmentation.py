"""Random changes of a batch: each setting does what it says and no more."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import torch
from spots import brightest

from pipeline.classifiers.augmentation import ERASED, augment_batch, mix_batch
from pipeline.classifiers.recipe import Augment

Image = npt.NDArray[np.uint8]


def settings(**changes: Any) -> Augment:
    nothing = {"flip": False, "rotate": 0, "shift": 0, "scale": 0, "erase": 0, "mixup": 0, "cutmix": 0}
    return Augment.model_validate({**nothing, **changes})


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def noise(count: int = 64) -> torch.Tensor:
    return torch.rand(count, 1, 48, 48, generator=seeded(9)) * 2 - 1


def spots(count: int, x: float, y: float) -> torch.Tensor:
    """Images with a bright spot, which is wide enough to be found between pixels."""
    rows, columns = torch.meshgrid(torch.arange(48.0), torch.arange(48.0), indexing="ij")
    spot = 2 * torch.exp(-((columns - x) ** 2 + (rows - y) ** 2) / 18) - 1
    return spot.repeat(count, 1, 1, 1)


def centres(images: torch.Tensor) -> npt.NDArray[np.float64]:
    return np.stack([brightest(image[0].numpy()) for image in images])


def test_settings_of_nothing_leave_images_alone() -> None:
    assert torch.equal(augment_batch(noise(), settings(), seeded()), noise())


def test_flipping_mirrors_about_half_of_the_images_and_changes_nothing_else() -> None:
    images = noise()
    changed = augment_batch(images, settings(flip=True), seeded())
    same = (changed - images).abs().amax((1, 2, 3)) < 1e-4
    mirrored = (changed - images.flip(-1)).abs().amax((1, 2, 3)) < 1e-4
    assert torch.equal(same, ~mirrored)
    assert 20 < int(mirrored.sum()) < 44


def test_shifts_reach_to_the_limit_on_every_side_and_not_beyond() -> None:
    changed = augment_batch(spots(200, 20, 26), settings(shift=0.1), seeded())
    moved = centres(changed) - (20, 26)
    assert np.abs(moved).max() <= 4.8 + 0.05
    assert moved.min(0).max() < -4
    assert moved.max(0).min() > 4
    assert np.abs(moved.mean(0)).max() < 0.7


def test_rotation_keeps_the_distance_from_the_middle_and_reaches_to_its_limit() -> None:
    changed = augment_batch(spots(200, 23.5 + 12, 23.5), settings(rotate=30), seeded())
    moved = centres(changed) - 23.5
    np.testing.assert_allclose(np.linalg.norm(moved, axis=1), 12, atol=0.1)
    angles = np.degrees(np.arctan2(moved[:, 1], moved[:, 0]))
    assert -30.5 < angles.min() < -25
    assert 25 < angles.max() < 30.5


def test_scaling_reaches_to_its_limit_about_the_middle() -> None:
    changed = augment_batch(spots(200, 23.5 + 10, 23.5 + 5), settings(scale=0.2), seeded())
    factors = (centres(changed) - 23.5) / (10, 5)
    np.testing.assert_allclose(factors[:, 0], factors[:, 1], atol=0.03)
    assert 0.78 < factors.min() < 0.83
    assert 1.17 < factors.max() < 1.22


def test_a_flipped_and_turned_image_is_turned_by_no_more_than_asked() -> None:
    """Turning a mirrored image must not scale or shear it."""
    changed = augment_batch(spots(100, 23.5 + 12, 23.5), settings(flip=True, rotate=20), seeded())
    moved = centres(changed) - 23.5
    np.testing.assert_allclose(np.linalg.norm(moved, axis=1), 12, atol=0.1)
    assert np.degrees(np.arctan2(np.abs(moved[:, 1]), np.abs(moved[:, 0]))).max() < 20.5
    assert 0.3 < (moved[:, 0] < 0).mean() < 0.7


def test_what_moves_in_from_outside_repeats_the_edge() -> None:
    even = torch.full((16, 1, 48, 48), 0.7)
    everything = settings(flip=True, rotate=40, shift=0.5, scale=0.5)
    assert torch.allclose(augment_batch(even, everything, seeded()), even)


def test_so_many_images_have_a_grey_rectangle() -> None:
    images = torch.ones(1000, 1, 48, 48)
    changed = augment_batch(images, settings(erase=0.25), seeded())
    hidden = changed[:, 0] == 0
    assert torch.equal(changed[:, 0][~hidden], images[:, 0][~hidden])
    erased = hidden.any(-1).any(-1)
    assert 0.2 < erased.float().mean() < 0.3
    heights, widths = hidden[erased].any(-1).sum(-1), hidden[erased].any(-2).sum(-1)
    assert torch.equal(hidden[erased].sum((1, 2)), heights * widths)  # they are rectangles
    for sizes in (heights, widths):
        assert ERASED[0] * 48 - 1 <= sizes.min() < 10
        assert 21 < sizes.max() <= ERASED[1] * 48 + 1
    corners = hidden[erased].any(-1).float().argmax(-1), hidden[erased].any(-2).float().argmax(-1)
    assert all(first.float().std() > 5 for first in corners)


def test_the_same_generator_gives_the_same_batch_and_each_image_its_own_change() -> None:
    everything = settings(flip=True, rotate=10, shift=0.1, scale=0.1, erase=0.5)
    one, again, other = (augment_batch(noise(), everything, seeded(seed)) for seed in (0, 0, 1))
    assert torch.equal(one, again)
    assert not torch.equal(one, other)
    alike = augment_batch(spots(8, 20, 20), everything, seeded())
    assert len({image.numpy().tobytes() for image in alike}) == 8


# Mixing

Batch = tuple[torch.Tensor, torch.Tensor]


def even() -> Batch:
    """Images of one level each, and as its target the level of each and what is left to 1."""
    level = torch.linspace(0, 1, 9)
    return level[:, None, None, None].repeat(1, 1, 48, 40), torch.stack([level, 1 - level], 1)


def mixed(seed: int, **changes: Any) -> Batch:
    return mix_batch(*even(), settings(**changes), seeded(seed))


def shares(seed: int, **changes: Any) -> torch.Tensor:
    """How much of each of five images goes into each: (5, 5)."""
    return mix_batch(torch.zeros(5, 1, 48, 48), torch.eye(5), settings(**changes), seeded(seed))[1]


def is_even(images: torch.Tensor) -> bool:
    return torch.equal(images, images[:, :, :1, :1].expand_as(images))


def test_without_mixing_a_batch_is_handed_on_and_nothing_is_drawn() -> None:
    images, targets = even()
    generator = seeded()
    changed, wanted = mix_batch(images, targets, settings(flip=True, shift=0.1, erase=0.5), generator)
    assert changed is images
    assert wanted is targets
    assert torch.equal(generator.get_state(), seeded().get_state())


@pytest.mark.parametrize("seed", range(8))
def test_mixup_blends_images_and_targets_in_the_same_shares(seed: int) -> None:
    images, targets = mixed(seed, mixup=1)
    assert is_even(images)
    torch.testing.assert_close(images[:, 0, 0, 0], targets[:, 0])
    torch.testing.assert_close(targets.sum(1), torch.ones(9))
    assert not torch.allclose(targets, even()[1], atol=0.01)


@pytest.mark.parametrize("seed", range(8))
def test_the_share_of_the_target_is_that_of_the_pasted_pixels(seed: int) -> None:
    (images, targets), level = mixed(seed, cutmix=1), even()[1][:, 0]
    for image, target, own in zip(images[:, 0], targets, level, strict=True):
        pasted = image != own
        other = image[pasted][0] if pasted.any() else own
        assert (image[pasted] == other).all()
        assert other in level
        share = pasted.float().mean()
        torch.testing.assert_close(target[0], (1 - share) * own + share * other)
        assert pasted.sum() == pasted.any(1).sum() * pasted.any(0).sum()  # it is a rectangle
    torch.testing.assert_close(targets.sum(1), torch.ones(9))


@pytest.mark.parametrize("way", ["mixup", "cutmix"])
def test_what_comes_of_another_image_keeps_its_place(way: str) -> None:
    """Images that are alike stay as they are."""
    images = noise(1).repeat(6, 1, 1, 1)
    for seed in range(8):
        changed, _ = mix_batch(images, torch.eye(6), settings(**{way: 1}), seeded(seed))
        torch.testing.assert_close(changed, images)


def test_rectangles_lie_all_over_the_image() -> None:
    marked = torch.zeros(2, 1, 48, 48)
    marked[1] = 1
    drawn = [mix_batch(marked, torch.eye(2), settings(cutmix=1), seeded(seed))[0][0, 0] for seed in range(200)]
    pasted = torch.stack([image for image in drawn if image.any()])
    assert 70 < len(pasted) < 130  # half the time an image of two is its own partner
    often = pasted.mean(0)
    assert often.min() > 0.05
    assert often.max() < 0.8
    tall, wide = pasted.any(2).sum(1).float(), pasted.any(1).sum(1).float()
    assert (tall > 1.5 * wide).any()  # cut off at a side
    assert (wide > 1.5 * tall).any()
    assert (tall == wide).float().mean() > 0.1  # but square where it fits


@pytest.mark.parametrize("way", ["mixup", "cutmix"])
def test_the_larger_the_setting_the_nearer_are_the_shares_to_halves(way: str) -> None:
    """Of Beta(0.1, 0.1) most draws are near 0 or 1, of Beta(500, 500) all are near 0.5."""
    little, much = (torch.stack([shares(seed, **{way: alpha}) for seed in range(60)]) for alpha in (0.1, 500))
    blended = (little > 0.1) & (little < 0.9)
    assert blended.float().mean() < 0.2
    taken = (much * (1 - torch.eye(5))).amax((1, 2))
    assert taken.max() < 0.6
    assert (taken > 0.4).float().mean() > 0.1  # most rectangles are cut off at the sides


def test_each_image_is_taken_from_once_and_partners_are_drawn_anew() -> None:
    partners = [shares(seed, mixup=500) for seed in range(20)]
    for share in partners:
        torch.testing.assert_close(share.sum(0), torch.ones(5))
    assert len({share.gt(0.1).numpy().tobytes() for share in partners}) > 10


def test_with_both_each_batch_is_mixed_in_one_way_half_the_time_in_either() -> None:
    blended = [is_even(mixed(seed, mixup=1, cutmix=1)[0]) for seed in range(100)]
    assert 30 < sum(blended) < 70
    for seed in range(100):
        images, targets = mixed(seed, mixup=1, cutmix=1)
        torch.testing.assert_close(images.mean((1, 2, 3)), targets[:, 0])


@pytest.mark.parametrize("way", [{"mixup": 0.4}, {"cutmix": 1}, {"mixup": 1, "cutmix": 1}])
def test_the_same_generator_mixes_alike_and_the_next_batch_otherwise(way: dict[str, float]) -> None:
    generator = seeded(3)
    one, again, other = mixed(3, **way), mix_batch(*even(), settings(**way), generator), mixed(4, **way)
    following = mix_batch(*even(), settings(**way), generator)
    for first, second, third, fourth in zip(one, again, other, following, strict=True):
        assert torch.equal(first, second)
        assert not torch.equal(first, third)
        assert not torch.equal(first, fourth)


@pytest.mark.parametrize("way", ["mixup", "cutmix"])
def test_what_is_mixed_is_left_as_it_was(way: str) -> None:
    images, targets = even()
    changed, wanted = mix_batch(images, targets, settings(**{way: 1}), seeded())
    assert not torch.equal(changed, images)
    assert not torch.equal(wanted, targets)
    assert torch.equal(images, even()[0])
    assert torch.equal(targets, even()[1])
