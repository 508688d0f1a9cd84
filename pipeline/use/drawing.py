"""A photograph with what was found in it: boxes and points, and beside them each face's crops and probabilities."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFont
from PIL.PngImagePlugin import PngInfo

from pipeline.common.files import InputError, whole_file
from pipeline.common.given import lies_there
from pipeline.common.images import DAMAGE
from pipeline.use.faces import Face

LARGEST = 1200  # side of the photograph in the picture
WIDTH = 420  # of what stands beside it, at least
CROP, LINE, GAP, INDENT = 96, 18, 12, 20
PAPER, INK, BAR, MARK = (255, 255, 255), (30, 30, 30), (70, 120, 180), (60, 220, 90)
SOFTWARE = "Software", "fercrop"  # what a drawing says of itself, a keyword of PNG's with its text


def draw(photograph: npt.NDArray[np.uint8], faces: Sequence[Face], classes: Sequence[str]) -> npt.NDArray[np.uint8]:
    """The picture, RGB (H, W, 3).

    Args:
        photograph: RGB, upright.
        faces: that were found in it.
        classes: the names of the expressions.
    """
    height, width = photograph.shape[:2]
    scale = min(1.0, LARGEST / max(height, width))
    size = max(1, round(width * scale)), max(1, round(height * scale))
    small = cv2.resize(photograph, size, interpolation=cv2.INTER_AREA) if scale < 1 else photograph
    panel = GAP + LINE + CROP + GAP + LINE * len(classes) + GAP
    beside = max(WIDTH, GAP + INDENT + (CROP + GAP) * max((len(face.crops) for face in faces), default=0))
    canvas = Image.new("RGB", (size[0] + beside, max(size[1], panel * len(faces), LINE + 2 * GAP)), PAPER)
    canvas.paste(Image.fromarray(small), (0, 0))
    pen = ImageDraw.Draw(canvas)
    for number, face in enumerate(faces, 1):
        _mark(pen, face, number, scale)
        _panel(canvas, face, number, classes, (size[0] + GAP, GAP + panel * (number - 1)))
    if not faces:
        pen.text((size[0] + GAP, GAP), "no face", INK, _font())
    return np.asarray(canvas)


def save_drawing(picture: npt.NDArray[np.uint8], path: Path) -> None:
    """Write what `draw` gives as a PNG file that says whose it is.

    Raises:
        InputError: see `check_replaceable`.
    """
    check_replaceable(path)
    says = PngInfo()
    says.add_text(*SOFTWARE)
    with whole_file(path) as file:
        Image.fromarray(picture).save(file, "PNG", pnginfo=says)


def check_replaceable(path: Path) -> None:
    """Raise InputError if something lies there that `save_drawing` did not write: somebody's photograph, say."""
    if lies_there(path) and not _is_drawing(path):
        raise InputError(f"{path}: is there, and is no drawing of fercrop's; move it away or name another --draw")


def _is_drawing(path: Path) -> bool:
    keyword, text = SOFTWARE
    try:
        if not path.is_file():  # a named pipe would be waited for
            return False
        with Image.open(path, formats=["PNG"]) as image:
            return bool(image.info.get(keyword) == text)
    except DAMAGE:
        return False


def _font() -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    return ImageFont.load_default(13)


def _mark(pen: ImageDraw.ImageDraw, face: Face, number: int, scale: float) -> None:
    left, top, right, bottom = ((face.box + 0.5) * scale).tolist()
    pen.rectangle((left, top, right, bottom), outline=MARK, width=2)
    pen.text((left + 3, top + 1), str(number), MARK, _font())
    if not face.has_points:
        return
    radius = max(1.0, (right - left) / 150)
    for x, y in ((face.points + 0.5) * scale).tolist():
        pen.ellipse((x - radius, y - radius, x + radius, y + radius), fill=MARK)


def _panel(canvas: Image.Image, face: Face, number: int, classes: Sequence[str], corner: tuple[int, int]) -> None:
    """What is known of a face: its crops, named, and a bar a class."""
    pen, (left, top) = ImageDraw.Draw(canvas), corner
    pen.text((left, top), f"{number}", INK, _font())
    for place, (region, crop) in enumerate(face.crops.items()):
        x = left + INDENT + place * (CROP + GAP)
        name = region + (" (whole)" if face.fell_back[region] else "")
        pen.text((x, top), name, INK, _font())
        canvas.paste(Image.fromarray(crop).resize((CROP, CROP), Image.Resampling.BICUBIC), (x, top + LINE))
    y = top + LINE + CROP + GAP
    for name, probability in zip(classes, face.joined.tolist(), strict=True):
        pen.text((left + INDENT, y), name, INK, _font())
        pen.rectangle((left + 120, y + 3, left + 120 + 200 * probability, y + LINE - 5), fill=BAR)
        pen.text((left + 330, y), f"{probability:.0%}", INK, _font())
        y += LINE
