"""Sheets of regions show what was cut and what would be."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from made_up import has_colour, random_faces

from pipeline.regions.boxes import whole_boxes
from pipeline.regions.cutting import Cut, plan_cut
from pipeline.regions.definitions import Aligned, Edges, PointSet, Region
from pipeline.report.sheets.canvas import MAGENTA, PADDING, RED, YELLOW
from pipeline.report.sheets.regions import preview_sheet, region_sheet

FACE = Edges(left=1, right=17, top=20, bottom=9)
MOUTH = PointSet.model_validate({"points": "49-68", "margin": 0.3})


def plan(
    points: npt.NDArray[np.float32], regions: dict[str, Region], errors: npt.NDArray[np.float32] | None = None
) -> dict[str, tuple[Region, Cut]]:
    expected = np.zeros(len(points), np.float32) if errors is None else errors
    return {name: (region, plan_cut(points, expected, region, 0.15, 48)) for name, region in regions.items()}


def test_region_sheet_shows_one_that_fell_back_however_rare() -> None:
    images, points = random_faces(200)
    planned = Cut.upright(np.tile(np.array([10, 10, 30, 30], np.float32), (200, 1)))
    rows = np.arange(200)
    trusted = region_sheet(images, points, planned, images, rows, count=8)
    assert has_colour(trusted, YELLOW)
    assert not has_colour(trusted, RED)
    planned.fell_back[77], points[77] = True, np.nan
    rare = region_sheet(images, points, planned, images, rows, count=8)
    assert has_colour(rare, YELLOW)
    assert has_colour(rare, RED)
    assert rare.shape == trusted.shape


def test_region_sheet_of_fewer_images_than_it_would_show() -> None:
    images, points = random_faces(1)
    crops = np.full_like(images, 77)
    sheet = region_sheet(images, points, Cut.upright(whole_boxes(1, (48, 48))), crops, np.arange(1))
    assert (sheet == 77).all(axis=2).sum() >= 144 * 144  # the crop stands there, enlarged and not drawn upon


def test_preview_sheet_has_two_columns_a_region_and_marks_what_defines_it() -> None:
    images, points = random_faces(3)
    sheet = preview_sheet(images, points, plan(points, {"vanilla": "whole", "face": FACE, "mouth": MOUTH}), 48)
    tile = 48 * 3 + PADDING
    assert sheet.shape[1] == 3 * (2 * tile + PADDING)
    first, second = sheet[:, : sheet.shape[1] // 3], sheet[:, sheet.shape[1] // 3 : 2 * sheet.shape[1] // 3]
    assert has_colour(first, YELLOW)
    assert not has_colour(first, MAGENTA)
    assert has_colour(second, YELLOW)
    assert has_colour(second, MAGENTA)


def test_preview_sheet_keeps_an_untrusted_image_whole() -> None:
    images, points = random_faces(2)
    images[1] = 77
    points[0, 0] = np.nan
    sheet = preview_sheet(images, points, plan(points, {"face": FACE}, np.array([0.0, 1.0], np.float32)), 48)
    assert has_colour(sheet, RED)
    assert not has_colour(sheet, YELLOW)
    assert (sheet == 77).all(axis=2).sum() > 144 * 144


def test_region_sheet_shows_nothing_but_the_rows_that_may_be_shown() -> None:
    images, points = random_faces(30)
    crops = np.full_like(images, 200)  # other greys than those of the noise, or of the captions
    crops[10:] = 20
    sheet = region_sheet(images, points, Cut.upright(whole_boxes(30, (48, 48))), crops, np.arange(10))
    assert has_colour(sheet, (200, 200, 200))
    assert not has_colour(sheet, (20, 20, 20))


def test_a_turned_box_is_drawn_turned() -> None:
    images, points = random_faces(1)
    points[0, 36:42], points[0, 42:48] = (15, 15), (30, 27)
    forms = Aligned(align="eyes"), FACE
    drawn = [preview_sheet(images, points, plan(points, {"one": region}), 48) for region in forms]
    corner = drawn[0][: 48 * 3 // 2, : 48 * 3 // 2]
    assert has_colour(drawn[0], YELLOW)
    assert not np.array_equal(corner, drawn[1][: 48 * 3 // 2, : 48 * 3 // 2])
