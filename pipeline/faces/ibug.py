"""iBUG 300-W: photographs with 68 points, read, checked and cut to squares around the face.

Sources: Sagonas et al., "300 Faces in-the-Wild Challenge", ICCV Workshops 2013; the XML is that of dlib's
`ibug_300W_large_face_landmark_dataset`.
"""

from __future__ import annotations

import itertools
import os
import re
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from xml.etree.ElementTree import Element, ParseError

import cv2
import defusedxml.ElementTree
import numpy as np
import numpy.typing as npt
from PIL import Image, UnidentifiedImageError
from tqdm import tqdm

from pipeline.common.files import InputError, inside, load_arrays, save_arrays
from pipeline.faces import points

SIDE = 224
SPAN = 1.8

# What the images of each folder are for. "common" and "challenging" are the two test sets of the literature.
FOLDERS = {
    "afw": "train",
    "helen/trainset": "train",
    "lfpw/trainset": "train",
    "helen/testset": "common",
    "lfpw/testset": "common",
    "ibug": "challenging",
}
LABELS = ("labels_ibug_300W_train.xml", "labels_ibug_300W_test.xml")
VALIDATION_PART = 10  # one photograph in this many is held back from training
IMAGE_SUFFIXES = (".jpg", ".png", ".jpeg", ".JPG", ".PNG", ".JPEG")

REMEDY = "restore it from the published archive"


@dataclass(frozen=True)
class Faces:
    """Face images with their points.

    Attributes:
        images: (N, 224, 224, 3), RGB.
        points: (N, 68, 2), x and y in pixels of `images`.
        subset: (N,), afw, helen, lfpw or ibug.
        split: (N,), train, validation, common or challenging.
        name: (N,), the photograph's path relative to the data set's folder.
    """

    images: npt.NDArray[np.uint8]
    points: npt.NDArray[np.float32]
    subset: npt.NDArray[np.str_]
    split: npt.NDArray[np.str_]
    name: npt.NDArray[np.str_]

    def __len__(self) -> int:
        return len(self.images)

    def where(self, mask: npt.NDArray[np.bool_]) -> Faces:
        """Those faces for which the mask (N,) is true."""
        return Faces(**{name: array[mask] for name, array in vars(self).items()})

    def save(self, path: Path) -> None:
        """Write `data/faces.npz`."""
        save_arrays(path, **vars(self))

    @classmethod
    def load(cls, path: Path) -> Faces:
        """Read what `save` wrote.

        Raises:
            InputError: the file is missing, damaged or of another kind.
        """
        schema: dict[str, tuple[str, tuple[int | None, ...]]] = {
            "images": ("uint8", (None, SIDE, SIDE, 3)),
            "points": ("float32", (None, points.COUNT, 2)),
            "subset": ("U", (None,)),
            "split": ("U", (None,)),
            "name": ("U", (None,)),
        }
        return cls(**load_arrays(path, schema))


@dataclass(frozen=True)
class Photograph:
    """One image of the data set on disk, and where its points come from: the `.pts` file, else the XML's parts."""

    name: str
    folder: str  # one of FOLDERS
    image: Path
    pts: Path | None
    parts: npt.NDArray[np.float64] | None

    @property
    def split(self) -> str:
        """What the photograph is for; see `read_300w`."""
        split = FOLDERS[self.folder]
        # HELEN and AFW number the faces of one photograph (134212_1, 134212_2): they stay on one side.
        photograph = re.sub(r"_\d\d?$", "", PurePosixPath(self.name).with_suffix("").as_posix())
        held_back = split == "train" and zlib.crc32(photograph.encode()) % VALIDATION_PART == 0
        return "validation" if held_back else split

    def read_points(self) -> npt.NDArray[np.float64]:
        """The points (68, 2), 0-based."""
        if self.pts is not None:
            return read_pts(self.pts)
        assert self.parts is not None
        return self.parts


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


