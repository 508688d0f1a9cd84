"""Outputs appear whole or not at all, and what is read can neither run code nor leave its folder."""

from __future__ import annotations

import errno
import hashlib
import os
import pickle
import zipfile
from pathlib import Path

import numpy as np
import pytest
from permissions import modes_apply

from pipeline.common.arrays import load_arrays, save_arrays
from pipeline.common.files import (
    InputError,
    digest,
    inside,
    settle,
    together,
    whole_file,
    whole_folder,
    write_bytes,
    write_json,
)
from pipeline.common.records import read_json

SCHEMA: dict[str, tuple[str, tuple[int | None, ...]]] = {"images": ("uint8", (None, 2)), "name": ("U", (None,))}
IMAGES, NAMES = np.arange(600, dtype=np.uint8).reshape(300, 2), np.array(["face"] * 300)


def names(folder: Path) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*"))


def refuse(path: Path) -> str:
    """The message with which an archive is refused; it is one line that begins with the file."""
    with pytest.raises(InputError) as caught:
        load_arrays(path, SCHEMA)
    message = str(caught.value)
    assert "\n" not in message
    assert message.startswith(f"{path}: ")
    return message


# Whole files and folders


def test_a_whole_file_appears_at_the_end(tmp_path: Path) -> None:
    path = tmp_path / "a/b/result"
    with whole_file(path) as file:
        file.write(b"new")
        assert not path.exists()
    assert path.read_text() == "new"
    assert names(tmp_path) == ["a", "a/b", "a/b/result"]


def stop_in_a_file(path: Path, error: type[BaseException]) -> None:
    with whole_file(path) as file:
        file.write(b"half")
        raise error


def stop_in_a_folder(path: Path, error: type[BaseException]) -> None:
    with whole_folder(path) as part:
        (part / "half").touch()
        raise error


@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt, SystemExit])
def test_an_interrupted_file_leaves_what_was_there(tmp_path: Path, error: type[BaseException]) -> None:
    path = tmp_path / "result"
    for expected in ([], ["result"]):
        with pytest.raises(error):
            stop_in_a_file(path, error)
        assert names(tmp_path) == expected
        write_bytes(path, b"old")
    assert path.read_text() == "old"


def test_a_part_file_that_is_a_link_is_not_followed(tmp_path: Path) -> None:
    settings = tmp_path / "params.yaml"
    settings.write_text("mine")
    (tmp_path / ".faces.npz.part").symlink_to(settings)
    save_arrays(tmp_path / "faces.npz", images=IMAGES)
    assert settings.read_text() == "mine"
    assert names(tmp_path) == ["faces.npz", "params.yaml"]
    assert not (tmp_path / "faces.npz").is_symlink()


def test_an_error_without_a_name_names_the_file(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="No space") as caught, whole_file(tmp_path / "result"):
        raise OSError(errno.ENOSPC, "No space left on device")
    assert caught.value.filename == str(tmp_path / "result")


def test_a_file_where_a_folder_belongs_is_kept(tmp_path: Path) -> None:
    (tmp_path / "cell").write_text("mine")
    with pytest.raises(InputError, match="cell: is a file where a folder belongs"), whole_folder(tmp_path / "cell"):
        pass
    assert (tmp_path / "cell").read_text() == "mine"


def test_a_folder_that_may_not_be_written_to_is_replaced(tmp_path: Path) -> None:
    with whole_folder(tmp_path / "cell") as part:
        (part / "old").touch()
    (tmp_path / "cell").chmod(0o555)
    with modes_apply(), whole_folder(tmp_path / "cell") as part:
        (part / "new").touch()
    assert names(tmp_path) == ["cell", "cell/new"]


# Several outputs together


def write_together(folder: Path, error: type[BaseException] | None = None) -> None:
    with together() as waiting:
        with whole_folder(folder / "cells") as part:
            write_bytes(part / "inner", b"new")
        assert (waiting(folder / "cells") / "inner").read_bytes() == b"new"
        write_bytes(folder / "report", b"new")
        assert waiting(folder / "report").read_bytes() == b"new"
        if error:
            raise error


