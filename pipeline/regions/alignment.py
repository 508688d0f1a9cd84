"""A face turned, moved and scaled until its eyes lie where they should: what face recognition calls alignment."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

# The points of the left and the right eye as one sees them, from 0.
LEFT, RIGHT = slice(36, 42), slice(42, 48)

# Where their centres come to lie, as fractions of the square: far enough apart and high enough that it holds the
# brows and the chin of a face seen from the front.
APART, HEIGHT = 0.4, 0.35

# Radians. A turn of 0 stands for a box that is cut out as it lies, and must lie inside the image.
TINY = 1e-7

LEAST = 4  # pixels: eyes that lie on each other would ask for a square of none


def align_eyes(points: npt.NDArray[np.float32]) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
    """The square that holds each face upright, its eyes `APART` and at `HEIGHT`.

    Args:
        points: (N, 68, 2), finite, in pixels.

    Returns:
        boxes (N, 4) in continuous pixel edges before they are turned, and turns (N,) in radians, by which each is
        turned about its centre; clockwise as one sees it, since y points down; never 0. A square may leave the image.
    """
    eyes = np.stack([points[:, part].astype(np.float64).mean(axis=1) for part in (LEFT, RIGHT)], axis=1)
    between = eyes[:, 1] - eyes[:, 0]
    turns = np.arctan2(between[:, 1], between[:, 0])
    turns[turns == 0] = TINY
    side = np.maximum(np.hypot(*between.T) / APART, LEAST)
    down = np.stack([-np.sin(turns), np.cos(turns)], axis=1)  # of the turned square
    centre = eyes.mean(axis=1) + (0.5 - HEIGHT) * side[:, None] * down
    boxes = np.concatenate([centre - side[:, None] / 2, centre + side[:, None] / 2], axis=1)
    return boxes.astype(np.float32), turns.astype(np.float32)
