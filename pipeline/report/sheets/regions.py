"""Contact sheets of regions: what one of them cut, and what all of them would cut."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from pipeline.regions.boxes import boxes as region_boxes
from pipeline.regions.boxes import used_points, whole_boxes
from pipeline.regions.cutting import cut
from pipeline.regions.definitions import Region
from pipeline.report.sheets.canvas import (
    CYAN,
    MAGENTA,
    RED,
    WHITE,
    YELLOW,
    Pixels,
    draw_box,
    draw_points,
    enlarge,
    grid,
    resize,
    scale_to,
    titled,
)

TILE = 144  # pixels that an image is enlarged to, about


def region_sheet(
    images: Pixels,
    points: npt.NDArray[np.float32],
    boxes: npt.NDArray[np.float32],
    crops: Pixels,
    fell_back: npt.NDArray[np.bool_],
    count: int = 24,
    columns: int = 4,
) -> Pixels:
    """Rows spread evenly over a data set: each image with its points and its box, and beside it what was cut
    out.

    Rows that fell back to the whole image come last, in their due share but at least one if there are any,
    with their points (where there are any) and their box in red.

    Args:
        images: (N, H, W), N at least 1.
        points: (N, 68, 2), in their pixels.
        boxes: (N, 4), what was cut.
        crops: (N, side, side), cut out; shown as large as the images.
        fell_back: (N,), True where the points were not trusted.
        count: how many rows of the data set are shown.
        columns: how many of them stand side by side.
    """
    scale = scale_to(TILE, images)
    spread = np.linspace(0, len(images) - 1, min(count, len(images))).round().astype(int)
    shown = np.argsort(fell_back, kind="stable")[spread]
    tiles, captions = [], []
    for row in shown:
        original = enlarge(images[row], scale)
        if np.isfinite(points[row]).all():
            original = draw_points(original, points[row], scale, RED if fell_back[row] else WHITE)
        original = draw_box(original, boxes[row], scale, RED if fell_back[row] else YELLOW)
        tiles.append(np.concatenate([original, resize(crops[row], original.shape[1::-1])], axis=1))
        captions.append(f"row {row}: not trusted, kept whole" if fell_back[row] else f"row {row}")
    title = f"{len(shown)} of {len(images)} images, {fell_back.mean():.1%} of all kept whole"
    return titled(title, grid(np.stack(tiles), columns, captions))


def preview_sheet(
    images: Pixels,
    points: npt.NDArray[np.float32],
    regions: Mapping[str, Region],
    trusted: npt.NDArray[np.bool_] | None = None,
) -> Pixels:
    """What every region would cut, to tune one by eye: a row an image, two columns a region.

    The left of the two shows the image with its points, those that define the region in magenta, and the box;
    the right one shows what is cut out. The box is red where the image is kept whole for want of trust.

    Args:
        images: (N, H, W), N at least 1, H = W.
        points: (N, 68, 2), in their pixels.
        regions: definitions by name, at least one.
        trusted: (N,), False where the image is kept whole whatever the region; all True where not given.
    """
    scale = scale_to(TILE, images)
    height, width = images.shape[1:3]
    usable = np.asarray(np.isfinite(points).all(axis=(1, 2)))
    if trusted is not None:
        usable &= trusted
    sheets = []
    for name, region in regions.items():
        where = whole_boxes(len(images), (width, height))
        where[usable] = region_boxes(points[usable], region, (width, height))
        crops = cut(images, where, height)
        used = [] if region == "whole" else list(used_points(region))
        tiles = []
        for row, image in enumerate(images):
            original = enlarge(image, scale)
            if usable[row]:
                original = draw_points(original, points[row], scale, CYAN)
                original = draw_box(original, where[row], scale)
                original = draw_points(original, points[row, used], scale, MAGENTA, lines=False)
            else:
                original = draw_box(original, where[row], scale, RED)
            tiles += [original, enlarge(crops[row], scale)]
        sheets.append(titled(name, grid(np.stack(tiles), 2)))
    sheet = np.concatenate(sheets, axis=1)
    return titled("yellow: cut   magenta: its points   red: not trusted", sheet)
