"""Points in iBUG's `.pts` format."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import numpy.typing as npt

from pipeline.common.files import InputError
from pipeline.common.given import read_given
from pipeline.faces import points

REMEDY = "restore it from the published archive"

MAX_BYTES = 1 << 20  # of a file; 68 points take 2 KB
HEADER = re.compile(r"version:[ \t]*1\s+n_points:[ \t]*([0-9]{1,4})")
NUMBER = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?")


def read_pts(path: Path) -> npt.NDArray[np.float64]:
    """The points (68, 2) of a `.pts` file, 0-based (the file counts pixels from 1).

    Raises:
        InputError: the file is not two lines of header and 68 lines with a finite x and y each.
    """
    try:
        text = read_given(path, REMEDY, MAX_BYTES).decode("ascii").strip()
    except UnicodeDecodeError:
        raise InputError(f"{path}: is no text; {REMEDY}") from None
    if not text:
        raise InputError(f"{path}: is empty; {REMEDY}")
    layout = re.fullmatch(r"([^{}]*)\{([^{}]*)\}", text)
    if not layout:
        raise InputError(f"{path}: the points must stand between {{ and }}; {REMEDY}")
    header = HEADER.fullmatch(layout[1].strip())
    if not header:
        raise InputError(f"{path}: must begin with version: 1 and n_points: {points.COUNT}; {REMEDY}")
    rows = [line.split() for line in layout[2].strip().splitlines()]
    if int(header[1]) != points.COUNT or len(rows) != points.COUNT:
        raise InputError(
            f"{path}: says n_points: {header[1]} and holds {len(rows):,} points, not {points.COUNT}; {REMEDY}"
        )
    for number, row in enumerate(rows, start=1):
        if len(row) != 2 or not all(map(NUMBER.fullmatch, row)):
            shown = " ".join(row)[:40]
            raise InputError(f"{path}: point {number} is {shown!r}, not two numbers; {REMEDY}")
    found = np.array(rows, np.float64) - 1
    if not np.isfinite(found).all():
        number = np.flatnonzero(~np.isfinite(found).all(axis=1))[0] + 1
        raise InputError(f"{path}: point {number} is not finite; {REMEDY}")
    return found
