"""A data set in fercrop's own format, found and read as the stages do."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from fuzz.changes import BYTES, FILES, on_json
from fuzz.family import Family
from pipeline.data.expressions import About, Expressions
from pipeline.data.readers import prepared
from pipeline.data.sources import Sources, find_sources, record_sources

ROWS = 12
IMAGES = np.random.default_rng(0).integers(0, 256, (ROWS, 16, 16, 3)).astype(np.uint8)


def _write(folder: Path) -> None:
    Expressions(
        About(
            name="mine",
            classes=("calm", "angry", "happy"),
            votes={"calm": "calm", "other": None},
            splits={"one": "train", "two": "test"},
        ),
        IMAGES,
        (np.arange(ROWS) % 3).astype(np.uint8),
        (np.arange(2 * ROWS) % 5).reshape(ROWS, 2).astype(np.uint16),
        np.repeat(["one", "two"], ROWS // 2),
        np.repeat(["anna", "ben", ""], ROWS // 3),
    ).save(folder / "prepared")


def _read(folder: Path) -> Expressions:
    record = folder.parent / "sources.json"
    record_sources(record, find_sources(folder, [prepared.WANTED]))
    sources = Sources.load(record)
    record.unlink()
    expressions = prepared.read(sources)
    for line in prepared.account(sources, expressions):
        assert len(line.encode().splitlines()) == 1
    return expressions


def _check(folder: Path, value: object) -> None:
    assert isinstance(value, Expressions)
    count = len(value)
    assert count
    assert value.images.dtype == np.uint8
    assert value.images.sum() >= 0  # every page of the file that is mapped into memory is there
    assert value.labels.max() < len(value.about.classes)
    assert len(value.labels) == len(value.votes) == len(value.split) == len(value.subject) == count
    assert set(value.split.tolist()) <= {"", *value.about.splits}
    assert value.class_votes.shape == (count, len(value.about.classes))


_JSON = on_json("prepared/about.json")

FAMILIES = (Family("prepared", _write, _read, _check, (*BYTES, *FILES, *[_JSON] * 8)),)
