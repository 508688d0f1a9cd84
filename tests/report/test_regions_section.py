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
    ],
)
def test_a_region_in_words(region: Any, expected: str) -> None:
    assert describe(make_params(regions={"one": region}).regions["one"]) == expected
