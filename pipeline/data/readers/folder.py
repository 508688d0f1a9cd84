"""A folder of your own: `folder/CLASS/*`, pictures of any format and size, a sub-folder a class.

Who is shown, or the film or burst that a picture comes from, is in `folder/subjects.csv` (the columns file, such as
`happy/IMG_1.jpg`, and subject), or taken from the file's name by a pattern.
"""

from __future__ import annotations

import csv
import re
from functools import partial
from pathlib import Path
from typing import Annotated

import numpy as np
from pydantic import Field, field_validator

from pipeline.common.files import InputError
from pipeline.common.settings import Section
from pipeline.data.expressions import About, Expressions
from pipeline.data.pictures import Cut, list_classes, read_squares
from pipeline.data.sources import Found, Sources, Wanted

SUBJECTS = "subjects.csv"


class Settings(Section):
    """Attributes:
    side: of the images, in pixels.
    colour: keep the colours, or only the levels of grey.
    cut: the largest square in the middle of a picture, or the square around the largest face.
    subject: a regular expression; what its first group finds in a file's name is the subject.
    """

    side: Annotated[int, Field(ge=16, le=1024)] = 256
    colour: bool = True
    cut: Cut = "centre"
    subject: str | None = None

    @field_validator("subject")
    @classmethod
    def _is_a_pattern_with_a_group(cls, pattern: str | None) -> str | None:
        try:
            groups = re.compile(pattern).groups if pattern is not None else 1
        except re.error as error:
            raise ValueError(f"must be a regular expression ({error})") from None
        if not groups:
            raise ValueError("must have the subject in brackets, such as ^([^_]+)_")
        return pattern


def find(folder: Path) -> dict[str, Found]:
    """The data set in a folder; empty if it is not there."""
    path = folder / "folder"
    return {"expressions": Found(path, partial(_files, path))} if path.is_dir() else {}


WANTED = Wanted("a folder `folder` with a sub-folder of pictures for each class, as docs/your_images.md says", find)


def read(sources: Sources, settings: Settings) -> Expressions:
    """Read what `find` found.

    Raises:
        InputError: a picture cannot be read, or the subjects do not fit the pictures.
    """
    path = sources.path("expressions")
    classes = list_classes(path)
    files = [file for pictures in classes.values() for file in pictures]
    names = [file.relative_to(path).as_posix() for file in files]
    subject = _subjects(path / SUBJECTS, names, settings.subject)
    images, lost = read_squares(files, settings.side, settings.colour, settings.cut)
    if lost.any():
        print(f"{path}: no face found in {lost.sum():,} of {len(lost):,} pictures, such as {names[lost.argmax()]}")
    return Expressions(
        about=About(name=path.name, classes=tuple(classes)),
        images=images,
        labels=np.repeat(np.arange(len(classes), dtype=np.uint8), [*map(len, classes.values())]),
        votes=np.zeros((len(files), 0), np.uint16),
        split=np.full(len(files), ""),
        subject=np.array(subject),
    )


def account(sources: Sources, expressions: Expressions) -> list[str]:
    """How many pictures there are of each class, and of how many people."""
    counts = np.bincount(expressions.labels).tolist()
    classes = ", ".join(f"{count:,} {name}" for name, count in zip(expressions.about.classes, counts, strict=True))
    people = len(set(expressions.subject.tolist()) - {""})
    return [f"{expressions.about.name}: {len(expressions):,} pictures ({classes}), {people:,} subjects known"]


def _files(path: Path) -> list[Path]:
    table = path / SUBJECTS
    return [file for files in list_classes(path).values() for file in files] + ([table] if table.is_file() else [])


def _subjects(table: Path, names: list[str], pattern: str | None) -> list[str]:
    """The subject of each picture: the table's, if there is one, or else what the pattern finds in its name."""
    if table.is_file() and pattern is not None:
        raise InputError(f"{table}: says who is shown, and so does params.yaml: data.settings.subject; remove one")
    if table.is_file():
        listed = _read_table(table)
        there = set(names)
        absent = next((name for name in listed if name not in there), None)
        if absent is not None:
            raise InputError(f"{table}: names {absent!r}, which is not there; correct the name, or remove the row")
        return [listed.get(name, "") for name in names]
    found = [re.search(pattern, Path(name).name) if pattern is not None else None for name in names]
    if pattern is not None and None in found:
        raise InputError(
            f"{table.parent / names[found.index(None)]}: params.yaml: data.settings.subject: {pattern} finds no "
            "subject in its name; change the pattern, or rename the file"
        )
    return [match.group(1) or "" if match else "" for match in found]


def _read_table(table: Path) -> dict[str, str]:
    """The subject of each file that `subjects.csv` names."""
    try:
        with table.open(newline="", encoding="utf-8-sig") as file:
            rows = csv.DictReader(file)
            if not {"file", "subject"} <= set(rows.fieldnames or ()):
                raise InputError(f"{table}: line 1: must name the columns file and subject; write them there")
            listed: dict[str, str] = {}
            for row in rows:
                if not row["file"] or row["subject"] is None:
                    raise InputError(f"{table}: line {rows.line_num}: lacks file or subject; complete it")
                if row["file"] in listed:
                    raise InputError(f"{table}: line {rows.line_num}: {row['file']!r} stands twice; remove one")
                listed[row["file"]] = row["subject"].strip()
    except (UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"{table}: is no CSV file in UTF-8 ({error}); save it as one") from None
    return listed
