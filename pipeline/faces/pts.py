"""Points in iBUG's `.pts` format."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import numpy.typing as npt

from pipeline.common.files import InputError
from pipeline.faces import points

REMEDY = "restore it from the published archive"


def read_pts(path: Path) -> npt.NDArray[np.float64]:
    """The points (68, 2) of a `.pts` file, 0-based (the file counts pixels from 1).

    Raises:
        InputError: the file does not hold 68 points with finite coordinates.
    """
    try:
        text = path.read_text("ascii").strip()
    except FileNotFoundError:
        raise InputError(f"{path}: missing; {REMEDY}") from None
    except UnicodeDecodeError:
        raise InputError(f"{path}: is no text; {REMEDY}") from None
    if not text:
        raise InputError(f"{path}: is empty; {REMEDY}")
    layout = re.fullmatch(r"([^{}]*)\{([^{}]*)\}", text)
    if not layout:
        raise InputError(f"{path}: the points must stand between {{ and }}; {REMEDY}")
    header, words = layout[1], layout[2].split()
    count = re.search(r"n_points:\s*(\d+)", header)
    if not count or int(count[1]) != points.COUNT or len(words) != 2 * points.COUNT:
        says = f"n_points: {count[1]}" if count else "no n_points"
        raise InputError(f"{path}: says {says} and holds {len(words) / 2:g} points, not {points.COUNT}; {REMEDY}")
    try:
        found = np.array(words, np.float64).reshape(-1, 2) - 1
    except ValueError as error:
        raise InputError(f"{path}: a coordinate is no number ({error}); {REMEDY}") from None
    if not np.isfinite(found).all():
        number = np.flatnonzero(~np.isfinite(found).all(axis=1))[0] + 1
        raise InputError(f"{path}: point {number} is not finite; {REMEDY}")
    return found
