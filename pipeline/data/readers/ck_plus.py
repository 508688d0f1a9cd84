"""CK+ as it is passed on: a folder a class of 48-pixel PNGs (`S010_004_00000017.png`: person, sequence, frame).

Source: Lucey et al., "The Extended Cohn-Kanade Dataset (CK+)", CVPR workshops 2010. The last frames of each sequence
are almost alike, and one person is in many classes: split it by subject.
"""

from __future__ import annotations

import re
from functools import partial
from pathlib import Path

import numpy as np

from pipeline.common.files import InputError
from pipeline.data.expressions import About, Expressions
from pipeline.data.grey import to_grey
from pipeline.data.pictures import list_classes, read_picture
from pipeline.data.sources import Found, Sources, Wanted

SIDE = 48
CLASSES = ("anger", "contempt", "disgust", "fear", "happy", "sadness", "surprise")
NAME = re.compile(r"(S\d{3})_\d{3}_\d{8}\.png")


def find(folder: Path) -> dict[str, Found]:
    """The data set in a folder; empty if it is not there."""
    path = folder / "ck_plus"
    return {"expressions": Found(path, partial(_files, path))} if path.is_dir() else {}


WANTED = Wanted("CK+ (a folder ck_plus with a sub-folder of 48-pixel PNGs for each class; passed on as CK+48)", find)


def read(sources: Sources) -> Expressions:
    """Read what `find` found.

    Raises:
        InputError: a class is missing or not CK+'s, or a file is damaged, of another size, or named otherwise.
    """
    path = sources.path("expressions")
    classes = list_classes(path)
    if tuple(classes) != CLASSES:
        strange = sorted(set(CLASSES) ^ classes.keys())
        raise InputError(f"{path / strange[0]}: must have exactly the sub-folders {', '.join(CLASSES)}; name them so")
    files = [file for pictures in classes.values() for file in pictures]
    matches = [NAME.fullmatch(file.name) for file in files]
    if None in matches:
        strange_file = files[matches.index(None)]
        raise InputError(f"{strange_file}: is not named as CK+'s pictures are (S010_004_00000017.png); rename it")
    images = np.empty((len(files), SIDE, SIDE), np.uint8)
    for row, file in enumerate(files):
        picture = read_picture(file)
        if picture.shape[:2] != (SIDE, SIDE):
            size = f"{picture.shape[1]} x {picture.shape[0]}"
            raise InputError(f"{file}: has {size} pixels, not {SIDE} x {SIDE}; use expressions: folder for other sizes")
        images[row] = to_grey(picture[None])[0]
    return Expressions(
        about=About(name="CK+", classes=CLASSES),
        images=images,
        labels=np.repeat(np.arange(len(CLASSES), dtype=np.uint8), [*map(len, classes.values())]),
        votes=np.zeros((len(files), 0), np.uint16),
        split=np.full(len(files), ""),
        subject=np.array([match[1] for match in matches if match]),
    )


def account(sources: Sources, expressions: Expressions) -> list[str]:
    """How many pictures there are, and of how many people."""
    return [f"CK+: {len(expressions):,} pictures of {len(set(expressions.subject.tolist())):,} people"]


def _files(path: Path) -> list[Path]:
    return [file for files in list_classes(path).values() for file in files]
