"""FER+: what ten people each saw in FER2013's images, row by row in the same order.

Source: Barsoum et al., "Training Deep Networks for Facial Expression Recognition with Crowd-Sourced Label
Distribution", ICMI 2016.
"""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

import numpy as np
import numpy.typing as npt

from pipeline.common.files import InputError
from pipeline.data.tables import parse_integers, parse_names, read_blocks, shown

FILE = "fer2013new.csv"
PUBLISHER = "the Microsoft/FERPlus repository"
# What the voters could choose, and which of FER2013's classes that is.
VOTES = {
    "neutral": "neutral",
    "happiness": "happy",
    "surprise": "surprise",
    "sadness": "sad",
    "anger": "angry",
    "disgust": "disgust",
    "fear": "fear",
    "contempt": None,
    "unknown": None,
    "NF": None,
}
NO_FACE = "NF"
MAX_VOTES = 10  # ten people were asked about each image
NAME = re.compile(rb"fer([0-9]{7})\.png")
# Rows that share their image's name with another row: what is more than a slip of whoever published the file.
MAX_SHARED = 1 / 1000


def read_votes(path: Path, csv: Path, split: npt.NDArray[np.str_]) -> npt.NDArray[np.uint16]:
    """The votes (N, 10) from `fer2013new.csv`.

    That a row is of the image in the same row of FER2013 shows in its split, and in its image's name: those are
    numbered in the order of the images. Some rows have none.

    Args:
        path: the file.
        csv: FER2013's, for messages.
        split: (N,), of FER2013's rows.

    Raises:
        InputError: it is no such table, or its rows are not those of FER2013 in their order.
        PermissionError: it may not be read.
    """
    votes = np.zeros((len(split), len(VOTES)), np.uint16)
    names: list[bytes] = []
    for usages, images, *columns in read_blocks(path, ("Usage", "Image name", *VOTES), PUBLISHER):
        row = len(names)
        names += [image.strip() for image in images]
        if len(names) > len(split):
            continue  # read on, to say how many there are
        rows = slice(row, len(names))
        usage = parse_names(path, row + 2, "Usage", usages, sorted(set(split.tolist())))
        other = np.flatnonzero(usage != split[rows])
        if len(other):
            there, here = str(split[row + other[0]]), str(usage[other[0]])
            raise InputError(
                f"{path}: line {row + other[0] + 2}: Usage is {here!r}, but {there!r} in {csv}; "
                "both must be the published files in the published order"
            )
        for place, (name, texts) in enumerate(zip(VOTES, columns, strict=True)):
            votes[rows, place] = parse_integers(path, row + 2, name, texts, MAX_VOTES)
    if len(names) != len(split):
        raise InputError(
            f"{path}: has {len(names):,} rows, but {csv} has {len(split):,}; both must be the published files"
        )
    sums = votes.sum(axis=1)
    wrong = np.flatnonzero((sums < 1) | (sums > MAX_VOTES))
    if len(wrong):
        said = f"has {sums[wrong[0]]} votes, not 1 to {MAX_VOTES}"
        raise InputError(f"{path}: line {wrong[0] + 2}: {said}; download it again from {PUBLISHER}")
    _check_names(path, names)
    return votes


def lines_with_shared_names(path: Path) -> list[int]:
    """The lines of the file whose image's name stands on another line too."""
    blocks = read_blocks(path, ["Image name"], PUBLISHER)
    return _shared([image.strip() for (images,) in blocks for image in images])


def _shared(names: list[bytes]) -> list[int]:
    times = Counter(names)
    return [row + 2 for row, name in enumerate(names) if name and times[name] > 1]


def _check_names(path: Path, names: list[bytes]) -> None:
    """Make sure that the images' names, where there are any, are in their order."""
    remedy = "both must be the published files in the published order"
    shared = _shared(names)
    if len(shared) > MAX_SHARED * len(names):
        line = shared[0]
        said = f"Image name {shown(names[line - 2])} stands on another line too, as on {len(shared) - 1:,} more lines"
        raise InputError(f"{path}: line {line}: {said}; {remedy}")
    passed_over, last = set(shared), b""
    for line, name in enumerate(names, start=2):
        if not name:
            continue
        if not NAME.fullmatch(name):
            raise InputError(f"{path}: line {line}: Image name is {shown(name)}, not as fer0000123.png; {remedy}")
        if line in passed_over:
            continue
        if name <= last:
            raise InputError(f"{path}: line {line}: Image name {shown(name)} comes after {shown(last)}; {remedy}")
        last = name
