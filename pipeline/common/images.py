"""Photographs from outside: decoded only if they are whole, within stated limits."""

from __future__ import annotations

import struct
import warnings
from io import BytesIO
from pathlib import Path

import numpy as np
import numpy.typing as npt
import simplejpeg
from PIL import Image, ImageOps, UnidentifiedImageError

from pipeline.common.files import InputError
from pipeline.common.given import read_given

MAX_BYTES = 200 << 20  # of a file
MAX_PIXELS = 100_000_000  # decoding takes some 15 bytes for each
# A progressive JPEG has ten or so; every one that a file claims is a pass over all pixels.
MAX_SCANS = 100

DEEP = "I;16"  # Pillow's modes of 16 bits begin so

# What decoders raise for damaged files, by format and place of the damage.
DAMAGE = (
    OSError, SyntaxError, ValueError, EOFError, struct.error, Image.DecompressionBombError, TypeError, KeyError,
    IndexError,
)  # fmt: skip


def read_image(
    path: Path, remedy: str, formats: tuple[str, ...] = ("JPEG", "PNG"), upright: bool = False, deep: bool = False
) -> npt.NDArray[np.uint8]:
    """A photograph as RGB (H, W, 3); of a moving one the first frame, and what is transparent is shown.

    A JPEG that is damaged inside decodes all the same, into other pixels, and libjpeg only warns of it: here that is
    an error. A PNG must have the check sums that it says. What no check finds is a change in a JPEG that leaves it a
    valid one, such as a bit or a byte somewhere in its pixels, since JPEG has no check sums.

    Args:
        formats: that are read, by Pillow's names.
        upright: turn it as EXIF says. If not, pixels are as they are stored, to which points refer.
        deep: take levels of grey of 16 bits too, of which the upper 8 are kept.

    Raises:
        InputError: it is missing, of another format, damaged, or beyond the limits; it ends with `remedy`.
    """
    return decode_image(read_given(path, remedy, MAX_BYTES), str(path), remedy, formats, upright, deep)


def decode_image(
    content: bytes,
    name: str,
    remedy: str,
    formats: tuple[str, ...] = ("JPEG", "PNG"),
    upright: bool = False,
    deep: bool = False,
) -> npt.NDArray[np.uint8]:
    """`read_image` for what is in memory already; `name` is what errors call it."""
    try:
        with _open(content, formats) as image:
            if image.width * image.height > MAX_PIXELS:
                size = f"{image.width:,} x {image.height:,}"
                raise InputError(f"{name}: has {size} pixels, more than {MAX_PIXELS:,}; reduce it")
            if image.mode[0] in "IF" and not (deep and image.mode.startswith(DEEP)):
                raise InputError(f"{name}: has more than {16 if deep else 8} bits a pixel; {remedy}")
            _verify(content, image)
            return to_rgb(image, upright)
    except UnidentifiedImageError:
        raise InputError(f"{name}: is neither {' nor '.join(formats)}; {remedy}") from None
    except DAMAGE as error:
        raise InputError(f"{name}: damaged ({' '.join(str(error).split())}); {remedy}") from None


def to_rgb(image: Image.Image, upright: bool) -> npt.NDArray[np.uint8]:
    """The pixels of an image of Pillow's in any mode, but `I` and `F`, as RGB (H, W, 3); see `read_image`.

    Raises:
        OSError, ValueError: among others of `DAMAGE`, where it cannot be decoded or converted.
    """
    image.load()
    if upright:
        ImageOps.exif_transpose(image, in_place=True)
    if image.mode.startswith(DEEP):  # converting would clip them
        image = Image.fromarray((np.asarray(image) >> 8).astype(np.uint8))
    return np.asarray(image if image.mode == "RGB" else image.convert("RGB"))


def _open(content: bytes, formats: tuple[str, ...]) -> Image.Image:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of a size that is looked at next, and of chunks that are passed over
        # Pillow, since OpenCV fills the rest of a truncated JPEG with grey and says nothing.
        return Image.open(BytesIO(content), formats=formats)


def _verify(content: bytes, image: Image.Image) -> None:
    """Raise an error if the image is damaged in a way of which Pillow says nothing when it decodes it."""
    if image.format == "PNG":
        _open(content, ("PNG",)).verify()
    if image.format != "JPEG":
        return
    if content.count(b"\xff\xda") > MAX_SCANS:  # bytes that stand for nothing else in what is compressed
        raise ValueError(f"more than {MAX_SCANS} scans")
    # Grey is the quickest to decode; every byte of the file is looked at all the same.
    simplejpeg.decode_jpeg(content, "CMYK" if image.mode == "CMYK" else "GRAY", strict=True)
