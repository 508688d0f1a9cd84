"""Hard faces are as hard as they say, and their points stay where the face is."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from pipeline.data.grey import MIN_CONTRAST, contrast
from pipeline.faces.face_images import SIDE, SPAN, Faces
from pipeline.faces.hard_faces import FACELESS, KINDS, VIEW, HardFaces, harden
from pipeline.faces.points import COUNT
from pipeline.faces.squares import cut_squares

SPOT = 40  # the point where the dotted faces are bright


def make_faces(count: int, dotted: bool) -> Faces:
    """Faces of noise, or even grey ones with a bright spot at one point."""
    rng = np.random.default_rng(0)
    found = rng.uniform(60, 164, (count, COUNT, 2)).astype(np.float32)
    half = SIDE / SPAN / 2
    found[:, 0], found[:, 16] = (SIDE - 1) / 2 - half, (SIDE - 1) / 2 + half
    found[:, SPOT] = rng.uniform(85, 139, (count, 2))
    images = rng.integers(0, 256, (count, SIDE, SIDE, 3)).astype(np.uint8)
    if dotted:
        y, x = np.mgrid[:SIDE, :SIDE]
        for image, (column, row) in zip(images, found[:, SPOT], strict=True):
            image[:] = (30 + 200 * np.exp(-((x - column) ** 2 + (y - row) ** 2) / 50))[..., None]
    names = np.array([str(row) for row in range(count)])
    return Faces(images, found, np.array(["helen"] * count), np.array(["validation"] * count), names)


def middle(image: npt.NDArray[Any]) -> npt.NDArray[np.float64]:
    """Where the middle of the bright spot is: x, y."""
    weight = np.clip(image.astype(np.float64) - (image.min() / 2 + image.max() / 2), 0, None)
    y, x = np.mgrid[: image.shape[0], : image.shape[1]]
    found: npt.NDArray[np.float64] = np.array([(weight * x).sum(), (weight * y).sum()]) / weight.sum()
    return found


@pytest.fixture(scope="module")
def noisy() -> HardFaces:
    return harden(make_faces(30, dotted=False), seed=5)


@pytest.fixture(scope="module")
def dotted() -> HardFaces:
    return harden(make_faces(30, dotted=True), seed=5)


def of(hard: HardFaces, kind: str) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.float32]]:
    return hard.images[hard.kind == kind], hard.points[hard.kind == kind]


def test_every_face_is_there_once_in_each_kind(noisy: HardFaces) -> None:
    assert noisy.images.shape == (30 * len(KINDS), VIEW, VIEW)
    assert noisy.images.dtype == np.uint8
    assert noisy.points.shape == (30 * len(KINDS), COUNT, 2)
    assert {kind: int((noisy.kind == kind).sum()) for kind in KINDS} == dict.fromkeys(KINDS, 30)


def test_only_images_without_a_face_have_no_points(noisy: HardFaces) -> None:
    for kind in KINDS:
        _, found = of(noisy, kind)
        assert np.isnan(found).all() if kind in FACELESS else np.isfinite(found).all()


def test_plain_faces_are_squares_with_jitter(noisy: HardFaces) -> None:
    faces = make_faces(30, dotted=False)
    images, found = of(noisy, "plain")
    expected, moved = cut_squares(faces.images, faces.points, VIEW, seed=5)
    np.testing.assert_array_equal(images, expected)
    np.testing.assert_array_equal(found, moved)


def test_a_turned_face_takes_its_points_along(dotted: HardFaces) -> None:
    images, found = of(dotted, "rotated")
    offsets = np.array([middle(image) - face[SPOT] for image, face in zip(images, found, strict=True)])
    assert np.linalg.norm(offsets, axis=1).max() < 0.5
    assert np.abs(offsets.mean(0)).max() < 0.1
    # It is turned, by any angle, and nothing else.
    before = of(dotted, "plain")[1] - (VIEW - 1) / 2
    after = found - (VIEW - 1) / 2
    np.testing.assert_allclose(np.linalg.norm(after, axis=-1), np.linalg.norm(before, axis=-1), atol=1e-3)
    turned = (after[..., 0] + 1j * after[..., 1]) / (before[..., 0] + 1j * before[..., 1])
    np.testing.assert_allclose(turned, np.repeat(turned[:, :1], COUNT, axis=1), atol=1e-3)
    angles = np.degrees(np.angle(turned[:, 0]))
    assert angles.min() < -120
    assert angles.max() > 120


def test_an_occluded_face_is_hidden_by_one_rectangle(noisy: HardFaces) -> None:
    (hidden, found), (plain, same) = of(noisy, "occluded"), of(noisy, "plain")
    np.testing.assert_array_equal(found, same)
    flat = 0
    for image, before in zip(hidden, plain, strict=True):
        rows, columns = np.nonzero(image != before)
        part = image[rows.min() : rows.max() + 1, columns.min() : columns.max() + 1]
        assert min(part.shape) >= 0.29 * VIEW - 1
        assert max(part.shape) <= 0.7 * VIEW + 1
        assert 1 / 12.5 < part.size / VIEW**2 < 1 / 2
        flat += np.ptp(part) == 0
    assert 5 < flat < 25  # of one grey level; the others of noise


def test_a_blurred_face_keeps_its_place(dotted: HardFaces, noisy: HardFaces) -> None:
    images, found = of(dotted, "blurred")
    np.testing.assert_array_equal(found, of(dotted, "plain")[1])
    offsets = np.array([middle(image) - face[SPOT] for image, face in zip(images, found, strict=True)])
    assert np.abs(np.median(offsets, axis=0)).max() < 0.3
    sharpness = [np.abs(np.diff(of(noisy, kind)[0].astype(int))).mean((1, 2)) for kind in ("blurred", "plain")]
    assert (sharpness[0] < 0.6 * sharpness[1]).all()


def test_a_background_shows_no_point_of_the_face() -> None:
    faces = make_faces(20, dotted=False)
    faces.images[:] = 10 * np.random.default_rng(0).integers(0, 10, faces.images.shape)
    low, high = int(faces.points.min()), int(faces.points.max()) + 2
    faces.images[:, low:high, low:high] = 255
    images, _ = of(harden(faces, seed=0), "background")
    assert images.max() <= 90
    assert (contrast(images) > MIN_CONTRAST).all()
    assert len({image.tobytes() for image in images}) == 20


def test_patterns_are_seen_and_differ(noisy: HardFaces) -> None:
    images, _ = of(noisy, "pattern")
    assert (contrast(images) > MIN_CONTRAST).all()
    assert np.ptp(contrast(images)) > 20
    roughness = np.abs(np.diff(images.astype(int))).mean((1, 2)) / contrast(images)
    assert roughness.max() > 4 * roughness.min()


def test_the_same_seed_makes_the_same(noisy: HardFaces) -> None:
    faces = make_faces(30, dotted=False)
    images, found = faces.images.copy(), faces.points.copy()
    again, other = harden(faces, seed=5), harden(faces, seed=6)
    np.testing.assert_array_equal(again.images, noisy.images)
    np.testing.assert_array_equal(again.points, noisy.points)
    for kind in KINDS:
        assert not np.array_equal(of(other, kind)[0], of(noisy, kind)[0])
    np.testing.assert_array_equal(faces.images, images)
    np.testing.assert_array_equal(faces.points, found)
