"""Rows of FER2013 read per second: fercrop's reader, and pandas with a number parsed at a time."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd

from benchmarks import side_by_side
from pipeline.data.readers.fer2013 import read_fer2013
from pipeline.data.sources import Sources
from pipeline.params import load_params

ROUNDS = 3


def row_by_row(csv: Path) -> npt.NDArray[np.uint8]:
    """As most public code does it."""
    table = pd.read_csv(csv)
    return np.array([list(map(int, pixels.split())) for pixels in table["pixels"]], np.uint8).reshape(-1, 48, 48)


def main() -> None:
    csv = Sources.load(load_params().source_folder / "sources.json").path("expressions")
    rows = len(row_by_row(csv))
    ways = {
        "fercrop, every row checked": (rows, lambda: read_fer2013(csv, None)),
        "row by row": (rows, lambda: row_by_row(csv)),
    }
    side_by_side(f"reading {csv}", "rows", ways, ROUNDS)


if __name__ == "__main__":
    main()
