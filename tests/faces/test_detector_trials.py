"""Landmark detectors are tried on all test faces and on nothing else."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from pipeline.data.grey import MIN_CONTRAST, contrast
from pipeline.faces.detector_trials import try_points, try_trust
from pipeline.faces.detectors import xception
from pipeline.faces.face_images import SIDE, Faces
from pipeline.faces.guess import Guess
from pipeline.faces.hard_faces import FACELESS, harden
from pipeline.faces.network import landmark_network
from pipeline.faces.points import COUNT
from pipeline.faces.squares import INPUT, cut_squares
from pipeline.faces.trust import Trust

SPLIT = ("train", "common", "validation", "challenging", "common")
CURVE = Trust("xception", np.array([0.0, 255.0]), np.array([0.0, 0.51]))


def make_faces() -> Faces:
    rng = np.random.default_rng(0)
    count = len(SPLIT)
    return Faces(
        images=rng.integers(0, 256, (count, SIDE, SIDE, 3)).astype(np.uint8),
        points=rng.uniform(50, 174, (count, COUNT, 2)).astype(np.float32),
        subset=np.array(["afw", "helen", "lfpw", "ibug", "lfpw"]),
        split=np.array(SPLIT),
        name=np.array([str(row) for row in range(count)]),
    )


def locate(images: npt.NDArray[np.uint8], progress: bool) -> Guess:
    """Points and uncertainties that tell which image they belong to."""
    assert not progress
    grey = images.reshape(len(images), -1).astype(np.float32)
    places = grey[:, : 2 * COUNT].reshape(-1, COUNT, 2)
    return Guess(places, grey.mean(1))


def test_the_test_faces_are_seen_in_both_views() -> None:
    faces = make_faces()
    tests = try_points(faces, locate)
    assert tests.split.tolist() == ["common", "challenging", "common"]
    assert tests.subset.tolist() == ["helen", "ibug", "lfpw"]
    rows = [1, 3, 4]
    for view, side, seed in (("full_resolution", INPUT, None), ("grey_48", 48, 0)):
        images, true = cut_squares(faces.images[rows], faces.points[rows], side, seed=seed)
        np.testing.assert_array_equal(tests.images[view], images)
        np.testing.assert_array_equal(tests.true[view], true)
        np.testing.assert_array_equal(tests.found[view], locate(images, False).points)


def test_without_test_faces_there_are_no_scores() -> None:
    faces = make_faces()
    none = try_points(
        faces.where(faces.split == "train"), xception.detector(landmark_network(points=68, width=0.05, head="voting"))
    )
    assert none.scores() == {}


def test_hard_faces_have_an_expected_and_a_true_error() -> None:
    hard = harden(make_faces(), seed=0)
    hard.images[2] = 77

    def know(images: npt.NDArray[np.uint8], progress: bool) -> Guess:
        moved = np.nan_to_num(hard.points)
        moved[..., 0] += 2
        return Guess(moved, locate(images, progress).uncertainty)

    test = try_trust(hard, know, CURVE)
    assert test.kind.tolist() == hard.kind.tolist()
    faceless = np.isin(hard.kind, FACELESS)
    assert np.isinf(test.error).tolist() == faceless.tolist()
    eyes = np.linalg.norm(hard.points[:, 45] - hard.points[:, 36], axis=-1)
    np.testing.assert_allclose(test.error[~faceless], 2 / eyes[~faceless], rtol=1e-4)
    seen = contrast(hard.images) >= MIN_CONTRAST  # some are blurred to nothing
    assert not seen[2]
    assert seen.sum() > 20
    assert np.isinf(test.expected[~seen]).all()
    np.testing.assert_allclose(test.expected[seen], 0.002 * hard.images[seen].mean((1, 2)), rtol=1e-4)


def test_a_locator_sees_the_hard_faces_as_they_are() -> None:
    hard = harden(make_faces(), seed=0)
    seen: list[npt.NDArray[np.uint8]] = []

    def note(images: npt.NDArray[np.uint8], progress: bool) -> Guess:
        seen.append(images)
        return locate(images, progress)

    try_trust(hard, note, CURVE)
    np.testing.assert_array_equal(seen[0], hard.images)
