"""What the page is told of a photograph, ready for JSON."""

from __future__ import annotations

import base64
from io import BytesIO
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

from pipeline.faces.points import CONTOURS, interocular
from pipeline.faces.trust import LOST
from pipeline.use.faces import Face
from pipeline.use.models import About
from pipeline.use.table import columns, rows_of


def about_models(about: About, face_detector: str) -> dict[str, Any]:
    """What the page needs to know before it sees a photograph."""
    return {
        "classes": about.classes,
        "classifiers": [
            {"name": f"{one.region_name}/{one.network}", "region": one.region_name, "network": one.network}
            for one in about.classifiers
        ],
        "trained_on": about.trained_on,
        "drawn": any(one.drawn for one in about.classifiers),
        "face_detector": face_detector,
        "columns": [*columns(about, points=False)],
        "contours": [[*points, *points[:1]] if closed else [*points] for points, closed in CONTOURS],
    }


def about_faces(name: str, pixels: npt.NDArray[np.uint8], faces: list[Face], about: About) -> dict[str, Any]:
    """The answer to one photograph.

    Args:
        name: of its file.
        pixels: (H, W, 3), the upright photograph, to whose pixels boxes and points refer.
    """
    return {
        "width": pixels.shape[1],
        "height": pixels.shape[0],
        "faces": [
            {
                "box": face.box.round(1).tolist(),
                "points": face.points.round(1).tolist() if face.has_points else [],
                "error": error_in_words(face, about.max_error),
                "crops": {region: _as_url(crop) for region, crop in face.crops.items()},
                "fell_back": dict(face.fell_back),
                "probabilities": {one: said.round(4).tolist() for one, said in face.probabilities.items()},
                "joined": face.joined.round(4).tolist(),
            }
            for face in faces
        ],
        "rows": [[name, *row] for row in rows_of(faces, about, points=False)],
    }


def error_in_words(face: Face, max_error: float) -> str:
    """How far off a face's points are expected to be, and whether they are trusted."""
    if not face.has_points:
        return "There are no points of a face here, so the regions keep the whole face."
    least = "at least " if face.expected_error >= LOST else ""
    share = f"{least}{face.expected_error:.1%} of the distance between the eyes"
    pixels = face.expected_error * float(interocular(face.points))
    amount = "less than a pixel" if pixels < 1 else f"about {pixels:.0f} pixel{'s' if pixels >= 1.5 else ''}"
    meaning = (
        "close enough to cut by"
        if face.expected_error <= max_error
        else "too much to cut by, so the regions keep the whole face"
    )
    return f"Points are expected to be off by {share}, {amount}: {meaning}."


def _as_url(crop: npt.NDArray[np.uint8]) -> str:
    file = BytesIO()
    Image.fromarray(crop).save(file, "PNG", compress_level=1)
    return f"data:image/png;base64,{base64.b64encode(file.getvalue()).decode()}"
