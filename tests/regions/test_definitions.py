"""A region is what params.yaml says, and is written down so that it is read as the same."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from sample_sets import FACE, MOUTH

from pipeline.common.files import InputError
from pipeline.regions.definition_files import load_definition, save_definitions
from pipeline.regions.definitions import (
    REGION_NAME,
    Aligned,
    Edges,
    FixedBox,
    Like,
    PointSet,
    Reduced,
    Region,
    describe_region,
    follows_points,
    read_region,
    resolve,
)


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
        PointSet.model_validate({"points": "60 49-51 18", "margin": 1 / 3, "square": True}),
        FixedBox(box=(0.2, 0.6, 0.8, 0.95)),
        FixedBox(box=(0.0, 0.0, 1.0, 0.5), square=True),
        Aligned(align="eyes"),
        Reduced(pixels=26),
        Like(like="mouth"),
        Like(like=MOUTH),
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
        ({"box": [0.2, 0.6, 0.8]}, "box"),
        ({"box": [0.2, 0.6, 0.8, 1.1]}, "less than or equal to 1"),
        ({"box": [0.8, 0.6, 0.2, 0.9]}, "left < right and top < bottom"),
        ({"box": [0.2, 0.6, 0.8, 0.9], "margin": 1}, "margin\n.*Extra inputs"),
        ({"align": "mouth"}, "'eyes'"),
        ({"align": "eyes", "square": True}, "square\n.*Extra inputs"),
        ({"pixels": 3}, "greater than or equal to 4"),
        ({"like": {"align": "eyes"}}, "must be like a region that is a box"),
        ({"like": {"points": "0"}}, "outside 1 to 68"),
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


def test_a_region_like_another_gets_its_definition() -> None:
    regions: dict[str, Region] = {"mouth": MOUTH, "coarse": Like(like="mouth"), "own": Like(like=FACE)}
    assert resolve("coarse", regions) == Like(like=MOUTH)
    assert resolve("own", regions) == Like(like=FACE)
    assert resolve("mouth", regions) == MOUTH


@pytest.mark.parametrize(
    ("like", "says"),
    [
        ("nose", r"'nose' is not among regions \(whole, coarse\)"),
        ("whole", "must be like a region that is a box"),
        ("coarse", "must be like a region that is a box"),
    ],
)
def test_a_region_cannot_be_like_what_has_no_box(like: str, says: str) -> None:
    regions: dict[str, Region] = {"whole": "whole", "coarse": Like(like=like)}
    with pytest.raises(ValueError, match=says):
        resolve("coarse", regions)


def test_definitions_are_a_file_each(tmp_path: Path) -> None:
    regions: dict[str, Region] = {"vanilla": "whole", "mouth": MOUTH, "coarse": Like(like="mouth")}
    save_definitions(tmp_path / "regions", regions)
    found = {path.stem: load_definition(path) for path in (tmp_path / "regions").iterdir()}
    assert found == {"vanilla": "whole", "mouth": MOUTH, "coarse": Like(like=MOUTH)}
    (tmp_path / "regions/mouth.json").write_text('{"points": "0"}')
    with pytest.raises(InputError, match=r"mouth\.json: defines no region; delete it and run `dvc repro`"):
        load_definition(tmp_path / "regions/mouth.json")


def test_only_what_follows_points_can_fall_back() -> None:
    free: list[Region] = ["whole", FixedBox(box=(0.0, 0.0, 1.0, 1.0)), Reduced(pixels=9), Like(like=MOUTH)]
    assert not any(map(follows_points, free))
    bound: list[Region] = [MOUTH, FACE, Aligned(align="eyes")]
    assert all(map(follows_points, bound))
