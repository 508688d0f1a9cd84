"""Squares show what they say, and points go into them and out again."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from spots import brightest, dotted, face_points

from pipeline.faces.face_images import SIDE
from pipeline.faces.points import COUNT
from pipeline.faces.squares import TIGHT, Squares, boxes_around, cut_squares

BOXES = np.array([[20, 30, 120, 110], [5.5, 2, 40, 61], [-10, 0, 30, 25]])


def test_a_square_surrounds_its_box_with_the_same_air_everywhere() -> None:
    squares = Squares.around(BOXES)
    np.testing.assert_allclose(squares.size, TIGHT * np.array([100, 59, 40]))
    centres = np.array([[70, 70], [22.75, 31.5], [10, 12.5]])
    np.testing.assert_allclose(squares.corner + squares.size[:, None] / 2, centres)


@pytest.mark.parametrize("seed", [None, 3])
def test_inside_and_outside_undo_each_other(seed: int | None) -> None:
    squares = Squares.around(BOXES, seed)
    places = np.random.default_rng(0).uniform(-50, 150, (3, COUNT, 2)).astype(np.float32)
    np.testing.assert_allclose(squares.outside(squares.inside(places, 48), 48), places, atol=1e-3)
    np.testing.assert_allclose(squares.inside(squares.outside(places, 128), 128), places, atol=1e-3)


def test_points_are_between_pixels_not_in_their_corners() -> None:
    """A square that is the image itself leaves points where they are, and twice as many pixels move them by half."""
    whole = Squares(np.array([[-0.5, -0.5]]), np.array([48.0]))
    places = np.array([[[0, 0], [47, 10]]], np.float32)
    np.testing.assert_allclose(whole.inside(places, 48), places, atol=1e-6)
    np.testing.assert_allclose(whole.inside(places, 96), [[[0.5, 0.5], [94.5, 20.5]]], atol=1e-5)


def test_a_square_of_whole_pixels_shows_just_these_and_the_edge_beyond() -> None:
    image = np.random.default_rng(0).integers(0, 256, (40, 30)).astype(np.uint8)
    squares = Squares(np.array([[3.5, 9.5], [19.5, -4.5]]), np.array([16.0, 16.0]))
    inner, over = squares.cut([image, image], 16)
    np.testing.assert_array_equal(inner, image[10:26, 4:20])
    expected = np.pad(image, ((4, 0), (0, 6)), mode="edge")[:16, 20:36]
    np.testing.assert_array_equal(over, expected)


def test_a_reduced_square_is_not_aliased() -> None:
    """Stripes of one pixel become an even grey, not wide stripes."""
    image = np.zeros((128, 128), np.uint8)
    image[:, ::2] = 200
    shown = Squares(np.array([[-0.5, -0.5]]), np.array([128.0])).cut([image], 36)[0]
    assert np.abs(shown[4:-4, 4:-4].astype(int) - 100).max() < 15


def test_colours_become_grey() -> None:
    image = np.zeros((32, 32, 3), np.uint8)
    image[:] = (200, 100, 50)
    grey = Squares(np.array([[-0.5, -0.5]]), np.array([32.0])).cut([image], 32)
    assert np.abs(grey.astype(int) - cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)).max() <= 1
    assert round(0.299 * 200 + 0.587 * 100 + 0.114 * 50) - 1 <= grey[0, 5, 5] <= 126


def test_images_of_different_sizes_and_colours_are_cut_alike() -> None:
    rng = np.random.default_rng(0)
    images = [rng.integers(0, 256, shape).astype(np.uint8) for shape in ((90, 130), (64, 41, 3), (25, 31))]
    squares = Squares.around(BOXES)
    together = squares.cut(images, 48)
    assert together.shape == (3, 48, 48)
    for row, image in enumerate(images):
        np.testing.assert_array_equal(Squares.around(BOXES[row : row + 1]).cut([image], 48)[0], together[row])


def test_a_box_is_what_the_points_span() -> None:
    found = np.stack([face_points(row) for row in range(3)])
    boxes = boxes_around(found)
    for box, face in zip(boxes, found, strict=True):
        assert box.tolist() == [face[:, 0].min(), face[:, 1].min(), face[:, 0].max(), face[:, 1].max()]


@pytest.mark.parametrize("side", [48, 128])
@pytest.mark.parametrize("seed", [None, 0])
def test_a_square_shows_the_point_where_it_says(side: int, seed: int | None) -> None:
    found = np.stack([face_points(row) for row in range(6)])
    images = np.stack([dotted(face, 40) for face in found])
    grey, moved = cut_squares(images, found, side, seed)
    assert grey.shape == (6, side, side)
    offsets = [brightest(image) - face[40] for image, face in zip(grey, moved, strict=True)]
    np.testing.assert_allclose(offsets, 0, atol=0.3)
    np.testing.assert_allclose(np.mean(offsets, axis=0), 0, atol=0.1)


def test_a_cut_face_is_centred_on_the_points_and_fills_the_square() -> None:
    found = face_points()[None]
    _, moved = cut_squares(np.zeros((1, SIDE, SIDE, 3), np.uint8), found, 128)
    low, high = moved[0].min(0), moved[0].max(0)
    np.testing.assert_allclose((low + high) / 2, 63.5, atol=1e-3)
    assert (high - low).max() == pytest.approx(128 / TIGHT, abs=1e-3)


def test_jitter_is_small_and_the_same_for_the_same_seed() -> None:
    found = np.repeat(face_points()[None], 50, axis=0)
    images = np.zeros((50, SIDE, SIDE, 3), np.uint8)
    plain, one, again, other = (cut_squares(images, found, 48, seed)[1] for seed in (None, 0, 0, 1))
    np.testing.assert_array_equal(one, again)
    assert not np.array_equal(one, other)
    centres = (one.min(1) + one.max(1)) / 2 - 23.5
    assert 1.5 < np.abs(centres).max() <= 0.05 * 48 + 1e-3
    sizes = np.ptp(plain, axis=1).max(1) / np.ptp(one, axis=1).max(1)
    assert 0.95 <= sizes.min() < 0.97
    assert 1.03 < sizes.max() <= 1.05
