"""An expression data set: images, what they express, and all that is known of each of them.

On disk it is a folder of three files that any tool reads: `images.npy`, which is mapped into memory and read in parts,
`rows.parquet`, a row an image, and `about.json`, what the set says of itself. Nothing but a set's reader knows its
classes, its side or the names of its splits.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import pyarrow
from pyarrow import parquet
from pydantic import Field

from pipeline.common.files import InputError, whole_folder, write_json
from pipeline.common.given import open_given
from pipeline.common.records import Record, read_record

Role = Literal["train", "validation", "test", "unused"]

MAX_CLASSES = 256  # labels are uint8

REMEDY = "delete its folder and run `dvc repro`"


class About(Record):
    """What a data set says of itself.

    Attributes:
        name: of the data set.
        classes: the names of the expressions, in the order of their labels.
        votes: where people voted on every image, what they could choose, and which class each choice is for, if any.
        no_face: which of these choices says that there is no face, if any.
        splits: the names of the published splits, and what each is for; empty if none is published.
    """

    name: str
    classes: tuple[str, ...] = Field(min_length=2, max_length=MAX_CLASSES, strict=False)
    votes: dict[str, str | None] = {}
    no_face: str | None = None
    splits: dict[str, Role] = {}


@dataclass(frozen=True)
class Expressions:
    """Face images and what they express, in the order of the published file.

    Attributes:
        about: classes and their names, kinds of votes, published splits.
        images: (N, side, side), grey, or (N, side, side, 3), RGB; mapped into memory if they come from a file.
        labels: (N,), an index into `about.classes`.
        votes: (N, choices), how many people made each choice of `about.votes`; all 0 where nobody voted.
        split: (N,), the published split; empty if there is none.
        subject: (N,), who is shown; empty where it is not known.
    """

    about: About
    images: npt.NDArray[np.uint8]
    labels: npt.NDArray[np.uint8]
    votes: npt.NDArray[np.uint16]
    split: npt.NDArray[np.str_]
    subject: npt.NDArray[np.str_]

    def __len__(self) -> int:
        return len(self.images)

    @property
    def side(self) -> int:
        """Of an image, in pixels."""
        return int(self.images.shape[1])

    @property
    def channels(self) -> int:
        """1 for grey images, 3 for colour."""
        return int(self.images.shape[3]) if self.images.ndim == 4 else 1

    @property
    def class_votes(self) -> npt.NDArray[np.uint16]:
        """How many people chose each class, (N, classes); votes for none of the classes are left out."""
        counts = np.zeros((len(self), len(self.about.classes)), np.uint16)
        for column, name in enumerate(self.about.votes.values()):
            if name is not None:
                counts[:, self.about.classes.index(name)] += self.votes[:, column]
        return counts

    def save(self, folder: Path) -> None:
        """Write the folder whole."""
        with whole_folder(folder) as part:
            save_images(part, [self.images], self.images.shape)
            save_rows(part, self.about, self.columns())

    def columns(self) -> dict[str, npt.NDArray[Any]]:
        """The table of rows, without the images."""
        votes = {f"votes_{name}": self.votes[:, column] for column, name in enumerate(self.about.votes)}
        return {"label": self.labels, "split": self.split, "subject": self.subject, **votes}

    @classmethod
    def load(cls, folder: Path) -> Expressions:
        """Read what `save` wrote; the images are read when they are used.

        Raises:
            InputError: a file is missing, damaged or of another kind, or a value cannot be.
        """
        return cls(**load(folder, {})[0])


# The table's own columns, by their types.
COLUMNS: dict[str, pyarrow.DataType] = {
    "label": pyarrow.uint8(),
    "split": pyarrow.string(),
    "subject": pyarrow.string(),
}


def save_images(folder: Path, blocks: Iterable[npt.NDArray[np.uint8]], shape: tuple[int, ...]) -> None:
    """Write `images.npy` of this shape block by block, so that they need not be in memory together."""
    images = np.lib.format.open_memmap(folder / "images.npy", mode="w+", dtype=np.uint8, shape=shape)
    start = 0
    for block in blocks:
        images[start : start + len(block)] = block
        start += len(block)
    if start != len(images):
        raise ValueError(f"{start} images instead of {len(images)}")
    images.flush()


def save_rows(folder: Path, about: About, columns: Mapping[str, npt.NDArray[Any]]) -> None:
    """Write `rows.parquet` and `about.json`."""
    with (folder / "rows.parquet").open("wb") as file:
        parquet.write_table(pyarrow.table(dict(columns)), file)
    write_json(folder / "about.json", about.model_dump(mode="json"))


def load(
    folder: Path, more: Mapping[str, pyarrow.DataType], remedy: str = REMEDY
) -> tuple[dict[str, Any], dict[str, npt.NDArray[Any]]]:
    """Read a folder that holds an expression data set.

    Args:
        folder: with `images.npy`, `rows.parquet` and `about.json`.
        more: columns to read beside those of every data set.
        remedy: what to do if something is wrong.

    Returns:
        the arguments of `Expressions`, and the further columns.

    Raises:
        InputError: see `Expressions.load`.
    """
    about = read_record(About, folder / "about.json", remedy)
    _check_about(folder / "about.json", about, remedy)
    images = _map_images(folder / "images.npy", remedy)
    path = folder / "rows.parquet"
    wanted = {**COLUMNS, **{f"votes_{name}": pyarrow.uint16() for name in about.votes}, **more}
    column = read_columns(path, wanted, remedy)
    known = len(about.classes)
    for wrong, finding in (
        (len(column["label"]) != len(images), f"has {len(column['label']):,} rows for {len(images):,} images"),
        (not len(images), "holds no rows"),
        ((column["label"] >= known).any(), f"has a label that is not below {known}, the number of classes"),
        (not np.isin(column["split"], ["", *about.splits]).all(), "has a split that about.json does not name"),
    ):
        if wrong:
            raise InputError(f"{path}: {finding}; {remedy}")
    votes = [column[f"votes_{name}"] for name in about.votes]
    rows = {
        "about": about,
        "images": images,
        "labels": column["label"],
        "votes": np.stack(votes, axis=1) if votes else np.zeros((len(images), 0), np.uint16),
        "split": column["split"],
        "subject": column["subject"],
    }
    return rows, {name: column[name] for name in more}


def read_columns(path: Path, wanted: Mapping[str, pyarrow.DataType], remedy: str) -> dict[str, npt.NDArray[Any]]:
    """Columns of a Parquet table, each of the type that is wanted and without missing values.

    Raises:
        InputError: the file is missing or damaged, lacks a column, or one is of another type.
    """
    try:
        # The file itself, not its name: by name pyarrow would also take a folder, and columns from names in it.
        with open_given(path, remedy) as file:
            schema = pyarrow.schema([pyarrow.field(name, kind, nullable=False) for name, kind in wanted.items()])
            table = parquet.read_table(file, columns=list(wanted)).select(list(wanted)).cast(schema)
        arrays = {name: table[name].to_numpy() for name in wanted}  # which fails for text that is no UTF-8
    except (InputError, PermissionError):
        raise
    except (pyarrow.ArrowException, OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(f"{path}: no table of an expression data set ({error}); {remedy}") from None
    return {name: array.astype(str) if array.dtype == object else array for name, array in arrays.items()}


def _map_images(path: Path, remedy: str) -> npt.NDArray[np.uint8]:
    open_given(path, remedy).close()
    try:
        # Copy on write: torch takes no array that cannot be written to. Nothing is ever written.
        images = np.lib.format.open_memmap(path, mode="c")
    except (PermissionError, MemoryError):
        raise
    except Exception as error:  # NumPy parses the header as Python, which raises errors of many kinds
        raise InputError(f"{path}: no array of images ({error}); {remedy}") from None
    shape = images.shape
    square = len(shape) >= 3 and shape[1] == shape[2] > 0
    if images.dtype != np.uint8 or not square or shape[3:] not in ((), (3,)):
        raise InputError(
            f"{path}: is {images.dtype} {shape}, not uint8 (images, side, side) or (images, side, side, 3); {remedy}"
        )
    return np.asarray(images)


def _check_about(path: Path, about: About, remedy: str) -> None:
    """Make sure that the names in `about.json` fit together."""
    chosen = [name for name in about.votes.values() if name is not None]
    for wrong, finding in (
        (len(set(about.classes)) < len(about.classes), "classes: a name stands twice"),
        (not all(name.strip() for name in about.classes), "classes: a name is empty"),
        (bool(set(chosen) - set(about.classes)), "votes: name a class that classes does not have"),
        (about.no_face is not None and about.no_face not in about.votes, "no_face: is not among votes"),
    ):
        if wrong:
            raise InputError(f"{path}: {finding}; {remedy}")
