"""Safe reading and writing: outputs appear whole or not at all, and nothing read can run code or leave its folder."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

MAX_LINE = 500  # characters of a message


class InputError(Exception):
    """A mistake in what the user gave. Its text is one line: the file, the row, what is wrong and what to do.

    Names and libraries' messages may hold line breaks, or be of any length: of a long line the middle is left out.
    """

    def __str__(self) -> str:
        line = " ".join(super().__str__().splitlines())
        half = MAX_LINE // 2
        return line if len(line) <= MAX_LINE else f"{line[: half - 2]} ... {line[3 - half :]}"


@contextmanager
def whole_file(path: Path) -> Iterator[Path]:
    """Yield a temporary path beside `path`, and move it there once the block has ended without an error.

    The temporary name is fixed, so that what a `kill -9` leaves behind is overwritten and does not pile up.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}.part")
    try:
        yield part
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


@contextmanager
def whole_folder(path: Path) -> Iterator[Path]:
    """Like `whole_file`, for a folder: yield an empty one beside `path` that takes its place at the end.

    The old folder is moved aside before the new one takes its place, and removed only then: at no moment is there
    neither. A swap that was cut short, by a power failure say, is finished or undone by `settle`, which comes first.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    settle(path)
    part, aside = path.with_name(f".{path.name}.part"), _aside(path)
    _remove(part)
    part.mkdir()
    try:
        yield part
        if os.path.lexists(path):
            path.rename(aside)
        part.rename(path)
    finally:
        settle(path)
        _remove(part)


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
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def write_bytes(path: Path, content: bytes) -> None:
    """Write a whole file."""
    with whole_file(path) as part:
        part.write_bytes(content)


def write_json(path: Path, content: Any) -> None:
    """Write JSON that reads well in a diff, and that is the same bytes for the same content."""
    write_bytes(path, (json.dumps(content, indent=2, allow_nan=False) + "\n").encode())


def read_json(path: Path, remedy: str | None = None) -> Any:
    """Read JSON; what an earlier stage wrote, or what `remedy` says how to get.

    Raises:
        InputError: the file is missing or is no JSON.
    """
    try:
        return json.loads(path.read_bytes())
    except FileNotFoundError:
        raise InputError(f"{path}: missing; {remedy or 'run `dvc repro` to make it'}") from None
    except ValueError as error:
        raise InputError(f"{path}: not valid JSON ({error}); {remedy or 'delete it and run `dvc repro`'}") from None


def save_arrays(path: Path, **arrays: npt.NDArray[Any]) -> None:
    """Write named arrays as one uncompressed `.npz`, the same bytes for the same arrays."""
    with whole_file(path) as part, part.open("wb") as file:
        np.savez(file, allow_pickle=False, **arrays)


def load_arrays(path: Path, schema: Mapping[str, tuple[str, tuple[int | None, ...]]]) -> dict[str, npt.NDArray[Any]]:
    """Read named arrays from an `.npz` and hold them against a schema.

    Args:
        path: the file.
        schema: for each array its dtype (or only its kind, such as `U`) and its shape; None stands for any length.
            The first axis is the row and must be equally long in all of them.

    Raises:
        InputError: the file is missing or damaged, or an array is absent or of another type or shape.
    """
    remedy = "delete it and run `dvc repro`"
    try:
        with np.load(path, allow_pickle=False) as archive:
            arrays = {name: archive[name] for name in schema if name in archive.files}
    except FileNotFoundError:
        raise InputError(f"{path}: missing; run `dvc repro` to make it") from None
    except (PermissionError, MemoryError):
        raise
    except Exception as error:  # zip, deflate and NumPy's header each raise errors of their own where they are damaged
        raise InputError(f"{path}: damaged ({error}); {remedy}") from None
    for name, (dtype, shape) in schema.items():
        if name not in arrays:
            raise InputError(f"{path}: holds no array {name!r}; {remedy}")
        found = arrays[name]
        same_shape = len(found.shape) == len(shape) and all(
            want in (None, have) for want, have in zip(shape, found.shape, strict=True)
        )
        if dtype not in (found.dtype.name, found.dtype.kind) or not same_shape:
            raise InputError(
                f"{path}: array {name!r} is {found.dtype} {found.shape}, expected {dtype} {shape}; {remedy}"
            )
    if len({len(array) for array in arrays.values()}) > 1:
        raise InputError(f"{path}: its arrays differ in length; {remedy}")
    return arrays


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


def digest_folder(path: Path) -> str:
    """SHA-256 of a list as `sha256sum` prints it of all files in a folder, ordered by name."""
    files = sorted(file for file in path.rglob("*") if file.is_file())
    lines = [f"{digest(file)}  {file.relative_to(path).as_posix()}\n" for file in files]
    return hashlib.sha256("".join(lines).encode()).hexdigest()
