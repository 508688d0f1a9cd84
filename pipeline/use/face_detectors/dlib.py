"""dlib's frontal detector: histograms of gradients and a linear classifier; it finds faces of 80 pixels and more.

Source: King, "Max-Margin Object Detection", 2015.
"""

from __future__ import annotations

import threading
from typing import Any

import numpy as np
import numpy.typing as npt

from pipeline.faces.detectors.dlib import BOX
from pipeline.faces.squares import TIGHT

SMALL = 240  # a photograph of fewer pixels a side is searched at twice its size


def _span() -> tuple[float, float, float, float]:
    """What the points of a square span, from where the detector's box lies in that square."""
    left, top, right, bottom = BOX
    edge = (1 - 1 / TIGHT) / 2
    across, down = right - left, bottom - top
    return (edge - left) / across, (edge - top) / down, (1 - edge - left) / across, (1 - edge - top) / down


SPAN = _span()


def detect(grey: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
    """The boxes (N, 4) of the faces in a grey image (H, W)."""
    boxes = _detector()(grey, int(max(grey.shape) < SMALL))
    edges = [(box.left(), box.top(), box.right(), box.bottom()) for box in boxes]
    return np.array(edges, np.float32).reshape(-1, 4)


_of_thread = threading.local()


def _detector() -> Any:
    """This thread's own: it keeps what it searches in itself, and lets other threads run meanwhile."""
    if not hasattr(_of_thread, "detector"):
        import dlib

        _of_thread.detector = dlib.get_frontal_face_detector()
    return _of_thread.detector
