"""Where a region lies, and that its pixels are cut from there."""

from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
import pytest
from skimage.transform import AffineTransform, warp

from pipeline.common.files import InputError, save_arrays
from pipeline.data.expressions import Expressions
from pipeline.faces.points import mirror
from pipeline.regions.cutting import MIN_SIDE, Variant, boxes, crop, cut, used_points, whole_boxes
from pipeline.regions.definitions import Edges, PointSet, Region

SIDE = (48, 48)
FACE = Edges(left=1, right=17, top=20, bottom=9)
UPRIGHT = Edges(left=1, right=17, top=28, bottom=9)  # unlike FACE its own mirror image
MOUTH = PointSet.model_validate({"points": "49-68", "margin": 0.3})
REGIONS: list[Region] = ["whole", FACE, MOUTH]


def random_points(count: int, low: float = 5, high: float = 43) -> npt.NDArray[np.float32]:
    return np.random.default_rng(0).uniform(low, high, (count, 68, 2)).astype(np.float32)


def smooth_images(count: int, height: int = 48, width: int = 48) -> npt.NDArray[np.uint8]:
    noise = np.random.default_rng(1).normal(128, 300, (count, height, width))
    return np.stack([cv2.GaussianBlur(image, (0, 0), 2) for image in noise]).clip(0, 255).astype(np.uint8)


def data_set(images: npt.NDArray[np.uint8]) -> Expressions:
    count = len(images)
    return Expressions(
        images=images,
        labels=(np.arange(count) % 7).astype(np.uint8),
        votes=np.full((count, 10), 1, np.uint8),
        split=np.array(["Training", "PublicTest", "PrivateTest"])[np.arange(count) % 3],
        for_training=np.arange(count) % 6 == 0,  # not all of Training
    )


def test_edges_are_the_coordinates_of_the_four_points() -> None:
    points = np.full((1, 68, 2), 30, np.float32)
    points[0, 0] = 10, 1  # point 1: its x is the left edge
    points[0, 16] = 40, 2
    points[0, 19] = 3, 12  # point 20: its y is the top edge
    points[0, 8] = 4, 41
    assert boxes(points, FACE, SIDE).tolist() == [[10, 12, 40, 41]]


def test_a_turned_face_whose_edges_come_in_reverse_has_the_same_box() -> None:
    points = random_points(20)
    swapped = Edges(left=FACE.right, right=FACE.left, top=FACE.bottom, bottom=FACE.top)
    np.testing.assert_array_equal(boxes(points, swapped, SIDE), boxes(points, FACE, SIDE))


def test_a_point_set_is_spanned_by_its_extremes_and_enlarged_by_its_margin() -> None:
    points = np.full((1, 68, 2), 45, np.float32)
    points[0, 48:] = np.linspace([20, 30], [30, 34], 20)
    tight = PointSet.model_validate({"points": "49-68"})
    assert boxes(points, tight, SIDE).tolist() == [[20, 30, 30, 34]]
    np.testing.assert_allclose(boxes(points, MOUTH, SIDE), [[17, 28.8, 33, 35.2]], rtol=1e-6)


def test_the_image_clips_a_box() -> None:
    points = np.full((1, 68, 2), 20, np.float32)
    points[0, 48] = -30, 10
    points[0, 49] = 40, 300
    assert boxes(points, MOUTH, (50, 48)).tolist() == [[-0.5, -0.5, 49.5, 47.5]]


@pytest.mark.parametrize("region", REGIONS)
@pytest.mark.parametrize("side", [(48, 48), (64, 32), (3, 5)])
def test_boxes_lie_inside_the_image_and_are_never_too_small(region: Region, side: tuple[int, int]) -> None:
    points = random_points(200, low=-60, high=110)
    points[:50] = points[:50, :1]  # all points of a face in one place
    found = boxes(points, region, side)
    low, high = found[:, :2], found[:, 2:]
    assert found.dtype == np.float32
    assert (low >= -0.5).all()
    assert (high <= np.array(side) - 0.5).all()
    assert (high - low >= np.minimum(MIN_SIDE, side) - 1e-4).all()


def test_a_larger_margin_holds_the_smaller_box() -> None:
    points = random_points(50, low=-5, high=53)
    previous = boxes(points, Edges(left=1, right=17, top=20, bottom=9), SIDE)
    for margin in (0.1, 0.5, 2.0):
        larger = boxes(points, Edges(left=1, right=17, top=20, bottom=9, margin=margin), SIDE)
        assert (larger[:, :2] <= previous[:, :2] + 1e-4).all()
        assert (larger[:, 2:] >= previous[:, 2:] - 1e-4).all()
        assert (larger != previous).any()
        previous = larger


