"""Pictures as files of any format, and what is wrong with them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image


def draw(height: int, width: int, seed: int = 0) -> npt.NDArray[np.uint8]:
    """Smooth colours that JPEG keeps."""
    rows, columns = np.mgrid[:height, :width] / max(height, width)
    phases = np.random.default_rng(seed).uniform(0, 6, 3)
    waves = np.sin(3 * rows[..., None] + 2 * columns[..., None] + phases)
    return np.asarray(127 + 100 * waves, np.uint8)


def write_picture(path: Path, pixels: npt.NDArray[Any], **options: Any) -> Path:
    """In the format of the suffix; with `orientation`, EXIF says to turn it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    image = Image.fromarray(pixels)
    mode, orientation = options.pop("mode", None), options.pop("orientation", None)
    if mode:
        image = image.convert(mode)
    if orientation:
        exif = Image.Exif()
        exif[0x0112] = orientation
        options["exif"] = exif
    image.save(path, **options)
    return path
