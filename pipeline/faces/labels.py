"""The two XML files of dlib's `ibug_300W_large_face_landmark_dataset`: which photographs there are, with points."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple
from xml.etree.ElementTree import Element, ParseError

import defusedxml.ElementTree
import numpy as np
import numpy.typing as npt

from pipeline.common.files import InputError
from pipeline.common.given import open_given
from pipeline.faces import points
from pipeline.faces.pts import REMEDY

MAX_BYTES = 64 << 20  # of a file: the published ones take less than 3 KB an image, 20 MB
MAX_ELEMENTS = 1000  # from one image to the next: a box and 68 parts; of nothing but elements there could be millions


class Listed(NamedTuple):
    """One `image` of the XML.

    Attributes:
        file: its path, as it is written there.
        size: width and height in pixels; None if they are not said.
        parts: (68, 2), the points, 0-based and in whole pixels.
    """

    file: str
    size: tuple[int, int] | None
    parts: npt.NDArray[np.float64]


def read_labels(path: Path) -> Iterator[Listed]:
    """The photographs that a file lists, in its order.

    Raises:
        InputError: it is missing or no such XML, or a photograph has not 68 points at whole numbers.
    """
    with open_given(path, REMEDY) as file:
        if path.stat().st_size > MAX_BYTES:
            raise InputError(f"{path}: is larger than {MAX_BYTES:,} bytes; {REMEDY}")
        try:
            elements = 0
            for _, element in defusedxml.ElementTree.iterparse(file, forbid_dtd=True):
                elements += 1
                if element.tag == "image":
                    yield _read_image(path, element)
                    element.clear()  # or the whole file would stay in memory
                    elements = 0
                elif elements > MAX_ELEMENTS:
                    raise InputError(f"{path}: has more than {MAX_ELEMENTS:,} elements for one image; {REMEDY}")
        # defusedxml's own exceptions, for a DTD and for entities, are ValueErrors.
        except (ParseError, ValueError, LookupError) as error:
            raise InputError(f"{path}: is not valid XML ({' '.join(str(error).split())}); {REMEDY}") from None


def _read_image(path: Path, element: Element) -> Listed:
    file = element.get("file", "")
    sides = [element.get(side) for side in ("width", "height")]
    if sides == [None, None]:
        return Listed(file, None, _read_parts(path, file, element))
    if not all(side and re.fullmatch(r"[1-9][0-9]{0,8}", side) for side in sides):
        raise InputError(f"{path}: {file[:100]}: its width and height are {sides}, no whole numbers; {REMEDY}")
    width, height = (int(str(side)) for side in sides)
    return Listed(file, (width, height), _read_parts(path, file, element))


def _read_parts(path: Path, file: str, element: Element) -> npt.NDArray[np.float64]:
    """The 68 parts (68, 2) of one `image`."""
    found: dict[str, tuple[int, int]] = {}
    parts = list(element.iter("part"))
    for part in parts:
        words = [part.get(key, "")[:20] for key in ("x", "y")]
        if not all(re.fullmatch(r"-?[0-9]{1,9}", word) for word in words):
            name = str(part.get("name"))[:20]
            raise InputError(f"{path}: {file[:100]}: part {name} is at {words}, not at whole numbers; {REMEDY}")
        found[part.get("name", "")] = (int(words[0]), int(words[1]))
    expected = [f"{number:02}" for number in range(points.COUNT)]
    if len(parts) != points.COUNT or sorted(found) != expected:
        absent = [name for name in expected if name not in found]
        lacks = f", and lacks {', '.join(absent[:5])}" if absent else ""
        raise InputError(f"{path}: {file[:100]}: must have each part 00 to {expected[-1]} once{lacks}; {REMEDY}")
    return np.array([found[name] for name in expected], np.float64)
