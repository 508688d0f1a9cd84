"""The images and point files that lie in 300-W's folders, whatever becomes of them."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from pipeline.common.files import InputError
from pipeline.common.given import lies_there

IMAGE_SUFFIXES = (".jpg", ".jpeg", ".png")  # in capitals too
PTS_SUFFIX = ".pts"


@dataclass(frozen=True)
class Listing:
    """Names relative to the data set's folder, in the order of the alphabet.

    Attributes:
        images, pts: the names by what they are without their suffix.
        mirrored: copies of images that somebody has mirrored, and their points.
        elsewhere: those that are in none of the folders, but beside them.
        links: folders that are links, below the folders; what they lead to is not looked at.
    """

    images: dict[str, list[str]] = field(default_factory=dict)
    pts: dict[str, list[str]] = field(default_factory=dict)
    mirrored: list[str] = field(default_factory=list)
    elsewhere: list[str] = field(default_factory=list)
    links: list[str] = field(default_factory=list)


def list_photographs(root: Path, folders: Iterable[str]) -> Listing:
    """Every image and point file in these folders, and beside them.

    Raises:
        InputError: a folder is no folder, or a name is no text.
        PermissionError: a folder may not be looked into.
    """
    listing = Listing()
    folders = tuple(folders)
    for top in sorted({PurePosixPath(folder).parts[0] for folder in folders}):
        for name in sorted(_walk(root, top, listing.links)):
            path = PurePosixPath(name)
            suffix = path.suffix.lower()
            if path.name.startswith(".") or suffix not in (*IMAGE_SUFFIXES, PTS_SUFFIX):
                continue  # what macOS leaves in archives, and what is nothing of ours
            if not _is_text(name):
                raise InputError(f"{root}: the name {os.fsencode(name)!r} is no UTF-8 text; rename the file")
            if is_mirrored(name):
                listing.mirrored.append(name)
            elif not name.startswith(tuple(f"{folder}/" for folder in folders)):
                listing.elsewhere.append(name)
            else:
                kind = listing.pts if suffix == PTS_SUFFIX else listing.images
                kind.setdefault(without_suffix(name), []).append(name)
    return listing


def is_mirrored(name: str) -> bool:
    """Whether a name is that of a mirrored copy; training mirrors by itself."""
    return PurePosixPath(name).stem.endswith("_mirror")


def without_suffix(name: str) -> str:
    """What an image and its point file have in common."""
    return PurePosixPath(name).with_suffix("").as_posix()


def _walk(root: Path, top: str, links: list[str]) -> Iterator[str]:
    """All files below a folder of the root; links to folders are added to `links`."""

    def refuse(error: OSError) -> None:
        if isinstance(error, PermissionError):
            raise error
        if lies_there(root / top) or not isinstance(error, FileNotFoundError):
            raise InputError(f"{error.filename}: is no folder ({error.strerror}); remove it or put the folder there")

    for folder, inner, files in os.walk(root / top, onerror=refuse):
        below = Path(folder).relative_to(root)
        links += [(below / name).as_posix() for name in inner if (Path(folder) / name).is_symlink()]
        yield from ((below / name).as_posix() for name in files)


def _is_text(name: str) -> bool:
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True
