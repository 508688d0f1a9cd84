"""A photograph as it is meant to be seen, whatever it is given as."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageOps

from pipeline.common.ending import one_line
from pipeline.common.files import InputError
from pipeline.common.images import DAMAGE, DEEP, MAX_PIXELS, read_image, to_rgb
from pipeline.data.pictures import FORMATS

Photograph = Path | str | npt.NDArray[np.uint8] | Image.Image


def upright(photograph: Photograph) -> npt.NDArray[np.uint8]:
    """The photograph as RGB (H, W, 3), turned as EXIF says.

    Args:
        photograph: a file of one of `pictures.FORMATS`, (H, W) grey or (H, W, 3) RGB levels, or an image of Pillow's.
            Of 16 bits the upper 8 are kept; images of 32 bits or of floating point have no levels that are known.

    Raises:
        InputError: the file is missing, damaged, of another format or too large, or the levels are no photograph's.
        PermissionError: the file may not be read.
    """
    if isinstance(photograph, np.ndarray):
        return _from_array(photograph)
    if isinstance(photograph, Image.Image):
        return _from_image(photograph)
    return read_image(Path(photograph), "give a picture that is whole", FORMATS, upright=True, deep=True)


def reason(error: Exception, path: Path) -> str:
    """Why a photograph cannot be read, without its name and a remedy.

    Whatever a strange file makes a decoder raise is a reason: the others are to be answered.
    """
    said = one_line(error) or f"{type(error).__name__}: {' '.join(str(error).split())}"
    return said.removeprefix(f"{path}: ").partition(";")[0]


def _from_array(levels: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    grey, colour = levels.ndim == 2, levels.ndim == 3 and levels.shape[-1] == 3
    if levels.dtype != np.uint8 or not (grey or colour) or levels.size == 0:
        raise InputError(f"{levels.dtype} {levels.shape}: a photograph is uint8, (H, W) grey or (H, W, 3) RGB")
    return np.repeat(levels[..., None], 3, axis=-1) if grey else levels


def _from_image(image: Image.Image) -> npt.NDArray[np.uint8]:
    if image.width * image.height > MAX_PIXELS:
        raise InputError(f"the image has more than {MAX_PIXELS:,} pixels; reduce it")
    if image.mode[0] in "IF" and not image.mode.startswith(DEEP):
        raise InputError("the image has more than 16 bits a pixel; convert it")
    try:
        return to_rgb(ImageOps.exif_transpose(image), upright=False)
    except DAMAGE as error:
        raise InputError(f"the image is damaged ({error}); give one that is whole") from None
