"""Which data sets there are: found in a folder, and recorded so that a changed set is noticed."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from pipeline.common.files import InputError, digest, read_json, write_json


class Found(NamedTuple):
    """A data set, or a part of one.

    Attributes:
        path: a folder or a file.
        list_files: every file that belongs to it; the path itself, if that is a file.
    """

    path: Path
    list_files: Callable[[], Sequence[Path]]


class Wanted(NamedTuple):
    """A data set that is looked for.

    Attributes:
        get: what it is and where to get it, for the message to who lacks it.
        find: in a folder, its parts by name; empty if it is not there.
    """

    get: str
    find: Callable[[Path], Mapping[str, Found]]


@dataclass(frozen=True)
class Sources:
    """Where the published data sets are, by name."""

    paths: Mapping[str, Path]

    @classmethod
    def load(cls, path: Path) -> Sources:
        """Read what `record_sources` wrote.

        Raises:
            InputError: the file is missing or damaged.
        """
        record = read_json(path)
        try:
            found = {name: Path(os.path.normpath(path.parent / item["path"])) for name, item in record.items()}
        except (AttributeError, KeyError, TypeError):
            found = {}
        if not found:
            raise InputError(f"{path}: does not describe the data sets; delete it and run `dvc repro`")
        return cls(found)

    def path(self, name: str) -> Path:
        """Where one of them is. Raises InputError if the record does not have it."""
        if name not in self.paths:
            raise InputError(f"sources.json: has no data set {name!r}; run `dvc repro` to make it anew")
        return self.paths[name]


def find_sources(folder: Path, wanted: Sequence[Wanted]) -> dict[str, Found]:
    """Find data sets in a folder.

    Raises:
        InputError: one is not there; one line with all that is missing and where to get it.
    """
    found = [one.find(folder) for one in wanted]
    missing = [one.get for one, parts in zip(wanted, found, strict=True) if not parts]
    if missing:
        raise InputError(f"{folder}: missing {' and '.join(missing)}; put it into {folder}, as data/raw/README.md says")
    return {name: part for parts in found for name, part in parts.items()}


def record_sources(path: Path, found: Mapping[str, Found]) -> None:
    """Write `sources.json`: for each set its path from there, number of files, bytes and SHA-256.

    Raises:
        InputError: the files of a set do not fit together.
    """
    write_json(path, {name: _describe(part, path.parent) for name, part in found.items()})


def _describe(found: Found, base: Path) -> dict[str, Any]:
    """What `sources.json` says of one set."""
    files = found.list_files()
    return {
        "path": Path(os.path.relpath(found.path, base)).as_posix(),
        "files": len(files),
        "bytes": sum(file.stat().st_size for file in files),
        "sha256": _digest_set(found.path, files),
    }


def _digest_set(path: Path, files: Sequence[Path]) -> str:
    """SHA-256 of a file; for a folder that of a list as `sha256sum` prints it, ordered by name."""
    if list(files) == [path]:
        return digest(path)
    names = {file.relative_to(path).as_posix(): file for file in files}
    lines = [f"{digest(names[name])}  {name}\n" for name in sorted(names)]
    return hashlib.sha256("".join(lines).encode()).hexdigest()
