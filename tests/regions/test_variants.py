"""A data set that was cut comes back as it was written, and says which images stayed whole."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sample_sets import FACE, MOUTH, expression_set, random_points, refused

from pipeline.common.files import write_json
from pipeline.data.expressions import Expressions
from pipeline.regions import cutting
from pipeline.regions.cutting import Cut, cut, cut_blocks, plan_cut
from pipeline.regions.definitions import Region
from pipeline.regions.variants import Variant, count_fallbacks, save_variant

REMEDY = "; delete its folder and run `dvc repro`"


def plan(expressions: Expressions, region: Region) -> Cut:
    """Of every third image the points are not trusted."""
    count, side = len(expressions), expressions.side
    points = random_points(count, low=side / 3, high=side / 2)
    expected_error = np.where(np.arange(count) % 3 == 2, 1, 0.05).astype(np.float32)
    return plan_cut(points, expected_error, region, 0.15, side)


def write(folder: Path, expressions: Expressions, name: str, region: Region, side: int = 48) -> Cut:
    planned = plan(expressions, region)
    blocks = cut_blocks(expressions.images, planned, side)
    save_variant(folder, expressions, name, region, planned, blocks, side)
    return planned


SAMPLE = expression_set(10, votes={"joy": "happy", "nothing": None}, subjects=["ann", ""] * 5)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "variants/mouth"
    write(folder, SAMPLE, "mouth", MOUTH)
    return folder


@pytest.mark.parametrize(
    "expressions",
    [
        SAMPLE,
        expression_set(10, side=64, channels=3, classes=("calm", "tense")),
        expression_set(7, side=20, classes=list("abcdefgh"), splits={}),
    ],
)
@pytest.mark.parametrize(("name", "region"), [("vanilla", "whole"), ("face", FACE), ("mouth", MOUTH)])
def test_a_variant_is_read_as_it_was_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, expressions: Expressions, name: str, region: Region
) -> None:
    monkeypatch.setattr(cutting, "BLOCK", 4)
    planned = write(tmp_path / name, expressions, name, region)
    found = Variant.load(tmp_path / name)
    assert (found.name, found.region, found.about) == (name, region, expressions.about)
    assert (found.side, found.channels) == (48, expressions.channels)
    np.testing.assert_array_equal(found.images, cut(expressions.images, planned, 48))
    np.testing.assert_array_equal(found.boxes, planned.boxes)
    np.testing.assert_array_equal(found.fell_back, planned.fell_back)
    assert (found.boxes.dtype.name, found.fell_back.dtype.name) == ("float32", "bool")
    for rows in ("labels", "votes", "split", "subject"):
        np.testing.assert_array_equal(getattr(found, rows), getattr(expressions, rows))


def test_the_same_variant_is_the_same_bytes(folder: Path) -> None:
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    assert sorted(before) == ["about.json", "images.npy", "region.json", "rows.parquet"]
    write(folder, SAMPLE, "mouth", MOUTH)
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before


def test_a_variant_is_a_data_set(folder: Path) -> None:
    found = Expressions.load(folder)
    np.testing.assert_array_equal(found.images, Variant.load(folder).images)
    assert len(pd.read_parquet(folder / "rows.parquet")) == 10


def test_its_images_are_mapped(folder: Path) -> None:
    assert isinstance(Variant.load(folder).images.base, np.memmap)


def test_it_is_written_whole_or_not_at_all(folder: Path) -> None:
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    planned = plan(SAMPLE, FACE)
    for blocks in ([SAMPLE.images[:9]], [SAMPLE.images, SAMPLE.images[:1]], []):
        with pytest.raises(ValueError, match="images instead of 10|broadcast"):
            save_variant(folder, SAMPLE, "face", FACE, planned, blocks, 48)
    assert refused(write_from_other_points, folder).startswith("10 images to cut, but landmarks of 9; ")
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before
    assert [path.name for path in folder.parent.iterdir()] == ["mouth"]


def write_from_other_points(folder: Path) -> None:
    planned = plan(SAMPLE, FACE)
    fewer = planned.part(slice(9))
    save_variant(folder, SAMPLE, "face", FACE, fewer, cut_blocks(SAMPLE.images, fewer, 48), 48)


def test_an_uncut_data_set_is_no_variant(tmp_path: Path) -> None:
    SAMPLE.save(tmp_path / "mouth")
    said = refused(Variant.load, tmp_path / "mouth")
    assert said.startswith(f"{tmp_path / 'mouth/rows.parquet'}: no table of an expression data set (")
    assert "left" in said


def test_a_variant_without_its_region_is_refused(folder: Path) -> None:
    (folder / "region.json").unlink()
    assert refused(Variant.load, folder) == f"{folder / 'region.json'}: missing{REMEDY}"


@pytest.mark.parametrize("definition", ["all", {"points": "0"}, {"left": 1}, None, {}])
def test_a_region_that_is_none_is_refused(folder: Path, definition: Any) -> None:
    write_json(folder / "region.json", {"region": "mouth", "definition": definition})
    assert refused(Variant.load, folder) == f"{folder / 'region.json'}: defines no region{REMEDY}"


def test_a_region_without_a_name_is_refused(folder: Path) -> None:
    write_json(folder / "region.json", {"definition": "whole"})
    assert refused(Variant.load, folder) == f"{folder / 'region.json'}: region: Field required{REMEDY}"


@pytest.mark.parametrize("column", ["left", "top", "right", "bottom", "turn", "fell_back"])
def test_a_missing_column_or_entry_is_refused(folder: Path, column: str) -> None:
    table = pd.read_parquet(folder / "rows.parquet")
    table.drop(columns=column).to_parquet(folder / "rows.parquet")
    assert column in refused(Variant.load, folder)
    table[column] = table[column].astype(object)
    table.loc[1, column] = None
    table.to_parquet(folder / "rows.parquet")
    assert f"Casting field '{column}' with null values" in refused(Variant.load, folder)


@pytest.mark.parametrize("classes", [("calm", "tense"), ("angry", "sad", "happy"), tuple("abcdefgh")])
def test_images_that_stayed_whole_are_counted_by_class(classes: tuple[str, ...]) -> None:
    expressions = expression_set(20, side=4, classes=classes)
    fell_back = np.isin(np.arange(20), [0, 1, 5, 19])
    counted = count_fallbacks(expressions, replace(Cut.upright(np.zeros((20, 4), np.float32)), fell_back=fell_back))
    assert json.loads(json.dumps(counted)) == counted
    assert counted["images"] == 20
    assert counted["fell_back"] == 4
    assert list(counted["fell_back_by_class"]) == list(classes)
    expected = [sum(row % len(classes) == code for row in (0, 1, 5, 19)) for code in range(len(classes))]
    assert list(counted["fell_back_by_class"].values()) == expected


def test_if_no_image_stayed_whole_every_class_has_0() -> None:
    none = Cut.upright(np.zeros((20, 4), np.float32))
    counted = count_fallbacks(expression_set(20, side=4, classes=("calm", "tense")), none)
    assert counted == {"images": 20, "fell_back": 0, "fell_back_by_class": {"calm": 0, "tense": 0}}
