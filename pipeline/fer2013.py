"""FER2013 and its FER+ votes, read from the published files and checked row by row.

Sources: Goodfellow et al., "Challenges in Representation Learning", ICONIP 2013 (FER2013); Barsoum et al.,
"Training Deep Networks for Facial Expression Recognition with Crowd-Sourced Label Distribution", ICMI 2016 (FER+).
"""

from __future__ import annotations

import gzip
import lzma
import re
import warnings
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, cast

import numpy as np
import numpy.typing as npt
import pandas as pd

from pipeline.expressions import CLASSES, SIDE, SPLITS, VOTES, Expressions
from pipeline.files import InputError

MAX_VOTES = 10  # FER+ asked ten people about each image

COMPRESSIONS = {".gz": "gzip", ".xz": "xz", ".zip": "zip"}
CHUNK_ROWS = 1024  # of 8 KB of text each: what is in memory at a time


def read_fer2013(csv: Path, ferplus: Path | None) -> Expressions:
    """Read FER2013, and FER+ where it is given.

    In messages the header is line 1; blank lines are passed over and not counted.

    Args:
        csv: `fer2013.csv` with the columns emotion, pixels and Usage in any order, plain or as .gz, .xz or .zip.
        ferplus: `fer2013new.csv`, the same rows in the same order; None for no votes.

    Raises:
        InputError: a file is damaged, a row is not as published, a split has no rows, or the two do not match.
    """
    images, labels, split = [], [], []
    line = 2
    for chunk in _read_chunks(csv, ("emotion", "pixels", "Usage"), "Kaggle"):
        images.append(_parse_pixels(csv, line, chunk["pixels"].tolist()))
        labels.append(_parse_integers(csv, line, chunk["emotion"], len(CLASSES) - 1))
        split.append(_parse_split(csv, line, chunk["Usage"]))
        line += len(chunk)
    if not images:
        raise InputError(f"{csv}: holds a header and no rows; download it again from Kaggle")
    all_images, all_split = np.concatenate(images), np.concatenate(split)
    absent = [name for name in SPLITS if name not in all_split]
    if absent:
        raise InputError(f"{csv}: has no row whose Usage is {' or '.join(absent)}; download the whole file again")
    return Expressions(
        images=all_images,
        labels=np.concatenate(labels),
        votes=np.zeros((len(all_images), len(VOTES)), np.uint8)
        if ferplus is None
        else _read_votes(ferplus, csv, all_split),
        split=all_split,
        for_training=all_split == "Training",
    )


def _read_votes(ferplus: Path, csv: Path, split: npt.NDArray[np.str_]) -> npt.NDArray[np.uint8]:
    """The votes (N, 10) from `fer2013new.csv`, held row by row against the split of the images."""
    votes = np.zeros((len(split), len(VOTES)), np.uint8)
    row = 0
    for chunk in _read_chunks(ferplus, ("Usage", *VOTES), "the Microsoft/FERPlus repository"):
        rows = slice(row, row + len(chunk))
        if rows.stop > len(split):
            row = rows.stop
            continue  # read on, to say how many there are
        usage = _parse_split(ferplus, row + 2, chunk["Usage"])
        other = np.flatnonzero(usage != split[rows])
        if len(other):
            there, here = str(split[row + other[0]]), str(usage[other[0]])
            raise InputError(
                f"{ferplus}: line {row + other[0] + 2}: Usage is {here!r}, but {there!r} in {csv}; "
                "both must be the published files in the published order"
            )
        for column, name in enumerate(VOTES):
            votes[rows, column] = _parse_integers(ferplus, row + 2, chunk[name], MAX_VOTES)
        row = rows.stop
    if row != len(split):
        raise InputError(f"{ferplus}: has {row:,} rows, but {csv} has {len(split):,}; both must be the published files")
    return votes


