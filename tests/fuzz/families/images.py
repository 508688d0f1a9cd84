"""Photographs."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image

from fuzz.changes import BYTES, FILES
from fuzz.family import Family
from pipeline.faces.ibug import read_image

SHAPE = (60, 80, 3)


def _write(suffix: str, folder: Path) -> None:
    columns, rows = np.meshgrid(np.arange(SHAPE[1]), np.arange(SHAPE[0]))
    pixels = np.stack([3 * columns, 4 * rows, (columns * rows) % 256], axis=2).astype(np.uint8)
    Image.fromarray(pixels).save(folder / f"image{suffix}")


def _check(folder: Path, value: object) -> None:
    assert isinstance(value, np.ndarray)
    assert (value.dtype, value.ndim, value.shape[2]) == (np.uint8, 3, 3)
    assert value.size


def _family(name: str, suffix: str) -> Family:
    return Family(
        name,
        write=lambda folder: _write(suffix, folder),
        read=lambda folder: read_image(folder / f"image{suffix}"),
        check=_check,
        changes=(*BYTES, *BYTES, *FILES),
    )


FAMILIES = (_family("jpeg", ".jpg"), _family("png", ".png"))
