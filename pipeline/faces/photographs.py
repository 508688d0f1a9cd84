"""Which photographs iBUG 300-W consists of, in dlib's layout or in the official folders, and what each is for.

Sources: Sagonas et al., "300 Faces in-the-Wild Challenge", ICCV Workshops 2013; the XML is that of dlib's
`ibug_300W_large_face_landmark_dataset`.
"""

from __future__ import annotations

import itertools
import os
import re
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path, PurePosixPath
from xml.etree.ElementTree import Element, ParseError

import defusedxml.ElementTree
import numpy as np
import numpy.typing as npt

from pipeline.common.files import InputError, inside
from pipeline.data.sources import Found, Wanted
from pipeline.faces import points
from pipeline.faces.pts import REMEDY, read_pts

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
DLIB_FOLDER = "ibug_300W_large_face_landmark_dataset"
VALIDATION_PART = 10  # one photograph in this many is held back from training
IMAGE_SUFFIXES = (".jpg", ".png", ".jpeg", ".JPG", ".PNG", ".JPEG")


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


def find_300w(folder: Path) -> dict[str, Found]:
    """The data set in a folder; empty if it is not there."""
    candidates = (folder / DLIB_FOLDER, folder / "300W", folder / "300w", folder)
    root = next((candidate for candidate in candidates if _holds_faces(candidate)), None)
    return {} if root is None else {"faces": Found(root, partial(files_300w, root))}


WANTED = Wanted(
    f"iBUG 300-W (the folder {DLIB_FOLDER} from dlib.net, "
    "or the folders afw, helen, lfpw and ibug from ibug.doc.ic.ac.uk)",
    find_300w,
)


def _holds_faces(folder: Path) -> bool:
    return any((folder / name).exists() for name in (*LABELS, *FOLDERS))


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
