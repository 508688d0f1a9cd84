"""From a photograph to its faces: where they are, their points, their regions and their expressions."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import cv2
import numpy as np
import numpy.typing as npt

from pipeline.faces.squares import INPUT, TIGHT, Squares, boxes_around
from pipeline.faces.trust import expected_error
from pipeline.regions.cutting import cut, plan_cut
from pipeline.use.face_detectors import SEARCHED, find_faces
from pipeline.use.models import Classifier, Framing, Models, answer
from pipeline.use.photograph import Photograph, upright

# A face of more pixels a side is reduced to these: networks look at no more than `About.side` allows, which is less.
ENOUGH = 512
# Points that span so many times more or less than what was detected are no face's.
MOST = 2.5


@dataclass(frozen=True)
class Found:
    """A face that a face detector found, with what lies around it: the photograph need not be kept.

    Attributes:
        pixels: RGB (h, w, 3), the part of the photograph around the face, reduced where it is large.
        box: (4,), left, top, right and bottom of what the points are thought to span, in these pixels.
        corner, scale: (2,) each: a place p in these pixels is (p + 0.5) * scale + corner - 0.5 in the photograph.
    """

    pixels: npt.NDArray[np.uint8]
    box: npt.NDArray[np.float64]
    corner: npt.NDArray[np.float64]
    scale: npt.NDArray[np.float64]

    def outside(self, points: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        """Points (68, 2) in the photograph's pixels."""
        moved: npt.NDArray[np.float32] = ((points + 0.5) * self.scale + self.corner - 0.5).astype(np.float32)
        return moved


@dataclass(frozen=True)
class Face:
    """A face in a photograph.

    Attributes:
        box: (4,), left, top, right and bottom of what the points span, in pixels of the upright photograph; the face
            detector's where the points can be no face's.
        points: (68, 2), likewise.
        expected_error: how far off the points are expected to be, as a fraction of the inter-ocular distance;
            infinite where there are none, see `has_points`.
        crops: by region, what the classifier saw: (side, side) grey, or (side, side, 3) RGB.
        fell_back: by region, whether the points were not to be trusted and the whole image was kept.
        probabilities: by classifier, named REGION/NETWORK: a probability a class, (classes,).
        joined: their mean, (classes,).
    """

    box: npt.NDArray[np.float32]
    points: npt.NDArray[np.float32]
    expected_error: float
    crops: Mapping[str, npt.NDArray[np.uint8]]
    fell_back: Mapping[str, bool]
    probabilities: Mapping[str, npt.NDArray[np.float32]]
    joined: npt.NDArray[np.float32]

    @property
    def has_points(self) -> bool:
        """Whether there are points at all: not where there is nothing to see, or what was found can be no face's."""
        return math.isfinite(self.expected_error)


def look(photograph: Photograph, models: Models, face_detector: str = "dlib", searched: int = SEARCHED) -> list[Face]:
    """The faces of a photograph, largest first; none is an answer too.

    Args:
        photograph: see `photograph.upright`.
        models: see `models.load_models`.
        face_detector: one of `face_detectors.names`.
        searched: see `face_detectors.find_faces`; more finds smaller faces.

    Raises:
        InputError: the photograph cannot be read.
        PermissionError: it may not be read.
    """
    return look_at(find(upright(photograph), models, face_detector, searched), models)


def find(pixels: npt.NDArray[np.uint8], models: Models, face_detector: str, searched: int = SEARCHED) -> list[Found]:
    """The faces of a photograph, RGB (H, W, 3), largest first, to be looked at with those of others."""
    boxes = find_faces(face_detector, pixels, searched).astype(np.float64)
    return [_around(pixels, box, models.about.framing) for box in boxes]


def look_at(found: Sequence[Found], models: Models) -> list[Face]:
    """What is to be said of faces, of one photograph or of many, all asked at once."""
    if not found:
        return []
    places = locate(found, models)
    squares, side = framed(places.boxes, models.about.framing), models.about.side
    inner = squares.inside(places.points, side)
    shown = {1: squares.cut([one.pixels for one in found], side)}
    if any(classifier.about.channels == 3 for classifier in models.classifiers):
        # A channel at a time: squares of a colour image are grey.
        channels = [squares.cut([one.pixels[..., channel] for one in found], side) for channel in range(3)]
        shown[3] = np.stack(channels, axis=-1)
    said = [classify(shown[one.about.channels], inner, places.errors, one, models) for one in models.classifiers]
    abouts = [one.about for one in models.classifiers]
    return [
        Face(
            box=one.outside(places.boxes[row].reshape(2, 2)).ravel(),
            points=one.outside(places.points[row]),
            expected_error=float(places.errors[row]),
            crops={about.region_name: crops[row] for about, (crops, _, _) in zip(abouts, said, strict=True)},
            fell_back={about.region_name: bool(fell[row]) for about, (_, fell, _) in zip(abouts, said, strict=True)},
            probabilities={about.name: each[row] for about, (_, _, each) in zip(abouts, said, strict=True)},
            joined=np.mean([each[row] for _, _, each in said], axis=0),
        )
        for row, one in enumerate(found)
    ]