def test_outputs_that_are_written_together_appear_together(tmp_path: Path) -> None:
    write_together(tmp_path)
    assert names(tmp_path) == ["cells", "cells/inner", "report"]
    write_bytes(tmp_path / "report", b"alone")  # nothing waits any more
    assert (tmp_path / "report").read_bytes() == b"alone"


@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt])
def test_of_outputs_that_are_written_together_none_is_replaced_if_one_fails(
    tmp_path: Path, error: type[BaseException]
) -> None:
    write_bytes(tmp_path / "cells/inner", b"old")
    write_bytes(tmp_path / "report", b"old")
    with pytest.raises(error):
        write_together(tmp_path, error)
    assert names(tmp_path) == ["cells", "cells/inner", "report"]
    assert (tmp_path / "cells/inner").read_bytes() == (tmp_path / "report").read_bytes() == b"old"


def test_of_outputs_that_are_written_together_none_is_replaced_if_one_has_no_place(tmp_path: Path) -> None:
    write_bytes(tmp_path / "cells/inner", b"old")
    (tmp_path / "report").mkdir()
    with pytest.raises(InputError, match="report: is a folder where a file belongs"):
        write_together(tmp_path)
    assert names(tmp_path) == ["cells", "cells/inner", "report"]
    assert (tmp_path / "cells/inner").read_bytes() == b"old"


def test_a_file_is_replaced_and_not_written_over(tmp_path: Path) -> None:
    """Who has the old one open goes on reading the old one; so does a hard link, such as DVC's cache."""
    path, link = tmp_path / "result", tmp_path / "cache"
    write_bytes(path, b"old")
    os.link(path, link)
    with path.open() as reader:
        write_bytes(path, b"new")
        assert reader.read() == "old"
    assert link.read_text() == "old"
    assert path.read_text() == "new"


def test_what_a_kill_left_behind_does_not_pile_up(tmp_path: Path) -> None:
    (tmp_path / ".result.part").write_text("a half that is longer than the whole")
    write_bytes(tmp_path / "result", b"new")
    assert names(tmp_path) == ["result"]
    (tmp_path / ".folder.part").mkdir()
    (tmp_path / ".folder.part/stale").touch()
    with whole_folder(tmp_path / "folder") as part:
        (part / "fresh").touch()
    assert names(tmp_path) == ["folder", "folder/fresh", "result"]


def test_a_whole_folder_appears_at_the_end_and_takes_the_old_ones_place(tmp_path: Path) -> None:
    path = tmp_path / "reports/cell"
    for name in ("old", "new"):
        with whole_folder(path) as part:
            (part / name).write_text(name)
            assert not (path / name).exists()
        assert names(path) == [name]
    assert names(tmp_path) == ["reports", "reports/cell", "reports/cell/new"]


@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt])
def test_an_interrupted_folder_leaves_what_was_there(tmp_path: Path, error: type[BaseException]) -> None:
    path = tmp_path / "cell"
    for expected in ([], ["cell", "cell/old"]):
        with pytest.raises(error):
            stop_in_a_folder(path, error)
        assert names(tmp_path) == expected
        path.mkdir(exist_ok=True)
        (path / "old").touch()


def fail_to_rename(path: Path, monkeypatch: pytest.MonkeyPatch, times: int, error: BaseException) -> None:
    """The first so many renames go well, the next one is interrupted."""
    rename, left = Path.rename, [times]

    def interrupted(self: Path, target: Path) -> Path:
        left[0] -= 1
        if left[0] == -1:
            raise error
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", interrupted)


@pytest.mark.parametrize("times", [0, 1])
def test_a_swap_of_folders_that_is_interrupted_loses_neither(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, times: int
) -> None:
    path = tmp_path / "cell"
    path.mkdir()
    (path / "old").touch()
    with monkeypatch.context() as patch:
        fail_to_rename(path, patch, times, KeyboardInterrupt())
        with pytest.raises(KeyboardInterrupt), whole_folder(path) as part:
            (part / "new").touch()
    assert names(tmp_path) == ["cell", "cell/old"]


