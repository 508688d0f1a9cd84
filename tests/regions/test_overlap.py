"""Overlaps of boxes against independent computations, and at their edges."""

from __future__ import annotations

import numpy as np
import pytest

from pipeline.regions.overlap import iou


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
