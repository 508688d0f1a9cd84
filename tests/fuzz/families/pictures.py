"""Data sets of pictures in folders, found and read as the stages do."""

from __future__ import annotations

import random
from functools import partial
from pathlib import Path

import numpy as np
from picture_files import draw, write_picture

from fuzz.changes import BYTES, FILES, TEXT
from fuzz.family import Family
from pipeline.data import readers
from pipeline.data.expressions import Expressions
from pipeline.data.readers.ck_plus import CLASSES
from pipeline.data.readers.jaffe import CODES
from pipeline.data.sources import Sources, find_sources, record_sources

SIDE = 48


def _write_jaffe(folder: Path) -> None:
    for number, code in enumerate(CODES):
        path = folder / f"jaffe/KA.{code}1.{number}.tiff"
        write_picture(path, draw(60, 60, number), mode="P" if number == 2 else "L")


def _write_ck_plus(folder: Path) -> None:
    for number, name in enumerate(CLASSES):
        write_picture(folder / f"ck_plus/{name}/S01{number}_001_00000017.png", draw(SIDE, SIDE, number), mode="L")


def _write_folder(folder: Path) -> None:
    names = ("calm/a.jpg", "calm/b.png", "glad/c.webp", "glad/d.gif")
    for number, name in enumerate(names):
        write_picture(folder / "folder" / name, draw(40 + number, 50, number))
    rows = "".join(f"{name},person {number}\n" for number, name in enumerate(names))
    (folder / "folder/subjects.csv").write_text(f"file,subject\n{rows}")


def _read(name: str, folder: Path) -> Expressions:
    record = folder.parent / "sources.json"
    record_sources(record, find_sources(folder, [readers.reader(name).WANTED]))
    sources = Sources.load(record)
    record.unlink()
    settings = {} if name == "ck_plus" else {"side": SIDE}
    expressions = readers.read(name, sources, readers.settings_of(name).model_validate(settings))
    assert readers.reader(name).account(sources, expressions)
    return expressions


def _check(folder: Path, value: object) -> None:
    assert isinstance(value, Expressions)
    count = len(value)
    assert value.images.dtype == np.uint8
    assert value.images.shape[:3] == (count, SIDE, SIDE)
    assert (value.labels < len(value.about.classes)).all()
    assert len(value.subject) == len(value.split) == len(value.labels) == count
    assert len(set(value.about.classes)) == len(value.about.classes)


def _rename(rng: random.Random, folder: Path) -> None:
    """A file or a folder has another name."""
    paths = sorted(path for path in folder.rglob("*") if path.name != folder.name)
    if paths:
        path = rng.choice(paths)
        name = rng.choice(["x", f"{path.name} copy", path.name.swapcase(), f".{path.name}", "ä\n"])
        if not path.with_name(name).exists():
            path.rename(path.with_name(name))


FAMILIES = tuple(
    Family(name, write, partial(_read, name), _check, (*changes, *FILES, _rename))
    for name, write, changes in (
        ("jaffe", _write_jaffe, BYTES),
        ("ck_plus", _write_ck_plus, BYTES),
        ("folder", _write_folder, (*BYTES, *TEXT)),
    )
)
