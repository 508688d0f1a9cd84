"""Where the points say that a region lies.

A box is x0, y0, x1, y1 in continuous pixel edges: pixel i covers i - 0.5 to i + 0.5, so that the points
(which lie at pixel centres) and the box are in one frame, and the whole image is -0.5, -0.5, width - 0.5,
height - 0.5.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from pipeline.regions.alignment import align_eyes
from pipeline.regions.definitions import Aligned, Edges, FixedBox, PointSet, Region

# The least width and height of a box, in pixels: less than this, enlarged, is a blur without an expression.
MIN_SIDE = 4


def whole_boxes(count: int, side: tuple[int, int]) -> npt.NDArray[np.float32]:
    """The box of the whole image, float32 (count, 4). `side` is its width and height, in pixels."""
    width, height = side
    return np.tile(np.array([-0.5, -0.5, width - 0.5, height - 0.5], np.float32), (count, 1))


def used_points(region: Region) -> tuple[int, ...]:
    """The points that define a region, as 0-based indices; of `Edges` left, right, top, bottom."""
    numbers: tuple[int, ...] = ()
    if isinstance(region, Edges):
        numbers = (region.left, region.right, region.top, region.bottom)
    elif isinstance(region, PointSet):
        numbers = region.points
    elif isinstance(region, Aligned):
        numbers = tuple(range(37, 49))
    return tuple(number - 1 for number in numbers)


def boxes(points: npt.NDArray[np.float32], region: Region, side: tuple[int, int]) -> npt.NDArray[np.float32]:
    """Where a region lies in each image.

    The box around the points spans exactly their extremes; `Edges` takes x from its left to its right point
    and y from its top to its bottom point, whichever of two comes first in a turned face. The margin then
    enlarges every side by that fraction of the width or height, the image clips the box, and a side below
    `MIN_SIDE` grows to it. With `square` the short side then grows to the long one, as far as the image is large
    enough; a side that grows does so around its middle, and moves back into the image. Of an aligned region it is the
    square before it is turned, which may leave the image; see `align_eyes`.

    Args:
        points: (N, 68, 2), x and y in pixels of the images.
        region: the definition.
        side: width and height of the images, in pixels.

    Returns:
        float32 (N, 4), inside the image but for aligned regions.

    Raises:
        ValueError: a point that the region needs is not finite.
    """
    if isinstance(region, FixedBox):
        return _fixed(region, len(points), side)
    if not isinstance(region, Edges | PointSet | Aligned):
        return whole_boxes(len(points), side)
    used = points[:, used_points(region)].astype(np.float64)
    if not np.isfinite(used).all():
        raise ValueError("a point that the region needs is not finite")
    if isinstance(region, Aligned):
        return align_eyes(points)[0]
    across, down = (used[:, :2], used[:, 2:]) if isinstance(region, Edges) else (used, used)
    x0, x1 = _limits(across[:, :, 0], region.margin, side[0])
    y0, y1 = _limits(down[:, :, 1], region.margin, side[1])
    found = np.stack([x0, y0, x1, y1], axis=1)
    return (_squared(found, side) if region.square else found).astype(np.float32)


def _fixed(region: FixedBox, count: int, side: tuple[int, int]) -> npt.NDArray[np.float32]:
    edges = np.array([region.box]) * [*side, *side] - 0.5
    for axis, length in enumerate(side):
        edges[:, axis], edges[:, axis + 2] = _limits(edges[:, [axis, axis + 2]], 0, length)
    return np.tile((_squared(edges, side) if region.square else edges).astype(np.float32), (count, 1))


def _squared(where: npt.NDArray[np.float64], side: tuple[int, int]) -> npt.NDArray[np.float64]:
    """Boxes (N, 4) whose short side has grown to the long one."""
    found = where.copy()
    longer = (where[:, 2:] - where[:, :2]).max(axis=1)
    for axis, length in enumerate(side):
        found[:, axis], found[:, axis + 2] = _grown(
            where[:, axis], where[:, axis + 2], np.minimum(longer, length), length
        )
    return found


def _limits(
    span: npt.NDArray[np.float64], margin: float, length: int
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """The edges of boxes along one axis of `length` pixels, from the coordinates (N, K) that they hold."""
    low, high = span.min(axis=1), span.max(axis=1)
    extra = margin * (high - low)
    low, high = np.clip([low - extra, high + extra], -0.5, length - 0.5)
    return _grown(low, high, np.maximum(high - low, min(MIN_SIDE, length)), length)


def _grown(
    low: npt.NDArray[np.float64], high: npt.NDArray[np.float64], extent: npt.NDArray[np.float64], length: int
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Edges so far apart, around the same middle but inside the image."""
    low = np.clip((low + high - extent) / 2, -0.5, length - 0.5 - extent)
    return low, low + extent