def test_a_swap_of_folders_that_was_killed_is_finished_or_undone_at_the_next_start(tmp_path: Path) -> None:
    path, aside = tmp_path / "cell", tmp_path / ".cell.replaced"
    aside.mkdir()
    (aside / "old").touch()
    settle(path)  # killed between the two renames
    assert names(tmp_path) == ["cell", "cell/old"]
    aside.mkdir()
    settle(path)  # killed before the old one was removed
    assert names(tmp_path) == ["cell", "cell/old"]
    path.rename(aside)
    with pytest.raises(RuntimeError):
        stop_in_a_folder(path, RuntimeError)
    assert names(tmp_path) == ["cell", "cell/old"]


def test_a_link_in_a_folders_place_is_replaced_and_what_it_leads_to_kept(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere/mine").touch()
    (tmp_path / "cell").symlink_to("elsewhere")
    with whole_folder(tmp_path / "cell") as part:
        (part / "new").touch()
    assert names(tmp_path) == ["cell", "cell/new", "elsewhere", "elsewhere/mine"]


# JSON


def test_json_comes_back_and_ends_with_a_line_break(tmp_path: Path) -> None:
    content = {"b": [1, 0.1], "a": None}
    write_json(tmp_path / "x.json", content)
    assert read_json(tmp_path / "x.json") == content
    text = (tmp_path / "x.json").read_text()
    assert text.index('"b"') < text.index('"a"')
    assert text.endswith("}\n")


def test_json_that_no_other_tool_reads_is_not_written(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="JSON"):
        write_json(tmp_path / "x.json", float("nan"))
    assert names(tmp_path) == []


def test_json_that_is_missing_or_damaged_is_named(tmp_path: Path) -> None:
    path = tmp_path / "x.json"
    with pytest.raises(InputError, match=r"x\.json: missing; run `dvc repro` to make it"):
        read_json(path)
    for content in (b"", b'{"a": ', b"\xff\xfe\xfd"):
        path.write_bytes(content)
        with pytest.raises(InputError, match=r"x\.json: not valid JSON \(.*\); delete it and run `dvc repro`"):
            read_json(path)


# Arrays


def test_arrays_come_back(tmp_path: Path) -> None:
    path = tmp_path / "x.npz"
    save_arrays(path, images=IMAGES, name=NAMES, more=np.zeros(3))
    found = load_arrays(path, SCHEMA)
    assert set(found) == {"images", "name"}
    np.testing.assert_array_equal(found["images"], IMAGES)
    assert found["name"].tolist() == NAMES.tolist()


def test_the_same_arrays_are_the_same_bytes(tmp_path: Path) -> None:
    for name in "ab":
        save_arrays(tmp_path / name, images=IMAGES)
    assert digest(tmp_path / "a") == digest(tmp_path / "b")


@pytest.mark.parametrize(
    ("images", "name", "says"),
    [
        (None, NAMES, "holds no array 'images'"),
        (IMAGES.astype(np.int16), NAMES, r"array 'images' is int16 (300, 2), expected uint8 (None, 2)"),
        (IMAGES[:, :1], NAMES, "array 'images' is uint8 (300, 1), expected uint8 (None, 2)"),
        (IMAGES[:, :, None], NAMES, "array 'images' is uint8 (300, 2, 1), expected uint8 (None, 2)"),
        (np.uint8(3), NAMES, "array 'images' is uint8 (), expected uint8 (None, 2)"),
        (IMAGES, NAMES.astype("S"), "array 'name' is |S4 (300,), expected U (None,)"),
        (IMAGES, NAMES[:-1], "its arrays differ in length"),
    ],
)
def test_arrays_of_another_kind_are_refused(
    tmp_path: Path, images: np.ndarray | None, name: np.ndarray, says: str
) -> None:
    path = tmp_path / "x.npz"
    save_arrays(path, name=name, **({} if images is None else {"images": images}))
    message = refuse(path)
    assert says in message
    assert message.endswith("; delete it and run `dvc repro`")


class Trap:
    """Runs code when it is unpickled."""

    def __init__(self, sprung: Path) -> None:
        self.sprung = sprung

    def __reduce__(self) -> tuple[object, ...]:
        return Path.touch, (self.sprung,)


def test_pickles_are_refused_unopened(tmp_path: Path) -> None:
    path, sprung = tmp_path / "x.npz", tmp_path / "sprung"
    np.savez(path, images=np.array([Trap(sprung)], object), name=NAMES)
    assert "Object arrays cannot be loaded" in refuse(path)
    path.write_bytes(pickle.dumps(Trap(sprung)))
    assert "damaged" in refuse(path)
    assert not sprung.exists()
    with pytest.raises(ValueError, match="[Oo]bject"):
        save_arrays(tmp_path / "y.npz", images=np.array([None]))
    assert names(tmp_path) == ["x.npz"]


def test_a_missing_archive_is_named(tmp_path: Path) -> None:
    assert refuse(tmp_path / "x.npz").endswith("missing; run `dvc repro` to make it")


def test_a_damaged_archive_is_refused_wherever_it_is_damaged(tmp_path: Path) -> None:
    path = tmp_path / "x.npz"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, array in (("images", IMAGES), ("name", NAMES)):
            np.save(tmp_path / "x.npy", array)
            archive.write(tmp_path / "x.npy", f"{name}.npy")
    whole = path.read_bytes()
    load_arrays(path, SCHEMA)

    refused = 0
    for place in range(0, len(whole), 3):
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 0x55]) + whole[place + 1 :])
        try:
            load_arrays(path, SCHEMA)  # a few bytes, such as those of the date, may change
        except InputError as error:
            refused += "\n" not in str(error)
    assert refused > len(whole) / 6
    for length in range(0, len(whole), 37):
        path.write_bytes(whole[:length])
        assert "damaged" in refuse(path)


