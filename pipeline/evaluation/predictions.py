"""What a cell's networks say of every row of the data set, as a Parquet table that any tool reads."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow
from pyarrow import parquet

from pipeline.common.files import InputError, whole_file
from pipeline.common.given import open_given
from pipeline.data.roles import NO_FOLD, OUTSIDE, ROLES

# How far the probabilities of a row may be off 1 in sum: rounding, not a mistake.
SLACK = 1e-3

PREFIX = "p_"  # of the columns with the probability of each class

TYPES = {
    "row": pyarrow.int32(),
    "role": pyarrow.string(),
    "fold": pyarrow.int32(),
    "twin": pyarrow.int32(),
    "group": pyarrow.int32(),
    "unique": pyarrow.bool_(),
    "label": pyarrow.int32(),
    "predicted": pyarrow.int32(),
    "fell_back": pyarrow.bool_(),
}


@dataclass(frozen=True)
class Predictions:
    """The answers of one cell: one a row of the data set, in its order, and those of an outside one behind them.

    Of a split in folds these are the answers of the networks that each row is tested by, and behind all of them follow
    those of the networks that each row is validated by.

    Attributes:
        classes: their names.
        row: (M,) int32, which row of the data set.
        role: (M,), in which role it was asked of, see `data.roles`.
        fold: (M,) int32, which fold's network was asked, see `answer_rows`.
        twins: (M,) int32, the group of identical and nearly identical images that each row belongs to.
        groups: (M,) int32, which rows stand or fall together, see `answer_rows.chance_groups`.
        unique: (M,), whether it has no twin that the answer may owe to memory, see `answer_rows`.
        labels: (M,) uint8, the true classes.
        fell_back: (M,), True where the image was kept whole.
        probabilities: (M, classes) float32.
    """

    classes: tuple[str, ...]
    row: npt.NDArray[np.int32]
    role: npt.NDArray[np.str_]
    fold: npt.NDArray[np.int32]
    twins: npt.NDArray[np.int32]
    groups: npt.NDArray[np.int32]
    unique: npt.NDArray[np.bool_]
    labels: npt.NDArray[np.uint8]
    fell_back: npt.NDArray[np.bool_]
    probabilities: npt.NDArray[np.float32]

    def save(self, path: Path) -> None:
        """Write the table whole; `predicted` is the most probable class."""
        columns = {
            "row": self.row,
            "role": self.role,
            "fold": self.fold,
            "twin": self.twins,
            "group": self.groups,
            "unique": self.unique,
            "label": self.labels,
            "predicted": self.probabilities.argmax(1).astype(np.uint8),
            "fell_back": self.fell_back,
            **{f"{PREFIX}{name}": values for name, values in zip(self.classes, self.probabilities.T, strict=True)},
        }
        with whole_file(path) as file:
            parquet.write_table(pyarrow.table(columns), file)

    @classmethod
    def load(cls, path: Path) -> Predictions:
        """Read what `save` wrote.

        Raises:
            InputError: the file is missing or damaged, lacks a column, or a row says what no classifier can say.
        """
        remedy = "delete it and run `dvc repro`"
        earlier = False
        try:
            # The file itself, not its name: by name pyarrow would also take a folder, and columns from names in it.
            with open_given(path, "run `dvc repro` to make it") as file:
                table = parquet.read_table(file)
            earlier = "split" in table.column_names and "role" not in table.column_names
            names = [name for name in table.column_names if name.startswith(PREFIX)]
            fields = [pyarrow.field(name, kind, nullable=False) for name, kind in TYPES.items()]
            # A probability that is missing counts as nan.
            schema = pyarrow.schema([*fields, *(pyarrow.field(name, pyarrow.float32()) for name in names)])
            table = table.select(schema.names).cast(schema)
            column = {name: table[name].to_numpy() for name in schema.names}
        except (InputError, PermissionError):
            raise
        except (pyarrow.ArrowException, OSError, ValueError, KeyError, TypeError) as error:
            reason = "of an earlier version (see CHANGELOG.md)" if earlier else f"no table of predictions ({error})"
            raise InputError(f"{path}: {reason}; {remedy}") from None
        if len(names) < 2:
            raise InputError(f"{path}: has the probabilities of {len(names)} classes; {remedy}")
        if not len(table):
            raise InputError(f"{path}: holds no rows; {remedy}")
        probabilities = np.stack([column[name] for name in names], axis=1)
        known = len(names)
        sums = probabilities.sum(axis=1, dtype=np.float64)
        row, role = column["row"], column["role"].astype(str)
        valid = (np.isfinite(probabilities) & (probabilities >= 0)).all(axis=1)
        for wrong, finding in (
            (_misnumbered(row), "is numbered otherwise"),
            (~np.isin(role, [*ROLES, OUTSIDE]), f"has a role that is not one of {', '.join([*ROLES, OUTSIDE])}"),
            ((row != np.arange(len(table))) & (role != "validation"), "stands twice and is not of validation"),
            (column["fold"] < NO_FOLD, "has a negative fold"),
            (column["twin"] < 0, "has a negative twin group"),
            (column["group"] < 0, "has a negative group"),
            ((column["label"] < 0) | (column["label"] >= known), f"has a label outside 0 to {known - 1}"),
            (~valid, "has a probability that is negative or no number"),
            (~(np.abs(sums - 1) <= SLACK), "has probabilities that do not sum to 1"),
            (column["predicted"] != probabilities.argmax(axis=1), "predicts another class than the most probable one"),
        ):
            if wrong.any():
                raise InputError(f"{path}: row {int(wrong.argmax())} {finding}; {remedy}")
        return cls(
            tuple(name.removeprefix(PREFIX) for name in names),
            row,
            role,
            column["fold"],
            column["twin"],
            column["group"],
            column["unique"],
            column["label"].astype(np.uint8),
            column["fell_back"],
            probabilities,
        )


def _misnumbered(row: npt.NDArray[np.int32]) -> npt.NDArray[np.bool_]:
    """Which answers are not where they should be: rows from 0, and behind all of them some once more, ascending."""
    place = np.arange(len(row))
    once = len(np.unique(row))
    backwards = np.diff(row, prepend=-1) <= 0
    backwards[once : once + 1] = False
    return np.where(place < once, row != place, backwards)
