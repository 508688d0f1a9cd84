"""Let detectors find the points of faces whose true points are known."""

from __future__ import annotations

import numpy as np

from pipeline.faces.face_images import Faces
from pipeline.faces.guess import LandmarkDetector
from pipeline.faces.hard_faces import HardFaces
from pipeline.faces.squares import cut_squares
from pipeline.faces.trials import TEST_SPLITS, VIEWS, FaceTests
from pipeline.faces.trust import Trust, TrustTest, expected_error, true_errors


def try_points(faces: Faces, detector: LandmarkDetector) -> FaceTests:
    """Find the points of all test faces, in both views; there may be none."""
    tests = faces.where(np.isin(faces.split, TEST_SPLITS))
    images, true, found = {}, {}, {}
    for view, side in VIEWS.items():
        images[view], true[view] = cut_squares(tests.images, tests.points, side, seed=0 if side == 48 else None)
        found[view] = detector(images[view], False).points
    return FaceTests(tests.subset, tests.split, images, true, found)


def try_trust(hard: HardFaces, detector: LandmarkDetector, trust: Trust) -> TrustTest:
    """Find the points of hard faces, and hold the errors that are expected of them against the true ones."""
    guess = detector(hard.images, False)
    return TrustTest(expected_error(hard.images, guess.uncertainty, trust), true_errors(hard, guess.points), hard.kind)
