"""What a classifier says of every row of the data set, as a Parquet table that any tool reads."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow
from pyarrow import parquet

from pipeline.common.files import InputError, whole_file
from pipeline.common.given import open_given
from pipeline.data.roles import ROLES

# How far the probabilities of a row may be off 1 in sum: rounding, not a mistake.
SLACK = 1e-3

PREFIX = "p_"  # of the columns with the probability of each class

TYPES = {
    "row": pyarrow.int32(),
    "role": pyarrow.string(),
    "twin": pyarrow.int32(),
    "label": pyarrow.int32(),
    "predicted": pyarrow.int32(),
    "fell_back": pyarrow.bool_(),
}


@dataclass(frozen=True)
class Predictions:
    """One classifier's answers, a row a row of the data set, in its order.

    Attributes:
        classes: their names.
        role: (N,), what each row is for, see `data.roles`.
        twins: (N,) int32, the group of identical and nearly identical images that each row belongs to.
        labels: (N,) uint8, the true classes.
        fell_back: (N,), True where the image was kept whole.
        probabilities: (N, classes) float32.
    """

    classes: tuple[str, ...]
    role: npt.NDArray[np.str_]
    twins: npt.NDArray[np.int32]
    labels: npt.NDArray[np.uint8]
    fell_back: npt.NDArray[np.bool_]
    probabilities: npt.NDArray[np.float32]

    def save(self, path: Path) -> None:
        """Write the table whole; `predicted` is the most probable class."""
        columns = {
            "row": np.arange(len(self.labels), dtype=np.int32),
            "role": self.role,
            "twin": self.twins,
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
        valid = (np.isfinite(probabilities) & (probabilities >= 0)).all(axis=1)
        for wrong, finding in (
            (column["row"] != np.arange(len(table)), "is numbered otherwise"),
            (~np.isin(column["role"].astype(str), ROLES), f"has a role that is not one of {', '.join(ROLES)}"),
            (column["twin"] < 0, "has a negative twin group"),
            ((column["label"] < 0) | (column["label"] >= known), f"has a label outside 0 to {known - 1}"),
            (~valid, "has a probability that is negative or no number"),
            (~(np.abs(sums - 1) <= SLACK), "has probabilities that do not sum to 1"),
            (column["predicted"] != probabilities.argmax(axis=1), "predicts another class than the most probable one"),
        ):
            if wrong.any():
                raise InputError(f"{path}: row {int(wrong.argmax())} {finding}; {remedy}")
        return cls(
            tuple(name.removeprefix(PREFIX) for name in names),
            column["role"].astype(str),
            column["twin"],
            column["label"].astype(np.uint8),
            column["fell_back"],
            probabilities,
        )
