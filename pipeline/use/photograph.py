"""A photograph as it is meant to be seen, whatever it is given as."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageOps

from pipeline.common.files import InputError
from pipeline.common.images import MAX_PIXELS, read_image

Photograph = Path | str | npt.NDArray[np.uint8] | Image.Image

ORIENTATION = 274  # the EXIF tag
# By what EXIF says, how stored pixels are turned to be upright.
TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


def upright(photograph: Photograph) -> npt.NDArray[np.uint8]:
    """The photograph as RGB (H, W, 3), turned as EXIF says.

    Args:
        photograph: a file, (H, W) grey or (H, W, 3) RGB levels, or an image of Pillow's in any mode of 8 bits.

    Raises:
        InputError: the file is missing, damaged, neither JPEG nor PNG or too large, or the levels are no photograph's.
    """
    if isinstance(photograph, np.ndarray):
        return _from_array(photograph)
    if isinstance(photograph, Image.Image):
        if photograph.width * photograph.height > MAX_PIXELS:
            raise InputError(f"the image has more than {MAX_PIXELS:,} pixels; reduce it")
        if photograph.mode[0] in "IF":
            raise InputError("the image has more than 8 bits a pixel; convert it")
        return np.asarray(ImageOps.exif_transpose(photograph).convert("RGB"))
    path = Path(photograph)
    pixels = read_image(path, "give a JPEG or a PNG that is whole")
    turn = TURNS.get(_orientation(path))
    return pixels if turn is None else np.asarray(Image.fromarray(pixels).transpose(turn))


def _from_array(levels: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    grey, colour = levels.ndim == 2, levels.ndim == 3 and levels.shape[-1] == 3
    if levels.dtype != np.uint8 or not (grey or colour) or levels.size == 0:
        raise InputError(f"{levels.dtype} {levels.shape}: a photograph is uint8, (H, W) grey or (H, W, 3) RGB")
    return np.repeat(levels[..., None], 3, axis=-1) if grey else levels


def _orientation(path: Path) -> int:
    """What EXIF says, 1 where it says nothing that can be read."""
    try:
        with Image.open(path) as image:
            return int(image.getexif().get(ORIENTATION, 1))
    except (OSError, SyntaxError, ValueError, TypeError):
        return 1
