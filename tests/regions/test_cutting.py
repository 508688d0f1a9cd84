"""Images are cut where the points say, and stay whole where nobody trusts these."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest
from sample_sets import FACE, MOUTH, random_points, refused, smooth_images
from skimage.transform import AffineTransform, warp

from pipeline.regions import cutting
from pipeline.regions.boxes import boxes, whole_boxes
from pipeline.regions.cutting import cut, cut_blocks, plan_cut

SIDE = (48, 48)


@pytest.mark.parametrize("channels", [(), (3,)])
def test_the_whole_image_comes_back_bit_for_bit(channels: tuple[int, ...]) -> None:
    images = np.random.default_rng(0).integers(0, 256, (5, 48, 48, *channels), np.uint8)
    np.testing.assert_array_equal(cut(images, whole_boxes(5, SIDE), 48), images)


def test_a_box_of_whole_pixels_at_its_own_size_is_those_pixels() -> None:
    images = np.random.default_rng(0).integers(0, 256, (1, 48, 48), np.uint8)
    found = cut(images, np.array([[9.5, 19.5, 25.5, 35.5]], np.float32), 16)
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
    found = cut(images, where, 48)
    for image, box, result in zip(images, where.tolist(), found, strict=True):
        difference = np.abs(result - scikit_image_cut(image, box))
        assert difference.mean() < 1
        assert difference.max() < 8
        # A quarter of a pixel beside it is clearly worse, so that the test would see such a shift.
        assert np.abs(result - scikit_image_cut(image, box, right=0.25)).mean() > 2 * difference.mean()


def test_shrinking_does_not_alias() -> None:
    stripes = np.zeros((1, 96, 96), np.uint8)
    stripes[:, :, ::2] = 255  # finer than the result can show: it must come out even and grey
    found = cut(stripes, whole_boxes(1, (96, 96)), 24)[0, :, 2:-2].astype(int)
    assert np.abs(found - 128).max() <= 3


def test_colour_is_cut_like_grey() -> None:
    images = smooth_images(3, 40, 60)
    where = np.array([[3.2, 1.1, 40.7, 22.9]] * 3, np.float32)
    coloured = cut(np.repeat(images[..., np.newaxis], 3, axis=3), where, 32)
    assert coloured.shape == (3, 32, 32, 3)
    for channel in range(3):
        np.testing.assert_array_equal(coloured[..., channel], cut(images, where, 32))


@pytest.mark.parametrize("box", [[-1, 0, 10, 10], [0, 0, 10, 48], [10, 0, 5, 10]])
def test_a_box_that_leaves_the_image_or_is_reversed_is_refused(box: list[float]) -> None:
    with pytest.raises(ValueError, match="[Bb]ox"):
        cut(smooth_images(1), np.array([box], np.float32), 48)


def test_as_many_boxes_as_images() -> None:
    with pytest.raises(ValueError, match="shorter"):
        cut(smooth_images(2), whole_boxes(1, SIDE), 48)


def test_half_a_pixel_to_the_right_is_the_mean_of_two_neighbours() -> None:
    ramp = np.tile(np.arange(0, 240, 5, dtype=np.uint8), (1, 48, 1))
    found = cut(ramp, np.array([[10, 9.5, 26, 25.5]], np.float32), 16)[0]
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
    (found,) = cut_blocks(images, planned.boxes, 48)
    assert found.shape == (5, 48, 48, *channels)
    np.testing.assert_array_equal(found, cut(images, planned.boxes, 48))
    np.testing.assert_array_equal(found[4:], cut(images[4:], whole_boxes(1, (64, 64)), 48))
    shrunk = cut(images, whole_boxes(5, (64, 64)), 48)
    twice = cut(shrunk[:4], (planned.boxes[:4] + 0.5) * np.float32(0.75) - np.float32(0.5), 48)
    assert np.abs(found[:4].astype(int) - twice).mean() > 10


@pytest.mark.parametrize("count", [1, 3, 4, 5, 8, 9])
def test_blocks_hold_every_image_once(monkeypatch: pytest.MonkeyPatch, count: int) -> None:
    monkeypatch.setattr(cutting, "BLOCK", 4)
    images = smooth_images(count)
    where = boxes(random_points(count, low=15, high=25), MOUTH, SIDE)
    blocks = list(cut_blocks(images, where, 20))
    assert [len(block) for block in blocks] == [4] * (count // 4) + [count % 4] * (count % 4 > 0)
    np.testing.assert_array_equal(np.concatenate(blocks), cut(images, where, 20))


@pytest.mark.parametrize("count", [2, 4])
def test_points_of_another_data_set_are_refused(count: int) -> None:
    said = refused(list, cut_blocks(smooth_images(3), whole_boxes(count, SIDE), 48))
    assert said == f"3 images to cut, but landmarks of {count}; run `dvc repro` to make both anew"
