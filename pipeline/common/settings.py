"""What all settings that users write have in common, and how they are read; each stands with what it describes."""

from __future__ import annotations

import warnings
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field
from ruamel.yaml import YAML  # DVC's own reader, so that both read the same file alike (1e-3 is a number, say)
from ruamel.yaml.error import YAMLError, YAMLWarning
from ruamel.yaml.events import AliasEvent, CollectionEndEvent, CollectionStartEvent, Event, ScalarEvent

from pipeline.common.files import InputError
from pipeline.common.given import read_given

MAX_BYTES = 1 << 17  # of a file
MAX_DEPTH = 50  # lists and sections within each other
MAX_VALUES = 100_000  # with aliases written out
MAX_SCALAR = 1_000  # characters of a value

# YAML's own errors, and what values that are no values make Python raise, such as the date 2020-13-45 or `!!int abc`.
REFUSALS: tuple[type[Exception], ...] = (
    YAMLError,
    YAMLWarning,
    ValueError,
    TypeError,
    LookupError,
    AttributeError,
    ArithmeticError,
    RecursionError,
)


class Section(BaseModel):
    """A part of the file: no unknown keys, no silent conversion of types."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, allow_inf_nan=False)


Fraction = Annotated[float, Field(ge=0, le=1)]


def read_yaml(path: Path, remedy: str) -> Any:
    """Read settings; `remedy` says what to do if there is no such file.

    Raises:
        InputError: it is missing, no file, no YAML, or beyond the limits above.
    """
    content = read_given(path, remedy, MAX_BYTES)
    try:
        text = content.decode()
        with warnings.catch_warnings():
            warnings.simplefilter("error", YAMLWarning)  # of an anchor that stands twice, say
            _bound(YAML(typ="safe").parse(text))
            return YAML(typ="safe").load(text)
    except REFUSALS as error:
        raise InputError(f"{path}: not valid YAML: {' '.join(str(error).split())}") from None


def _bound(events: Iterable[Event]) -> None:
    """Raise ValueError if the content is too deep or too much, written out."""
    sizes: dict[str, int] = {}  # of what has an anchor, once it is complete
    open_: list[tuple[str | None, int]] = []  # anchors of what is not complete, and how many values came before it
    total = 0
    for event in events:
        if isinstance(event, AliasEvent):
            if any(anchor == event.anchor for anchor, _ in open_):
                raise ValueError(f"the alias {event.anchor} stands within what it names")
            total += sizes.get(event.anchor, 1)  # that there is no such anchor is said when it is loaded
        elif isinstance(event, ScalarEvent):
            if len(event.value) > MAX_SCALAR:
                raise ValueError(f"a value of {len(event.value):,} characters; {MAX_SCALAR:,} are the most")
            total += 1
            if event.anchor:
                sizes[event.anchor] = 1
        elif isinstance(event, CollectionStartEvent):
            open_.append((event.anchor, total))
            total += 1
        elif isinstance(event, CollectionEndEvent):
            anchor, before = open_.pop()
            if anchor:
                sizes[anchor] = total - before
        if total > MAX_VALUES or len(open_) > MAX_DEPTH:
            raise ValueError(f"more than {MAX_VALUES:,} values, or more than {MAX_DEPTH} within each other")
