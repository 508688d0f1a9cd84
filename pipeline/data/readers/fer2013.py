"""FER2013 and its FER+ votes, read from the published files and checked row by row.

Sources: Goodfellow et al., "Challenges in Representation Learning", ICONIP 2013 (FER2013); Barsoum et al.,
"Training Deep Networks for Facial Expression Recognition with Crowd-Sourced Label Distribution", ICMI 2016 (FER+).
"""

from __future__ import annotations

import csv
import gzip
import lzma
import re
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from io import BufferedReader
from pathlib import Path
from typing import cast

import numpy as np
import numpy.typing as npt
import pyarrow
from pyarrow import csv as arrow_csv

from pipeline.common.files import InputError
from pipeline.data.expressions import About, Expressions, Role
from pipeline.data.pixel_text import parse_rows
from pipeline.data.sources import Found, Sources, Wanted

SIDE = 48
CLASSES = ("angry", "disgust", "fear", "happy", "sad", "surprise", "neutral")
SPLITS: dict[str, Role] = {"Training": "train", "PublicTest": "validation", "PrivateTest": "test"}
# What FER+'s voters could choose, and which class that is.
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
MAX_VOTES = 10  # FER+ asked ten people about each image

NAMES = tuple(f"fer2013.csv{suffix}" for suffix in ("", ".gz", ".xz", ".zip"))
FERPLUS = "fer2013new.csv"

COMPRESSIONS = {".gz": "gzip", ".xz": "xz", ".zip": "zip"}
BLOCK = 1 << 20  # bytes of text that are read at a time, 120 rows or so


def find(folder: Path) -> dict[str, Found]:
    """FER2013 and, where it is, FER+ in a folder; empty if FER2013 is not there."""
    csv = next((folder / name for name in NAMES if (folder / name).is_file()), None)
    if csv is None:
        return {}
    parts = {"expressions": csv, "ferplus": folder / FERPLUS}
    return {name: Found(path, partial(list, [path])) for name, path in parts.items() if path.is_file()}


WANTED = Wanted(
    "FER2013 (fer2013.csv, also .gz, .xz or .zip; published at Kaggle: Challenges in Representation Learning: "
    "Facial Expression Recognition Challenge)",
    find,
)


def read(sources: Sources) -> Expressions:
    """Read what `find` found; see `read_fer2013`."""
    return read_fer2013(sources.path("expressions"), sources.paths.get("ferplus"))


def read_fer2013(csv: Path, ferplus: Path | None) -> Expressions:
    """Read FER2013, and FER+ where it is given.

    In messages the header is line 1; empty lines are passed over and not counted.

    Args:
        csv: `fer2013.csv` with the columns emotion, pixels and Usage in any order, plain or as .gz, .xz or .zip.
        ferplus: `fer2013new.csv`, the same rows in the same order; None for no votes.

    Raises:
        InputError: a file is damaged, a row is not as published, a split has no rows, or the two do not match.
    """
    images, labels, split = [], [], []
    line = 2
    for pixels, emotion, usage in _read_blocks(csv, ("pixels", "emotion", "Usage"), "Kaggle"):
        images.append(_parse_pixels(csv, line, pixels))
        labels.append(_parse_integers(csv, line, "emotion", emotion, len(CLASSES) - 1))
        split.append(_parse_split(csv, line, usage))
        line += len(pixels)
    if not images:
        raise InputError(f"{csv}: holds a header and no rows; download it again from Kaggle")
    all_images, all_split = np.concatenate(images), np.concatenate(split)
    absent = [name for name in SPLITS if name not in all_split]
    if absent:
        raise InputError(f"{csv}: has no row whose Usage is {' or '.join(absent)}; download the whole file again")
    count = len(all_images)
    about = About(name="FER2013", classes=CLASSES, splits=SPLITS)
    votes = np.zeros((count, 0), np.uint16)
    if ferplus is not None:
        about = about.model_copy(update={"votes": VOTES, "no_face": NO_FACE})
        votes = _read_votes(ferplus, csv, all_split)
    return Expressions(about, all_images, np.concatenate(labels), votes, all_split, np.full(count, ""))


def _read_votes(ferplus: Path, csv: Path, split: npt.NDArray[np.str_]) -> npt.NDArray[np.uint16]:
    """The votes (N, 10) from `fer2013new.csv`, held row by row against the split of the images."""
    votes = np.zeros((len(split), len(VOTES)), np.uint16)
    row = 0
    for usages, *columns in _read_blocks(ferplus, ("Usage", *VOTES), "the Microsoft/FERPlus repository"):
        rows = slice(row, row + len(usages))
        if rows.stop > len(split):
            row = rows.stop
            continue  # read on, to say how many there are
        usage = _parse_split(ferplus, row + 2, usages)
        other = np.flatnonzero(usage != split[rows])
        if len(other):
            there, here = str(split[row + other[0]]), str(usage[other[0]])
            raise InputError(
                f"{ferplus}: line {row + other[0] + 2}: Usage is {here!r}, but {there!r} in {csv}; "
                "both must be the published files in the published order"
            )
        for place, (name, texts) in enumerate(zip(VOTES, columns, strict=True)):
            votes[rows, place] = _parse_integers(ferplus, row + 2, name, texts, MAX_VOTES)
        row = rows.stop
    if row != len(split):
        raise InputError(f"{ferplus}: has {row:,} rows, but {csv} has {len(split):,}; both must be the published files")
    return votes


