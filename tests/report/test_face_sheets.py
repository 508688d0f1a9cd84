"""Sheets of faces show both kinds of points."""

from __future__ import annotations

import numpy as np
from made_up import has_colour

from pipeline.report.sheets.canvas import GREEN, WHITE
from pipeline.report.sheets.faces import faces_sheet


def test_faces_sheet_shows_the_true_points_in_white_and_predicted_ones_in_green() -> None:
    points = np.random.default_rng(0).uniform(8, 40, (2, 68, 2)).astype(np.float32)
    images = np.zeros((2, 48, 48), np.uint8)
    alone = faces_sheet(images, points)
    assert has_colour(alone, WHITE)
    assert not has_colour(alone, GREEN)
    compared = faces_sheet(images, points, points + 5, ["3.1%", "4.0%"])
    assert has_colour(compared, WHITE)
    assert has_colour(compared, GREEN)
    missed = faces_sheet(images, points, np.full_like(points, np.nan))
    assert has_colour(missed, WHITE)
    assert not has_colour(missed, GREEN)
