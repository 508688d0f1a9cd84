"""What a landmark detector says of faces, and how one is asked about photographs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from pipeline.faces.squares import INPUT, Squares


@dataclass(frozen=True)
class Guess:
    """The points of N images, and how little their finder was sure of them.

    Attributes:
        points: (N, 68, 2) float32, x and y in pixels of the images.
        uncertainty: (N,) float32, larger where the points are worse; in a unit of the detector's own, which
            `trust` learns to translate into an expected error.
    """

    points: npt.NDArray[np.float32]
    uncertainty: npt.NDArray[np.float32]


# From (N, side, side) uint8 images and whether to show a progress bar.
LandmarkDetector = Callable[[npt.NDArray[np.uint8], bool], Guess]


def find(
    detector: LandmarkDetector,
    images: Sequence[npt.NDArray[np.uint8]],
    boxes: npt.NDArray[np.floating],
    progress: bool = False,
) -> Guess:
    """Find the points of faces in photographs, where a box around each face is known.

    Args:
        detector: who finds them.
        images: N of (height, width) grey or (height, width, 3) RGB, of any sizes.
        boxes: (N, 4), left, top, right and bottom, in pixels, of what the points span: jaw to jaw, brows to chin.
        progress: show a progress bar.

    Returns:
        Points in the pixels of each image.
    """
    squares = Squares.around(boxes)
    guess = detector(squares.cut(images, INPUT), progress)
    return Guess(squares.outside(guess.points, INPUT), guess.uncertainty)
