"""Random changes: the points move with the face, and each setting does what it says and no more."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from spots import Points, brightest, dotted, face_points

from pipeline.augment_batch import ERASED, augment_batch
from pipeline.augment_faces import augmentation
from pipeline.faces import SIDE
from pipeline.params import Augment
from pipeline.points import COUNT, MIRROR
from pipeline.squares import INPUT

Image = npt.NDArray[np.uint8]

AXIS = (8, 27, 33)  # points that keep their number in the mirror: their order tells whether a face was mirrored


def turn(found: Points) -> float:
    a, b, c = found[list(AXIS)]
    return float(np.sign((b - a)[0] * (c - a)[1] - (b - a)[1] * (c - a)[0]))


# Faces with their points


def test_the_points_move_with_the_face_and_are_renumbered_where_it_is_mirrored() -> None:
    number = 36
    assert MIRROR[number] != number
    found = face_points()
    image = dotted(found, number)
    augment = augmentation(seed=0)
    offsets, mirrored = [], []
    for _ in range(200):
        changed, moved = augment(image, found)
        assert changed.shape == (INPUT, INPUT)
        assert changed.dtype == np.uint8
        assert moved.shape == (COUNT, 2)
        mirrored.append(turn(moved) != turn(found))
        offsets.append(brightest(changed) - moved[MIRROR[number] if mirrored[-1] else number])
    assert 70 < sum(mirrored) < 130
    # Under a third of the faces bear a blank, which may hide the spot or outshine it; some are reduced to 32 pixels.
    distances = np.linalg.norm(offsets, axis=1)
    assert np.median(distances) < 0.6
    assert (distances < 2).mean() > 0.7
    assert np.abs(np.median(offsets, axis=0)).max() < 0.25


def test_faces_are_moved_turned_and_scaled() -> None:
    found = face_points()
    augment = augmentation(seed=1)
    results = [augment(np.zeros((SIDE, SIDE, 3), np.uint8), found)[1] for _ in range(60)]
    scaled = [np.ptp(moved, axis=0).max() / np.ptp(found, axis=0).max() for moved in results]
    assert max(scaled) / min(scaled) > 1.4
    assert np.std([moved.mean(0) for moved in results], axis=0).min() > 2
    assert np.std([moved[0] - moved[16] for moved in results], axis=0).min() > 5


def test_all_of_the_image_may_be_hidden_but_never_most_of_it() -> None:
    """Blanks differ from the even grey around them."""
    augment = augmentation(seed=2)
    even = np.full((SIDE, SIDE, 3), 128, np.uint8)
    spread = np.array([np.ptp(augment(even, face_points())[0]) > 40 for _ in range(80)])
    assert 0.1 < spread.mean() < 0.6


def test_the_same_seed_gives_the_same_sequence() -> None:
    image = np.random.default_rng(0).integers(0, 256, (SIDE, SIDE, 3)).astype(np.uint8)
    before = image.copy(), face_points()

    def run(seed: int) -> list[Any]:
        augment = augmentation(seed)
        return [augment(image, before[1]) for _ in range(5)]

    for (one, one_points), (other, other_points) in zip(run(3), run(3), strict=True):
        np.testing.assert_array_equal(one, other)
        np.testing.assert_array_equal(one_points, other_points)
    assert not np.array_equal(run(3)[0][1], run(4)[0][1])
    assert not np.array_equal(run(3)[0][1], run(3)[1][1])
    np.testing.assert_array_equal(image, before[0])
    np.testing.assert_array_equal(before[1], face_points())


def test_colours_become_grey_with_one_channel() -> None:
    image = np.zeros((SIDE, SIDE, 3), np.uint8)
    image[..., 0] = 200
    assert augmentation(0)(image, face_points())[0].ndim == 2


# Whole batches


def settings(**changes: Any) -> Augment:
    return Augment.model_validate({"flip": False, "rotate": 0, "shift": 0, "scale": 0, "erase": 0, **changes})


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
