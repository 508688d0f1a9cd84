"""Where the 68 points of every expression image lie."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from pipeline.common.arrays import load_arrays, save_arrays
from pipeline.common.files import InputError
from pipeline.faces import points


@dataclass(frozen=True)
class Located:
    """The points of every image, and how far to trust them.

    Attributes:
        points: (N, 68, 2) float32, x and y in pixels of the image.
        expected_error: (N,) float32, how far off the points are expected to be on average, as a fraction of the
            inter-ocular distance; infinite for images that can show no face.
    """

    points: npt.NDArray[np.float32]
    expected_error: npt.NDArray[np.float32]

    def save(self, path: Path) -> None:
        """Write the file whole."""
        save_arrays(path, points=self.points, expected_error=self.expected_error)

    @classmethod
    def load(cls, path: Path, rows: int | None = None) -> Located:
        """Read what `save` wrote, of so many images.

        Raises:
            InputError: the file is missing, damaged, of another number of images, or has a value that cannot be.
        """
        schema: dict[str, tuple[str, tuple[int | None, ...]]] = {
            "points": ("float32", (rows, points.COUNT, 2)),
            "expected_error": ("float32", (rows,)),
        }
        found = cls(**load_arrays(path, schema))
        if not np.isfinite(found.points).all() or not (found.expected_error >= 0).all():
            raise InputError(f"{path}: has a point or an error that cannot be; delete it and run `dvc repro`")
        return found
