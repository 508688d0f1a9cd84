"""Regions of the face: where the points say they lie, and images cut down to them.

A box is x0, y0, x1, y1 in continuous pixel edges: pixel i covers i - 0.5 to i + 0.5, so that the points
(which lie at pixel centres) and the box are in one frame, and the whole image is -0.5, -0.5, width - 0.5,
height - 0.5.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

from pipeline.common.files import InputError, load_arrays
from pipeline.data.expressions import CLASSES, SPLITS, Expressions
from pipeline.regions.definitions import Edges, PointSet, Region

# The least width and height of a box, in pixels: less than this, enlarged, is a blur without an expression.
MIN_SIDE = 4


@dataclass(frozen=True)
class Variant(Expressions):
    """The expression data set cut to one region: the same rows, their images cut out and resized.

    Attributes:
        boxes: (N, 4), what was cut out, in pixels of the uncut image.
        fell_back: (N,), True where the points were not to be trusted and the whole image is kept.
    """

    boxes: npt.NDArray[np.float32]
    fell_back: npt.NDArray[np.bool_]

    @classmethod
    def load(cls, path: Path) -> Variant:
        """Read what `save` wrote, `data/variants/REGION.npz`.

        Raises:
            InputError: the file is missing, damaged or of another kind.
        """
        own = load_arrays(
            path,
            {
                "labels": ("uint8", (None,)),  # once more, so that the lengths are held against each other
                "boxes": ("float32", (None, 4)),
                "fell_back": ("bool", (None,)),
            },
        )
        return cls(**{**vars(Expressions.load(path)), **own})


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


def cut(images: npt.NDArray[np.uint8], boxes: npt.NDArray[np.float32], side: int) -> npt.NDArray[np.uint8]:
    """Cut a box out of every image and resize it to a square.

    Pillow's bicubic resize takes boxes at fractions of a pixel, widens its kernel when it shrinks (so nothing
    aliases) and leaves a whole image of the wanted size as it is, bit for bit. 35,887 images of 48 pixels
    take about 1 s.

    Args:
        images: uint8 (N, H, W) or (N, H, W, 3).
        boxes: (N, 4), inside the image.
        side: of the squares, in pixels.

    Returns:
        uint8 (N, side, side) or (N, side, side, 3).

    Raises:
        ValueError: there are not as many boxes as images, or a box is empty or leaves the image.
    """
    edges = (boxes.astype(np.float64) + 0.5).tolist()  # Pillow counts edges from 0
    result = np.empty((len(images), side, side, *images.shape[3:]), np.uint8)
    for row, (image, box) in enumerate(zip(images, edges, strict=True)):
        result[row] = Image.fromarray(image).resize((side, side), Image.Resampling.BICUBIC, box=box)
    return result


def crop(
    expressions: Expressions,
    points: npt.NDArray[np.float32],
    expected_error: npt.NDArray[np.float32],
    region: Region,
    max_error: float,
) -> Variant:
    """Cut the data set to a region. Where the points are not to be trusted the whole image is kept.

    Args:
        expressions: the data set of N images.
        points: (N, 68, 2), in pixels of its images.
        expected_error: (N,), how far off the points of an image are expected to be.
        region: the definition; `whole` needs no points, so nothing falls back.
        max_error: the points of an image above it, and points that are not finite, are not trusted.

    Raises:
        InputError: the points are not those of this data set.
    """
    images = expressions.images
    if not len(points) == len(expected_error) == len(images):
        raise InputError(
            f"{len(images)} images to cut, but landmarks of {len(points)}; run `dvc repro` to make both anew"
        )
    height, width = images.shape[1:3]
    where = whole_boxes(len(images), (width, height))
    fell_back = np.zeros(len(images), np.bool_)
    if region != "whole":
        # Not `expected_error > max_error`, which would let NaN pass.
        fell_back = ~((expected_error <= max_error) & np.isfinite(points).all(axis=(1, 2)))
        where[~fell_back] = boxes(points[~fell_back], region, (width, height))
    kept = {**vars(expressions), "images": cut(images, where, height)}
    return Variant(**kept, boxes=where, fell_back=fell_back)


def count_fallbacks(variant: Variant) -> dict[str, Any]:
    """How many images each split has, and how many of them kept the whole image, also by class; ready for JSON."""
    splits = {name: variant.split == name for name in SPLITS if (variant.split == name).any()}
    return {
        "images": {name: int(rows.sum()) for name, rows in splits.items()},
        "fell_back": {name: int(variant.fell_back[rows].sum()) for name, rows in splits.items()},
        "fell_back_by_class": {
            name: {
                expression: int((variant.fell_back & rows & (variant.labels == code)).sum())
                for code, expression in enumerate(CLASSES)
            }
            for name, rows in splits.items()
        },
    }
