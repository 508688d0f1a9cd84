"""Which photographs iBUG 300-W consists of, in dlib's layout or in the official folders, and what each is for.

Every image and every point file in the data set's folders is either used or left out for a reason that is told.

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

import numpy as np
import numpy.typing as npt

from pipeline.common.files import InputError, inside
from pipeline.common.given import lies_there
from pipeline.data.sources import Found, Wanted
from pipeline.faces.labels import Listed, read_labels
from pipeline.faces.listing import Listing, is_mirrored, list_photographs, without_suffix
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
FACES = "faces"  # what the data set is called among the sources
DLIB_FOLDER = "ibug_300W_large_face_landmark_dataset"
MAX_NAME = 255  # characters of a path in the XML
VALIDATION_PART = 10  # one photograph in this many is held back from training
# The XML's parts are the points in whole pixels. What is further off, in pixels or in parts of the face, is not them.
APART, APART_PART = 3.0, 0.05


@dataclass(frozen=True)
class Photograph:
    """One image of the data set on disk, and where its points come from: the `.pts` file, else the XML's parts."""

    name: str
    folder: str  # one of FOLDERS
    image: Path
    pts: Path | None
    listed: Listed | None  # in the XML

    @property
    def split(self) -> str:
        """What the photograph is for; see `read_300w`."""
        split = FOLDERS[self.folder]
        # HELEN and AFW number the faces of one photograph (134212_1, 134212_2): they stay on one side.
        photograph = re.sub(r"_\d\d?$", "", PurePosixPath(self.name).with_suffix("").as_posix())
        held_back = split == "train" and zlib.crc32(photograph.encode()) % VALIDATION_PART == 0
        return "validation" if held_back else split

    def read_points(self) -> npt.NDArray[np.float64]:
        """The points (68, 2), 0-based.

        Raises:
            InputError: see `read_pts`; or the file and the XML do not have the same points.
        """
        if self.pts is None:
            assert self.listed is not None
            return self.listed.parts
        found = read_pts(self.pts)
        if self.listed is not None:
            apart = np.abs(found - self.listed.parts).max(axis=1)
            if apart.max() > max(APART, APART_PART * np.ptp(self.listed.parts, axis=0).max()):
                number, pixels = apart.argmax() + 1, f"{apart.max():,.0f}"[:20]
                raise InputError(f"{self.pts}: point {number} lies {pixels} pixels from where the XML has it; {REMEDY}")
        return found


@dataclass(frozen=True)
class Photographs:
    """What a folder holds of the data set.

    Attributes:
        used: the photographs, ordered by name.
        left_out: the names of all other images and point files, by why they are not used.
    """

    used: tuple[Photograph, ...]
    left_out: dict[str, tuple[str, ...]]


def find_photographs(root: Path) -> Photographs:
    """The photographs of the data set; none of them is read yet.

    Raises:
        InputError: the XML is damaged, an image is missing, or there is nothing to train or to test on.
        PermissionError: a folder may not be looked into.
    """
    listing = list_photographs(root, FOLDERS)
    with_xml = any(lies_there(root / name) for name in LABELS)
    used = sorted((_from_xml if with_xml else _from_folders)(root, listing), key=lambda photograph: photograph.name)
    for one, next_one in itertools.pairwise(used):
        if one.name == next_one.name:
            raise InputError(f"{root}: {one.name} stands twice in {' and '.join(LABELS)}; {REMEDY}")
    for needed, purpose in (("train", "to train on"), ("common", "to test on")):
        if not any(FOLDERS[photograph.folder] == needed for photograph in used):
            folders = ", ".join(folder for folder, split in FOLDERS.items() if split == needed)
            raise InputError(f"{root}: has no images {purpose}; put those of {folders} there")
    return Photographs(tuple(used), _left_out(listing, used, root, with_xml))


