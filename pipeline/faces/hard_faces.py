"""Faces as FER2013 shows them, and the same made hard or impossible to locate: to learn, and to test, what to trust."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from pipeline.faces.face_images import Faces
from pipeline.faces.squares import cut_squares

VIEW = 48  # pixels

KINDS = ("plain", "occluded", "blurred", "rotated", "background", "pattern")
FACELESS = ("background", "pattern")


@dataclass(frozen=True)
class HardFaces:
    """Every face once in each of KINDS.

    Attributes:
        images: (N, 48, 48) uint8 grey.
        points: (N, 68, 2) true points in their pixels; NaN where there is no face.
        kind: (N,), of KINDS.
    """

    images: npt.NDArray[np.uint8]
    points: npt.NDArray[np.float32]
    kind: npt.NDArray[np.str_]


def harden(faces: Faces, seed: int) -> HardFaces:
    """Show each face plainly, half hidden, blurred, turned, and a part of its photograph and a pattern without it.

    Squares are jittered, as nobody hands over a true box at this size.
    """
    rng = np.random.default_rng(seed)
    plain, points = cut_squares(faces.images, faces.points, VIEW, seed=seed)
    images = {kind: np.empty_like(plain) for kind in KINDS}
    true = {kind: np.full_like(points, np.nan) if kind in FACELESS else points.copy() for kind in KINDS}
    images["plain"] = plain
    for row, image in enumerate(plain):
        images["occluded"][row] = _occlude(image, rng)
        images["blurred"][row] = cv2.GaussianBlur(image, (0, 0), rng.uniform(1, 5))
        images["rotated"][row], true["rotated"][row] = _rotate(image, points[row], rng.uniform(-180, 180))
        images["background"][row] = _background(faces.images[row], rng)
        images["pattern"][row] = _pattern(rng)
    return HardFaces(
        np.concatenate([images[kind] for kind in KINDS]),
        np.concatenate([true[kind] for kind in KINDS]),
        np.repeat(KINDS, len(faces)),
    )


def _occlude(image: npt.NDArray[np.uint8], rng: np.random.Generator) -> npt.NDArray[np.uint8]:
    """A rectangle of a twelfth to a half of the image, of one grey level or of noise."""
    width, height = rng.integers(VIEW * 3 // 10, VIEW * 7 // 10 + 1, 2)
    x, y = rng.integers(0, VIEW - width + 1), rng.integers(0, VIEW - height + 1)
    hidden = image.copy()
    cover = rng.integers(0, 256) if rng.random() < 0.5 else rng.integers(0, 256, (height, width))
    hidden[y : y + height, x : x + width] = cover
    return hidden


def _rotate(
    image: npt.NDArray[np.uint8], points: npt.NDArray[np.float32], degrees: float
) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.float32]]:
    middle = (VIEW - 1) / 2
    matrix = cv2.getRotationMatrix2D((middle, middle), degrees, 1.0)
    turned = cv2.warpAffine(image, matrix, (VIEW, VIEW), borderMode=cv2.BORDER_REPLICATE)
    return turned.astype(np.uint8), (points @ matrix[:, :2].T + matrix[:, 2]).astype(np.float32)


def _background(image: npt.NDArray[np.uint8], rng: np.random.Generator) -> npt.NDArray[np.uint8]:
    """A corner of the face image, where by its making none of the points lie, enlarged."""
    side = image.shape[0]
    size = int(rng.integers(side // 9, side * 2 // 9))
    x, y = rng.choice([0, side - size], 2)
    corner = cv2.cvtColor(image[y : y + size, x : x + size], cv2.COLOR_RGB2GRAY)
    enlarged: npt.NDArray[np.uint8] = cv2.resize(corner, (VIEW, VIEW), interpolation=cv2.INTER_LINEAR).astype(np.uint8)
    return enlarged


def _pattern(rng: np.random.Generator) -> npt.NDArray[np.uint8]:
    """Noise of a random coarseness, stretched to a random contrast."""
    noise = cv2.GaussianBlur(rng.standard_normal((VIEW, VIEW)), (0, 0), rng.uniform(0.5, 8))
    levels = rng.uniform(60, 200) + rng.uniform(10, 70) * (noise - noise.mean()) / noise.std()
    pattern: npt.NDArray[np.uint8] = np.clip(levels, 0, 255).astype(np.uint8)
    return pattern
