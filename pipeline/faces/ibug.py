"""iBUG 300-W read: every photograph and its points checked, and cut to a square around the face."""

from __future__ import annotations

from pathlib import PurePosixPath

import numpy as np
import numpy.typing as npt
from tqdm import tqdm

from pipeline.common.files import InputError
from pipeline.common.images import read_image
from pipeline.data.sources import some
from pipeline.faces import points
from pipeline.faces.face_images import SIDE, Faces, cut_square
from pipeline.faces.photographs import Photograph, Photographs
from pipeline.faces.pts import REMEDY

MAX_EXTENT = 6_000  # of a face, in pixels; the square that is cut around it takes 350 MB then


def read_300w(found: Photographs) -> Faces:
    """Read the data set, in dlib's layout or in the official folders, ordered by name.

    The splits are those of the literature: AFW and the trainsets of HELEN and LFPW for training, the testsets of
    HELEN and LFPW are the common test set, iBUG the challenging one. Of the training photographs about every tenth,
    by a hash of its name, has the split `validation`: settings and the epoch are chosen on these, never on a test
    set. Mirrored copies (`*_mirror.*`) are left out, since the augmentation mirrors.

    Raises:
        InputError: files are damaged or not as published: the first of them, and how many there are.
    """
    count = len(found.used)
    images = np.empty((count, SIDE, SIDE, 3), np.uint8)
    coordinates = np.empty((count, points.COUNT, 2), np.float32)
    wrong: dict[str, InputError] = {}
    for row, photograph in enumerate(tqdm(found.used, desc="faces", unit="image", disable=None)):
        try:
            images[row], coordinates[row] = _read_face(photograph)
        except InputError as error:
            wrong[photograph.name] = error
    if wrong:
        first, *others = wrong
        more = f" ({len(others):,} more of {count:,} are to be mended: {some(others)})" if others else ""
        raise InputError(f"{wrong[first]}{more}")
    names = [photograph.name for photograph in found.used]
    return Faces(
        images=images,
        points=coordinates,
        subset=np.array([PurePosixPath(name).parts[0] for name in names], np.str_),
        split=np.array([photograph.split for photograph in found.used], np.str_),
        name=np.array(names, np.str_),
    )


def _read_face(photograph: Photograph) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.float32]]:
    """The square around the face and the points in it; see `cut_square`."""
    image = read_image(photograph.image, REMEDY)
    height, width = image.shape[:2]
    said = photograph.listed and photograph.listed.size
    if said and said != (width, height):
        raise InputError(
            f"{photograph.image}: is {width:,} x {height:,} pixels, but {said[0]:,} x {said[1]:,} in the XML; {REMEDY}"
        )
    found = photograph.read_points()
    _check_points(photograph, found, width, height)
    return cut_square(image, found)


def _check_points(photograph: Photograph, found: npt.NDArray[np.float64], width: int, height: int) -> None:
    source = photograph.pts or photograph.image
    size = f"the {width} x {height} image"
    if np.ptp(found, axis=0).max() < 1:
        raise InputError(f"{source}: all points are the same; {REMEDY}")
    beyond = np.maximum(-found, found - (width - 1, height - 1)).max(axis=1)
    if beyond.min() > 0:
        raise InputError(f"{source}: all points lie outside of {size}; {REMEDY}")
    # A few points of a face at the border do lie outside, but never this far; it also bounds the square.
    if beyond.max() > max(width, height) / 2:
        raise InputError(f"{source}: point {beyond.argmax() + 1} lies far outside of {size}; {REMEDY}")
    if np.ptp(found, axis=0).max() > MAX_EXTENT:
        raise InputError(f"{source}: the face is more than {MAX_EXTENT:,} pixels large; reduce the photograph")
