"""The square around a face, as landmark models see it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

INPUT = 128  # side of the landmark model's input, in pixels
TIGHT = 1.2  # a face is shown in a square of this many times its points' extent

# Grey images and the points in their pixels.
GreyFace = tuple[npt.NDArray[np.uint8], npt.NDArray[np.float32]]


@dataclass(frozen=True)
class Squares:
    """Where in its image each of N squares lies.

    Attributes:
        corner: (N, 2), x and y of the upper left corner, in pixel edges: -0.5, -0.5 is the image's own.
        size: (N,), the side, in pixels of the image.
    """

    corner: npt.NDArray[np.float64]
    size: npt.NDArray[np.float64]

    @classmethod
    def around(cls, boxes: npt.NDArray[np.floating], seed: int | None = None) -> Squares:
        """The squares in which landmark models look for faces.

        Args:
            boxes: (N, 4), left, top, right and bottom of what the 68 points span: jaw to jaw, brows to chin.
            seed: if given, place and size are jittered by up to 5% of the side.
        """
        boxes = boxes.astype(np.float64)
        jitter = np.zeros((len(boxes), 3))
        if seed is not None:
            jitter = np.random.default_rng(seed).uniform(-0.05, 0.05, jitter.shape)
        low, high = boxes[:, :2], boxes[:, 2:]
        size = TIGHT * (high - low).max(1) * (1 + jitter[:, 2])
        return cls((low + high) / 2 + (jitter[:, :2] - 0.5) * size[:, None], size)

    def cut(self, images: Sequence[npt.NDArray[np.uint8]], side: int) -> npt.NDArray[np.uint8]:
        """What the squares show, grey and `side` pixels wide: (N, side, side).

        Args:
            images: N of (height, width) or (height, width, 3), of any sizes.
        """
        grey = np.empty((len(images), side, side), np.uint8)
        for row, (image, corner, size) in enumerate(zip(images, self.corner, self.size, strict=True)):
            # Blurring before the warp is what keeps it free of aliasing where it shrinks.
            shrink = size / side
            smooth = cv2.GaussianBlur(image, (0, 0), 0.4 * shrink) if shrink > 1.2 else image
            matrix = np.array([[shrink, 0, corner[0] + shrink / 2], [0, shrink, corner[1] + shrink / 2]])
            shown = cv2.warpAffine(
                smooth,
                matrix,
                (side, side),
                flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
                borderMode=cv2.BORDER_REPLICATE,
            )
            grey[row] = shown if shown.ndim == 2 else cv2.cvtColor(shown, cv2.COLOR_RGB2GRAY)
        return grey

    def inside(self, points: npt.NDArray[np.float32], side: int) -> npt.NDArray[np.float32]:
        """Points of the images, in pixels of their squares of `side` pixels."""
        moved = (points - self.corner[:, None]) * (side / self.size)[:, None, None] - 0.5
        return moved.astype(np.float32)

    def outside(self, points: npt.NDArray[np.float32], side: int) -> npt.NDArray[np.float32]:
        """Points of the squares of `side` pixels, in pixels of their images."""
        moved = (points + 0.5) * (self.size / side)[:, None, None] + self.corner[:, None]
        return moved.astype(np.float32)


def boxes_around(points: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """What points (N, 68, 2) span: (N, 4), left, top, right and bottom."""
    return np.concatenate([points.min(1), points.max(1)], axis=1)


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
    squares = Squares.around(boxes_around(points), seed)
    return squares.cut(list(images), side), squares.inside(points, side)
