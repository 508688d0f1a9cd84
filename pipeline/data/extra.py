"""More images of some classes, to train on only: `data/raw/extra/SUB_FOLDER/*`, of any format, size and colour.

What reads pictures is imported only where it is needed: every stage reads the settings.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Annotated, Literal

import numpy as np
from pydantic import Field

from pipeline.common.arrays import mapped
from pipeline.common.files import InputError
from pipeline.common.settings import Section
from pipeline.data.expressions import Expressions
from pipeline.data.roles import EXTRA
from pipeline.data.sources import Found, Sources, Wanted


class Extra(Section):
    """Attributes:
    classes: of each sub-folder the class, as the data set calls it.
    cut: see `pictures.read_squares`.
    """

    classes: Annotated[dict[str, str], Field(min_length=1)]
    cut: Literal["centre", "face"] = "centre"


def wanted(extra: Extra) -> Wanted:
    """What is looked for."""

    def find(folder: Path) -> dict[str, Found]:
        path = folder / "extra"
        return {"extra": Found(path, lambda: [file for _, file in _files(path, extra)])} if path.is_dir() else {}

    return Wanted("a folder extra with the sub-folders that data.extra names, as docs/your_images.md says", find)


def add_extra(expressions: Expressions, sources: Sources, extra: Extra) -> Expressions:
    """A data set with the images of a folder behind its own, at its side and in its colours; for `train` alone.

    Args:
        sources: what `wanted` found.

    Raises:
        InputError: the data set has no such class, a sub-folder is not there, or a picture cannot be read.
    """
    from pipeline.data.pictures import read_squares

    about = expressions.about
    strange = next((name for name in extra.classes.values() if name not in about.classes), None)
    if strange is not None:
        known = ", ".join(about.classes)
        raise InputError(f"params.yaml: data.extra.classes: {about.name} has no class {strange!r}; may be {known}")
    found = _files(sources.path("extra"), extra)
    squares, _ = read_squares([file for _, file in found], expressions.side, expressions.channels == 3, extra.cut)
    count = len(found)
    labels = np.array([about.classes.index(name) for name, _ in found], np.uint8)
    return replace(
        expressions,
        about=about.model_copy(update={"splits": {**about.splits, EXTRA: "train"}}),
        images=mapped([expressions.images, squares], expressions.images.shape[1:]),
        labels=np.concatenate([expressions.labels, labels]),
        votes=np.concatenate([expressions.votes, np.zeros((count, expressions.votes.shape[1]), np.uint16)]),
        split=np.concatenate([expressions.split, np.full(count, EXTRA)]),
        subject=np.concatenate([expressions.subject, np.full(count, "")]),
    )


def _files(path: Path, extra: Extra) -> list[tuple[str, Path]]:
    """Each picture with its class."""
    from pipeline.data.pictures import list_classes

    parts = list_classes(path, least=1)
    absent = next((name for name in extra.classes if name not in parts), None)
    if absent is not None:
        raise InputError(f"{path / absent}: missing; put the pictures there, or change data.extra in params.yaml")
    return [(name, file) for part, name in extra.classes.items() for file in parts[part]]
