"""An outside test set: another data set, below `data/raw/outside`, that everything that was trained is scored on too.

Its images stand behind the data set's own, so that they are located, cut and looked at as these are, and nothing else.
"""

from __future__ import annotations

from dataclasses import replace
from itertools import chain
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import numpy.typing as npt
from pydantic import Field, ValidationInfo, field_validator

from pipeline.common.arrays import mapped
from pipeline.common.files import InputError
from pipeline.common.records import Record
from pipeline.common.settings import Section
from pipeline.data import readers
from pipeline.data.expressions import Expressions
from pipeline.data.roles import OUTSIDE
from pipeline.data.sources import Found, Sources, Wanted

PREFIX = "outside_"  # of its parts among the sources


class Taken(Record):
    """`outside.json` of the stage prepare_expressions: what was taken of an outside data set.

    Attributes:
        name: of the data set.
        images: by its own classes.
        scored_as: by its own classes, the one of the data set that is trained on, or None where it has none for them
            and their images were left out.
    """

    name: str
    images: dict[str, int]
    scored_as: dict[str, str | None]


class Outside(Section):
    """Attributes:
    expressions: its reader.
    settings: the reader's own.
    classes: of each of its classes the one of the data set that it is scored as; one that is not named keeps its name.
        What the data set has no class for is left out.
    """

    expressions: str
    settings: Annotated[Any, Field(validate_default=True)] = {}
    classes: dict[str, str] = {}

    @field_validator("expressions")
    @classmethod
    def _is_a_reader(cls, name: str) -> str:
        return readers.known(name)

    @field_validator("settings", mode="before")
    @classmethod
    def _are_the_readers(cls, settings: Any, info: ValidationInfo) -> Any:
        name = info.data.get("expressions")
        return readers.settings_of(name).model_validate(settings) if name else settings


def wanted(outside: Outside) -> Wanted:
    """What is looked for."""
    inner = readers.reader(outside.expressions).WANTED

    def find(folder: Path) -> dict[str, Found]:
        return {f"{PREFIX}{name}": part for name, part in inner.find(folder / "outside").items()}

    return Wanted(f"in the folder outside {inner.get}", find)


def add_outside(expressions: Expressions, sources: Sources, outside: Outside) -> tuple[Expressions, Taken]:
    """A data set with the images of another behind its own, at its side and in its colours, and what was taken.

    Args:
        sources: what `wanted` found.

    Raises:
        InputError: a class is named that one of the two has not, none of their classes is the same, or see the reader.
    """
    paths = {name.removeprefix(PREFIX): path for name, path in sources.paths.items() if name.startswith(PREFIX)}
    found = readers.read(outside.expressions, Sources(paths), outside.settings)
    here, there = expressions.about.classes, found.about.classes
    for where, known, named in (
        (found.about.name, there, outside.classes.keys()),
        (expressions.about.name, here, outside.classes.values()),
    ):
        strange = next((name for name in named if name not in known), None)
        if strange is not None:
            known_names = ", ".join(known)
            raise InputError(
                f"params.yaml: data.outside.classes: {where} has no class {strange!r}; may be {known_names}"
            )
    scored_as = [outside.classes.get(name, name) for name in there]
    kept = np.flatnonzero(np.isin(np.array(scored_as)[found.labels], here))
    if not len(kept):
        raise InputError(
            f"params.yaml: data.outside.classes: no class of {found.about.name} is one of {expressions.about.name}; "
            f"name some of {', '.join(there)}"
        )
    labels = np.array([here.index(scored_as[label]) for label in found.labels[kept]], np.uint8)
    counts = np.bincount(found.labels, minlength=len(there))
    taken = Taken(
        name=found.about.name,
        images={name: int(many) for name, many in zip(there, counts, strict=True)},
        scored_as={name: of if of in here else None for name, of in zip(there, scored_as, strict=True)},
    )
    return _behind(expressions, found, kept, labels), taken


def _behind(
    expressions: Expressions, found: Expressions, kept: npt.NDArray[np.intp], labels: npt.NDArray[np.uint8]
) -> Expressions:
    """A data set with these rows of another behind its own, under its own labels."""
    return replace(
        expressions,
        about=expressions.about.model_copy(update={"splits": {**expressions.about.splits, OUTSIDE: "unused"}}),
        images=mapped(
            chain([expressions.images], (_alike(found.images[row], expressions) for row in kept)),
            expressions.images.shape[1:],
        ),
        labels=np.concatenate([expressions.labels, labels]),
        votes=np.concatenate([expressions.votes, np.zeros((len(kept), expressions.votes.shape[1]), np.uint16)]),
        split=np.concatenate([expressions.split, np.full(len(kept), OUTSIDE)]),
        subject=np.concatenate([expressions.subject, found.subject[kept]]),
    )


def _alike(image: npt.NDArray[np.uint8], expressions: Expressions) -> npt.NDArray[np.uint8]:
    """An image at a data set's side and in its colours."""
    from pipeline.data.grey import to_grey
    from pipeline.data.pictures import resized

    if expressions.channels == 1:
        image = to_grey(image[None])[0]
    elif image.ndim == 2:
        image = np.repeat(image[..., None], 3, axis=-1)
    return resized(image, expressions.side)