def find_photographs(root: Path) -> list[Photograph]:
    """The photographs of the data set, ordered by name; none of them is read yet.

    Raises:
        InputError: the XML is damaged, an image is missing, or there is nothing to train or to test on.
    """
    with_xml = any((root / name).exists() for name in LABELS)
    found = sorted(_from_xml(root) if with_xml else _from_folders(root), key=lambda photograph: photograph.name)
    for one, next_one in itertools.pairwise(found):
        if one.name == next_one.name:
            raise InputError(f"{root}: {one.name} stands twice in {' and '.join(LABELS)}; {REMEDY}")
    for needed, purpose in (("train", "to train on"), ("common", "to test on")):
        if not any(FOLDERS[photograph.folder] == needed for photograph in found):
            folders = ", ".join(folder for folder, split in FOLDERS.items() if split == needed)
            raise InputError(f"{root}: has no images {purpose}; put those of {folders} there")
    return found


def files_300w(root: Path) -> list[Path]:
    """Every file that belongs to the data set, and nothing else that lies in its folder.

    Raises:
        InputError: see `find_photographs`.
    """
    labels = [root / name for name in LABELS if (root / name).exists()]
    photographs = find_photographs(root)
    return [
        *labels,
        *(photograph.image for photograph in photographs),
        *(photograph.pts for photograph in photographs if photograph.pts is not None),
    ]


def read_pts(path: Path) -> npt.NDArray[np.float64]:
    """The points (68, 2) of a `.pts` file, 0-based (the file counts pixels from 1).

    Raises:
        InputError: the file does not hold 68 points with finite coordinates.
    """
    try:
        text = path.read_text("ascii").strip()
    except FileNotFoundError:
        raise InputError(f"{path}: missing; {REMEDY}") from None
    except UnicodeDecodeError:
        raise InputError(f"{path}: is no text; {REMEDY}") from None
    if not text:
        raise InputError(f"{path}: is empty; {REMEDY}")
    layout = re.fullmatch(r"([^{}]*)\{([^{}]*)\}", text)
    if not layout:
        raise InputError(f"{path}: the points must stand between {{ and }}; {REMEDY}")
    header, words = layout[1], layout[2].split()
    count = re.search(r"n_points:\s*(\d+)", header)
    if not count or int(count[1]) != points.COUNT or len(words) != 2 * points.COUNT:
        says = f"n_points: {count[1]}" if count else "no n_points"
        raise InputError(f"{path}: says {says} and holds {len(words) / 2:g} points, not {points.COUNT}; {REMEDY}")
    try:
        found = np.array(words, np.float64).reshape(-1, 2) - 1
    except ValueError as error:
        raise InputError(f"{path}: a coordinate is no number ({error}); {REMEDY}") from None
    if not np.isfinite(found).all():
        number = np.flatnonzero(~np.isfinite(found).all(axis=1))[0] + 1
        raise InputError(f"{path}: point {number} is not finite; {REMEDY}")
    return found


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


def cut_square(
    image: npt.NDArray[np.uint8], found: npt.NDArray[np.float64]
) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.float32]]:
    """Cut the square around the points and scale it to 224 x 224.

    The square is centred on the points' box and spans `SPAN` times its larger extent, both rounded to whole pixels,
    so that the cut itself blurs nothing. Outside the photograph the edge is repeated.

    Args:
        image: (H, W, 3).
        found: (68, 2), in pixels of `image`.

    Returns:
        the square (224, 224, 3) and the points in it (68, 2).
    """
    low, high = found.min(axis=0), found.max(axis=0)
    side = round(SPAN * float((high - low).max()))
    # Pixel i covers i - 0.5 to i + 0.5: a square of n pixels from x0 on is centred on x0 + (n - 1) / 2.
    x0, y0 = (round(float(centre) - (side - 1) / 2) for centre in (low + high) / 2)
    columns = np.clip(np.arange(x0, x0 + side), 0, image.shape[1] - 1)
    rows = np.clip(np.arange(y0, y0 + side), 0, image.shape[0] - 1)
    square = image[rows[:, None], columns]
    shrinks = side > SIDE
    scaled = cv2.resize(square, (SIDE, SIDE), interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR)
    moved = (found - (x0, y0) + 0.5) * (SIDE / side) - 0.5
    return scaled.astype(np.uint8, copy=False), moved.astype(np.float32)


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