def _read_blocks(path: Path, columns: tuple[str, ...], publisher: str) -> Iterator[list[list[bytes]]]:
    """Yield the named columns, each the texts of some rows, so that a large file needs little memory."""
    remedy = f"download it again from {publisher}"
    line = 1
    try:
        with _open(path) as file:
            names = _read_header(file)
            absent = [name for name in columns if name not in names]
            if not names:
                raise InputError(f"{path}: is empty; {remedy}")
            if absent:
                raise InputError(f"{path}: line 1: has no column {' or '.join(absent)}; {remedy}")
            if not _pass_empty_lines(file):
                return
            blocks = arrow_csv.open_csv(
                file,
                # With several threads Arrow could not tell the number of a wrong row.
                arrow_csv.ReadOptions(column_names=names, block_size=BLOCK, use_threads=False),
                arrow_csv.ParseOptions(newlines_in_values=True),
                arrow_csv.ConvertOptions(
                    column_types=dict.fromkeys(names, pyarrow.binary()), include_columns=list(columns)
                ),
            )
            with blocks:
                for block in blocks:
                    if block.num_rows:  # else it held empty lines only
                        yield [column.to_pylist() for column in block.columns]
                        line += block.num_rows
    except FileNotFoundError:
        raise InputError(f"{path}: missing; {remedy}") from None
    except UnicodeDecodeError as error:
        raise InputError(f"{path}: line 1: is not UTF-8 text ({error.reason}); {remedy}") from None
    except csv.Error as error:
        raise InputError(f"{path}: line 1: is not the header of a CSV file ({error}); {remedy}") from None
    except pyarrow.ArrowInvalid as error:
        ragged = re.search(r"Row #(\d+): Expected (\d+) columns, got (\d+)", str(error))
        if ragged:
            row, expected, found = map(int, ragged.groups())
            reason = f"line {row + 1}: has {found} column{'s' if found > 1 else ''}, not {expected}"
        else:  # a row that is longer than a block
            reason = f"after line {line}: is not a CSV file, or a quotation mark is not closed"
        raise InputError(f"{path}: {reason}; {remedy}") from None
    except (EOFError, OSError, lzma.LZMAError, zlib.error, zipfile.BadZipFile, NotImplementedError) as error:
        kind = COMPRESSIONS.get(path.suffix, "readable")
        raise InputError(f"{path}: is not a whole {kind} file ({error}); {remedy}") from None


def _read_header(file: BufferedReader) -> list[str]:
    """The names of the columns; none if the file is empty."""
    if not _pass_empty_lines(file):
        return []
    line = file.readline(BLOCK).decode("utf-8-sig")
    return [name.strip() for name in next(csv.reader([line], skipinitialspace=True))]


def _pass_empty_lines(file: BufferedReader) -> bool:
    """Whether anything comes after empty lines."""
    while file.peek(1)[:1] in (b"\r", b"\n"):
        file.read(1)
    return bool(file.peek(1))


@contextmanager
def _open(path: Path) -> Iterator[BufferedReader]:
    """Open a file that may be compressed, by its suffix."""
    if path.suffix == ".gz":
        with gzip.open(path) as file:
            yield BufferedReader(file)
    elif path.suffix == ".xz":
        with lzma.open(path) as file:
            yield BufferedReader(file)
    elif path.suffix == ".zip":
        with zipfile.ZipFile(path) as archive:
            tables = [name for name in archive.namelist() if Path(name).name == path.stem]
            if len(tables) != 1:
                raise InputError(
                    f"{path}: holds {len(tables)} files {path.stem}, not one; download it again from Kaggle"
                )
            if archive.getinfo(tables[0]).flag_bits & 1:
                raise InputError(f"{path}: is encrypted; unpack {path.stem} beside it and remove the archive")
            with archive.open(tables[0]) as file:
                yield BufferedReader(cast(zipfile.ZipExtFile, file))
    else:
        with path.open("rb") as file:
            yield file


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


def _parse_integers(path: Path, line: int, name: str, texts: list[bytes], largest: int) -> npt.NDArray[np.uint8]:
    """The values (n,) of a column of whole numbers from 0 to `largest`."""
    known = {str(value).encode(): value for value in range(largest + 1)}
    values = [known.get(text.strip(), -1) for text in texts]
    if -1 in values:
        row = values.index(-1)
        raise InputError(
            f"{path}: line {line + row}: {name} is {_shown(texts[row])}, not one of 0 to {largest}; "
            "download the file again"
        )
    return np.array(values, np.uint8)


def _parse_split(path: Path, line: int, texts: list[bytes]) -> npt.NDArray[np.str_]:
    """The splits (n,) of a block."""
    known = {name.encode(): name for name in SPLITS}
    values = [known.get(text.strip(), "") for text in texts]
    if "" in values:
        row = values.index("")
        raise InputError(
            f"{path}: line {line + row}: Usage is {_shown(texts[row])}, not one of {', '.join(SPLITS)}; "
            "download the file again"
        )
    return np.array(values, f"U{max(map(len, SPLITS))}")


def _shown(text: bytes) -> str:
    """The beginning of a text in quotation marks."""
    return repr(text.decode(errors="replace").strip()[:20])
