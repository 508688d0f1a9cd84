"""Where the points say that a region lies.

A box is x0, y0, x1, y1 in continuous pixel edges: pixel i covers i - 0.5 to i + 0.5, so that the points
(which lie at pixel centres) and the box are in one frame, and the whole image is -0.5, -0.5, width - 0.5,
height - 0.5.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from pipeline.regions.definitions import Edges, PointSet, Region

# The least width and height of a box, in pixels: less than this, enlarged, is a blur without an expression.
MIN_SIDE = 4


def whole_boxes(count: int, side: tuple[int, int]) -> npt.NDArray[np.float32]:
    """The box of the whole image, float32 (count, 4). `side` is its width and height, in pixels."""
    width, height = side
    return np.tile(np.array([-0.5, -0.5, width - 0.5, height - 0.5], np.float32), (count, 1))


def used_points(region: Edges | PointSet) -> tuple[int, ...]:
    """The points that define a region, as 0-based indices; of `Edges` left, right, top, bottom."""
    if isinstance(region, Edges):
        numbers: tuple[int, ...] = (region.left, region.right, region.top, region.bottom)
    else:
        numbers = region.points
    return tuple(number - 1 for number in numbers)


def boxes(points: npt.NDArray[np.float32], region: Region, side: tuple[int, int]) -> npt.NDArray[np.float32]:
    """Where a region lies in each image.

    The box around the points spans exactly their extremes; `Edges` takes x from its left to its right point
    and y from its top to its bottom point, whichever of two comes first in a turned face. The margin then
    enlarges every side by that fraction of the width or height, the image clips the box, and a side below
    `MIN_SIDE` grows to it.

    Args:
        points: (N, 68, 2), x and y in pixels of the images.
        region: the definition.
        side: width and height of the images, in pixels.

    Returns:
        float32 (N, 4), inside the image.

    Raises:
        ValueError: a point that the region needs is not finite.
    """
    if region == "whole":
        return whole_boxes(len(points), side)
    used = points[:, used_points(region)].astype(np.float64)
    if not np.isfinite(used).all():
        raise ValueError("a point that the region needs is not finite")
    across, down = (used[:, :2], used[:, 2:]) if isinstance(region, Edges) else (used, used)
    x0, x1 = _limits(across[:, :, 0], region.margin, side[0])
    y0, y1 = _limits(down[:, :, 1], region.margin, side[1])
    return np.stack([x0, y0, x1, y1], axis=1).astype(np.float32)


def _limits(
    span: npt.NDArray[np.float64], margin: float, length: int
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """The edges of boxes along one axis of `length` pixels, from the coordinates (N, K) that they hold."""
    low, high = span.min(axis=1), span.max(axis=1)
    extra = margin * (high - low)
    low, high = np.clip([low - extra, high + extra], -0.5, length - 0.5)
    extent = np.maximum(high - low, min(MIN_SIDE, length))
    low = np.clip((low + high - extent) / 2, -0.5, length - 0.5 - extent)
    return low, low + extent