def _read_chunks(path: Path, columns: tuple[str, ...], publisher: str) -> Iterator[pd.DataFrame]:
    """Yield the named columns as text, some rows at a time, so that a large file needs little memory."""
    remedy = f"download it again from {publisher}"
    try:
        with _open(path) as file, warnings.catch_warnings():
            warnings.simplefilter("ignore", pd.errors.ParserWarning)  # too short a header is told below, in our words
            reader = pd.read_csv(
                file,
                chunksize=CHUNK_ROWS,
                dtype=str,
                na_filter=False,
                index_col=False,
                skipinitialspace=True,
                encoding="utf-8",
            )
            for chunk in reader:
                absent = [name for name in columns if name not in chunk.columns]
                if absent:
                    raise InputError(f"{path}: line 1: has no column {' or '.join(absent)}; {remedy}")
                if len(chunk):
                    yield chunk[list(columns)]
    except FileNotFoundError:
        raise InputError(f"{path}: missing; {remedy}") from None
    except pd.errors.EmptyDataError:
        raise InputError(f"{path}: is empty; {remedy}") from None
    except UnicodeDecodeError as error:
        raise InputError(f"{path}: is not UTF-8 text ({error.reason}); {remedy}") from None
    except pd.errors.ParserError as error:
        raise InputError(f"{path}: is not a CSV file ({' '.join(str(error).split())}); {remedy}") from None
    except (EOFError, OSError, lzma.LZMAError, zlib.error, zipfile.BadZipFile, NotImplementedError) as error:
        kind = COMPRESSIONS.get(path.suffix, "readable")
        raise InputError(f"{path}: is not a whole {kind} file ({error}); {remedy}") from None


@contextmanager
def _open(path: Path) -> Iterator[IO[bytes]]:
    """Open a file that may be compressed, by its suffix."""
    if path.suffix == ".gz":
        with gzip.open(path) as file:
            yield cast(IO[bytes], file)
    elif path.suffix == ".xz":
        with lzma.open(path) as file:
            yield file
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
                yield file
    else:
        with path.open("rb") as file:
            yield file


def _parse_pixels(path: Path, line: int, texts: list[str]) -> npt.NDArray[np.uint8]:
    """The images (n, 48, 48) of a chunk that starts at `line`."""
    images = np.empty((len(texts), SIDE * SIDE), np.uint8)
    for row, text in enumerate(texts):
        try:
            # As wide as the parser's own integers: a narrower type would fold 256 to 0.
            pixels = np.fromstring(text, np.int64, sep=" ")
        except ValueError:
            word = next((word for word in text.split() if not re.fullmatch("[0-9]+", word)), text)
            raise InputError(
                f"{path}: line {line + row}: pixel {word[:20]!r} is not a whole number; download the file again"
            ) from None
        if pixels.size != SIDE * SIDE:
            raise InputError(
                f"{path}: line {line + row}: has {len(text.split()):,} pixels, not {SIDE * SIDE:,}; "
                "download the file again"
            )
        if pixels.min() < 0 or pixels.max() > 255:
            wrong = pixels[(pixels < 0) | (pixels > 255)][0]
            raise InputError(
                f"{path}: line {line + row}: pixel {wrong} is not within 0 to 255; download the file again"
            )
        images[row] = pixels
    return images.reshape(-1, SIDE, SIDE)


def _parse_integers(path: Path, line: int, texts: pd.Series[str], largest: int) -> npt.NDArray[np.uint8]:
    """The values (n,) of a column of whole numbers from 0 to `largest`."""
    known = {str(value): value for value in range(largest + 1)}
    values = [known.get(text.strip(), -1) for text in texts.tolist()]
    if -1 in values:
        row = values.index(-1)
        raise InputError(
            f"{path}: line {line + row}: {texts.name} is {texts.iloc[row][:20]!r}, not one of 0 to {largest}; "
            "download the file again"
        )
    return np.array(values, np.uint8)


def _parse_split(path: Path, line: int, texts: pd.Series[str]) -> npt.NDArray[np.str_]:
    """The splits (n,) of a chunk."""
    values = np.array([text.strip() for text in texts.tolist()], f"U{max(map(len, SPLITS))}")
    unknown = np.flatnonzero(~np.isin(values, SPLITS))
    if len(unknown):
        raise InputError(
            f"{path}: line {line + unknown[0]}: Usage is {texts.iloc[unknown[0]][:20]!r}, "
            f"not one of {', '.join(SPLITS)}; download the file again"
        )
    return values
