"""The square around a face, as the landmark model sees it."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

INPUT = 128  # side of the landmark model's input, in pixels
TIGHT = 1.2  # a face is shown in a square of this many times its points' extent

# Grey images and the points in their pixels.
GreyFace = tuple[npt.NDArray[np.uint8], npt.NDArray[np.float32]]


def cut_squares(
    images: npt.NDArray[np.uint8], points: npt.NDArray[np.float32], side: int, seed: int | None = None
) -> GreyFace:
    """Cut the square around each face without changing it otherwise, as the landmark model is measured.

    Args:
        images: (N, SIDE, SIDE, 3) face images.
        points: (N, 68, 2) in their pixels.
        side: of the results, in pixels.
        seed: if given, the square's place and size are jittered by up to 5% of its side.

    Returns:
        (N, side, side) grey images, and the points in their pixels (N, 68, 2).
    """
    rng = np.random.default_rng(seed)
    grey = np.empty((len(images), side, side), np.uint8)
    moved = np.empty_like(points)
    for row, (image, face) in enumerate(zip(images, points, strict=True)):
        jitter = rng.uniform(-0.05, 0.05, 3) if seed is not None else np.zeros(3)
        low, high = face.min(0), face.max(0)
        square = TIGHT * float((high - low).max()) * (1 + jitter[2])
        corner = (low + high) / 2 + jitter[:2] * square - square / 2
        # Blurring before the warp is what keeps it free of aliasing where it shrinks.
        shrink = square / side
        smooth = cv2.GaussianBlur(image, (0, 0), 0.4 * shrink) if shrink > 1.2 else image
        matrix = np.array([[shrink, 0, corner[0] + shrink / 2], [0, shrink, corner[1] + shrink / 2]])
        cut = cv2.warpAffine(
            smooth, matrix, (side, side), flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP, borderMode=cv2.BORDER_REPLICATE
        )
        grey[row] = cv2.cvtColor(cut, cv2.COLOR_RGB2GRAY)
        moved[row] = (face - corner) / shrink - 0.5
    return grey, moved
