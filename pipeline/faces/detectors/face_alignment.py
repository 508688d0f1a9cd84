"""face-alignment's 68-point network: four stacked hourglasses that give a heat map a point.

Source: Bulat & Tzimiropoulos, "How Far Are We from Solving the 2D & 3D Face Alignment Problem?", ICCV 2017.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path
from pickle import UnpicklingError
from typing import Any
from urllib.error import URLError

import cv2
import numpy as np
import numpy.typing as npt
import torch
from tqdm import tqdm

from pipeline.common.files import InputError
from pipeline.faces import points
from pipeline.faces.detector_settings import PRETRAINED, LandmarkSettings
from pipeline.faces.guess import Guess, LandmarkDetector
from pipeline.faces.squares import TIGHT

NAME = "2DFAN-4"
FOLDER = PRETRAINED / "face_alignment"
SIDE = 256  # images are enlarged to this side: it cuts at whole pixels, and rounds points to them


def weights() -> Path:
    """Where the weights are, and where face-alignment, which must be installed, puts those that it downloads."""
    from face_alignment.api import models_urls

    name: str = models_urls[NAME].rsplit("/", 1)[1]
    return FOLDER / "checkpoints" / name


def open_detector(settings: LandmarkSettings) -> LandmarkDetector:
    """The network with its own weights, downloaded if they are not there yet.

    Raises:
        InputError: the package is missing, or the weights cannot be had.
    """
    try:
        from face_alignment import FaceAlignment, LandmarksType
    except ImportError:
        raise InputError(
            "params.yaml: landmarks: face_alignment is not installed; "
            "run `rm -r .venv && make .venv`, which installs what requirements.txt names"
        ) from None
    torch.hub.set_dir(str(FOLDER))
    device = "cuda" if torch.cuda.is_available() else "cpu"
    try:
        # The "folder" detector needs no weights of its own, and is never asked: the box of every face is known.
        network = FaceAlignment(LandmarksType.TWO_D, device=device, face_detector="folder", compile=False)
    except (EOFError, UnpicklingError):
        raise InputError(f"{weights()}: damaged; delete it, face-alignment downloads it again") from None
    except (URLError, OSError, RuntimeError) as error:
        from face_alignment.api import models_urls

        raise InputError(
            f"params.yaml: landmarks: face_alignment has no weights ({error}); put {models_urls[NAME]} at {weights()}"
        ) from None
    return partial(_locate, network)


def _locate(network: Any, images: npt.NDArray[np.uint8], progress: bool) -> Guess:
    """The network's points; the uncertainty is how far its heat maps' peaks stay below 1 on average."""
    side = images.shape[1]
    # It was trained on squares about what the points span, which a whole face fills to 1 / TIGHT.
    low, high = SIDE / 2 * (1 - 1 / TIGHT) - 0.5, SIDE / 2 * (1 + 1 / TIGHT) - 0.5
    found = np.empty((len(images), points.COUNT, 2), np.float32)
    uncertainty = np.empty(len(images), np.float32)
    for row, image in enumerate(tqdm(images, "locating", unit="image", disable=None if progress else True)):
        large = cv2.resize(image, (SIDE, SIDE), interpolation=cv2.INTER_CUBIC)
        places, scores, _ = network.get_landmarks_from_image(
            np.repeat(large[..., None], 3, -1), [(low, low, high, high)], return_landmark_score=True
        )
        found[row] = (places[0] + 0.5) * (side / SIDE) - 0.5
        uncertainty[row] = 1 - scores[0].mean() / 2  # it adds the heat maps of the image and of its mirror image
    return Guess(found, uncertainty)
