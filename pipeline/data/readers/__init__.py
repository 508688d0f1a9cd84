"""Readers of expression data sets, one module a format, found by its name.

A reader says what it looks for (`WANTED`, see `data.sources`), reads it (`read`) and says how much of it is there
(`account`). One that has settings of its own has a class `Settings`, and its `read` takes them too. To add one, add a
module.
"""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import Any, Protocol, cast

from pipeline.common.settings import Section
from pipeline.data.expressions import Expressions
from pipeline.data.sources import Sources, Wanted


class Reader(Protocol):
    """A module of this package."""

    WANTED: Wanted

    def read(self, sources: Sources, *settings: Section) -> Expressions:
        """Read what `WANTED` found. Raises InputError with one line for what is wrong in which file and row."""
        ...

    def account(self, sources: Sources, expressions: Expressions) -> list[str]:
        """What was read, beside what was published where that is known, a line each."""
        ...


def names() -> list[str]:
    """The readers that there are."""
    return sorted(path.stem for path in Path(__file__).parent.glob("*.py") if path.stem != "__init__")


def reader(name: str) -> Reader:
    """The reader of this name, one of `names`."""
    return cast(Reader, import_module(f"{__name__}.{name}"))


def known(name: str) -> str:
    """The name, if there is such a reader; else ValueError with those that there are."""
    if name not in names():
        raise ValueError(f"must be one of {', '.join(names())}")
    return name


def settings_of(name: str) -> type[Section]:
    """The kind of settings that a reader has; of most, none."""
    kind: type[Section] = getattr(reader(name), "Settings", Section)
    return kind


def read(name: str, sources: Sources, settings: Section) -> Expressions:
    """Read a data set.

    Args:
        name: of the reader.
        sources: what its `WANTED` found.
        settings: of the kind `settings_of(name)`.

    Raises:
        InputError: one line for what is wrong in which file and row.
    """
    found = reader(name)
    own: Any = () if settings_of(name) is Section else (settings,)
    return found.read(sources, *own)
