"""dlib's 68-point shape predictor: an ensemble of regression trees.

Source: Kazemi & Sullivan, "One Millisecond Face Alignment with an Ensemble of Regression Trees", CVPR 2014. The usual
file was trained on 300-W, its test images included: on these its errors are too good to be true.
"""

from __future__ import annotations

from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
from tqdm import tqdm

from pipeline.common.files import InputError
from pipeline.faces import points
from pipeline.faces.detector_settings import PRETRAINED, LandmarkSettings
from pipeline.faces.guess import Guess, LandmarkDetector

SIDE = 256  # images are enlarged to this side: dlib rounds points to whole pixels

# Where dlib's face detector, on whose boxes the file was trained, puts a face that fills its square as `squares` cuts
# it: the medians over the 2,012 training images, whose boxes the data set's XML gives. Left, top, right, bottom.
BOX = (0.093, 0.005, 0.928, 0.839)


MODEL = PRETRAINED / "dlib/shape_predictor_68_face_landmarks.dat"


def open_detector(settings: LandmarkSettings) -> LandmarkDetector:
    """dlib's predictor. Raises InputError, see `open_predictor`."""
    return open_model(MODEL)


def open_model(path: Path) -> LandmarkDetector:
    """The predictor in a file. Raises InputError, see `open_predictor`."""
    return partial(_locate, open_predictor(path))


def open_predictor(path: Path) -> Any:
    """The predictor in a file.

    Raises:
        InputError: the package or the file is missing, or the file is damaged.
    """
    try:
        import dlib
    except ImportError:
        raise InputError("params.yaml: landmarks: dlib is not installed; pip install dlib-bin") from None
    if not path.exists():
        raise InputError(f"params.yaml: landmarks: dlib: {path} is missing; {_remedy()}")
    try:
        predictor = dlib.shape_predictor(str(path))
    except RuntimeError as error:
        raise InputError(f"{path}: no shape predictor of dlib's ({error}); replace it") from None
    count = len(predict(predictor, np.zeros((SIDE, SIDE), np.uint8)))
    if count != points.COUNT:
        raise InputError(f"{path}: finds {count} points, not {points.COUNT}; {_remedy()}")
    return predictor


def predict(predictor: Any, image: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
    """The points (as many as the predictor has, 2) in the pixels of one grey image whose face fills it."""
    import dlib

    side = image.shape[0]
    large = cv2.resize(image, (SIDE, SIDE), interpolation=cv2.INTER_CUBIC)
    box = dlib.rectangle(*(round(edge * SIDE) for edge in BOX))
    found = [(point.x, point.y) for point in predictor(large, box).parts()]
    scaled: npt.NDArray[np.float32] = ((np.array(found) + 0.5) * (side / SIDE) - 0.5).astype(np.float32)
    return scaled


def _locate(predictor: Any, images: npt.NDArray[np.uint8], progress: bool) -> Guess:
    """The points are the mean of those in the image and in its mirror image, the uncertainty how far they lie apart."""
    side = images.shape[1]
    straight = np.empty((len(images), points.COUNT, 2), np.float32)
    mirrored = np.empty_like(straight)
    for row, image in enumerate(tqdm(images, "locating", unit="image", disable=None if progress else True)):
        straight[row] = predict(predictor, image)
        mirrored[row] = predict(predictor, np.ascontiguousarray(image[:, ::-1]))
    back = points.mirror(mirrored, side)
    mean = ((straight + back) / 2).astype(np.float32)
    apart = np.linalg.norm(straight - back, axis=-1).mean(-1)
    return Guess(mean, apart / np.maximum(points.interocular(mean), 1e-6))


def _remedy() -> str:
    package = find_spec("face_recognition_models")
    if package is None or package.origin is None:
        return f"put {MODEL.name} there (pip install face_recognition_models has it)"
    return f"copy {Path(package.origin).parent / 'models' / MODEL.name} there"
