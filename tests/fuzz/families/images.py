"""Photographs."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import numpy as np
from PIL import Image

from fuzz.changes import BYTES, FILES
from fuzz.family import Family
from pipeline.common.images import read_image
from pipeline.data.pictures import read_picture

COLUMNS, ROWS = np.meshgrid(np.arange(80), np.arange(60))
PIXELS = np.stack([3 * COLUMNS, 4 * ROWS, COLUMNS * ROWS % 256], axis=2).astype(np.uint8)


def _write(name: str, folder: Path) -> None:
    Image.fromarray(PIXELS).save(folder / name)


def _read(name: str, folder: Path) -> object:
    return read_image(folder / name, "restore it")


def _read_picture(name: str, folder: Path) -> object:
    return read_picture(folder / name)


def _check_jpeg(folder: Path, value: object) -> None:
    # JPEG has no check sums, nor have the others but PNG: what was changed into another valid file is believed.
    assert isinstance(value, np.ndarray)
    assert value.dtype == np.uint8
    assert value.ndim == value.shape[2] == 3
    assert value.size


def _check_png(folder: Path, value: object) -> None:
    assert np.array_equal(np.asarray(value), PIXELS)


FAMILIES = (
    Family("jpeg", partial(_write, "a.jpg"), partial(_read, "a.jpg"), _check_jpeg, (*BYTES, *BYTES, *FILES)),
    *(
        Family(kind, partial(_write, f"a.{kind}"), partial(_read_picture, f"a.{kind}"), _check_jpeg, (*BYTES, *FILES))
        for kind in ("bmp", "gif", "ppm", "tiff", "webp")
    ),
    Family("png", partial(_write, "a.png"), partial(_read, "a.png"), _check_png, (*BYTES, *BYTES, *FILES)),
)
