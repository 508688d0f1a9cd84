"""Who finds the faces in a photograph, one module each, found by its name. To add one, add a module.

A module has `detect` and `SPAN`. Detectors differ in how much of a head their boxes hold; SPAN says where in such a box
what the 68 points span lies: left, top, right and bottom as fractions of the box's sides.
"""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import Protocol, cast

import cv2
import numpy as np
import numpy.typing as npt

# A photograph is searched at no more than this many pixels a side, if nothing else is asked for: the time grows with
# their number, and a face of 80 pixels, the least that is found, is then a twelfth of the photograph.
SEARCHED = 960


class FaceDetector(Protocol):
    """A module of this package."""

    SPAN: tuple[float, float, float, float]

    def detect(self, grey: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
        """The boxes (N, 4) of the faces in a grey image (H, W): left, top, right and bottom, in its pixels."""
        ...


def names() -> list[str]:
    """The face detectors that there are."""
    return sorted(path.stem for path in Path(__file__).parent.glob("[a-z]*.py"))


def find_faces(name: str, photograph: npt.NDArray[np.uint8], searched: int = SEARCHED) -> npt.NDArray[np.float32]:
    """Where faces are: (N, 4), left, top, right and bottom of what their points span, largest first; N may be 0.

    Args:
        name: one of `names`.
        photograph: RGB (H, W, 3).
        searched: pixels of its larger side, to which it is reduced before it is searched.
    """
    detector = cast(FaceDetector, import_module(f"{__name__}.{name}"))
    height, width = photograph.shape[:2]
    shrink = max(1.0, max(height, width) / searched)
    size = max(1, round(width / shrink)), max(1, round(height / shrink))
    small = cv2.resize(photograph, size, interpolation=cv2.INTER_AREA) if shrink > 1 else photograph
    grey = cv2.cvtColor(np.ascontiguousarray(small), cv2.COLOR_RGB2GRAY).astype(np.uint8, copy=False)
    found = detector.detect(grey)
    scale = np.array([width / size[0], height / size[1]] * 2)
    spanned = span(found.astype(np.float64), detector.SPAN)
    largest_first = np.argsort(spanned[:, 0] - spanned[:, 2], kind="stable")
    scaled: npt.NDArray[np.float32] = ((spanned + 0.5) * scale - 0.5)[largest_first].astype(np.float32)
    return scaled


def span(boxes: npt.NDArray[np.float64], where: tuple[float, float, float, float]) -> npt.NDArray[np.float64]:
    """The parts of boxes (N, 4) that `where` names as fractions of their sides: (N, 4)."""
    low, size = np.tile(boxes[:, :2], 2), np.tile(boxes[:, 2:] - boxes[:, :2], 2)
    part: npt.NDArray[np.float64] = low + size * np.array(where)
    return part
