"""Safe reading and writing: outputs appear whole or not at all, and nothing read can run code or leave its folder."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path
from typing import Any, BinaryIO

MAX_LINE = 500  # characters of a message


class InputError(Exception):
    """A mistake in what the user gave. Its text is one line: the file, the row, what is wrong and what to do.

    Names and libraries' messages may hold line breaks, or be of any length: of a long line the middle is left out.
    """

    def __str__(self) -> str:
        line = " ".join(super().__str__().splitlines())
        half = MAX_LINE // 2
        return line if len(line) <= MAX_LINE else f"{line[: half - 2]} ... {line[3 - half :]}"


# While a block of `together` runs: for each output that is written, where it waits to take its place.
_waiting: ContextVar[dict[Path, Path] | None] = ContextVar("waiting", default=None)


@contextmanager
def whole_file(path: Path) -> Iterator[BinaryIO]:
    """Yield a new file beside `path`, open for writing, and move it there once the block has ended without an error.

    Its name is fixed, so that what a `kill -9` leaves behind does not pile up. It is made anew and never followed if it
    is a link. What fails names the file: a full disk does not by itself.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    part = _part(path)
    _remove(part)
    try:
        with part.open("xb") as file:
            yield file
        _finish(part, path)
    except OSError as error:
        if error.filename is None:
            error.filename = str(path)
        raise
    finally:
        _drop(part, path)


@contextmanager
def whole_folder(path: Path) -> Iterator[Path]:
    """Like `whole_file`, for a folder: yield an empty one beside `path` that takes its place at the end.

    The old folder is moved aside before the new one takes its place, and removed only then: at no moment is there
    neither. A swap that was cut short, by a power failure say, is finished or undone by `settle`, which comes first.

    Raises:
        InputError: a file lies where the folder belongs.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    settle(path)
    if path.is_file() and not path.is_symlink():
        raise InputError(f"{path}: is a file where a folder belongs; move it away and run again")
    part = _part(path)
    _remove(part)
    part.mkdir()
    within = _waiting.set(None)  # what is written in the folder waits for nothing but the folder
    try:
        try:
            yield part
        finally:
            _waiting.reset(within)
        _finish(part, path)
    finally:
        _drop(part, path)


@contextmanager
def together() -> Iterator[Callable[[Path], Path]]:
    """All whole files and folders that the block writes take their places at its end, or none of them does.

    Only the renames at the end remain that a kill can come between; the stage then runs again.

    Yields:
        a function that says where an output that is written already waits meanwhile.
    """
    waiting: dict[Path, Path] = {}
    token = _waiting.set(waiting)
    try:
        yield waiting.__getitem__
        for path, part in waiting.items():
            if path.is_dir() and not path.is_symlink() and part.is_file():
                raise InputError(f"{path}: is a folder where a file belongs; move it away and run again")
        for path, part in waiting.items():
            _replace(part, path)
    finally:
        _waiting.reset(token)
        for part in waiting.values():
            _remove(part)


def _finish(part: Path, path: Path) -> None:
    """Put what has been written in its place, or let it wait for what it is written together with."""
    waiting = _waiting.get()
    if waiting is None:
        _replace(part, path)
    else:
        waiting[path] = part


def _drop(part: Path, path: Path) -> None:
    """Remove what is not to take its place any more."""
    if path not in (_waiting.get() or {}):
        _remove(part)


def _replace(part: Path, path: Path) -> None:
    if part.is_file():
        part.replace(path)
        return
    try:
        if os.path.lexists(path):
            path.rename(_aside(path))
        part.rename(path)
    finally:
        settle(path)


def _part(path: Path) -> Path:
    """Where an output is written before it takes its place."""
    return path.with_name(f".{path.name}.part")


def settle(path: Path) -> None:
    """Finish or undo a swap of folders that was interrupted: afterwards `path` is the old folder or the new one."""
    aside = _aside(path)
    if not os.path.lexists(aside):
        return
    if os.path.lexists(path):
        _remove(aside)
    else:
        aside.rename(path)


def _aside(path: Path) -> Path:
    """Where the old folder waits while the new one takes its place."""
    return path.with_name(f".{path.name}.replaced")


def _remove(path: Path) -> None:
    """Remove a file, a link (not what it leads to) or a folder, if there is one."""
    if path.is_dir() and not path.is_symlink():
        for folder, _, _ in os.walk(path):  # from above, so that each may be looked into
            Path(folder).chmod(0o700)
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def write_bytes(path: Path, content: bytes) -> None:
    """Write a whole file."""
    with whole_file(path) as file:
        file.write(content)


def write_json(path: Path, content: Any) -> None:
    """Write JSON that reads well in a diff, and that is the same bytes for the same content."""
    write_bytes(path, (json.dumps(content, indent=2, allow_nan=False) + "\n").encode())


def inside(folder: Path, name: str, source: Path) -> Path:
    """The path of `name` below `folder`, where `name` was read from the file `source`.

    Raises:
        InputError: the name is absolute, or leads out of the folder (also through a symbolic link), or nowhere.
    """
    path = folder / name
    try:
        leads_out = Path(name).is_absolute() or not path.resolve().is_relative_to(folder.resolve())
    except (OSError, RuntimeError, ValueError):  # links in a circle, which pathlib tells by a RuntimeError
        raise InputError(f"{source}: file={name!r} is a link that leads nowhere; remove that entry") from None
    if leads_out:
        raise InputError(f"{source}: file={name!r} leads out of {folder}; remove that entry")
    return path


def digest(path: Path) -> str:
    """SHA-256 of a file, as hexadecimal digits. Raises InputError if it is missing."""
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except FileNotFoundError:
        raise InputError(f"{path}: missing; run `dvc repro` to make it") from None
    except IsADirectoryError:
        raise InputError(f"{path}: is a folder; move it away and run `dvc repro`") from None


def digest_folder(path: Path) -> str:
    """SHA-256 of a list as `sha256sum` prints it of all files in a folder, ordered by name."""
    files = sorted(file for file in path.rglob("*") if file.is_file())
    lines = [f"{digest(file)}  {file.relative_to(path).as_posix()}\n" for file in files]
    return hashlib.sha256("".join(lines).encode()).hexdigest()
