"""Regions as they are told."""

from __future__ import annotations

from typing import Any

import pytest
from made_up import make_params

from pipeline.report.sections.regions import describe


@pytest.mark.parametrize(
    ("region", "expected"),
    [
        ("whole", "the whole image"),
        ({"points": "49-68 31", "margin": 0.3}, "points 31 49-68, margin 0.3"),
        ({"left": 5, "right": 13, "top": 4, "bottom": 7}, "left 5, right 13, top 4, bottom 7"),
        ({"points": "49-68", "margin": 0.3, "square": True}, "points 49-68, margin 0.3, square"),
        ({"box": [0.2, 0.6, 0.8, 0.95]}, "box 0.2 0.6 0.8 0.95"),
        ({"align": "eyes"}, "turned and scaled by the eyes"),
        ({"pixels": 26}, "the whole image at 26 pixels"),
        ({"like": {"points": "49-68"}}, "the whole image at the resolution of points 49-68"),
    ],
)
def test_a_region_in_words(region: Any, expected: str) -> None:
    assert describe(make_params(regions={"one": region}).regions["one"]) == expected
