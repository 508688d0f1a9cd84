"""Twins by cells and among all pairs: are the groups the same, and how long do both take? `python -m benchmarks.twins`.

On the data set that `dvc repro` made. Of FER2013 it prints 1,514 groups of copies, 2,405 groups of twins and 607 test
images with a twin that may have been trained on or chosen by, whichever way.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path
from unittest.mock import patch

import numpy as np
import numpy.typing as npt

from pipeline.data import twin_search
from pipeline.data.expressions import Expressions
from pipeline.data.roles import Roles
from pipeline.data.twins import Twins, known_rows

MIN_CORRELATION = 0.85


def search(images: npt.NDArray[np.uint8], cell: int) -> tuple[Twins, float]:
    """The twins, with so many images to a cell's landmark, and the seconds of this process that it takes."""
    with patch.object(twin_search, "CELL", cell):
        start = time.process_time()
        return twin_search.find_twins(images, MIN_CORRELATION), time.process_time() - start


def main() -> None:
    expressions = Expressions.load(Path("data/expressions"))
    role = Roles.load(Path("data/roles.npz"), len(expressions)).role
    ways = {"in cells": twin_search.CELL, "all pairs": len(expressions)}  # all pairs: one cell
    found = {name: search(expressions.images, cell) for name, cell in ways.items()}
    for name, (twins, seconds) in found.items():
        several = [int((np.bincount(groups) > 1).sum()) for groups in (twins.copies, twins.twins)]
        known = int(known_rows(twins.twins, role).sum())
        print(
            f"{name:10} {several[0]:>6,} groups of copies {several[1]:>6,} groups of twins {known:>6,} test or outside "
            f"images known {seconds:>8.1f} s of one core"
        )
    (one, _), (other, _) = found.values()
    if not np.array_equal(one.twins, other.twins):
        sys.exit("the groups are not the same")
    print("the groups are the same")


if __name__ == "__main__":
    main()
