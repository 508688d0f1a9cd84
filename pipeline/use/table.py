"""A table of faces: a row a face, and a row for every file without one."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain, islice
from pathlib import Path
from typing import NamedTuple

import pyarrow
from pyarrow import parquet

from pipeline.common.files import InputError, whole_file
from pipeline.faces.points import COUNT
from pipeline.use.faces import Face
from pipeline.use.models import About
from pipeline.use.words import expression

Value = str | int | float | bool | None
Row = list[Value]

FACE, NO_FACE, UNREADABLE = "face", "no face", "unreadable: "
KINDS = (".csv", ".parquet")
BLOCK = 4096  # rows that are written at a time
# Digits of what is written: networks agree to about six, whatever they are asked together with.
DIGITS, PIXEL_DIGITS = 5, 2


class Answer(NamedTuple):
    """What is said of a file: its rows, without the file's name."""

    file: str
    rows: list[Row]


def columns(about: About, points: bool) -> dict[str, pyarrow.DataType]:
    """The columns of the table and their types; docs/use.md says what they hold.

    Args:
        about: of the models.
        points: whether the 68 points are in it.
    """
    number = pyarrow.float64()
    named = {"file": pyarrow.string(), "outcome": pyarrow.string(), "face": pyarrow.int32()}
    box = dict.fromkeys(("left", "top", "right", "bottom", "expected_error"), number)
    said = {"expression": pyarrow.string(), "probability": number}
    joined = {f"p_{name}": number for name in about.classes}
    each = {f"p_{one.name}_{name}": number for one in about.classifiers for name in about.classes}
    fell_back = {f"fell_back_{one.region_name}": pyarrow.bool_() for one in about.classifiers}
    places = [f"{axis}{point}" for point in range(1, COUNT + 1) for axis in "xy"] if points else []
    return named | box | said | joined | each | fell_back | dict.fromkeys(places, number)


def rows_of(faces: Sequence[Face], about: About, points: bool) -> list[Row]:
    """The rows of a photograph, without its name."""
    return [_row(number, face, about, points) for number, face in enumerate(faces, 1)] or [[NO_FACE]]


def _row(number: int, face: Face, about: About, points: bool) -> Row:
    error = face.expected_error
    name, probability = expression(face, about.classes)
    each = [value for one in about.classifiers for value in face.probabilities[one.name].tolist()]
    places = [round(value, PIXEL_DIGITS) for value in face.points.ravel().tolist()] if points else []
    return [
        FACE,
        number,
        *(round(value, PIXEL_DIGITS) for value in face.box.tolist()),
        round(error, DIGITS) if math.isfinite(error) else None,
        name,
        *(round(value, DIGITS) for value in (probability, *face.joined.tolist(), *each)),
        *(face.fell_back[one.region_name] for one in about.classifiers),
        *places,
    ]


def check_kind(path: Path) -> None:
    """Raise InputError if the table's name does not say which kind of table it is."""
    if path.suffix not in KINDS:
        raise InputError(f"{path}: a table's name ends in {' or '.join(KINDS)}; name it so")


def write_table(path: Path, answers: Iterable[Answer], schema: dict[str, pyarrow.DataType]) -> int:
    """Write the table whole, as CSV or Parquet by its name, and say how many rows it has."""
    rows = ([shown(answer.file), *row] for answer in answers for row in answer.rows)
    filled = (row + [None] * (len(schema) - len(row)) for row in rows)
    with whole_file(path) as file:
        if path.suffix == ".csv":
            text = io.TextIOWrapper(file, encoding="utf-8", newline="", write_through=True)
            count = _write_csv(text, filled, [*schema])
            text.detach()
            return count
        count = 0
        with parquet.ParquetWriter(file, pyarrow.schema(schema)) as writer:
            for block in _blocks(filled):
                parts = zip(zip(*block, strict=True), schema.values(), strict=True)
                values = [pyarrow.array(part, kind) for part, kind in parts]
                writer.write_table(pyarrow.table(values, schema=pyarrow.schema(schema)))
                count += len(block)
        return count


def _write_csv(text: io.TextIOWrapper, rows: Iterable[Row], names: Sequence[str]) -> int:
    writer = csv.writer(text)
    writer.writerow(names)
    count = 0
    for count, row in enumerate(rows, 1):  # noqa: B007
        writer.writerow([str(value).lower() if isinstance(value, bool) else value for value in row])
    return count


def _blocks(rows: Iterable[Row]) -> Iterator[list[Row]]:
    iterator = iter(rows)
    while first := next(iterator, None):
        yield list(chain([first], islice(iterator, BLOCK - 1)))


def shown(name: str) -> str:
    """A file's name as text: bytes in it that are none are written as \\xNN."""
    return name.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
