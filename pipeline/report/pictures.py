"""Pictures of the earlier stages, within the page."""

from __future__ import annotations

import base64
import io
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from PIL import Image

from pipeline.common.files import InputError
from pipeline.common.given import lies_there
from pipeline.common.images import read_image


class Picture(NamedTuple):
    """A picture from `reports/`, and what it shows."""

    path: Path
    caption: str


class Embedded(NamedTuple):
    """A picture as a `data:` address, and its size in pixels."""

    source: str
    width: int
    height: int


def embed(picture: Picture) -> Embedded:
    """A picture as light as a page that goes to a phone should have it.

    Raises:
        InputError: it is missing or damaged.
    """
    if not lies_there(picture.path):
        raise InputError(f"{picture.path}: missing; run `dvc repro` to make it")
    pixels = read_image(picture.path, "delete it and run `dvc repro`", ("PNG",))
    image = min(picture.path.read_bytes(), _lighten(pixels), key=len)  # few lines on white are lighter as PNG
    kind = "png" if image.startswith(b"\x89PNG") else "jpeg"
    width, height = Image.open(io.BytesIO(image)).size
    return Embedded(f"data:image/{kind};base64,{base64.b64encode(image).decode()}", width, height)


def _lighten(pixels: npt.NDArray[np.uint8], width: int = 1200) -> bytes:
    """The same picture as JPEG, at most `width` pixels wide: a fifth of the bytes for a sheet of photographs."""
    image = Image.fromarray(pixels)
    if image.width > width:
        image = image.resize((width, round(image.height * width / image.width)), Image.Resampling.LANCZOS)
    file = io.BytesIO()
    image.save(file, "JPEG", quality=80)
    return file.getvalue()
