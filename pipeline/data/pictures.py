"""Pictures from outside, of any format and size, as squares of one side."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Literal

import cv2
import numpy as np
import numpy.typing as npt
from tqdm import tqdm

from pipeline.common.arrays import mapped
from pipeline.common.files import InputError
from pipeline.common.images import read_image
from pipeline.data.expressions import MAX_CLASSES
from pipeline.data.grey import to_grey

FORMATS = ("BMP", "GIF", "JPEG", "PNG", "PPM", "TIFF", "WEBP")  # what fewer people send has had less testing
REMEDY = "remove it, or put a whole one in its place"

LEFT_BESIDE = ("Thumbs.db", "desktop.ini")  # by systems, beside pictures

FACE_MARGIN = 0.25  # of the face's box, on each side: the landmark model wants the whole face, chin and brows

Cut = Literal["centre", "face"]
Square = tuple[int, int, int]  # left, top and side, in pixels


def read_picture(path: Path) -> npt.NDArray[np.uint8]:
    """A picture as RGB (H, W, 3), upright. Raises InputError, see `images.read_image`."""
    return read_image(path, REMEDY, FORMATS, upright=True)


def read_squares(
    files: Sequence[Path], side: int, colour: bool, cut: Cut
) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.bool_]]:
    """Pictures cut to squares and resized.

    Args:
        files: N of them.
        side: of the squares, in pixels.
        colour: RGB, or grey.
        cut: around the largest face that is found, or the largest square in the middle.

    Returns:
        (N, side, side, 3) or (N, side, side), mapped from the disk, and where a face was looked for and not found,
        (N,): the middle is kept.

    Raises:
        InputError: see `read_picture`.
    """
    lost = np.zeros(len(files), np.bool_)
    find = _face_finder() if cut == "face" else None

    def read() -> Iterator[npt.NDArray[np.uint8]]:
        for row, path in enumerate(tqdm(files, "reading pictures", unit="picture", disable=None)):
            picture = read_picture(path)
            if not colour:
                picture = to_grey(picture[None])[0]
            face = find(picture) if find else None
            lost[row] = face is None and find is not None
            yield resized(_square(picture, face or middle(*picture.shape[:2])), side)

    return mapped(read(), (side, side, *([3] if colour else []))), lost


def middle(height: int, width: int) -> Square:
    """The largest square in the middle of a picture."""
    side = min(height, width)
    return (width - side) // 2, (height - side) // 2, side


def _face_finder() -> Callable[[npt.NDArray[np.uint8]], Square | None]:
    """What finds the square around the largest face of a picture, or None: dlib's, which needs no weights.

    Source: Dalal and Triggs, "Histograms of Oriented Gradients for Human Detection", CVPR 2005.
    """
    import dlib

    detector = dlib.get_frontal_face_detector()

    def find(picture: npt.NDArray[np.uint8]) -> Square | None:
        faces = detector(np.ascontiguousarray(picture))
        if not faces:
            return None
        face = max(faces, key=lambda one: (one.width(), -one.left(), -one.top()))
        margin = round(FACE_MARGIN * face.width())
        return face.left() - margin, face.top() - margin, face.width() + 2 * margin

    return find


def _square(picture: npt.NDArray[np.uint8], square: Square) -> npt.NDArray[np.uint8]:
    """A square of a picture; what lies outside repeats the edge."""
    left, top, side = square
    height, width = picture.shape[:2]
    rows = np.arange(top, top + side).clip(0, height - 1)
    columns = np.arange(left, left + side).clip(0, width - 1)
    return np.asarray(picture[rows][:, columns])


def resized(square: npt.NDArray[np.uint8], side: int) -> npt.NDArray[np.uint8]:
    """A square of another side: (S, S) or (S, S, 3)."""
    shrinks = len(square) > side
    return np.asarray(cv2.resize(square, (side, side), interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_CUBIC))


def list_classes(folder: Path, least: int = 2) -> dict[str, list[Path]]:
    """The pictures of each class: the files of each sub-folder, both in the order of their names.

    Files whose names begin with a dot, and others that systems leave beside pictures, are passed over.

    Raises:
        InputError: there are fewer than `least` sub-folders or more than `MAX_CLASSES`, the name of one cannot be a
            class's, or it has no file or a folder in it.
    """
    classes = {}
    for part in sorted(part for part in folder.iterdir() if part.is_dir() and not part.name.startswith(".")):
        files = sorted(path for path in part.iterdir() if path.name[0] != "." and path.name not in LEFT_BESIDE)
        inner = next((path for path in files if path.is_dir()), None)
        if inner is not None:
            raise InputError(f"{inner}: is a folder in that of a class; put its pictures into {part}, or remove it")
        if not part.name.isprintable():  # nor text at all, perhaps: it is a class's name in tables and pages
            raise InputError(f"{part}: has a name that cannot be shown; rename the folder")
        if not files:
            raise InputError(f"{part}: holds no picture of its class; put some there, or remove the folder")
        classes[part.name] = files
    if len(classes) < least:
        count = "one sub-folder" if classes else "no sub-folder"
        more = "one" if least == 1 else "two"
        raise InputError(f"{folder}: has {count}, and needs {more} or more, a class each; see docs/your_images.md")
    if len(classes) > MAX_CLASSES:
        many = f"{len(classes)} sub-folders, a class each"
        raise InputError(f"{folder}: has {many}, and may have {MAX_CLASSES}; join some")
    return classes
