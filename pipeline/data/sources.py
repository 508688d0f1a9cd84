"""Which data sets there are: found in a folder, and recorded so that a changed set is noticed."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from pipeline.common.files import InputError, write_json
from pipeline.common.given import open_given
from pipeline.common.records import read_json


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
        except (AttributeError, KeyError, TypeError, ValueError):
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


def of_published(count: int, published: int) -> str:
    """How much is there of what was published."""
    return f"all {published:,}" if count == published else f"{count:,} of {published:,}"


def some(names: Sequence[str]) -> str:
    """A few names, and how many more there are; what a terminal could not show of them is written as in Python."""
    printable = [name if name.isprintable() else ascii(name) for name in names[:3]]
    first = ", ".join(name if len(name) <= 60 else f"{name[:57]}..." for name in printable)
    return first if len(names) <= 3 else f"{first} and {len(names) - 3:,} more"


def _describe(found: Found, base: Path) -> dict[str, Any]:
    """What `sources.json` says of one set."""
    files = {file: _size_and_digest(file) for file in found.list_files()}
    return {
        "path": Path(os.path.relpath(found.path, base)).as_posix(),
        "files": len(files),
        "bytes": sum(size for size, _ in files.values()),
        "sha256": _digest_set(found.path, {file: sha256 for file, (_, sha256) in files.items()}),
    }


def _size_and_digest(path: Path) -> tuple[int, str]:
    with open_given(path, "put the published file there") as file:
        sha256 = hashlib.file_digest(file, "sha256").hexdigest()
        return file.tell(), sha256


def _digest_set(path: Path, digests: Mapping[Path, str]) -> str:
    """SHA-256 of a file; for a folder that of a list as `sha256sum` prints it, ordered by name."""
    if list(digests) == [path]:
        return digests[path]
    names = {file.relative_to(path).as_posix(): sha256 for file, sha256 in digests.items()}
    lines = [f"{names[name]}  {name}\n" for name in sorted(names)]
    # A name may be no text: on Linux any bytes are one.
    return hashlib.sha256("".join(lines).encode(errors="surrogateescape")).hexdigest()
