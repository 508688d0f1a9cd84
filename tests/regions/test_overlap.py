"""Overlaps of boxes against independent computations, and at their edges."""

from __future__ import annotations

import numpy as np
import pytest
from sample_sets import moved_faces

from pipeline.faces.points import EYES
from pipeline.faces.trials import VIEWS
from pipeline.regions.definitions import Aligned
from pipeline.regions.overlap import box_overlap, iou, turned_iou


def test_iou_against_counted_pixels() -> None:
    corners = np.random.default_rng(0).integers(0, 20, (50, 2, 2, 2)).astype(np.float32)
    low, high = corners.min(axis=2), corners.max(axis=2) + 1
    boxes = np.concatenate([low, high], axis=-1)
    grid_x, grid_y = np.meshgrid(np.arange(21) + 0.5, np.arange(21) + 0.5)
    for a, b, found in zip(boxes[:, 0], boxes[:, 1], iou(boxes[:, 0], boxes[:, 1]), strict=True):
        in_a, in_b = ((grid_x > box[0]) & (grid_x < box[2]) & (grid_y > box[1]) & (grid_y < box[3]) for box in (a, b))
        assert found == pytest.approx((in_a & in_b).sum() / (in_a | in_b).sum())


def test_iou_of_a_box_with_itself_and_with_one_apart() -> None:
    box = np.array([[1.5, 2, 7, 9]], np.float32)
    assert iou(box, box).tolist() == [1]
    assert iou(box, box + 20).tolist() == [0]
    assert iou(box, box + np.array([20, 0, 20, 0], np.float32)).tolist() == [0]  # beside it, at the same height


def test_iou_refuses_empty_boxes_and_other_counts() -> None:
    box = np.array([[1, 2, 7, 9]], np.float32)
    with pytest.raises(ValueError, match="empty"):
        iou(box, box[:, [2, 1, 0, 3]])
    with pytest.raises(ValueError, match="differ"):
        iou(box, np.repeat(box, 2, axis=0))


def test_boxes_that_are_not_turned_overlap_as_others_do() -> None:
    corners = np.random.default_rng(0).uniform(0, 20, (50, 2, 2, 2)).astype(np.float32)
    boxes = np.concatenate([corners.min(axis=2), corners.max(axis=2) + 1], axis=-1)
    upright = np.zeros(50, np.float32)
    found = turned_iou(boxes[:, 0], upright, boxes[:, 1], upright)
    np.testing.assert_allclose(found, iou(boxes[:, 0], boxes[:, 1]), atol=1e-4)


def test_a_square_and_itself_turned_by_an_eighth_share_an_octagon() -> None:
    """Of side 2: the octagon's area is 8 (sqrt(2) - 1)."""
    square, shared = np.array([[3, 5, 5, 7]], np.float32), 8 * (np.sqrt(2) - 1)
    for turn, expected in ((np.pi / 4, shared / (8 - shared)), (np.pi / 2, 1), (0, 1)):
        found = turned_iou(square, np.zeros(1, np.float32), square, np.full(1, turn, np.float32))
        assert found == pytest.approx(expected, abs=1e-5)


def test_an_aligned_square_that_is_turned_otherwise_is_another_one() -> None:
    """The eyes are found turned by 30 degrees around the middle of the square: the same square before it is turned."""
    tests = moved_faces((0,) * 4)
    for view, side in VIEWS.items():
        for points, turn in ((tests.true[view], 0.0), (tests.found[view], np.pi / 6)):
            across, down = np.array([np.cos(turn), np.sin(turn)]), np.array([-np.sin(turn), np.cos(turn)])
            for part, sign in ((EYES[:6], -1), (EYES[6:], 1)):
                points[:, list(part)] = side / 2 + 0.1 * side * sign * across - 0.15 * side / 2 * down
    turned = turned_iou(
        np.array([[0, 0, 1, 1]], np.float32), np.zeros(1, np.float32),
        np.array([[0, 0, 1, 1]], np.float32), np.full(1, np.pi / 6, np.float32),
    )  # fmt: skip
    for views in box_overlap(tests, Aligned(align="eyes")).values():
        assert list(views.values()) == pytest.approx([turned.item()] * len(VIEWS), abs=1e-4)
    assert turned.item() < 0.85
