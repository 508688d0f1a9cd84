"""JAFFE: 213 photographs of 10 Japanese women, with expression and person in the file's name (`KA.AN1.39.tiff`).

Each is cut around the face. Source: Lyons et al., "Coding Facial Expressions with Gabor Wavelets", FG 1998.
"""

from __future__ import annotations

import re
from functools import partial
from pathlib import Path
from typing import Annotated

import numpy as np
from pydantic import Field

from pipeline.common.files import InputError
from pipeline.common.settings import Section
from pipeline.data.expressions import About, Expressions
from pipeline.data.pictures import read_squares
from pipeline.data.sources import Found, Sources, Wanted, of_published

CODES = {"AN": "angry", "DI": "disgust", "FE": "fear", "HA": "happy", "SA": "sad", "SU": "surprise", "NE": "neutral"}
PUBLISHED, PEOPLE = 213, 10
NAME = re.compile(rf"([A-Z]{{2}})\.({'|'.join(CODES)})\d+\.\d+\.tiff?")


class Settings(Section):
    """Attributes:
    side: of the images, in pixels; a face with its margin has some 210 of the 256 of a photograph.
    """

    side: Annotated[int, Field(ge=16, le=512)] = 192


def find(folder: Path) -> dict[str, Found]:
    """The data set in a folder; empty if it is not there."""
    path = folder / "jaffe"
    return {"expressions": Found(path, partial(_files, path))} if path.is_dir() else {}


WANTED = Wanted("JAFFE (a folder jaffe with 213 TIFF files; published at zenodo.org/records/3451524)", find)


def read(sources: Sources, settings: Settings) -> Expressions:
    """Read what `find` found.

    Raises:
        InputError: a file is damaged, or has another name than the published ones, or an expression has no picture.
    """
    path = sources.path("expressions")
    files = _files(path)
    matches = [NAME.fullmatch(file.name) for file in files]
    if None in matches:
        strange = files[matches.index(None)]
        raise InputError(f"{strange}: is not named as JAFFE's pictures are (KA.AN1.39.tiff); rename or remove it")
    people, codes = zip(*((match[1], match[2]) for match in matches if match), strict=True)
    absent = sorted(CODES.keys() - set(codes))
    if absent:
        raise InputError(f"{path}: has no picture of {' or '.join(CODES[code] for code in absent)}; unpack JAFFE again")
    images, lost = read_squares(files, settings.side, colour=False, cut="face")
    if lost.any():
        print(f"{path}: no face found in {lost.sum()} of {len(lost)} pictures, such as {files[lost.argmax()].name}")
    return Expressions(
        about=About(name="JAFFE", classes=tuple(CODES.values())),
        images=images,
        labels=np.array([list(CODES).index(code) for code in codes], np.uint8),
        votes=np.zeros((len(files), 0), np.uint16),
        split=np.full(len(files), ""),
        subject=np.array(people),
    )


def account(sources: Sources, expressions: Expressions) -> list[str]:
    """How many of the published pictures there are, and of how many people."""
    people = of_published(len(set(expressions.subject.tolist())), PEOPLE)
    return [f"JAFFE: {of_published(len(expressions), PUBLISHED)} pictures of {people} people"]


def _files(path: Path) -> list[Path]:
    """All but its README and what begins with a dot."""
    files = sorted(
        file for file in path.iterdir() if not file.name.startswith(".") and not file.name.lower().startswith("readme")
    )
    if not files:
        raise InputError(f"{path}: is empty; unpack JAFFE into it")
    return files
