"""Sheets of regions show what was cut and what would be."""

from __future__ import annotations

import numpy as np
from made_up import has_colour, random_faces

from pipeline.regions.boxes import whole_boxes
from pipeline.regions.definitions import Edges, PointSet
from pipeline.report.sheets.canvas import MAGENTA, PADDING, RED, YELLOW
from pipeline.report.sheets.regions import preview_sheet, region_sheet

FACE = Edges(left=1, right=17, top=20, bottom=9)
MOUTH = PointSet.model_validate({"points": "49-68", "margin": 0.3})


def test_region_sheet_shows_one_that_fell_back_however_rare() -> None:
    images, points = random_faces(200)
    boxes = np.tile(np.array([10, 10, 30, 30], np.float32), (200, 1))
    fell_back = np.zeros(200, np.bool_)
    trusted = region_sheet(images, points, boxes, images, fell_back, count=8)
    assert has_colour(trusted, YELLOW)
    assert not has_colour(trusted, RED)
    fell_back[77], points[77] = True, np.nan
    rare = region_sheet(images, points, boxes, images, fell_back, count=8)
    assert has_colour(rare, YELLOW)
    assert has_colour(rare, RED)
    assert rare.shape == trusted.shape


def test_region_sheet_of_fewer_images_than_it_would_show() -> None:
    images, points = random_faces(1)
    crops = np.full_like(images, 77)
    sheet = region_sheet(images, points, whole_boxes(1, (48, 48)), crops, np.array([False]))
    assert (sheet == 77).all(axis=2).sum() >= 144 * 144  # the crop stands there, enlarged and not drawn upon


def test_preview_sheet_has_two_columns_a_region_and_marks_what_defines_it() -> None:
    images, points = random_faces(3)
    sheet = preview_sheet(images, points, {"vanilla": "whole", "face": FACE, "mouth": MOUTH})
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
    sheet = preview_sheet(images, points, {"face": FACE}, np.array([True, False]))
    assert has_colour(sheet, RED)
    assert not has_colour(sheet, YELLOW)
    assert (sheet == 77).all(axis=2).sum() > 144 * 144
