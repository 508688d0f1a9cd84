"""What a classifier says of every row of the data set, as a Parquet table that any tool reads."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd
from pyarrow import ArrowException

from pipeline.expressions import CLASSES
from pipeline.files import InputError, whole_file

CHANCES = [f"p_{name}" for name in CLASSES]
COLUMNS = ["row", "split", "label", "predicted", *CHANCES]


def save_predictions(
    path: Path, split: npt.NDArray[np.str_], labels: npt.NDArray[np.uint8], chances: npt.NDArray[np.float32]
) -> None:
    """Write one line a row of the data set, in its order.

    Args:
        split: (N,) Training, PublicTest or PrivateTest.
        labels: (N,) the true classes.
        chances: (N, 7) the probability of each class.
    """
    table = pd.DataFrame(chances, columns=CHANCES)
    table.insert(0, "row", np.arange(len(table), dtype=np.int32))
    table.insert(1, "split", pd.Series(split, dtype="str"))
    table.insert(2, "label", labels)
    table.insert(3, "predicted", chances.argmax(1).astype(np.uint8))
    with whole_file(path) as part, part.open("wb") as file:
        table.to_parquet(file, index=False)


def load_predictions(path: Path) -> pd.DataFrame:
    """Read what `save_predictions` wrote.

    Raises:
        InputError: the file is missing, damaged, or lacks a column.
    """
    try:
        return pd.read_parquet(path, columns=COLUMNS)
    except FileNotFoundError:
        raise InputError(f"{path}: missing; run `dvc repro` to make it") from None
    except (ArrowException, OSError, ValueError) as error:
        raise InputError(f"{path}: no table of predictions ({error}); delete it and run `dvc repro`") from None