class Places(NamedTuple):
    """The points of N faces, each in the pixels of its `Found`.

    Attributes:
        points: (N, 68, 2).
        boxes: (N, 4), what they span; where that can be no face, the face detector's box.
        errors: (N,), to expect of the points; infinite where they can be no face's.
    """

    points: npt.NDArray[np.float32]
    boxes: npt.NDArray[np.float32]
    errors: npt.NDArray[np.float32]


def locate(found: Sequence[Found], models: Models) -> Places:
    """The points of N faces, N at least 1.

    The network looks twice, the second time at the square around the points that it found first: a face detector's box
    is not what it was trained on.
    """
    detected = np.stack([one.box for one in found]).astype(np.float32)
    boxes = detected
    for _ in range(2):
        squares = Squares.around(boxes)
        shown = squares.cut([one.pixels for one in found], INPUT)
        said = answer(models.landmarks, shown[:, None].astype(np.float32))
        points = squares.outside(said[..., :2] * INPUT + (INPUT - 1) / 2, INPUT)
        spanned = boxes_around(points)
        plausible = _plausible(spanned, detected)
        boxes = np.where(plausible[:, None], spanned, detected)
    errors = expected_error(shown, said[..., 2].mean(-1), models.trust)
    return Places(points, boxes, np.where(plausible, errors, np.float32(np.inf)))


def _plausible(spanned: npt.NDArray[np.float32], detected: npt.NDArray[np.float32]) -> npt.NDArray[np.bool_]:
    """Which boxes (N, 4) can be those of the faces that were detected: of about their size, and there."""
    size, expected = ((boxes[:, 2:] - boxes[:, :2]).max(1) for boxes in (spanned, detected))
    moved = np.abs(spanned[:, :2] + spanned[:, 2:] - detected[:, :2] - detected[:, 2:]).max(1) / 2
    return np.asarray((size > expected / MOST) & (size < expected * MOST) & (moved < expected))


def framed(boxes: npt.NDArray[np.floating], framing: Framing) -> Squares:
    """The squares that show faces as the classifiers' training images do; `boxes` (N, 4) is what their points span."""
    boxes = boxes.astype(np.float64)
    size = (boxes[:, 2:] - boxes[:, :2]).max(1) / framing.extent
    middle = (boxes[:, :2] + boxes[:, 2:]) / 2
    return Squares(middle - np.array([framing.x, framing.y]) * size[:, None], size)


def classify(
    images: npt.NDArray[np.uint8],
    points: npt.NDArray[np.float32],
    errors: npt.NDArray[np.float32],
    classifier: Classifier,
    models: Models,
) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.bool_], npt.NDArray[np.float32]]:
    """Cut images to a classifier's region and ask it.

    Args:
        images: (N, side, side) grey, or (N, side, side, 3) RGB if the classifier takes these, framed as the training
            images are.
        points: (N, 68, 2) in their pixels.
        errors: (N,), to expect of them.

    Returns:
        the crops, which fell back to the whole image, and a probability a class, (N, classes).
    """
    plan = plan_cut(points, errors, classifier.region, models.about.max_error, images.shape[1])
    crops = cut(images, plan, classifier.about.side)
    levels = crops[:, None] if crops.ndim == 3 else crops.transpose(0, 3, 1, 2)
    return crops, plan.fell_back, answer(classifier.session, levels.astype(np.float32))


def _around(pixels: npt.NDArray[np.uint8], box: npt.NDArray[np.float64], framing: Framing) -> Found:
    """Twice the largest square that a network is shown: points may lie beside the box."""
    size = max(1.0, (box[2:] - box[:2]).max())
    reach = size * max(TIGHT, 1 / framing.extent)
    middle, limit = (box[:2] + box[2:]) / 2, np.array(pixels.shape[1::-1])
    low = np.clip(np.floor(middle - reach), 0, limit - 1).astype(int)
    high = np.clip(np.ceil(middle + reach), low + 1, limit).astype(int)
    part = pixels[low[1] : high[1], low[0] : high[0]]
    shrink = max(1.0, size / ENOUGH)
    wide, tall = (max(1, round(int(extent) / shrink)) for extent in high - low)
    small = cv2.resize(part, (wide, tall), interpolation=cv2.INTER_AREA) if shrink > 1 else part.copy()
    scale = (high - low) / np.array([wide, tall])
    corner = low.astype(np.float64)
    inner = (box + 0.5 - np.tile(corner, 2)) / np.tile(scale, 2) - 0.5
    return Found(np.asarray(small, np.uint8), inner, corner, scale)
