"""scikit-image's cascade of local binary patterns, whose file comes with the package.

Source: Liao et al., "Learning Multi-scale Block Local Binary Patterns for Face Recognition", ICB 2007.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt

SMALLEST = 24  # pixels: what the cascade was trained on

# Medians over 200 of 300-W's training photographs, see `benchmarks.finding_faces`.
SPAN = (0.037, 0.205, 0.971, 1.124)


def detect(grey: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
    """The boxes (N, 4) of the faces in a grey image (H, W)."""
    side = min(grey.shape)
    if side <= SMALLEST:
        return np.empty((0, 4), np.float32)
    found = _detector().detect_multi_scale(
        img=grey, scale_factor=1.2, step_ratio=1, min_size=(max(SMALLEST, side // 8),) * 2, max_size=(side, side)
    )
    edges = [(face["c"], face["r"], face["c"] + face["width"], face["r"] + face["height"]) for face in found]
    return np.array(edges, np.float32).reshape(-1, 4)


@cache
def _detector() -> Any:
    from skimage.data import lbp_frontal_face_cascade_filename
    from skimage.feature import Cascade

    return Cascade(lbp_frontal_face_cascade_filename())  # type: ignore[no-untyped-call]
