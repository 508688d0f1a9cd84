"""Faces located per second: fercrop's model, dlib's predictor, and face-alignment's network, on the same images."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from face_alignment.models import FAN

from benchmarks import side_by_side
from pipeline.common.files import InputError
from pipeline.faces.detectors import open_detector, xception
from pipeline.faces.detectors.dlib import MODEL, open_predictor, predict
from pipeline.faces.face_images import Faces
from pipeline.faces.network import landmark_network
from pipeline.faces.points import COUNT
from pipeline.faces.squares import cut_squares
from pipeline.params import load_params

IMAGES = 640
FEW = 4  # for face-alignment, which takes so much longer


def main() -> None:
    params = load_params()
    faces = Faces.load(Path("data/faces.npz"))
    images, _ = cut_squares(faces.images[:IMAGES], faces.points[:IMAGES], 48, seed=0)
    images = np.resize(images, (IMAGES, 48, 48))
    if xception.MODEL.exists():
        ours = open_detector("xception", params.landmarks)
    else:
        recipe = params.recipes["strong"].landmarks
        ours = xception.detector(landmark_network(points=COUNT, width=recipe.width, head=recipe.head))
    ways: dict[str, tuple[int, Callable[[], object]]] = {"xception": (IMAGES, lambda: ours(images, False))}
    try:
        predictor = open_predictor(MODEL)
        ways["dlib's predictor"] = IMAGES, lambda: [predict(predictor, image) for image in images]
    except InputError as error:
        print(f"without dlib: {error}")
    network = FAN(4).eval()  # its speed does not depend on its weights
    crops = torch.rand(FEW, 3, 256, 256)
    with torch.inference_mode():
        ways["face-alignment's network, random weights"] = FEW, lambda: network(crops)
        side_by_side(f"locating faces of 48 pixels, {torch.get_num_threads()} threads", "faces", ways)


if __name__ == "__main__":
    main()
