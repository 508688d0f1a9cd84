"""Contact sheets of regions: what one of them cut, and what all of them would cut."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from pipeline.regions.boxes import used_points
from pipeline.regions.cutting import Cut, cut
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
    planned: Cut,
    crops: Pixels,
    rows: npt.NDArray[np.intp],
    count: int = 24,
    columns: int = 4,
) -> Pixels:
    """Rows spread evenly over those that may be shown: each image with its points and its box, and beside it what was
    cut out.

    Rows that fell back to the whole image come last, in their due share but at least one if there are any,
    with their points (where there are any) and their box in red.

    Args:
        images: (N, H, W), N at least 1.
        points: (N, 68, 2), in their pixels.
        planned: what was cut of each.
        crops: (N, side, side), cut out; shown as large as the images.
        rows: those that may be shown, at least 1.
        count: how many of them are.
        columns: how many of them stand side by side.
    """
    scale, fell_back = scale_to(TILE, images), planned.fell_back[rows]
    spread = np.linspace(0, len(rows) - 1, min(count, len(rows))).round().astype(int)
    shown = rows[np.argsort(fell_back, kind="stable")[spread]]
    tiles, captions = [], []
    for row in shown:
        fallen = planned.fell_back[row]
        original = enlarge(images[row], scale)
        if np.isfinite(points[row]).all():
            original = draw_points(original, points[row], scale, RED if fallen else WHITE)
        original = _framed(original, planned, row, scale)
        tiles.append(np.concatenate([original, resize(crops[row], original.shape[1::-1])], axis=1))
        captions.append(f"row {row}: not trusted, kept whole" if fallen else f"row {row}")
    title = f"{len(shown)} of {len(rows)} train images, {fell_back.mean():.1%} of all kept whole"
    return titled(title, grid(np.stack(tiles), columns, captions))


def preview_sheet(
    images: Pixels, points: npt.NDArray[np.float32], planned: Mapping[str, tuple[Region, Cut]], side: int
) -> Pixels:
    """What every region would cut, to tune one by eye: a row an image, two columns a region.

    The left of the two shows the image with its points, those that define the region in magenta, and the box;
    the right one shows what is cut out. The box is red where the image is kept whole for want of trust.

    Args:
        images: (N, H, W), N at least 1, H = W.
        points: (N, 68, 2), in their pixels.
        planned: definitions by name, at least one, and what each would cut.
        side: that classifiers would see, in pixels.
    """
    scale = scale_to(TILE, images)
    sheets = []
    for name, (region, cut_out) in planned.items():
        crops = cut(images, cut_out, side)
        used = list(used_points(region))
        tiles = []
        for row, image in enumerate(images):
            original, usable = enlarge(image, scale), not cut_out.fell_back[row] and np.isfinite(points[row]).all()
            if usable:
                original = draw_points(original, points[row], scale, CYAN)
            original = _framed(original, cut_out, row, scale)
            if usable:
                original = draw_points(original, points[row, used], scale, MAGENTA, lines=False)
            tiles += [original, resize(crops[row], original.shape[1::-1])]
        sheets.append(titled(name, grid(np.stack(tiles), 2)))
    sheet = np.concatenate(sheets, axis=1)
    return titled("yellow: cut   magenta: its points   red: not trusted", sheet)


def _framed(image: Pixels, planned: Cut, row: int, scale: int) -> Pixels:
    """The image with what is cut out of it, in red where it was kept whole."""
    colour = RED if planned.fell_back[row] else YELLOW
    return draw_box(image, planned.boxes[row], scale, colour, float(planned.turns[row]))
