"""Those who find the 68 points in an image: fercrop's own model, dlib's and face-alignment's.

Each is a function that takes grey squares showing a whole face and gives a `Guess`. `open_locator` picks one by its
name; imports of the other packages happen only then.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import numpy.typing as npt

from pipeline.faces.detectors.settings import LandmarkSettings, Provider
from pipeline.faces.squares import INPUT, Squares


@dataclass(frozen=True)
class Guess:
    """The points of N images, and how little their finder was sure of them.

    Attributes:
        points: (N, 68, 2) float32, x and y in pixels of the images.
        doubt: (N,) float32, larger where the points are worse; in a unit of the locator's own, which `trust` learns
            to translate into an expected error.
    """

    points: npt.NDArray[np.float32]
    doubt: npt.NDArray[np.float32]


# From (N, side, side) uint8 images and whether to show a progress bar.
Locator = Callable[[npt.NDArray[np.uint8], bool], Guess]


def open_locator(provider: Provider, settings: LandmarkSettings) -> Locator:
    """The locator of a provider.

    Raises:
        InputError: its package or its weights cannot be had; the message says how to get them.
    """
    if provider == "dlib":
        from pipeline.faces.detectors import dlib as dlib_trees

        return dlib_trees.open_locator(Path(settings.dlib_model))
    if provider == "face_alignment":
        from pipeline.faces.detectors import face_alignment as fan

        return fan.open_locator()
    from pipeline.faces.detectors import xception

    return xception.open_locator(xception.MODEL, settings.mirror)


def open_all(settings: LandmarkSettings) -> dict[str, Locator]:
    """The locator that `params.yaml` names, and every other whose weights are at hand; nothing is downloaded for them.

    Raises:
        InputError: the one that is named cannot be opened.
    """
    from pipeline.faces.detectors import face_alignment as fan

    others: list[Provider] = ["xception"]
    if find_spec("dlib") and Path(settings.dlib_model).exists():
        others.append("dlib")
    if find_spec("face_alignment") and fan.weights().exists():
        others.append("face_alignment")
    return {name: open_locator(name, settings) for name in dict.fromkeys([settings.provider, *others])}


def find(
    locator: Locator,
    images: Sequence[npt.NDArray[np.uint8]],
    boxes: npt.NDArray[np.floating],
    progress: bool = False,
) -> Guess:
    """Find the points of faces in photographs, where a box around each face is known.

    Args:
        locator: who finds them.
        images: N of (height, width) grey or (height, width, 3) RGB, of any sizes.
        boxes: (N, 4), left, top, right and bottom, in pixels, of what the points span: jaw to jaw, brows to chin.
        progress: show a progress bar.

    Returns:
        Points in the pixels of each image.
    """
    squares = Squares.around(boxes)
    guess = locator(squares.cut(images, INPUT), progress)
    return Guess(squares.outside(guess.points, INPUT), guess.doubt)
