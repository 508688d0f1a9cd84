"""iBUG 300-W read: every photograph and its points checked, and cut to a square around the face."""

from __future__ import annotations

import struct
from pathlib import Path, PurePosixPath

import numpy as np
import numpy.typing as npt
from PIL import Image, UnidentifiedImageError
from tqdm import tqdm

from pipeline.common.files import InputError
from pipeline.faces import points
from pipeline.faces.face_images import SIDE, Faces, cut_square
from pipeline.faces.photographs import Photograph, find_photographs
from pipeline.faces.pts import REMEDY


def read_300w(root: Path) -> Faces:
    """Read the data set, in dlib's layout or in the official folders, ordered by name.

    The splits are those of the literature: AFW and the trainsets of HELEN and LFPW for training, the testsets of
    HELEN and LFPW are the common test set, iBUG the challenging one. Of the training photographs about every tenth,
    by a hash of its name, has the split `validation`: settings and the epoch are chosen on these, never on a test
    set. Mirrored copies (`*_mirror.*`) are left out, since the augmentation mirrors.

    Raises:
        InputError: a file is damaged or not as published, or there is nothing to train or to test on.
    """
    photographs = find_photographs(root)
    images = np.empty((len(photographs), SIDE, SIDE, 3), np.uint8)
    coordinates = np.empty((len(photographs), points.COUNT, 2), np.float32)
    for row, photograph in enumerate(tqdm(photographs, desc="faces", unit="image", disable=None)):
        image = read_image(photograph.image)
        found = photograph.read_points()
        _check_points(photograph, found, image.shape[1], image.shape[0])
        images[row], coordinates[row] = cut_square(image, found)
    names = [photograph.name for photograph in photographs]
    return Faces(
        images=images,
        points=coordinates,
        subset=np.array([PurePosixPath(name).parts[0] for name in names]),
        split=np.array([photograph.split for photograph in photographs]),
        name=np.array(names),
    )


def read_image(path: Path) -> npt.NDArray[np.uint8]:
    """A photograph as RGB (H, W, 3), the pixels as they are stored: points refer to these, whatever EXIF says.

    Raises:
        InputError: it is missing, no JPEG or PNG, or cut short.
    """
    try:
        # Pillow, since OpenCV fills the rest of a truncated JPEG with grey and says nothing.
        with Image.open(path, formats=("JPEG", "PNG")) as image:
            if image.mode[0] in "IF":  # converting these to 8 bits would clip them
                raise InputError(f"{path}: has more than 8 bits a pixel; {REMEDY}")
            return np.asarray(image.convert("RGB"))
    except FileNotFoundError:
        raise InputError(f"{path}: missing; {REMEDY}") from None
    except UnidentifiedImageError:
        raise InputError(f"{path}: is neither JPEG nor PNG; {REMEDY}") from None
    # What Pillow raises for damaged files, by format and place of the damage.
    except (OSError, SyntaxError, ValueError, EOFError, struct.error, Image.DecompressionBombError) as error:
        raise InputError(f"{path}: damaged ({' '.join(str(error).split())}); {REMEDY}") from None


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
