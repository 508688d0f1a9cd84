"""Random changes of faces: the points move with the face."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from spots import Points, brightest, dotted, face_points

from pipeline.faces.augmentation import augment_face
from pipeline.faces.face_images import SIDE
from pipeline.faces.points import COUNT, MIRROR
from pipeline.faces.squares import INPUT

AXIS = (8, 27, 33)  # points that keep their number in the mirror: their order tells whether a face was mirrored


def turn(found: Points) -> float:
    a, b, c = found[list(AXIS)]
    return float(np.sign((b - a)[0] * (c - a)[1] - (b - a)[1] * (c - a)[0]))


def test_the_points_move_with_the_face_and_are_renumbered_where_it_is_mirrored() -> None:
    number = 36
    assert MIRROR[number] != number
    found = face_points()
    image = dotted(found, number)
    offsets, mirrored = [], []
    for seed in range(200):
        changed, moved = augment_face(image, found, seed)
        assert changed.shape == (INPUT, INPUT)
        assert changed.dtype == np.uint8
        assert moved.shape == (COUNT, 2)
        mirrored.append(turn(moved) != turn(found))
        offsets.append(brightest(changed) - moved[MIRROR[number] if mirrored[-1] else number])
    assert 70 < sum(mirrored) < 130
    # Under a third of the faces bear a blank, which may hide the spot or outshine it; some are reduced to 32 pixels.
    distances = np.linalg.norm(offsets, axis=1)
    assert np.median(distances) < 0.75  # of 128 pixels: three quarters of the images were smaller in between
    assert (distances < 2).mean() > 0.65
    assert np.abs(np.median(offsets, axis=0)).max() < 0.25


def test_faces_are_moved_turned_and_scaled() -> None:
    found = face_points()
    results = [augment_face(np.zeros((SIDE, SIDE, 3), np.uint8), found, seed)[1] for seed in range(60)]
    scaled = [np.ptp(moved, axis=0).max() / np.ptp(found, axis=0).max() for moved in results]
    assert max(scaled) / min(scaled) > 1.4
    assert np.std([moved.mean(0) for moved in results], axis=0).min() > 2
    assert np.std([moved[0] - moved[16] for moved in results], axis=0).min() > 5


def test_all_of_the_image_may_be_hidden_but_never_most_of_it() -> None:
    """Blanks differ from the even grey around them."""
    even = np.full((SIDE, SIDE, 3), 128, np.uint8)
    spread = np.array([np.ptp(augment_face(even, face_points(), seed)[0]) > 40 for seed in range(80)])
    assert 0.1 < spread.mean() < 0.6


def test_a_face_is_changed_by_its_seed_alone_whatever_was_changed_before() -> None:
    image = np.random.default_rng(0).integers(0, 256, (SIDE, SIDE, 3)).astype(np.uint8)
    before = image.copy(), face_points()
    in_turn = {seed: augment_face(image, before[1], seed) for seed in range(6)}
    for seed in reversed(range(6)):
        again, again_points = augment_face(image, before[1], seed)
        np.testing.assert_array_equal(again, in_turn[seed][0])
        np.testing.assert_array_equal(again_points, in_turn[seed][1])
    assert not np.array_equal(in_turn[3][1], in_turn[4][1])
    np.testing.assert_array_equal(image, before[0])
    np.testing.assert_array_equal(before[1], face_points())


def test_colours_become_grey_with_one_channel() -> None:
    image = np.zeros((SIDE, SIDE, 3), np.uint8)
    image[..., 0] = 200
    assert augment_face(image, face_points(), 0)[0].ndim == 2


def test_whether_a_face_is_mirrored_says_nothing_of_how_large_it_is_drawn() -> None:
    found = face_points()
    image = np.zeros((SIDE, SIDE, 3), np.uint8)
    moved = [augment_face(image, found, seed)[1] for seed in range(300)]
    mirrored = np.array([turn(points) != turn(found) for points in moved])
    size = np.array([np.linalg.norm(points[36] - points[45]) for points in moved])
    assert abs(np.corrcoef(mirrored, size)[0, 1]) < 0.2


def test_changes_come_independently_of_each_other() -> None:
    """Noise comes with a blank and without one: on an even image each can be told."""
    even = np.full((SIDE, SIDE, 3), 128, np.uint8)
    shown = [augment_face(even, face_points(), seed)[0].astype(int) for seed in range(400)]
    noisy = np.array([np.median(np.abs(np.diff(image))) > 0 for image in shown])
    smooth = [cv2.blur(image.astype(np.float32), (9, 9)) for image in shown]
    blank = np.array([np.ptp(image) > 15 for image in smooth])
    assert 0.1 < noisy.mean() < 0.3
    assert 0.15 < blank.mean() < 0.45
    assert blank[noisy].mean() == pytest.approx(blank[~noisy].mean(), abs=0.2)
