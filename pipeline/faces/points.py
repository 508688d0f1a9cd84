"""The 68-point scheme of iBUG 300-W: which point is which, and how users name points.

Users count from 1, as the iBUG figure does; arrays count from 0.
Source: Sagonas et al., "300 Faces in-the-Wild Challenge", ICCV Workshops 2013, figure 1.
"""

from __future__ import annotations

import re

import numpy as np
import numpy.typing as npt

COUNT = 68

# The parts of the face, as 0-based ranges.
JAW = range(0, 17)
BROWS = range(17, 27)
NOSE = range(27, 36)
EYES = range(36, 48)
LIPS = range(48, 68)

# The lines that join the points when a face is drawn; True closes the line.
CONTOURS: tuple[tuple[range, bool], ...] = (
    (JAW, False),
    (range(17, 22), False),
    (range(22, 27), False),
    (range(27, 31), False),
    (range(31, 36), False),
    (range(36, 42), True),
    (range(42, 48), True),
    (range(48, 60), True),
    (range(60, 68), True),
)

# The outer eye corners (37 and 46): their distance is the inter-ocular distance by which 300-W normalises errors.
OUTER_EYE_CORNERS = (36, 45)

# MIRROR[i] is the point that lies where point i was after the image has been mirrored left to right.
MIRROR: npt.NDArray[np.intp] = np.array(
    [
        *range(16, -1, -1),  # jaw
        *range(26, 16, -1),  # brows
        *range(27, 31),  # bridge of the nose, on the axis
        *range(35, 30, -1),  # nostrils
        *(45, 44, 43, 42, 47, 46),  # right eye
        *(39, 38, 37, 36, 41, 40),  # left eye
        *range(54, 47, -1),  # outer lip, upper
        *range(59, 54, -1),  # outer lip, lower
        *range(64, 59, -1),  # inner lip, upper
        *range(67, 64, -1),  # inner lip, lower
    ]
)


def mirror(points: npt.NDArray[np.float32], width: float) -> npt.NDArray[np.float32]:
    """The points of the mirrored image, renumbered so that each keeps its meaning.

    Args:
        points: (..., 68, 2), x and y in pixels.
        width: of the image, in pixels.
    """
    mirrored = points[..., MIRROR, :].copy()
    mirrored[..., 0] = width - 1 - mirrored[..., 0]
    return mirrored


def interocular(points: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """The distance of the outer eye corners, in pixels: (..., 68, 2) to (...)."""
    right, left = OUTER_EYE_CORNERS
    distance: npt.NDArray[np.float32] = np.linalg.norm(points[..., left, :] - points[..., right, :], axis=-1)
    return distance


def parse_numbers(text: str) -> tuple[int, ...]:
    """The 1-based numbers that a text such as `18-27 37-48` or `31, 49-68` names, in order, each once.

    Raises:
        ValueError: the text is empty, holds something else, or a number outside 1 to 68.
    """
    numbers: set[int] = set()
    for item in re.split(r"[\s,]+", text.strip()):
        match = re.fullmatch(r"(\d+)(?:-(\d+))?", item)
        if not match:
            raise ValueError(f"{item!r} is neither a point number nor a range; write for example 18-27 37-48")
        first, last = int(match[1]), int(match[2] or match[1])
        if not 1 <= first <= last <= COUNT:
            raise ValueError(f"{item!r} is outside 1 to {COUNT}, or runs backwards")
        numbers.update(range(first, last + 1))
    return tuple(sorted(numbers))
