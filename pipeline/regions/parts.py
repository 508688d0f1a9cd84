"""The parts that a face is divided into: every pixel of an image belongs to just one of them.

Regions are boxes that are cut out and may overlap. Parts follow the outlines of what they are named after and together
cover the image, so that what a classifier makes of it can be shared out among them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import cv2
import numpy as np
import numpy.typing as npt

from pipeline.faces.points import BROWS, JAW, interocular
from pipeline.regions.definitions import Outlined, Part

NOSE_BASE = 33  # the point between the nostrils, counted from 0
ARC = 24  # corners of the arc that closes a face above

# A pixel is five by five squares of the grid that outlines are drawn on, and belongs to the part that its middle has.
FINE = 5
SHIFT = 4  # OpenCV draws at fractions of a square when coordinates are given in 1/2**SHIFT squares

Points = npt.NDArray[np.float32]


def outlines(face: Points, part: Part) -> list[npt.NDArray[np.float64]]:
    """The corners of the polygons (K, 2) that a part consists of before it is grown; none of `rest`.

    Nothing in the 68 points bounds a face above the brows. It is closed there by half an ellipse over its outermost
    points 1 and 17, as high above the brows as these are above the nose's base: two of the three equal thirds of the
    neoclassical canon (Farkas et al., "Vertical and horizontal proportions of the face", Plastic and Reconstructive
    Surgery 75, 1985). The forehead is what lies between that arc and the brows; `face` is all below the arc.

    Args:
        face: (68, 2), x and y.
        part: its definition.
    """
    places = face.astype(np.float64)
    if isinstance(part, Outlined):
        hulls = (places[[number - 1 for number in hull]] for hull in part.points)
        return [cv2.convexHull(hull.astype(np.float32))[:, 0].astype(np.float64) for hull in hulls]
    if part == "forehead":
        return [np.concatenate([places[JAW[:1]], places[BROWS], _arc(places)])]
    return [np.concatenate([places[JAW], _arc(places)])] if part == "face" else []


def _arc(places: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """From point 17 over the top of the face to point 1, both included."""
    left, right, brows = places[JAW[0]], places[JAW[-1]], places[BROWS].mean(axis=0)
    middle = (left + right) / 2
    top = brows + (brows - places[NOSE_BASE])
    angle = np.linspace(0, np.pi, ARC)[:, None]
    return np.asarray(middle + (right - middle) * np.cos(angle) + (top - middle) * np.sin(angle))


def label_parts(points: Points, parts: Mapping[str, Part], side: int) -> npt.NDArray[np.uint8]:
    """Which part each pixel belongs to: the first in the order of `parts` that holds its middle.

    Args:
        points: (N, 68, 2), x and y in pixels of the images; finite.
        parts: the definitions; the last is `rest`.
        side: of the images, in pixels.

    Returns:
        (N, side, side), numbers of the parts.

    Raises:
        ValueError: a point is not finite.
    """
    if not np.isfinite(points).all():
        raise ValueError("a point is not finite")
    return np.stack([_label(face, list(parts.values()), side) for face in points])


def _label(face: Points, parts: Sequence[Part], side: int) -> npt.NDArray[np.uint8]:
    canvas = np.full((side * FINE, side * FINE), len(parts) - 1, np.uint8)
    for number, part in reversed(list(enumerate(parts))):
        # A line along the outline, twice as wide as the margin and round at its corners, grows it on all sides.
        width = round(2 * part.margin * float(interocular(face)) * FINE) if isinstance(part, Outlined) else 0
        for corners in outlines(face, part):
            places = np.clip((corners + 0.5) * FINE - 0.5, -1e4, 1e4)
            fixed = np.rint(places * 2**SHIFT).astype(np.int32)
            cv2.fillPoly(canvas, [fixed], number, cv2.LINE_8, SHIFT)
            if width:
                cv2.polylines(canvas, [fixed], True, number, width, cv2.LINE_8, SHIFT)
    return canvas[FINE // 2 :: FINE, FINE // 2 :: FINE]


def seen_points(points: Points, boxes: npt.NDArray[np.float32], side: int) -> Points:
    """Points in pixels of the squares that boxes were cut out to.

    Args:
        points: (N, 68, 2), in pixels of the uncut images.
        boxes: (N, 4), see `regions.boxes`.
        side: of the squares, in pixels.
    """
    corner, size = boxes[:, None, :2], boxes[:, None, 2:] - boxes[:, None, :2]
    return np.asarray((points - corner) / size * side - 0.5, np.float32)