@pytest.mark.parametrize("region", ["whole", UPRIGHT, MOUTH])
def test_a_mirrored_face_has_the_mirrored_box(region: Region) -> None:
    points = random_points(50, low=-5, high=53)
    found = boxes(mirror(points, 48), region, SIDE)
    expected = boxes(points, region, SIDE)
    expected[:, [0, 2]] = 47 - expected[:, [2, 0]]
    np.testing.assert_allclose(found, expected, atol=1e-4)


def test_used_points_count_from_zero() -> None:
    assert used_points(FACE) == (0, 16, 19, 8)
    assert used_points(MOUTH) == tuple(range(48, 68))


def test_only_the_points_that_the_region_needs_have_to_be_finite() -> None:
    points = random_points(2)
    points[1, 30] = np.nan
    assert np.isfinite(boxes(points, MOUTH, SIDE)).all()
    points[1, 50] = np.inf
    with pytest.raises(ValueError, match="not finite"):
        boxes(points, MOUTH, SIDE)


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


def test_crop_cuts_the_trusted_and_keeps_the_rest_whole() -> None:
    expressions = data_set(smooth_images(6))
    points = random_points(6)
    points[4, 3] = np.nan  # not among the mouth's points, but nobody should trust the others
    expected_error = np.array([0.05, 0.15, 0.16, np.inf, 0.05, np.nan], np.float32)
    variant = crop(expressions, points, expected_error, MOUTH, float(np.float32(0.15)))
    assert variant.fell_back.tolist() == [False, False, True, True, True, True]
    np.testing.assert_array_equal(variant.images[2:], expressions.images[2:])
    np.testing.assert_array_equal(variant.boxes[2:], whole_boxes(4, SIDE))
    np.testing.assert_array_equal(variant.boxes[:2], boxes(points[:2], MOUTH, SIDE))
    np.testing.assert_array_equal(variant.images[:2], cut(expressions.images[:2], variant.boxes[:2], 48))
    for name in ("labels", "votes", "split", "for_training"):
        np.testing.assert_array_equal(getattr(variant, name), getattr(expressions, name))


def test_the_whole_region_needs_no_points() -> None:
    expressions = data_set(smooth_images(3))
    nowhere = np.full((3, 68, 2), np.nan, np.float32)
    variant = crop(expressions, nowhere, np.full(3, np.inf, np.float32), "whole", 0.15)
    assert not variant.fell_back.any()
    np.testing.assert_array_equal(variant.images, expressions.images)


def test_points_of_another_data_set_are_refused() -> None:
    with pytest.raises(InputError, match="3 images to cut, but landmarks of 2"):
        crop(data_set(smooth_images(3)), random_points(2), np.zeros(2, np.float32), MOUTH, 0.15)


def test_a_variant_is_read_as_it_was_written(tmp_path: Path) -> None:
    path = tmp_path / "mouth.npz"
    variant = crop(data_set(smooth_images(4)), random_points(4), np.zeros(4, np.float32), MOUTH, 0.15)
    variant.save(path)
    first = path.read_bytes()
    read = Variant.load(path)
    for name, array in vars(variant).items():
        np.testing.assert_array_equal(getattr(read, name), array)
        assert getattr(read, name).dtype == array.dtype
    read.save(path)
    assert path.read_bytes() == first


def test_an_uncut_data_set_is_no_variant(tmp_path: Path) -> None:
    path = tmp_path / "mouth.npz"
    data_set(smooth_images(2)).save(path)
    with pytest.raises(InputError, match="holds no array 'boxes'"):
        Variant.load(path)


def test_a_variant_with_a_row_too_few_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "mouth.npz"
    variant = crop(data_set(smooth_images(4)), random_points(4), np.zeros(4, np.float32), MOUTH, 0.15)
    save_arrays(path, **{**vars(variant), "boxes": variant.boxes[:3]})
    with pytest.raises(InputError, match="differ in length"):
        Variant.load(path)


def test_half_a_pixel_to_the_right_is_the_mean_of_two_neighbours() -> None:
    ramp = np.tile(np.arange(0, 240, 5, dtype=np.uint8), (1, 48, 1))
    found = cut(ramp, np.array([[10, 9.5, 26, 25.5]], np.float32), 16)[0]
    np.testing.assert_allclose(found[8], np.arange(10, 26) * 5 + 2.5, atol=1)
