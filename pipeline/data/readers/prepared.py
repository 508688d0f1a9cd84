"""A data set that is already in fercrop's own format: the folder `prepared`, as `Expressions.save` writes it.

Whoever has a data set in a form that no reader knows can bring it so, with any tool that writes NumPy and Parquet
files: `docs/data_formats.md` has the columns.
"""

from __future__ import annotations

from collections import Counter
from functools import partial
from pathlib import Path

from pipeline.common.files import InputError
from pipeline.data.expressions import Expressions, load
from pipeline.data.sources import Found, Sources, Wanted

FILES = ("about.json", "images.npy", "rows.parquet")


def find(folder: Path) -> dict[str, Found]:
    """The data set in a folder; empty if it is not there."""
    path = folder / "prepared"
    if not path.is_dir():
        return {}
    return {"expressions": Found(path, partial(_files, path))}


WANTED = Wanted("a folder prepared with about.json, images.npy and rows.parquet, as docs/data_formats.md says", find)


def read(sources: Sources) -> Expressions:
    """Read what `find` found.

    Raises:
        InputError: a file is missing or damaged, or says what cannot be.
    """
    return Expressions(**load(sources.path("expressions"), {}, "write it as docs/data_formats.md says")[0])


def account(sources: Sources, expressions: Expressions) -> list[str]:
    """How many images there are in each of the set's splits."""
    there = Counter(expressions.split.tolist())
    splits = ", ".join(f"{there[name]:,} {name}" for name in expressions.about.splits)
    return [f"{expressions.about.name}: {len(expressions):,} images" + (f" ({splits})" if splits else "")]


def _files(folder: Path) -> list[Path]:
    for name in FILES:
        if not (folder / name).is_file():
            raise InputError(f"{folder / name}: missing; write it as docs/data_formats.md says")
    return [folder / name for name in FILES]