def files_300w(root: Path) -> list[Path]:
    """Every file of the data set that is used, and nothing else that lies in its folder.

    Raises:
        InputError, PermissionError: see `find_photographs`.
    """
    labels = [root / name for name in LABELS if lies_there(root / name)]
    photographs = find_photographs(root).used
    return [
        *labels,
        *(photograph.image for photograph in photographs),
        *(photograph.pts for photograph in photographs if photograph.pts is not None),
    ]


def find_300w(folder: Path) -> dict[str, Found]:
    """The data set in a folder; empty if it is not there."""
    candidates = (folder / DLIB_FOLDER, folder / "300W", folder / "300w", folder)
    root = next((candidate for candidate in candidates if _holds_faces(candidate)), None)
    return {} if root is None else {FACES: Found(root, partial(files_300w, root))}


WANTED = Wanted(
    f"iBUG 300-W (the folder {DLIB_FOLDER} from dlib.net, "
    "or the folders afw, helen, lfpw and ibug from ibug.doc.ic.ac.uk)",
    find_300w,
)


def _holds_faces(folder: Path) -> bool:
    return any(lies_there(folder / name) for name in (*LABELS, *FOLDERS))


def _left_out(listing: Listing, used: list[Photograph], root: Path, with_xml: bool) -> dict[str, tuple[str, ...]]:
    """What is listed and not used, by the reason; without the reasons that concern nothing."""
    taken = {path for photograph in used for path in (photograph.image, photograph.pts)}
    listed = itertools.chain(*listing.images.values(), *listing.pts.values())
    reasons = {
        "stand in neither XML file" if with_xml else "have no points beside them": [
            name for name in listed if root / name not in taken
        ],
        f"are in none of {', '.join(FOLDERS)}": listing.elsewhere,
        "are mirrored copies": listing.mirrored,
        "are links to folders": listing.links,
    }
    return {reason: tuple(sorted(names)) for reason, names in reasons.items() if names}


def _from_folders(root: Path, listing: Listing) -> Iterator[Photograph]:
    """The photographs of the official folders: every `.pts` file and the image beside it."""
    for stem, pts in listing.pts.items():
        images = listing.images.get(stem, [])
        if not images:
            raise InputError(f"{root / pts[0]}: the image beside it (.jpg or .png) is missing; {REMEDY}")
        image, points = (_only(root, names) for names in (images, pts))
        yield Photograph(image, _folder(image), root / image, root / points, None)


def _from_xml(root: Path, listing: Listing) -> Iterator[Photograph]:
    """The photographs that the two files of dlib's layout list, but for mirrored copies."""
    for labels in (root / name for name in LABELS):
        for listed in read_labels(labels):
            if len(listed.file) > MAX_NAME:
                start = listed.file[:60]
                raise InputError(f"{labels}: file={start!r}... is longer than {MAX_NAME} characters; {REMEDY}")
            inside(root, listed.file, labels)
            name = os.path.normpath(listed.file).replace(os.sep, "/")
            if is_mirrored(name):
                continue
            folder = _folder(name)
            if not folder:
                raise InputError(f"{labels}: file={listed.file!r} is in none of {', '.join(FOLDERS)}; {REMEDY}")
            if name not in listing.images.get(without_suffix(name), []):
                raise InputError(f"{root / name}: missing, but {labels} lists it; {REMEDY}")
            pts = listing.pts.get(without_suffix(name))
            yield Photograph(name, folder, root / name, root / _only(root, pts) if pts else None, listed)


def _folder(name: str) -> str:
    """Which of the folders a name is in; empty if in none."""
    return next((folder for folder in FOLDERS if name.startswith(f"{folder}/")), "")


def _only(root: Path, names: list[str]) -> str:
    """The one name, of a file that does not lead out of the data set."""
    if len(names) > 1:
        raise InputError(f"{root / names[0]}: {names[1]} would be the same; remove one of them")
    inside(root, names[0], root / names[0])
    return names[0]
