"""Every module of the package is a reader; that of the own format takes any data set, or says what is wrong with it."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from sample_sets import expression_set, refused

from pipeline.common.files import write_json
from pipeline.data.expressions import Expressions
from pipeline.data.readers import names, prepared, reader, settings_of
from pipeline.data.readers import read as read_with
from pipeline.data.sources import Sources, find_sources, record_sources

REMEDY = "write it as docs/data_formats.md says"
SET = expression_set(9, side=20, channels=3, classes=("calm", "tense"), votes={"tense": "tense"}, subjects=["ann"] * 9)


def read(folder: Path) -> Expressions:
    """The data set in a folder, found, recorded and read as the stages do it."""
    record_sources(folder / "sources.json", find_sources(folder, [prepared.WANTED]))
    return reader("prepared").read(Sources.load(folder / "sources.json"))


def test_there_is_a_reader_for_every_name() -> None:
    assert names() == ["ck_plus", "fer2013", "ferplus", "folder", "jaffe", "prepared"]
    for name in names():
        assert reader(name).WANTED.get
        assert callable(reader(name).read)
        assert callable(reader(name).account)


@pytest.mark.parametrize("name", names())
def test_no_reader_finds_anything_in_an_empty_folder(tmp_path: Path, name: str) -> None:
    assert reader(name).WANTED.find(tmp_path) == {}


def test_a_prepared_data_set_is_found_and_read_as_it_was_saved(tmp_path: Path) -> None:
    SET.save(tmp_path / "prepared")
    found = read(tmp_path)
    assert found.about == SET.about
    for name in ("images", "labels", "votes", "split", "subject"):
        np.testing.assert_array_equal(getattr(found, name), getattr(SET, name))


def test_its_three_files_are_recorded_and_no_other(tmp_path: Path) -> None:
    SET.save(tmp_path / "prepared")
    read(tmp_path)
    before = (tmp_path / "sources.json").read_bytes()
    assert json.loads(before)["expressions"]["files"] == 3
    (tmp_path / "prepared/notes.txt").write_text("mine")
    read(tmp_path)
    assert (tmp_path / "sources.json").read_bytes() == before
    for name in ("about.json", "images.npy", "rows.parquet"):
        path = tmp_path / "prepared" / name
        content = path.read_bytes()
        path.write_bytes(content + b"\n")
        record_sources(tmp_path / "sources.json", find_sources(tmp_path, [prepared.WANTED]))
        assert (tmp_path / "sources.json").read_bytes() != before
        path.write_bytes(content)


def test_a_file_called_prepared_is_no_data_set(tmp_path: Path) -> None:
    (tmp_path / "prepared").touch()
    assert prepared.find(tmp_path) == {}
    said = refused(find_sources, tmp_path, [prepared.WANTED])
    assert f"{tmp_path}: missing a folder prepared with about.json, images.npy and rows.parquet" in said


@pytest.mark.parametrize("name", ["about.json", "images.npy", "rows.parquet"])
def test_a_missing_file_is_named_as_soon_as_the_data_set_is_looked_for_and_when_it_is_read(
    tmp_path: Path, name: str
) -> None:
    SET.save(tmp_path / "prepared")
    (tmp_path / "prepared" / name).unlink()
    said = f"{tmp_path / 'prepared' / name}: missing; {REMEDY}"
    assert refused(read, tmp_path) == said
    write_json(tmp_path / "sources.json", {"expressions": {"path": "prepared"}})
    assert refused(prepared.read, Sources.load(tmp_path / "sources.json")) == said


@pytest.mark.parametrize("name", ["about.json", "images.npy", "rows.parquet"])
def test_a_damaged_file_is_to_be_written_anew_and_not_to_be_deleted(tmp_path: Path, name: str) -> None:
    SET.save(tmp_path / "prepared")
    (tmp_path / "prepared" / name).write_bytes(b"\0")
    said = refused(read, tmp_path)
    assert said.startswith(f"{tmp_path / 'prepared' / name}: ")
    assert said.endswith(f"; {REMEDY}")
    assert "dvc repro" not in said


def test_values_that_cannot_be_are_refused_with_the_same_remedy(tmp_path: Path) -> None:
    SET.save(tmp_path / "prepared")
    about = tmp_path / "prepared/about.json"
    write_json(about, {**json.loads(about.read_text()), "splits": {"first": "train"}})
    said = refused(read, tmp_path)
    assert said == f"{tmp_path / 'prepared/rows.parquet'}: has a split that about.json does not name; {REMEDY}"


def test_a_record_of_another_format_is_to_be_made_anew(tmp_path: Path) -> None:
    write_json(tmp_path / "sources.json", {"faces": {"path": "ibug"}})
    sources = Sources.load(tmp_path / "sources.json")
    for name in names():
        assert refused(read_with, name, sources, settings_of(name)()) == (
            "sources.json: has no data set 'expressions'; run `dvc repro` to make it anew"
        )
