"""The mean face of an expression, as points alone."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from pipeline.faces.points import OUTER_EYE_CORNERS

Points = npt.NDArray[np.float32]


def upright(points: Points) -> Points:
    """Faces moved, turned and scaled to outer eye corners at (-0.5, 0) and (0.5, 0): (N, 68, 2) to (N, 68, 2)."""
    places = points[..., 0].astype(np.float64) + 1j * points[..., 1]
    left, right = (places[:, [corner]] for corner in OUTER_EYE_CORNERS)
    moved = (places - (left + right) / 2) / (right - left)
    return np.stack([moved.real, moved.imag], axis=-1).astype(np.float32)


def mean_faces(points: Points, labels: npt.NDArray[np.uint8]) -> dict[int, Points]:
    """The mean of the upright faces of each class that there is, (68, 2) by its code."""
    faces = upright(points)
    return {code: faces[labels == code].mean(axis=0) for code in np.unique(labels).tolist()}
