"""The data sets are found under every name they are published by, and a changed one is noticed."""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path

import pytest
from sample_sets import refused

from pipeline.common.files import InputError
from pipeline.data.readers import fer2013
from pipeline.data.sources import Found, Sources, find_sources, record_sources
from pipeline.faces import photographs
from pipeline.faces.photographs import DLIB_FOLDER

POINTS = "version: 1\nn_points: 68\n{\n" + "1 2\n" * 68 + "}\n"


def write_set(root: Path) -> None:
    for name in ("afw/1_1", "helen/testset/2_1"):
        path = root / f"{name}.jpg"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"not read here")
        path.with_suffix(".pts").write_text(POINTS)


def find(folder: Path) -> dict[str, Found]:
    return find_sources(folder, [fer2013.WANTED, photographs.WANTED])


def found_in(folder: Path, name: str) -> Path:
    return find(folder)[name].path


def save(folder: Path, path: str = "sources.json") -> None:
    record_sources(Path(path), find(folder))


@pytest.fixture
def raw(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project's folder that is the working directory, with all data sets in data/raw."""
    monkeypatch.chdir(tmp_path)
    folder = Path("data/raw")
    folder.mkdir(parents=True)
    (folder / "fer2013.csv").write_text("emotion,pixels,Usage\n")
    (folder / "fer2013new.csv").write_text("Usage\n")
    write_set(folder)
    return folder


def test_finds_all(raw: Path) -> None:
    paths = {name: part.path for name, part in find(raw).items()}
    assert paths == {"expressions": raw / "fer2013.csv", "ferplus": raw / "fer2013new.csv", "faces": raw}


@pytest.mark.parametrize("suffix", [".gz", ".xz", ".zip"])
def test_finds_compressed(raw: Path, suffix: str) -> None:
    (raw / "fer2013.csv").rename(raw / f"fer2013.csv{suffix}")
    assert found_in(raw, "expressions") == raw / f"fer2013.csv{suffix}"


def test_plain_comes_before_compressed(raw: Path) -> None:
    (raw / "fer2013.csv.gz").write_bytes(b"")
    assert found_in(raw, "expressions") == raw / "fer2013.csv"


def test_votes_are_optional(raw: Path) -> None:
    (raw / "fer2013new.csv").unlink()
    save(raw)
    assert "ferplus" not in find(raw)
    assert Sources.load(Path("sources.json")).paths == {"expressions": raw / "fer2013.csv", "faces": raw}


@pytest.mark.parametrize("name", [DLIB_FOLDER, "300W", "300w"])
def test_finds_the_faces_in_a_folder_of_their_own(raw: Path, name: str) -> None:
    write_set(raw / name)
    assert found_in(raw, "faces") == raw / name


def test_finds_a_linked_folder(raw: Path, tmp_path: Path) -> None:
    write_set(tmp_path / "disk")
    (raw / DLIB_FOLDER).symlink_to(tmp_path / "disk")
    assert found_in(raw, "faces") == raw / DLIB_FOLDER


def test_names_all_that_is_missing_at_once(tmp_path: Path) -> None:
    message = refused(find, tmp_path)
    for word in (
        "fer2013.csv",
        "Kaggle",
        DLIB_FOLDER,
        "dlib.net",
        "ibug.doc.ic.ac.uk",
        f"put it into {tmp_path}",
    ):
        assert word in message
    (tmp_path / "fer2013.csv").touch()
    message = refused(find, tmp_path)
    assert "Kaggle" not in message
    assert "dlib.net" in message
    (tmp_path / "fer2013.csv").unlink()
    (tmp_path / "afw").mkdir()
    message = refused(find, tmp_path)
    assert "Kaggle" in message
    assert "dlib.net" not in message


def test_the_record_says_what_the_sets_are(raw: Path) -> None:
    save(raw)
    record = json.loads(Path("sources.json").read_text())
    content = (raw / "fer2013.csv").read_bytes()
    assert record["expressions"] == {
        "path": "data/raw/fer2013.csv",
        "files": 1,
        "bytes": len(content),
        "sha256": hashlib.sha256(content).hexdigest(),
    }
    assert record["faces"]["path"] == "data/raw"
    assert record["faces"]["files"] == 4
    assert record["faces"]["bytes"] == 2 * (len(b"not read here") + len(POINTS))


def test_the_record_does_not_hold_absolute_paths(raw: Path) -> None:
    save(raw.resolve(), "one.json")
    save(raw, "two.json")
    assert Path("one.json").read_bytes() == Path("two.json").read_bytes()
    assert Sources.load(Path("one.json")).path("faces") == raw


def test_a_changed_set_changes_the_record(raw: Path) -> None:
    def record() -> bytes:
        save(raw)
        return Path("sources.json").read_bytes()

    before = record()
    (raw / "notes.txt").write_text("mine")
    (raw / "afw" / "notes.txt").write_text("mine")
    os.utime(raw / "afw/1_1.jpg", (1, 1))
    assert record() == before

    (raw / "afw/1_1.jpg").write_bytes(b"not read thEre"[: len(b"not read here")])
    changed = record()
    assert changed != before

    (raw / "afw/1_1.jpg").write_bytes(b"not read here")
    assert record() == before
    for suffix in (".jpg", ".pts"):
        (raw / "afw/1_1").with_suffix(suffix).rename((raw / "afw/1_2").with_suffix(suffix))
    assert record() != before


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"expressions": null}', '{"ferplus": {}}'])
def test_refuses_a_damaged_record(tmp_path: Path, content: str) -> None:
    (tmp_path / "sources.json").write_text(content)
    with pytest.raises(InputError, match=r"sources\.json: .*; delete it and run `dvc repro`"):
        Sources.load(tmp_path / "sources.json")


def test_refuses_a_missing_record(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"sources\.json: missing; run `dvc repro`"):
        Sources.load(tmp_path / "sources.json")


def test_a_file_whose_name_is_no_text_is_recorded(tmp_path: Path) -> None:
    part, strange = tmp_path / "set", tmp_path / "set" / os.fsdecode(b"\xe4.png")
    part.mkdir()
    strange.write_bytes(b"picture")
    record_sources(tmp_path / "sources.json", {"expressions": Found(part, lambda: [strange])})
    assert json.loads((tmp_path / "sources.json").read_text())["expressions"]["files"] == 1