def _is_mirrored(name: str) -> bool:
    return PurePosixPath(name).stem.endswith("_mirror")


def _from_folders(root: Path) -> Iterator[Photograph]:
    """The photographs of the official folders: every `.pts` file and the image beside it."""
    for folder in FOLDERS:
        for path in sorted((root / folder).rglob("*.pts")):
            name = path.relative_to(root).as_posix()
            if _is_mirrored(name) or path.name.startswith("."):
                continue
            image = next((path.with_suffix(s) for s in IMAGE_SUFFIXES if path.with_suffix(s).exists()), None)
            if image is None:
                raise InputError(f"{path}: the image beside it (.jpg or .png) is missing; {REMEDY}")
            for file in (path, image):
                inside(root, file.relative_to(root).as_posix(), path)
            yield Photograph(image.relative_to(root).as_posix(), folder, image, path, None)


def _from_xml(root: Path) -> Iterator[Photograph]:
    """The photographs that the two files of dlib's layout list."""
    for labels in (root / name for name in LABELS):
        try:
            for _, element in defusedxml.ElementTree.iterparse(labels, forbid_dtd=True):
                if element.tag == "image":
                    photograph = _from_element(root, labels, element)
                    if photograph is not None:
                        yield photograph
                    element.clear()  # or the whole file would stay in memory
        except FileNotFoundError:
            raise InputError(f"{labels}: missing; {REMEDY}") from None
        # defusedxml's own exceptions, for a DTD and for entities, are ValueErrors.
        except (ParseError, ValueError, LookupError) as error:
            raise InputError(f"{labels}: is not valid XML ({' '.join(str(error).split())}); {REMEDY}") from None


def _from_element(root: Path, labels: Path, element: Element) -> Photograph | None:
    """One `image` of the XML; None for a mirrored copy."""
    listed = element.get("file", "")
    inside(root, listed, labels)
    name = os.path.normpath(listed).replace(os.sep, "/")
    if _is_mirrored(name):
        return None
    folder = next((folder for folder in FOLDERS if name.startswith(f"{folder}/")), None)
    if folder is None:
        raise InputError(f"{labels}: file={listed!r} is in none of {', '.join(FOLDERS)}; {REMEDY}")
    image = root / name
    if not image.is_file():
        raise InputError(f"{image}: missing, but {labels} lists it; {REMEDY}")
    parts = _read_parts(labels, listed, element)
    pts = image.with_suffix(".pts")
    if not pts.exists():
        return Photograph(name, folder, image, None, parts)
    inside(root, pts.relative_to(root).as_posix(), labels)
    return Photograph(name, folder, image, pts, None)


def _read_parts(labels: Path, listed: str, element: Element) -> npt.NDArray[np.float64]:
    """The 68 parts (68, 2) of one `image` of the XML, 0-based and whole pixels."""
    found: dict[str, tuple[int, int]] = {}
    for part in element.iter("part"):
        words = [part.get(key, "") for key in ("x", "y")]
        if not all(re.fullmatch(r"-?[0-9]{1,9}", word) for word in words):
            raise InputError(
                f"{labels}: {listed}: part {part.get('name')} is at {words}, not at whole numbers; {REMEDY}"
            )
        found[part.get("name", "")] = (int(words[0]), int(words[1]))
    expected = [f"{number:02}" for number in range(points.COUNT)]
    if len(list(element.iter("part"))) != points.COUNT or sorted(found) != expected:
        absent = [name for name in expected if name not in found]
        lacks = f", and lacks {', '.join(absent[:5])}" if absent else ""
        raise InputError(f"{labels}: {listed}: must have each part 00 to {expected[-1]} once{lacks}; {REMEDY}")
    return np.array([found[name] for name in expected], np.float64)
