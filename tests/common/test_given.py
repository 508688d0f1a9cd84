"""Files from outside: opened, or what lies in their place is said."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from permissions import modes_apply
from sample_sets import refused

from pipeline.common.given import lies_there, open_given, read_given

REMEDY = "get it"


def test_a_file_is_read(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_bytes(b"abc")
    with open_given(path, REMEDY) as file:
        assert file.read() == b"abc"
    (tmp_path / "b").symlink_to("a")
    assert read_given(tmp_path / "b", REMEDY, 3) == b"abc"
    said = f"{path}: is larger than 2 bytes, more than such a file can have; {REMEDY}"
    assert refused(read_given, path, REMEDY, 2) == said


def test_what_lies_in_its_place_is_said(tmp_path: Path) -> None:
    path = tmp_path / "a"
    assert refused(open_given, path, REMEDY) == f"{path}: missing; {REMEDY}"
    path.symlink_to("nowhere")
    assert refused(open_given, path, REMEDY) == f"{path}: is a link that leads nowhere; {REMEDY}"
    path.unlink()
    path.symlink_to("a")
    said = f"{path}: cannot be opened (Too many levels of symbolic links); {REMEDY}"
    assert refused(open_given, path, REMEDY) == said
    path.unlink()
    path.mkdir()
    assert refused(open_given, path, REMEDY) == f"{path}: is a folder; {REMEDY}"
    path.rmdir()
    os.mkfifo(path)
    assert refused(open_given, path, REMEDY) == f"{path}: is no file but a device or a pipe; {REMEDY}"


@pytest.mark.parametrize("name", ["a" * 300, "a/" * 3000, "a\0b"])
def test_a_name_that_no_file_can_have(tmp_path: Path, name: str) -> None:
    said = refused(open_given, tmp_path / name, REMEDY)
    assert "cannot be opened (" in said
    assert len(said) <= 500


def test_whether_anything_lies_there(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to("nowhere")
    (tmp_path / "folder").mkdir(mode=0)
    assert lies_there(tmp_path / "link")
    assert lies_there(tmp_path / "folder")
    assert not lies_there(tmp_path / "absent")
    assert not lies_there(tmp_path / "link/a")
    with modes_apply(), pytest.raises(PermissionError):
        lies_there(tmp_path / "folder/a")


def test_what_is_not_permitted_is_for_the_stages_to_say(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.touch()
    path.chmod(0)
    with modes_apply(), pytest.raises(PermissionError) as caught:
        open_given(path, REMEDY)
    assert caught.value.filename == str(path)
