"""Darkens the skin where it folds and where little light gets in. The folds follow the action units."""

from collections.abc import Iterator
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from pipeline.demo.action_units import Activations
from pipeline.demo.canvas import Canvas, smooth
from pipeline.demo.relief import CELLS, SIDE, head_canvas
from pipeline.demo.shape import Points

Fold = tuple[npt.ArrayLike, float, float]  # path in the head's frame, depth 0 to 1, width in eye distances

DARKEST = 0.45  # of the light is gone in the deepest fold
HOLLOW = 0.25  # and in the eye sockets


def fold_skin(canvas: Canvas, points: Points, activations: Activations, age: float) -> None:
    """Draws the folds of one face on its painted skin.

    Args:
        points: (68, 2), frontal, in eye distances.
        age: 0 to 1, how deep the folds of the resting face are.
    """
    size = canvas.image.shape[0]
    folds = head_canvas(size)
    for path, depth, width in [*forehead_folds(points, activations, age), *mouth_folds(points, activations)]:
        folds.line(path, 255 * min(1.0, depth), width)
    for half in halves(points):
        for path, depth, width in [*eye_folds(half, activations, age), *cheek_folds(half, activations, age)]:
            folds.line(path, 255 * min(1.0, depth), width)
    soft = cv2.GaussianBlur(folds.image, (0, 0), max(0.6, 0.02 * size / SIDE))
    hollow = cv2.resize(hollows(points), (size, size))
    light = cv2.addWeighted(soft, -DARKEST, hollow, -HOLLOW, 255)
    cover = np.full_like(light, 255)  # the fourth channel stays as it is
    canvas.image[:] = cv2.multiply(canvas.image, cv2.merge([light, light, light, cover]), scale=1 / 255)


@dataclass(frozen=True)
class Half:
    """What one half of a face has beside the other, so that its folds are written once for both."""

    out: Points  # (2,), turns (outwards, down) into (x, y)
    wing: Points  # of the nose, (2,)
    lip_corner: Points  # (2,)
    eye: Points  # (6, 2), from the outer corner over the upper lid to the inner corner and back


def halves(points: Points) -> tuple[Half, Half]:
    """The image's left and right half of a face."""
    return (
        Half(np.array([-1.0, 1.0]), points[31], points[48], points[36:42]),
        Half(np.array([1.0, 1.0]), points[35], points[54], points[[45, 44, 43, 42, 47, 46]]),
    )


def strongest(activations: Activations, *units: int) -> float:
    """The strongest of these action units."""
    return max(activations.get(unit, 0.0) for unit in units)


def forehead_folds(points: Points, activations: Activations, age: float) -> Iterator[Fold]:
    """Furrows across the forehead when the brows rise (AU1, 2), upright ones when they meet (AU4)."""
    brows = (points[21, 1] + points[22, 1]) / 2
    for level in (0.25, 0.42, 0.59):
        across = smooth([[-0.6, 0.03], [-0.3, 0.0], [0.3, 0.0], [0.6, 0.03]], closed=False)
        yield across + [0.0, brows - level], 0.4 * strongest(activations, 1, 2) + 0.2 * age, 0.03
    for x in (-0.06, 0.06):
        frown = [[x * 0.8, brows + 0.2], [x * 1.2, brows + 0.05], [x, brows - 0.1]]
        yield frown, 0.75 * strongest(activations, 4, 9), 0.035


def eye_folds(half: Half, activations: Activations, age: float) -> Iterator[Fold]:
    """The lid's crease, the bag below the eye, and crow's feet when the cheek rises (AU6)."""
    yield smooth(half.eye[:4] - [0.0, 0.065], closed=False), 0.5, 0.03
    bag = smooth([[-0.2, 0.05], [0.0, 0.11], [0.2, 0.05]], closed=False) + half.eye[4:].mean(axis=0)
    yield bag, 0.1 + 0.25 * age + 0.3 * strongest(activations, 6, 7), 0.03
    for slope in (-0.08, 0.02, 0.12):
        yield half.eye[0] + half.out * [[0.06, 0.0], [0.24, slope]], 0.6 * strongest(activations, 6), 0.02


def cheek_folds(half: Half, activations: Activations, age: float) -> Iterator[Fold]:
    """Around the nose (AU9), from it to the mouth (AU9, 10, 12), and down from a lowered corner (AU15)."""
    yield half.wing + half.out * [[0.02, -0.13], [0.06, -0.05], [0.0, 0.0]], 0.45, 0.03
    for height in (0.08, 0.2):
        yield half.out * [[0.05, height], [0.2, height + 0.12]], 0.75 * strongest(activations, 9), 0.03
    fold = [*(half.wing + half.out * [[0.04, -0.1], [0.16, 0.08]]),
            *(half.lip_corner + half.out * [[0.15, -0.06], [0.15, 0.10]])]  # fmt: skip
    yield smooth(fold, closed=False), 0.05 + 0.2 * age + 0.5 * strongest(activations, 9, 10, 12), 0.04
    yield half.lip_corner + half.out * [[0.03, 0.02], [0.09, 0.2]], 0.6 * strongest(activations, 15), 0.04


def mouth_folds(points: Points, activations: Activations) -> Iterator[Fold]:
    """Below the lower lip, deeper when the chin pushes it up (AU17), and along the edge of the jaw."""
    below = smooth(points[[58, 57, 56]] + [0.0, 0.10], closed=False)
    yield below, 0.4 + 0.25 * strongest(activations, 17), 0.05
    yield smooth(points[1:16], closed=False), 0.35, 0.05


def hollows(points: Points) -> npt.NDArray[np.uint8]:
    """Wide, soft darkness in the eye sockets and under the nose, (CELLS, CELLS), 0 to 255."""
    dark = head_canvas(CELLS)
    for eye in (points[36:42], points[42:48]):
        dark.ellipse(eye.mean(axis=0) - [0.0, 0.06], (0.26, 0.14), 255)
    dark.fill(points[[31, 33, 35, 51]], 160)
    return np.asarray(cv2.GaussianBlur(dark.image, (0, 0), 1.2), dtype=np.uint8)
