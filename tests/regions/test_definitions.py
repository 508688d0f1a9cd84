"""A region is what params.yaml says, and is written down so that it is read as the same."""

from __future__ import annotations

import json
from typing import Any

import pytest
from sample_sets import FACE, MOUTH

from pipeline.regions.definitions import REGION_NAME, Edges, PointSet, Region, describe_region, read_region


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("whole", "whole"),
        ({"left": 1, "right": 17, "top": 20, "bottom": 9}, FACE),
        ({"points": "49-68", "margin": 0.3}, MOUTH),
    ],
)
def test_a_region_is_read(value: Any, expected: Region) -> None:
    assert read_region(value) == expected


@pytest.mark.parametrize(("points", "expected"), [("18-20 37-38", (18, 19, 20, 37, 38)), ("31", (31,)), (31, (31,))])
def test_points_are_numbers_and_ranges(points: Any, expected: tuple[int, ...]) -> None:
    region = read_region({"points": points})
    assert isinstance(region, PointSet)
    assert (region.points, region.margin) == (expected, 0)


@pytest.mark.parametrize(
    "region",
    [
        "whole",
        FACE,
        MOUTH,
        Edges(left=68, right=1, top=9, bottom=9, margin=0.1),
        PointSet.model_validate({"points": "31"}),
        PointSet.model_validate({"points": "60 49-51 18", "margin": 1 / 3}),
    ],
)
def test_a_region_that_is_described_is_read_as_the_same(region: Region) -> None:
    description = json.loads(json.dumps(describe_region(region)))
    assert read_region(description) == region
    assert describe_region(read_region(description)) == description


@pytest.mark.parametrize(
    ("value", "says"),
    [
        ("all", "must be whole, "),
        (None, "must be whole, "),
        ({}, "must be whole, "),
        ({"left": 1, "right": 17, "top": 20}, "bottom\n.*Field required"),
        ({"left": 1, "right": 17, "top": 20, "bottom": 69}, "bottom\n.*less than or equal to 68"),
        ({"left": 1, "right": 17, "top": 20, "bottom": 9, "points": "1"}, "points\n.*Extra inputs"),
        ({"margin": 0.3}, "points\n.*Field required"),
        ({"points": "49-68", "margin": -0.1}, "margin\n.*greater than or equal to 0"),
        ({"points": [49, 50]}, "must be point numbers and ranges"),
        ({"points": True}, "must be point numbers and ranges"),
    ],
)
def test_a_mistake_is_told_of_the_form_that_was_meant(value: Any, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        read_region(value)


@pytest.mark.parametrize("name", ["mouth", "M", "lower_face2", "a" * 40])
def test_a_name_that_is_a_file_name_everywhere(name: str) -> None:
    assert REGION_NAME.fullmatch(name)


@pytest.mark.parametrize("name", ["", "2nd", "_a", "a-b", "a.b", "a/b", "ä", "a b", "a" * 41])
def test_a_name_that_is_none(name: str) -> None:
    assert not REGION_NAME.fullmatch(name)
