"""Faces as squares with 68 points: what the landmark model learns from and is measured on."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from pipeline.common.arrays import load_arrays, save_arrays
from pipeline.common.files import InputError
from pipeline.faces import points

SIDE = 224  # of a face image, in pixels
SUBSETS = ("afw", "helen", "lfpw", "ibug")
TRAINED_ON = ("train", "validation")
SPLITS = (*TRAINED_ON, "common", "challenging")
SPAN = 1.8  # a face image shows this many times the larger extent of the points


@dataclass(frozen=True)
class Faces:
    """Face images with their points.

    Attributes:
        images: (N, 224, 224, 3), RGB.
        points: (N, 68, 2), x and y in pixels of `images`.
        subset: (N,), afw, helen, lfpw or ibug.
        split: (N,), train, validation, common or challenging.
        name: (N,), the photograph's path relative to the data set's folder.
    """

    images: npt.NDArray[np.uint8]
    points: npt.NDArray[np.float32]
    subset: npt.NDArray[np.str_]
    split: npt.NDArray[np.str_]
    name: npt.NDArray[np.str_]

    def __len__(self) -> int:
        return len(self.images)

    def where(self, mask: npt.NDArray[np.bool_]) -> Faces:
        """Those faces for which the mask (N,) is true."""
        return Faces(**{name: array[mask] for name, array in vars(self).items()})

    def save(self, path: Path) -> None:
        """Write `data/faces.npz`."""
        save_arrays(path, **vars(self))

    @classmethod
    def load(cls, path: Path) -> Faces:
        """Read what `save` wrote.

        Raises:
            InputError: the file is missing, damaged or of another kind, or has a value that cannot be.
        """
        schema: dict[str, tuple[str, tuple[int | None, ...]]] = {
            "images": ("uint8", (None, SIDE, SIDE, 3)),
            "points": ("float32", (None, points.COUNT, 2)),
            "subset": ("U", (None,)),
            "split": ("U", (None,)),
            "name": ("U", (None,)),
        }
        faces = cls(**load_arrays(path, schema))
        inside = ((faces.points >= -0.5) & (faces.points <= SIDE - 0.5)).all(axis=(1, 2))
        for wrong, finding in (
            (not inside.all(), "has a point outside of its image"),
            (not (points.interocular(faces.points) > 0).all(), "has a face whose eyes are in one place"),
            (not np.isin(faces.split, SPLITS).all(), f"has a split that is not one of {', '.join(SPLITS)}"),
            (not np.isin(faces.subset, SUBSETS).all(), f"has a subset that is not one of {', '.join(SUBSETS)}"),
        ):
            if wrong:
                raise InputError(f"{path}: {finding}; delete it and run `dvc repro`")
        return faces


def cut_square(
    image: npt.NDArray[np.uint8], found: npt.NDArray[np.float64]
) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.float32]]:
    """Cut the square around the points and scale it to 224 x 224.

    The square is centred on the points' box and spans `SPAN` times its larger extent, both rounded to whole pixels,
    so that the cut itself blurs nothing. Outside the photograph the edge is repeated.

    Args:
        image: (H, W, 3).
        found: (68, 2), in pixels of `image`.

    Returns:
        the square (224, 224, 3) and the points in it (68, 2).
    """
    low, high = found.min(axis=0), found.max(axis=0)
    side = round(SPAN * float((high - low).max()))
    # Pixel i covers i - 0.5 to i + 0.5: a square of n pixels from x0 on is centred on x0 + (n - 1) / 2.
    x0, y0 = (round(float(centre) - (side - 1) / 2) for centre in (low + high) / 2)
    columns = np.clip(np.arange(x0, x0 + side), 0, image.shape[1] - 1)
    rows = np.clip(np.arange(y0, y0 + side), 0, image.shape[0] - 1)
    square = image[rows[:, None], columns]
    shrinks = side > SIDE
    scaled = cv2.resize(square, (SIDE, SIDE), interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR)
    moved = (found - (x0, y0) + 0.5) * (SIDE / side) - 0.5
    return scaled.astype(np.uint8, copy=False), moved.astype(np.float32)
