"""FER2013 and FER+, plain and compressed, found and read as the stages do."""

from __future__ import annotations

import gzip
import lzma
import random
import zipfile
from functools import partial
from pathlib import Path

import numpy as np

from fuzz.changes import BYTES, FILES, TEXT
from fuzz.family import Family
from pipeline.data.expressions import Expressions
from pipeline.data.ferplus import VOTES
from pipeline.data.readers import fer2013
from pipeline.data.sources import Sources, find_sources, record_sources

USAGES = ("Training", "Training", "Training", "PublicTest", "PrivateTest", "PrivateTest")
LABELS = (0, 3, 6, 2, 3, 1)
IMAGES = np.random.default_rng(0).integers(0, 256, (6, 48, 48)).astype(np.uint8)
COUNTS = np.random.default_rng(1).multinomial(10, np.full(10, 0.1), 6)


def _write(folder: Path) -> None:
    pixels = [" ".join(map(str, image.ravel().tolist())) for image in IMAGES]
    rows = [f"{label},{text},{usage}\n" for label, text, usage in zip(LABELS, pixels, USAGES, strict=True)]
    (folder / "fer2013.csv").write_text("emotion,pixels,Usage\n" + "".join(rows))
    votes = [
        f"{usage},fer{number:07}.png,{','.join(map(str, counts))}\n"
        for number, (usage, counts) in enumerate(zip(USAGES, COUNTS, strict=True))
    ]
    (folder / "fer2013new.csv").write_text(f"Usage,Image name,{','.join(VOTES)}\n" + "".join(votes))


def _write_compressed(suffix: str, folder: Path) -> None:
    _write(folder)
    for path in list(folder.iterdir()):
        target = path.with_name(f"{path.name}{suffix}")
        if suffix == ".zip":
            with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
                archive.write(path, path.name)
        else:
            target.write_bytes((gzip if suffix == ".gz" else lzma).compress(path.read_bytes()))
        path.unlink()


def _read(folder: Path) -> Expressions:
    record = folder.parent / "sources.json"
    record_sources(record, find_sources(folder, [fer2013.WANTED]))
    sources = Sources.load(record)
    record.unlink()
    expressions = fer2013.read(sources)
    assert fer2013.account(sources, expressions)
    return expressions


def _check(folder: Path, value: object) -> None:
    assert isinstance(value, Expressions)
    count = len(value)
    assert value.images.dtype == np.uint8
    assert value.images.shape == (count, 48, 48)
    assert value.labels.max() < 7
    assert set(value.split.tolist()) == set(USAGES)
    if value.votes.shape[1]:
        sums = value.votes.sum(axis=1)
        assert ((sums > 0) & (sums <= 10)).all()
    # Votes are absent only where nothing lies in their place.
    names = {f"fer2013new.csv{suffix}" for suffix in ("", ".gz", ".xz", ".zip")}
    assert value.votes.shape[1] or not names & {path.name for path in folder.iterdir()}


def _check_compressed(folder: Path, value: object) -> None:
    """Archives have check sums: what is read is what was written."""
    _check(folder, value)
    assert isinstance(value, Expressions)
    assert np.array_equal(value.images, IMAGES)
    assert tuple(value.labels.tolist()) == LABELS
    assert np.array_equal(value.votes, COUNTS) or not value.votes.shape[1]


def _double_column(rng: random.Random, folder: Path) -> None:
    """A column of a table stands there twice, under its own name or under another's."""
    path = folder / rng.choice(["fer2013.csv", "fer2013new.csv"])
    if path.is_file() and not path.is_symlink() and path.stat().st_mode & 0o400:
        rows = [line.split(",") for line in path.read_text("latin-1").splitlines()]
        column = rng.randrange(max(1, len(rows[0]) if rows else 1))
        doubled = [row[:column] + row[column : column + 1] + row[column:] for row in rows]
        path.write_text("\n".join(map(",".join, doubled)) + "\n", "latin-1")


def _swap_votes(rng: random.Random, folder: Path) -> None:
    """Two rows of votes change places, or one takes another's."""
    path = folder / "fer2013new.csv"
    if path.is_file() and not path.is_symlink() and path.stat().st_mode & 0o400:
        lines = path.read_text("latin-1").splitlines(keepends=True)
        if len(lines) > 3:
            one, other = rng.sample(range(1, len(lines)), 2)
            lines[one], lines[other] = lines[other], rng.choice([lines[one], lines[other]])
        path.write_text("".join(lines), "latin-1")


FAMILIES = (
    Family("fer2013", _write, _read, _check, (*TEXT, *TEXT, *BYTES, *FILES, _double_column, _swap_votes)),
    *(
        Family(
            f"fer2013{suffix}", partial(_write_compressed, suffix), _read, _check_compressed, (*BYTES, *BYTES, *FILES)
        )
        for suffix in (".gz", ".xz", ".zip")
    ),
)
