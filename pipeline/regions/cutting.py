"""Images cut down to a region."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from PIL import Image

from pipeline.common.files import InputError
from pipeline.regions.boxes import boxes, whole_boxes
from pipeline.regions.definitions import Region

BLOCK = 4096  # images that are cut at a time


class Cut(NamedTuple):
    """What is cut out of N images.

    Attributes:
        boxes: (N, 4) float32, in pixels of the uncut images, see `regions.boxes`.
        fell_back: (N,), True where the points were not to be trusted and the whole image is kept.
    """

    boxes: npt.NDArray[np.float32]
    fell_back: npt.NDArray[np.bool_]


def trusted(
    points: npt.NDArray[np.float32], expected_error: npt.NDArray[np.float32], max_error: float
) -> npt.NDArray[np.bool_]:
    """Whose points are good enough to follow, (N,); see `plan_cut`."""
    # Not `~(expected_error > max_error)`, which would let NaN pass.
    return np.asarray((expected_error <= max_error) & np.isfinite(points).all(axis=(1, 2)))


def plan_cut(
    points: npt.NDArray[np.float32],
    expected_error: npt.NDArray[np.float32],
    region: Region,
    max_error: float,
    side: int,
) -> Cut:
    """What to cut out of each image. Where the points are not to be trusted the whole image is kept.

    Args:
        points: (N, 68, 2), in pixels of the images.
        expected_error: (N,), how far off the points of an image are expected to be.
        region: the definition; `whole` needs no points, so nothing falls back.
        max_error: the points of an image above it, and points that are not finite, are not trusted.
        side: of the images, in pixels.
    """
    where = whole_boxes(len(points), (side, side))
    fell_back = np.zeros(len(points), np.bool_)
    if region != "whole":
        fell_back = ~trusted(points, expected_error, max_error)
        where[~fell_back] = boxes(points[~fell_back], region, (side, side))
    return Cut(where, fell_back)


def cut(images: npt.NDArray[np.uint8], where: npt.NDArray[np.float32], side: int) -> npt.NDArray[np.uint8]:
    """Cut a box out of every image and resize it to a square.

    Pillow's bicubic resize takes boxes at fractions of a pixel, widens its kernel when it shrinks (so nothing
    aliases) and leaves a whole image of the wanted size as it is, bit for bit. 35,887 images of 48 pixels
    take about 1 s.

    Args:
        images: uint8 (N, H, W) or (N, H, W, 3).
        where: (N, 4), boxes inside the image.
        side: of the squares, in pixels.

    Returns:
        uint8 (N, side, side) or (N, side, side, 3).

    Raises:
        ValueError: there are not as many boxes as images, or a box is empty or leaves the image.
    """
    edges = (where.astype(np.float64) + 0.5).tolist()  # Pillow counts edges from 0
    result = np.empty((len(images), side, side, *images.shape[3:]), np.uint8)
    for row, (image, box) in enumerate(zip(images, edges, strict=True)):
        result[row] = Image.fromarray(image).resize((side, side), Image.Resampling.BICUBIC, box=box)
    return result


def cut_blocks(
    images: npt.NDArray[np.uint8], where: npt.NDArray[np.float32], side: int
) -> Iterator[npt.NDArray[np.uint8]]:
    """Like `cut`, some images at a time, so that they need not be in memory together.

    Raises:
        InputError: there are not as many boxes as images.
    """
    if len(images) != len(where):
        raise InputError(
            f"{len(images)} images to cut, but landmarks of {len(where)}; run `dvc repro` to make both anew"
        )
    for start in range(0, len(images), BLOCK):
        part = slice(start, start + BLOCK)
        yield cut(images[part], where[part], side)
