"""From a photograph to its faces: where they are, their points, their regions and their expressions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from pipeline.faces.squares import INPUT, TIGHT, Squares, boxes_around
from pipeline.faces.trust import expected_error
from pipeline.regions.cutting import cut, plan_cut
from pipeline.use.face_detectors import find_faces
from pipeline.use.models import Classifier, Framing, Models, answer
from pipeline.use.photograph import Photograph, upright


@dataclass(frozen=True)
class Face:
    """A face in a photograph.

    Attributes:
        box: (4,), left, top, right and bottom of what the points span, in pixels of the upright photograph.
        points: (68, 2), likewise.
        expected_error: how far off the points are expected to be, as a fraction of the inter-ocular distance;
            infinite where there is nothing to see.
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


def look(photograph: Photograph, models: Models, face_detector: str = "dlib") -> list[Face]:
    """The faces of a photograph, largest first; none is an answer too.

    Args:
        photograph: see `photograph.upright`.
        models: see `models.load_models`.
        face_detector: one of `face_detectors.names`.

    Raises:
        InputError: the photograph cannot be read.
    """
    pixels = upright(photograph)
    return [_look_at(pixels, box, models) for box in find_faces(face_detector, pixels)]


def locate(
    pixels: npt.NDArray[np.uint8], box: npt.NDArray[np.floating], models: Models
) -> tuple[npt.NDArray[np.float32], float]:
    """The points (68, 2) of the face in a box, and the error to expect of them.

    The network looks twice, the second time at the square around the points that it found first: a face detector's box
    is not what it was trained on.
    """
    for _ in range(2):
        squares = Squares.around(box[None])
        shown = squares.cut([pixels], INPUT)
        found = answer(models.landmarks, shown[:, None].astype(np.float32))
        places = found[..., :2] * INPUT + (INPUT - 1) / 2
        points = squares.outside(places, INPUT)
        box = boxes_around(points)[0]
    return points[0], float(expected_error(shown, found[..., 2].mean(-1), models.trust)[0])


def framed(box: npt.NDArray[np.floating], framing: Framing) -> Squares:
    """The square that shows a face as the classifiers' training images do; `box` (4,) is what its points span."""
    size = TIGHT * np.maximum(box[2] - box[0], box[3] - box[1])  # as `Squares.around`
    size = np.array([size / TIGHT / framing.extent], np.float64)
    middle = np.array([[box[0] + box[2], box[1] + box[3]]], np.float64) / 2
    return Squares(middle - np.array([framing.x, framing.y]) * size[:, None], size)


def classify(
    image: npt.NDArray[np.uint8], points: npt.NDArray[np.float32], error: float, classifier: Classifier, models: Models
) -> tuple[npt.NDArray[np.uint8], bool, npt.NDArray[np.float32]]:
    """Cut an image to a classifier's region and ask it.

    Args:
        image: (side, side) grey, framed as the training images are.
        points: (68, 2) in its pixels.
        error: to expect of them.

    Returns:
        the crop, whether it fell back to the whole image, and a probability a class.
    """
    errors = np.array([error], np.float32)
    plan = plan_cut(points[None], errors, classifier.region, models.about.max_error, len(image))
    crop = cut(image[None], plan, classifier.about.side)
    shown = np.repeat(crop[:, None], classifier.about.channels, axis=1).astype(np.float32)
    return crop[0], bool(plan.fell_back[0]), answer(classifier.session, shown)[0]


def _look_at(pixels: npt.NDArray[np.uint8], box: npt.NDArray[np.float32], models: Models) -> Face:
    points, error = locate(pixels, box, models)
    box = boxes_around(points[None])[0]
    squares, side = framed(box, models.about.framing), models.about.side
    image, inner = squares.cut([pixels], side)[0], squares.inside(points[None], side)[0]
    crops, fell_back, probabilities = {}, {}, {}
    for classifier in models.classifiers:
        region = classifier.about.region_name
        crops[region], fell_back[region], said = classify(image, inner, error, classifier, models)
        probabilities[f"{region}/{classifier.about.network}"] = said
    joined = np.mean([*probabilities.values()], axis=0)
    return Face(box, points, error, crops, fell_back, probabilities, joined)
