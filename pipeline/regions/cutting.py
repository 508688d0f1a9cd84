"""Images cut down to a region."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt
from PIL import Image

from pipeline.common.files import InputError
from pipeline.regions.alignment import align_eyes
from pipeline.regions.boxes import boxes, whole_boxes
from pipeline.regions.definitions import Aligned, Like, Reduced, Region, follows_points

BLOCK = 4096  # images that are cut at a time


@dataclass(frozen=True)
class Cut:
    """What is cut out of N images.

    Attributes:
        boxes: (N, 4) float32, in pixels of the uncut images, see `regions.boxes`.
        turns: (N,) float32, by how many radians each box is turned about its centre.
        fell_back: (N,), True where the points were not to be trusted and the whole image is kept.
        pixels: that what is cut out is reduced to before it is enlarged again; 0 where it is not.
    """

    boxes: npt.NDArray[np.float32]
    turns: npt.NDArray[np.float32]
    fell_back: npt.NDArray[np.bool_]
    pixels: int

    @classmethod
    def upright(cls, where: npt.NDArray[np.float32]) -> Cut:
        """Boxes that are just cut out."""
        return cls(where, np.zeros(len(where), np.float32), np.zeros(len(where), np.bool_), 0)

    def part(self, rows: slice) -> Cut:
        """Of some of the images."""
        return Cut(self.boxes[rows], self.turns[rows], self.fell_back[rows], self.pixels)


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
        region: the definition, after `like_as`; one that follows no points never falls back.
        max_error: the points of an image above it, and points that are not finite, are not trusted.
        side: of the images, in pixels.
    """
    where, turns = whole_boxes(len(points), (side, side)), np.zeros(len(points), np.float32)
    followed = trusted(points, expected_error, max_error) if follows_points(region) else np.ones(len(points), np.bool_)
    where[followed] = boxes(points[followed], region, (side, side))
    if isinstance(region, Aligned):
        turns[followed] = align_eyes(points[followed])[1]
    return Cut(where, turns, ~followed, region.pixels if isinstance(region, Reduced) else 0)


def like_as(
    region: Region,
    points: npt.NDArray[np.float32],
    expected_error: npt.NDArray[np.float32],
    max_error: float,
    side: int,
) -> Region:
    """Of a region like another one what that comes to: the whole image reduced to as many pixels as its mean box has.

    Args:
        region: any; one that is like no other stays as it is.
        points, expected_error: of those images that decide, which should be train images; see `plan_cut`.
        max_error, side: see `plan_cut`.

    Raises:
        InputError: none of these images is cut.
    """
    if not isinstance(region, Like):
        return region
    found = plan_cut(points, expected_error, region.like, max_error, side)
    kept = found.boxes[~found.fell_back].astype(np.float64)
    if not len(kept):
        raise InputError("params.yaml: regions: no train image's points are trusted; raise landmarks.max_error")
    area = (kept[:, 2:] - kept[:, :2]).prod(axis=1).mean()
    return Reduced(pixels=max(4, round(math.sqrt(area))))


def cut(images: npt.NDArray[np.uint8], planned: Cut, side: int) -> npt.NDArray[np.uint8]:
    """Cut a box out of every image and resize it to a square.

    Pillow's bicubic resize takes boxes at fractions of a pixel, widens its kernel when it shrinks (so nothing
    aliases) and leaves a whole image of the wanted size as it is, bit for bit. 35,887 images of 48 pixels
    take about 1 s. A turned box is first turned upright, at its own size; outside of the image the edge repeats.

    Args:
        images: uint8 (N, H, W) or (N, H, W, 3).
        planned: of N images; boxes that are not turned lie inside the image.
        side: of the squares, in pixels.

    Returns:
        uint8 (N, side, side) or (N, side, side, 3).

    Raises:
        ValueError: there are not as many boxes as images, or a box is empty or leaves the image.
    """
    edges = (planned.boxes.astype(np.float64) + 0.5).tolist()  # Pillow counts edges from 0
    result = np.empty((len(images), side, side, *images.shape[3:]), np.uint8)
    for row, (image, box, turn) in enumerate(zip(images, edges, planned.turns.tolist(), strict=True)):
        picture = Image.fromarray(image)
        if turn:
            picture, box = Image.fromarray(_upright(image, planned.boxes[row], turn)), None
        if planned.pixels:
            picture = picture.resize((planned.pixels, planned.pixels), Image.Resampling.BICUBIC, box=box)
            box = None
        result[row] = picture.resize((side, side), Image.Resampling.BICUBIC, box=box)
    return result


def _upright(image: npt.NDArray[np.uint8], box: npt.NDArray[np.float32], turn: float) -> npt.NDArray[np.uint8]:
    """What a turned square holds, upright, with at least as many pixels as it covers."""
    low, high = box.astype(np.float64).reshape(2, 2)
    extent = float((high - low).max())
    pixels = math.ceil(extent)
    step = extent / pixels
    turned = step * np.array([[math.cos(turn), -math.sin(turn)], [math.sin(turn), math.cos(turn)]])
    first = (low + high) / 2 - turned @ np.full(2, (pixels - 1) / 2)  # where the middle of the first pixel lies
    matrix = np.column_stack([turned, first])
    flags = cv2.INTER_CUBIC | cv2.WARP_INVERSE_MAP
    source = np.ascontiguousarray(image)
    found = cv2.warpAffine(source, matrix, (pixels, pixels), flags=flags, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(found, np.uint8)


def cut_blocks(images: npt.NDArray[np.uint8], planned: Cut, side: int) -> Iterator[npt.NDArray[np.uint8]]:
    """Like `cut`, some images at a time, so that they need not be in memory together.

    Raises:
        InputError: there are not as many boxes as images.
    """
    if len(images) != len(planned.boxes):
        raise InputError(
            f"{len(images)} images to cut, but landmarks of {len(planned.boxes)}; run `dvc repro` to make both anew"
        )
    for start in range(0, len(images), BLOCK):
        part = slice(start, start + BLOCK)
        yield cut(images[part], planned.part(part), side)
