"""Images are cut where the points say, and stay whole where nobody trusts these."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest
from sample_sets import FACE, MOUTH, random_points, refused, smooth_images
from skimage.transform import AffineTransform, warp

from pipeline.regions import cutting
from pipeline.regions.boxes import boxes, whole_boxes
from pipeline.regions.cutting import Cut, cut, cut_blocks, like_as, plan_cut
from pipeline.regions.definitions import Aligned, FixedBox, Like, Reduced

SIDE = (48, 48)


@pytest.mark.parametrize("channels", [(), (3,)])
def test_the_whole_image_comes_back_bit_for_bit(channels: tuple[int, ...]) -> None:
    images = np.random.default_rng(0).integers(0, 256, (5, 48, 48, *channels), np.uint8)
    np.testing.assert_array_equal(cut(images, Cut.upright(whole_boxes(5, SIDE)), 48), images)


def test_a_box_of_whole_pixels_at_its_own_size_is_those_pixels() -> None:
    images = np.random.default_rng(0).integers(0, 256, (1, 48, 48), np.uint8)
    found = cut(images, Cut.upright(np.array([[9.5, 19.5, 25.5, 35.5]], np.float32)), 16)
    np.testing.assert_array_equal(found[0], images[0, 20:36, 10:26])


def scikit_image_cut(image: npt.NDArray[np.uint8], box: list[float], right: float = 0) -> npt.NDArray[np.float64]:
    """The box, `right` pixels further to the right, enlarged to 48 x 48 by cubic splines."""
    x0, y0, x1, y1 = box
    scale = (x1 - x0) / 48, (y1 - y0) / 48
    place = AffineTransform(scale=scale, translation=(x0 + right + scale[0] / 2, y0 + scale[1] / 2))  # type: ignore[no-untyped-call]
    return np.asarray(warp(image, place, output_shape=(48, 48), order=3, preserve_range=True))  # type: ignore[no-untyped-call]


def test_enlarging_agrees_with_scikit_image_at_fractions_of_a_pixel() -> None:
    images = smooth_images(6)
    low = np.random.default_rng(2).uniform(6, 16, (6, 2))
    where = np.concatenate([low, low + [21.3, 13.7]], axis=1).astype(np.float32)
    found = cut(images, Cut.upright(where), 48)
    for image, box, result in zip(images, where.tolist(), found, strict=True):
        difference = np.abs(result - scikit_image_cut(image, box))
        assert difference.mean() < 1
        assert difference.max() < 8
        # A quarter of a pixel beside it is clearly worse, so that the test would see such a shift.
        assert np.abs(result - scikit_image_cut(image, box, right=0.25)).mean() > 2 * difference.mean()


def test_shrinking_does_not_alias() -> None:
    stripes = np.zeros((1, 96, 96), np.uint8)
    stripes[:, :, ::2] = 255  # finer than the result can show: it must come out even and grey
    found = cut(stripes, Cut.upright(whole_boxes(1, (96, 96))), 24)[0, :, 2:-2].astype(int)
    assert np.abs(found - 128).max() <= 3


def test_colour_is_cut_like_grey() -> None:
    images = smooth_images(3, 40, 60)
    where = np.array([[3.2, 1.1, 40.7, 22.9]] * 3, np.float32)
    coloured = cut(np.repeat(images[..., np.newaxis], 3, axis=3), Cut.upright(where), 32)
    assert coloured.shape == (3, 32, 32, 3)
    for channel in range(3):
        np.testing.assert_array_equal(coloured[..., channel], cut(images, Cut.upright(where), 32))


@pytest.mark.parametrize("box", [[-1, 0, 10, 10], [0, 0, 10, 48], [10, 0, 5, 10]])
def test_a_box_that_leaves_the_image_or_is_reversed_is_refused(box: list[float]) -> None:
    with pytest.raises(ValueError, match="[Bb]ox"):
        cut(smooth_images(1), Cut.upright(np.array([box], np.float32)), 48)


def test_as_many_boxes_as_images() -> None:
    with pytest.raises(ValueError, match="shorter"):
        cut(smooth_images(2), Cut.upright(whole_boxes(1, SIDE)), 48)


def test_half_a_pixel_to_the_right_is_the_mean_of_two_neighbours() -> None:
    ramp = np.tile(np.arange(0, 240, 5, dtype=np.uint8), (1, 48, 1))
    found = cut(ramp, Cut.upright(np.array([[10, 9.5, 26, 25.5]], np.float32)), 16)[0]
    np.testing.assert_allclose(found[8], np.arange(10, 26) * 5 + 2.5, atol=1)


@pytest.mark.parametrize("side", [48, 64, 7])
def test_the_trusted_are_cut_and_the_rest_stays_whole(side: int) -> None:
    points = random_points(6, low=side / 3, high=side / 2)
    points[4, 3] = np.nan  # not among the mouth's points, but nobody should trust the others
    expected_error = np.array([0.05, 0.15, 0.16, np.inf, 0.05, np.nan], np.float32)
    planned = plan_cut(points, expected_error, MOUTH, float(np.float32(0.15)), side)
    assert planned.fell_back.tolist() == [False, False, True, True, True, True]
    assert planned.boxes.dtype == np.float32
    np.testing.assert_array_equal(planned.boxes[2:], whole_boxes(4, (side, side)))
    np.testing.assert_array_equal(planned.boxes[:2], boxes(points[:2], MOUTH, (side, side)))


def test_the_whole_region_needs_no_points() -> None:
    nowhere = np.full((3, 68, 2), np.nan, np.float32)
    planned = plan_cut(nowhere, np.full(3, np.inf, np.float32), "whole", 0.15, 64)
    assert not planned.fell_back.any()
    np.testing.assert_array_equal(planned.boxes, whole_boxes(3, (64, 64)))


def test_if_nobody_is_trusted_all_stay_whole() -> None:
    planned = plan_cut(random_points(3), np.ones(3, np.float32), FACE, 0.15, 48)
    assert planned.fell_back.all()
    np.testing.assert_array_equal(planned.boxes, whole_boxes(3, SIDE))


@pytest.mark.parametrize("channels", [(), (3,)])
def test_images_are_cut_once_from_the_original(channels: tuple[int, ...]) -> None:
    """From 64 pixels straight to 48: an image shrunk before it is cut has lost what the cut enlarges."""
    images = np.random.default_rng(0).integers(0, 256, (5, 64, 64, *channels)).astype(np.uint8)
    planned = plan_cut(
        random_points(5, low=25, high=40), np.array([0.1, 0.1, 0.1, 0.1, 1], np.float32), MOUTH, 0.15, 64
    )
    (found,) = cut_blocks(images, planned, 48)
    assert found.shape == (5, 48, 48, *channels)
    np.testing.assert_array_equal(found, cut(images, planned, 48))
    np.testing.assert_array_equal(found[4:], cut(images[4:], Cut.upright(whole_boxes(1, (64, 64))), 48))
    shrunk = cut(images, Cut.upright(whole_boxes(5, (64, 64))), 48)
    twice = cut(shrunk[:4], Cut.upright((planned.boxes[:4] + 0.5) * np.float32(0.75) - np.float32(0.5)), 48)
    assert np.abs(found[:4].astype(int) - twice).mean() > 10


@pytest.mark.parametrize("count", [1, 3, 4, 5, 8, 9])
def test_blocks_hold_every_image_once(monkeypatch: pytest.MonkeyPatch, count: int) -> None:
    monkeypatch.setattr(cutting, "BLOCK", 4)
    images = smooth_images(count)
    where = boxes(random_points(count, low=15, high=25), MOUTH, SIDE)
    blocks = list(cut_blocks(images, Cut.upright(where), 20))
    assert [len(block) for block in blocks] == [4] * (count // 4) + [count % 4] * (count % 4 > 0)
    np.testing.assert_array_equal(np.concatenate(blocks), cut(images, Cut.upright(where), 20))


@pytest.mark.parametrize("count", [2, 4])
def test_points_of_another_data_set_are_refused(count: int) -> None:
    said = refused(list, cut_blocks(smooth_images(3), Cut.upright(whole_boxes(count, SIDE)), 48))
    assert said == f"3 images to cut, but landmarks of {count}; run `dvc repro` to make both anew"


# Forms that need no points, and turned ones


def test_a_fixed_box_needs_no_points_and_is_the_same_of_all() -> None:
    nowhere = np.full((3, 68, 2), np.nan, np.float32)
    region = FixedBox(box=(0.25, 0.5, 0.75, 1.0))
    planned = plan_cut(nowhere, np.full(3, np.inf, np.float32), region, 0.15, 48)
    assert not planned.fell_back.any()
    np.testing.assert_array_equal(planned.boxes, np.tile(np.array([11.5, 23.5, 35.5, 47.5], np.float32), (3, 1)))


def test_a_reduced_image_shows_no_more_than_its_pixels() -> None:
    images = np.random.default_rng(0).integers(0, 256, (2, 48, 48)).astype(np.uint8)
    nowhere = np.full((2, 68, 2), np.nan, np.float32)
    planned = plan_cut(nowhere, np.full(2, np.inf, np.float32), Reduced(pixels=12), 0.15, 48)
    small = cut(images, Cut.upright(whole_boxes(2, SIDE)), 12)
    np.testing.assert_array_equal(cut(images, planned, 48), cut(small, Cut.upright(whole_boxes(2, (12, 12))), 48))
    assert not planned.fell_back.any()


def test_what_is_like_a_box_has_as_many_pixels_as_it_has_on_average() -> None:
    """Of the images that are cut; what is like a fixed box asks for no points."""
    points = random_points(4, low=10, high=40)
    errors = np.array([0.1, 0.1, 0.1, 1.0], np.float32)
    where = boxes(points[:3], MOUTH, SIDE).astype(float)
    area = ((where[:, 2] - where[:, 0]) * (where[:, 3] - where[:, 1])).mean()
    assert like_as(Like(like=MOUTH), points, errors, 0.15, 48) == Reduced(pixels=round(area**0.5))
    fixed = Like(like=FixedBox(box=(0.0, 0.5, 1.0, 1.0)))
    nowhere = np.full_like(points, np.nan)
    assert like_as(fixed, nowhere, errors, 0.15, 48) == Reduced(pixels=round((48 * 24) ** 0.5))
    assert like_as(MOUTH, points, errors, 0.15, 48) == MOUTH


def test_where_nothing_is_cut_there_is_nothing_to_be_like() -> None:
    said = refused(like_as, Like(like=MOUTH), random_points(3), np.ones(3, np.float32), 0.15, 48)
    assert said == "params.yaml: regions: no train image's points are trusted; raise landmarks.max_error"


def eyes_at(left: tuple[float, ...], right: tuple[float, ...]) -> npt.NDArray[np.float32]:
    """Points of one face, all of each eye in one place."""
    points = np.zeros((1, 68, 2), np.float32)
    points[0, 36:42], points[0, 42:48] = left, right
    return points


@pytest.mark.parametrize("turn", [0.0, 0.4, -1.0, 3.0])
def test_aligned_eyes_lie_where_they_should(turn: float) -> None:
    """Two bright spots for eyes, 20 pixels apart; in the square they are at 30 and 70% across and 35% down."""
    centre, half = np.array([48.0, 48.0]), 10 * np.array([np.cos(turn), np.sin(turn)])
    y, x = np.mgrid[:96, :96]
    image = np.zeros((96, 96))
    for place in (centre - half, centre + half):
        image += 250 * np.exp(-((x - place[0]) ** 2 + (y - place[1]) ** 2) / 8)
    points = eyes_at(tuple(centre - half), tuple(centre + half))
    planned = plan_cut(points, np.zeros(1, np.float32), Aligned(align="eyes"), 0.15, 96)
    found = cut(image.clip(0, 255).astype(np.uint8)[None], planned, 100)[0].astype(float)
    v, u = np.mgrid[:100, :100]
    for side, across in ((slice(0, 50), 0.3), (slice(50, 100), 0.7)):
        weight = found[:, side]
        middle = [(of[:, side] * weight).sum() / weight.sum() + 0.5 for of in (u, v)]
        assert middle == pytest.approx([100 * across, 35], abs=1)
    assert planned.turns[0] == pytest.approx(turn, abs=1e-6)


@pytest.mark.parametrize("eyes", [((2.0, 20.0), (46.0, 24.0)), ((12.0, 20.0), (36.0, 20.0))])
def test_an_aligned_square_repeats_the_edge_outside_of_the_image(eyes: tuple[tuple[float, float], ...]) -> None:
    """Though the eyes of the second are exactly level."""
    images = np.full((1, 48, 48), 90, np.uint8)
    planned = plan_cut(eyes_at(*eyes), np.zeros(1, np.float32), Aligned(align="eyes"), 0.15, 48)
    assert planned.boxes[0, 0] < -0.5
    assert (cut(images, planned, 48) == 90).all()


def test_aligned_images_that_are_not_trusted_stay_whole_and_unturned() -> None:
    points = np.repeat(eyes_at((10, 20), (30, 30)), 2, axis=0)
    planned = plan_cut(points, np.array([0.1, 1], np.float32), Aligned(align="eyes"), 0.15, 48)
    assert planned.fell_back.tolist() == [False, True]
    assert planned.turns[1] == 0
    np.testing.assert_array_equal(planned.boxes[1:], whole_boxes(1, SIDE))


def test_colours_are_turned_alike() -> None:
    images = np.random.default_rng(0).integers(0, 256, (1, 48, 48)).astype(np.uint8)
    planned = plan_cut(eyes_at((15, 20), (32, 26)), np.zeros(1, np.float32), Aligned(align="eyes"), 0.15, 48)
    coloured = cut(np.repeat(images[..., None], 3, axis=3), planned, 32)
    for channel in range(3):
        np.testing.assert_array_equal(coloured[..., channel], cut(images, planned, 32))