def test_one_array_alone_is_no_archive(tmp_path: Path) -> None:
    with (tmp_path / "x.npz").open("wb") as file:
        np.save(file, IMAGES)
    assert "damaged" in refuse(tmp_path / "x.npz")


# Paths and digests


def test_names_inside_a_folder_pass(tmp_path: Path) -> None:
    for name in ("a.jpg", "sub/a.jpg", "sub/../a.jpg", "..a.jpg"):
        assert inside(tmp_path, name, Path("list.xml")) == tmp_path / name


def test_names_that_lead_out_are_refused(tmp_path: Path) -> None:
    folder = tmp_path / "set"
    folder.mkdir()
    (tmp_path / "set2").mkdir()
    (folder / "link").symlink_to(tmp_path)
    for name in ("../x", "sub/../../x", "/etc/passwd", str(folder / "a.jpg"), "link/x", "../set2/x"):
        with pytest.raises(InputError) as caught:
            inside(folder, name, Path("list.xml"))
        assert str(caught.value) == f"list.xml: file={name!r} leads out of {folder}; remove that entry"


def test_a_digest_is_sha_256(tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(b"abc")
    assert digest(tmp_path / "x") == hashlib.sha256(b"abc").hexdigest()


def test_the_digest_of_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="x: missing; run `dvc repro` to make it"):
        digest(tmp_path / "x")


# ---- messages


def test_a_message_is_one_line_of_a_bounded_length() -> None:
    assert str(InputError("a\nb\u2028c")) == "a b c"
    assert str(InputError("a" * 500)) == "a" * 500
    said = str(InputError(f"data/a.csv: {'x' * 10_000_000}; download it again"))
    assert len(said) == 500
    assert said.startswith("data/a.csv: xxx")
    assert said.endswith("xxx; download it again")
