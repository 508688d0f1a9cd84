"""What a classifier says of every row of the data set, as a Parquet table that any tool reads."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import pyarrow
from pyarrow import parquet

from pipeline.expressions import CLASSES
from pipeline.files import InputError, whole_file

if TYPE_CHECKING:
    import pandas as pd

CHANCES = [f"p_{name}" for name in CLASSES]
COLUMNS = ["row", "split", "twin", "label", "predicted", *CHANCES]


def save_predictions(
    path: Path,
    split: npt.NDArray[np.str_],
    twins: npt.NDArray[np.int32],
    labels: npt.NDArray[np.uint8],
    chances: npt.NDArray[np.float32],
) -> None:
    """Write one line a row of the data set, in its order.

    Args:
        split: (N,) Training, PublicTest or PrivateTest.
        twins: (N,) the group of identical and nearly identical images that each row belongs to.
        labels: (N,) the true classes.
        chances: (N, 7) the probability of each class.
    """
    columns = {
        "row": np.arange(len(labels), dtype=np.int32),
        "split": split,
        "twin": twins,
        "label": labels,
        "predicted": chances.argmax(1).astype(np.uint8),
        **dict(zip(CHANCES, chances.T, strict=True)),
    }
    with whole_file(path) as part, part.open("wb") as file:
        parquet.write_table(pyarrow.table(columns), file)


def load_predictions(path: Path) -> pd.DataFrame:
    """Read what `save_predictions` wrote.

    Raises:
        InputError: the file is missing, damaged, or lacks a column.
    """
    try:
        table: pd.DataFrame = parquet.read_table(path, columns=COLUMNS).to_pandas()
        return table
    except FileNotFoundError:
        raise InputError(f"{path}: missing; run `dvc repro` to make it") from None
    except (pyarrow.ArrowException, OSError, ValueError) as error:
        raise InputError(f"{path}: no table of predictions ({error}); delete it and run `dvc repro`") from None
