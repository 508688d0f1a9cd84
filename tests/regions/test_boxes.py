"""Where a region lies."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest
from sample_sets import FACE, MOUTH, random_points

from pipeline.faces.points import mirror
from pipeline.regions.boxes import MIN_SIDE, boxes, used_points
from pipeline.regions.definitions import Edges, FixedBox, PointSet, Region

SIDE = (48, 48)
UPRIGHT = Edges(left=1, right=17, top=28, bottom=9)  # unlike FACE its own mirror image
REGIONS: list[Region] = ["whole", FACE, MOUTH]


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


# Square boxes


def corners(x0: float, y0: float, x1: float, y1: float) -> npt.NDArray[np.float32]:
    """Points of one face whose mouth has these limits."""
    points = np.full((1, 68, 2), np.nan, np.float32)
    points[:] = (x0, y0)
    points[0, 48:60] = (x1, y1)
    return points


SQUARE = PointSet.model_validate({"points": "49-68", "square": True})


@pytest.mark.parametrize(
    ("limits", "expected"),
    [
        ((20, 30, 40, 36), (20, 23, 40, 43)),  # a flat box grows up and down
        ((20, 40, 40, 46), (20, 27.5, 40, 47.5)),  # and moves up where the image ends
        ((0, 10, 12, 44), (-0.5, 10, 33.5, 44)),  # a tall one to both sides, as far as it can
        ((2, 3, 10, 11), (2, 3, 10, 11)),
    ],
)
def test_a_square_box_keeps_proportions(limits: tuple[float, float, float, float], expected: tuple[float, ...]) -> None:
    np.testing.assert_allclose(boxes(corners(*limits), SQUARE, (48, 48))[0], expected, atol=1e-5)


def test_in_an_image_too_low_for_it_a_square_is_as_high_as_the_image() -> None:
    np.testing.assert_allclose(boxes(corners(10, 8, 50, 12), SQUARE, (64, 20))[0], (10, -0.5, 50, 19.5), atol=1e-5)


def test_a_fixed_box_may_be_square_too() -> None:
    region = FixedBox(box=(0.25, 0.5, 0.75, 0.75), square=True)
    found = boxes(np.zeros((2, 68, 2), np.float32), region, (48, 48))
    np.testing.assert_allclose(found, np.tile((11.5, 17.5, 35.5, 41.5), (2, 1)))
