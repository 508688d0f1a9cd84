"""What has been answered so far of a long list of files: kept so that a kill at any moment loses no more than a line.

A line of JSON a file; one counts only with the line break at its end. What a kill has torn is cut off when the journal
is opened again.
"""

from __future__ import annotations

import fcntl
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Self

from pipeline.common.files import InputError
from pipeline.use.table import UNREADABLE, Answer

Stamp = tuple[int, int]  # size and time of change of a file: another file of its name is asked anew


class Journal:
    """Answers by file, on disk; in memory is only where each of them lies.

    Args:
        path: of the file.
        identity: what the answers depend on beside the files.

    Raises:
        InputError: the file is another one's, was begun with something else, or another process writes to it.
    """

    def __init__(self, path: Path, identity: Mapping[str, Any]) -> None:
        self.path = path
        self._places: dict[str, tuple[Stamp, int]] = {}
        path.parent.mkdir(parents=True, exist_ok=True)
        self._file = path.open("a+b")
        try:
            self._lock()
            self._read(identity)
        except BaseException:
            self._file.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: Any) -> None:
        self._file.close()

    def _lock(self) -> None:
        """Keep others out until the file is closed, be it by a kill."""
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise InputError(f"{self.path}: another process writes this table; wait for it, or end it") from None

    def _read(self, identity: Mapping[str, Any]) -> None:
        header = json.dumps({"journal": identity}).encode() + b"\n"
        self._file.seek(0)
        begun = self._file.readline()
        if begun != header and (begun.endswith(b"\n") or not header.startswith(begun)):
            raise InputError(
                f"{self.path}: was begun with other models or options, or is no journal; "
                "go on as it was begun, or delete it"
            )
        end = len(begun) if begun == header else 0
        for line in iter(self._file.readline, b""):
            said = _parsed(line)
            if said is None:
                break
            # Why a file could not be read may have passed by now: it is asked anew.
            if not str(said["rows"][0][0]).startswith(UNREADABLE):
                self._places[said["file"]] = (tuple(said["stamp"]), end)
            end += len(line)
        self._file.truncate(end)
        if not end:
            self._append([header])

    def _append(self, lines: Sequence[bytes]) -> list[int]:
        """Write whole lines behind all others, and give where each begins."""
        start = self._file.seek(0, 2)
        self._file.write(b"".join(lines))
        self._file.flush()
        return [start + sum(map(len, lines[:number])) for number in range(len(lines))]

    def has(self, file: str, stamp: Stamp) -> bool:
        """Whether this file, unchanged, is answered."""
        return file in self._places and self._places[file][0] == stamp

    def add(self, answers: Iterable[Answer], stamps: Mapping[str, Stamp]) -> None:
        """Keep answers."""
        given = list(answers)
        said = [{"file": one.file, "stamp": stamps[one.file], "rows": one.rows} for one in given]
        lines = [json.dumps(line, allow_nan=False).encode() + b"\n" for line in said]
        for one, place in zip(given, self._append(lines), strict=True):
            self._places[one.file] = (stamps[one.file], place)

    def answers(self, files: Iterable[str]) -> Iterator[Answer]:
        """The answers of these files, in their order; all must be there."""
        for file in files:
            self._file.seek(self._places[file][1])
            yield Answer(file, json.loads(self._file.readline())["rows"])


def _parsed(line: bytes) -> dict[str, Any] | None:
    """What a line says; None if it is torn."""
    try:
        said = json.loads(line) if line.endswith(b"\n") else None
    except ValueError:
        return None
    return said if isinstance(said, dict) and said.keys() == {"file", "stamp", "rows"} else None
