"""What a classifier says of every row of the data set, as a Parquet table that any tool reads."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow
from pyarrow import parquet

from pipeline.common.files import InputError, whole_file
from pipeline.data.expressions import CLASSES, SPLITS

CHANCES = [f"p_{name}" for name in CLASSES]
COLUMNS = ["row", "split", "twin", "label", "predicted", *CHANCES]

# What a table is read as: whole numbers that are whole, and none missing. A probability that is missing counts as nan.
TYPES = {name: pyarrow.float32() for name in CHANCES} | {"split": pyarrow.string()}
SCHEMA = pyarrow.schema(
    [pyarrow.field(name, TYPES.get(name, pyarrow.int32()), nullable=name in CHANCES) for name in COLUMNS]
)

# How far the probabilities of a row may be off 1 in sum: rounding, not a mistake.
SLACK = 1e-3


@dataclass(frozen=True)
class Predictions:
    """One classifier's answers, a row a row of the data set, in its order.

    Attributes:
        split: (N,), Training, PublicTest or PrivateTest.
        twins: (N,) int32, the group of identical and nearly identical images that each row belongs to.
        labels: (N,) uint8, the true classes.
        chances: (N, 7) float32, the probability of each class.
    """

    split: npt.NDArray[np.str_]
    twins: npt.NDArray[np.int32]
    labels: npt.NDArray[np.uint8]
    chances: npt.NDArray[np.float32]

    def save(self, path: Path) -> None:
        """Write the table whole; `predicted` is the most probable class."""
        columns = {
            "row": np.arange(len(self.labels), dtype=np.int32),
            "split": self.split,
            "twin": self.twins,
            "label": self.labels,
            "predicted": self.chances.argmax(1).astype(np.uint8),
            **dict(zip(CHANCES, self.chances.T, strict=True)),
        }
        with whole_file(path) as part, part.open("wb") as file:
            parquet.write_table(pyarrow.table(columns), file)

    @classmethod
    def load(cls, path: Path) -> Predictions:
        """Read what `save` wrote.

        Raises:
            InputError: the file is missing or damaged, lacks a column, or a row says what no classifier can say.
        """
        try:
            # The file itself, not its name: by name pyarrow would also take a folder, and columns from names in it.
            with path.open("rb") as file:
                table = parquet.read_table(file, columns=COLUMNS).select(COLUMNS).cast(SCHEMA)
            column = {name: table[name].to_numpy() for name in COLUMNS}
        except FileNotFoundError:
            raise InputError(f"{path}: missing; run `dvc repro` to make it") from None
        except PermissionError:
            raise
        except (pyarrow.ArrowException, OSError, ValueError, KeyError, TypeError) as error:
            raise InputError(f"{path}: no table of predictions ({error}); delete it and run `dvc repro`") from None
        split = column["split"].astype(str)
        chances = np.stack([column[name] for name in CHANCES], axis=1)
        if not len(split):
            raise InputError(f"{path}: holds no rows; delete it and run `dvc repro`")
        known = len(CLASSES)
        sums = chances.sum(axis=1, dtype=np.float64)
        for wrong, finding in (
            (column["row"] != np.arange(len(split)), "is numbered otherwise"),
            (~np.isin(split, SPLITS), f"has a split that is not one of {', '.join(SPLITS)}"),
            (column["twin"] < 0, "has a negative twin group"),
            ((column["label"] < 0) | (column["label"] >= known), f"has a label outside 0 to {known - 1}"),
            (~(np.isfinite(chances) & (chances >= 0)).all(axis=1), "has a probability that is negative or no number"),
            (~(np.abs(sums - 1) <= SLACK), "has probabilities that do not sum to 1"),
            (column["predicted"] != chances.argmax(axis=1), "predicts another class than the most probable one"),
        ):
            if wrong.any():
                raise InputError(f"{path}: row {int(wrong.argmax())} {finding}; delete it and run `dvc repro`")
        return cls(split, column["twin"], column["label"].astype(np.uint8), chances)
