"""FER2013 and its FER+ votes, read from the published files and checked row by row.

Source: Goodfellow et al., "Challenges in Representation Learning", ICONIP 2013; for FER+ see `data.ferplus`.
"""

from __future__ import annotations

import re
from collections import Counter
from functools import partial
from pathlib import Path

import numpy as np
import numpy.typing as npt

from pipeline.common.files import InputError
from pipeline.data import ferplus
from pipeline.data.expressions import About, Expressions, Role
from pipeline.data.pixel_text import parse_rows
from pipeline.data.sources import Found, Sources, Wanted, of_published, some
from pipeline.data.tables import find_table, parse_integers, parse_names, read_blocks

SIDE = 48
CLASSES = ("angry", "disgust", "fear", "happy", "sad", "surprise", "neutral")
SPLITS: dict[str, Role] = {"Training": "train", "PublicTest": "validation", "PrivateTest": "test"}
PUBLISHED = {"Training": 28_709, "PublicTest": 3_589, "PrivateTest": 3_589}  # rows, in this order
FILE = "fer2013.csv"
AGAIN = "download it again from Kaggle"


def find(folder: Path) -> dict[str, Found]:
    """FER2013 and, where it is, FER+ in a folder; empty if FER2013 is not there."""
    parts = {"expressions": find_table(folder, FILE), "ferplus": find_table(folder, ferplus.FILE)}
    if parts["expressions"] is None:
        return {}
    return {name: Found(path, partial(list, [path])) for name, path in parts.items() if path is not None}


WANTED = Wanted(
    "FER2013 (fer2013.csv, also .gz, .xz or .zip; published at Kaggle: Challenges in Representation Learning: "
    "Facial Expression Recognition Challenge)",
    find,
)


def read(sources: Sources) -> Expressions:
    """Read what `find` found; see `read_fer2013`."""
    return read_fer2013(sources.path("expressions"), sources.paths.get("ferplus"))


def account(sources: Sources, expressions: Expressions) -> list[str]:
    """How many of the published rows there are, and what is to be known of their votes, a line each."""
    there = Counter(expressions.split.tolist())
    lines = ["FER2013: " + ", ".join(f"{of_published(there[name], PUBLISHED[name])} {name}" for name in SPLITS)]
    votes = sources.paths.get("ferplus")
    if votes is None:
        return [*lines, f"FER+: {ferplus.FILE} is not there, so nobody's votes are known"]
    shared = ferplus.lines_with_shared_names(votes)
    if shared:
        named = some([str(line) for line in shared])
        lines.append(f"FER+: {len(shared):,} rows share their image's name with another row (lines {named})")
    return lines


def read_fer2013(csv: Path, votes_csv: Path | None) -> Expressions:
    """Read FER2013, and FER+ where it is given.

    Args:
        csv: `fer2013.csv` with the columns emotion, pixels and Usage in any order, plain or as .gz, .xz or .zip.
        votes_csv: `fer2013new.csv`, the same rows in the same order, plain or compressed; None for no votes.

    Raises:
        InputError: a file is damaged or cut, a row is not as published, a split has no rows, or the two do not match.
        PermissionError: a file may not be read.
    """
    images, labels, split = [], [], []
    line = 2
    for pixels, emotion, usage in read_blocks(csv, ("pixels", "emotion", "Usage"), "Kaggle"):
        images.append(_parse_pixels(csv, line, pixels))
        labels.append(parse_integers(csv, line, "emotion", emotion, len(CLASSES) - 1))
        split.append(parse_names(csv, line, "Usage", usage, list(SPLITS)))
        line += len(pixels)
    if not images:
        raise InputError(f"{csv}: holds a header and no rows; {AGAIN}")
    all_images, all_split = np.concatenate(images), np.concatenate(split)
    _check_counts(csv, all_split)
    count = len(all_images)
    about = About(name="FER2013", classes=CLASSES, splits=SPLITS)
    votes = np.zeros((count, 0), np.uint16)
    if votes_csv is not None:
        about = about.model_copy(update={"votes": ferplus.VOTES, "no_face": ferplus.NO_FACE})
        votes = ferplus.read_votes(votes_csv, csv, all_split)
    return Expressions(about, all_images, np.concatenate(labels), votes, all_split, np.full(count, ""))


def _check_counts(path: Path, split: npt.NDArray[np.str_]) -> None:
    """Make sure that every split is there, and that the last one is not the beginning of the published one."""
    there = Counter(split.tolist())
    absent = [name for name in SPLITS if not there[name]]
    if absent:
        raise InputError(f"{path}: has no row whose Usage is {' or '.join(absent)}; download the whole file again")
    *whole, last = PUBLISHED
    if all(there[name] == PUBLISHED[name] for name in whole) and there[last] < PUBLISHED[last]:
        raise InputError(f"{path}: was cut after {there[last]:,} of the {PUBLISHED[last]:,} {last} rows; {AGAIN}")


def _parse_pixels(path: Path, line: int, texts: list[bytes]) -> npt.NDArray[np.uint8]:
    """The images (n, 48, 48) of a block that starts at `line`."""
    images = parse_rows(texts, SIDE * SIDE)
    if images is None:  # some row is unusual, which is to be looked at, or wrong, which is to be told
        images = np.stack([_parse_image(f"{path}: line {line + row}", text) for row, text in enumerate(texts)])
    return images.reshape(-1, SIDE, SIDE)


def _parse_image(place: str, text: bytes) -> npt.NDArray[np.uint8]:
    """The pixels (2304,) of one row, which may have any white space between them."""
    words = text.decode(errors="replace").split()
    strange = [word for word in words if not re.fullmatch("-?[0-9]+", word)]
    if strange:
        raise InputError(f"{place}: pixel {strange[0][:20]!r} is not a whole number; download the file again")
    if len(words) != SIDE * SIDE:
        raise InputError(f"{place}: has {len(words):,} pixels, not {SIDE * SIDE:,}; download the file again")
    wrong = [word for word in words if not re.fullmatch("0{0,99}[0-9]{1,3}", word) or int(word) > 255]
    if wrong:
        raise InputError(f"{place}: pixel {wrong[0][:20]} is not within 0 to 255; download the file again")
    return np.array(words, np.uint8)
