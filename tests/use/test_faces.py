"""A photograph leads to faces, and the networks say without torch what they say with it."""

from __future__ import annotations

import shutil
import subprocess
import sys
from io import BytesIO
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from PIL import Image
from sample_sets import refused
from skimage import data
from tiny_models import PARAMS, tiny_classifier, tiny_landmarks, write_about, write_models

from pipeline.classifiers.classifier_file import load_classifier
from pipeline.common.files import InputError, write_json
from pipeline.use import face_detectors
from pipeline.use.export import export_landmarks, measure_framing
from pipeline.use.faces import find, framed, look, look_at
from pipeline.use.models import ABOUT, LANDMARKS, Framing, answer, load_models, open_session
from pipeline.use.photograph import upright

PORTRAIT = data.astronaut()  # type: ignore[no-untyped-call]  # public domain
FACE = (224, 115)  # a place within its only face


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Models that have not been trained."""
    folder = tmp_path_factory.mktemp("models")
    write_models(folder)
    return folder


def test_landmarks_are_torchs(folder: Path) -> None:
    levels = np.random.default_rng(0).integers(0, 256, (1, 1, 128, 128)).astype(np.float32)
    with torch.inference_mode():
        expected = tiny_landmarks()(torch.from_numpy(levels) / 127.5 - 1)[..., :3].numpy()
    apart = np.abs(answer(open_session(folder / LANDMARKS), levels) - expected).max()
    assert apart < 1e-4 * np.abs(expected).max()


@pytest.mark.parametrize("count", [1, 5, 40])
def test_probabilities_are_torchs(folder: Path, count: int) -> None:
    images = np.random.default_rng(0).integers(0, 256, (count, 48, 48)).astype(np.uint8)
    expected = load_classifier(folder / "a.safetensors").probabilities(images)
    found = answer(load_models(folder).classifiers[0].session, images[:, None].astype(np.float32))
    assert np.abs(found - expected).max() < 1e-4
    assert expected.std(axis=1).min() > 1e-3  # not all classes alike, which would agree with anything


@pytest.mark.parametrize("name", face_detectors.names())
def test_finds_the_face_of_a_portrait_and_none_in_a_blank(name: str) -> None:
    x, y = FACE
    found = face_detectors.find_faces(name, PORTRAIT)
    inside = (found[:, 0] < x) & (x < found[:, 2]) & (found[:, 1] < y) & (y < found[:, 3])
    assert inside.sum() == 1
    assert face_detectors.find_faces(name, np.full((200, 150, 3), 128, np.uint8)).shape == (0, 4)
    assert face_detectors.find_faces(name, np.zeros((1, 1, 3), np.uint8)).shape == (0, 4)


def test_boxes_of_a_large_photograph_are_in_its_own_pixels() -> None:
    large = np.repeat(np.repeat(PORTRAIT, 4, axis=0), 4, axis=1)
    small, found = face_detectors.find_faces("dlib", PORTRAIT), face_detectors.find_faces("dlib", large)
    apart = np.abs((found + 0.5) / 4 - 0.5 - small[0]).max(axis=1)
    assert apart.min() < 0.15 * (small[0, 2] - small[0, 0])


def test_a_face_has_all_that_is_promised(folder: Path) -> None:
    models = load_models(folder)
    (face,) = look(PORTRAIT, models)
    assert face.points.shape == (68, 2)
    assert face.crops["vanilla"].shape == (48, 48)
    assert np.isfinite(face.expected_error)
    assert face.probabilities["vanilla/cnn1"].sum() == pytest.approx(1, abs=1e-5)
    np.testing.assert_allclose(face.joined, face.probabilities["vanilla/cnn1"])
    assert "drawn faces" in models.about.trained_on
    assert look(np.full((200, 150), 128, np.uint8), models) == []


def test_faces_of_many_photographs_are_what_they_are_alone(folder: Path) -> None:
    models = load_models(folder)
    photographs = [PORTRAIT, np.fliplr(PORTRAIT)]
    alone = [face for photograph in photographs for face in look(photograph, models)]
    together = look_at([one for photograph in photographs for one in find(photograph, models, "dlib")], models)
    assert len(alone) == len(together) >= 2
    for one, other in zip(alone, together, strict=True):
        np.testing.assert_allclose(other.points, one.points, atol=1e-2)
        np.testing.assert_allclose(other.joined, one.joined, atol=1e-4)
    assert np.abs(alone[0].points - alone[-1].points).max() > 10  # else any order would do
    assert look_at([], models) == []


def test_a_face_of_a_large_photograph_is_where_it_is_in_a_small_one(folder: Path) -> None:
    models = load_models(folder)
    large = cv2.resize(PORTRAIT, None, fx=10, fy=10, interpolation=cv2.INTER_CUBIC)
    small_face, face = look(PORTRAIT, models)[0], look(large, models)[0]
    width = small_face.box[2] - small_face.box[0]
    assert np.abs((face.box + 0.5) / 10 - 0.5 - small_face.box).max() < 0.6 * width  # untrained, it is not sure


def test_a_classifier_of_colour_sees_colour(tmp_path: Path, folder: Path) -> None:
    shutil.copytree(folder, tmp_path, dirs_exist_ok=True)
    write_about(tmp_path, tiny_classifier(tmp_path / "colour.safetensors", channels=3))
    models = load_models(tmp_path)
    face, swapped = look(PORTRAIT, models)[0], look(PORTRAIT[..., ::-1].copy(), models)[0]
    crop = face.crops["vanilla"]
    assert crop.shape == (48, 48, 3)
    red, blue = crop[..., 0].astype(int), crop[..., 2].astype(int)
    assert (red - blue).mean() > 20  # skin and an orange suit, in the order of the photograph
    # Grey levels count red and blue differently, so the face may be found a little elsewhere: not bit for bit.
    assert (swapped.crops["vanilla"][..., 2].astype(int) - swapped.crops["vanilla"][..., 0]).mean() > 20
    expected = load_classifier(tmp_path / "colour.safetensors").probabilities(crop[None])[0]
    np.testing.assert_allclose(face.joined, expected, atol=1e-4)


def test_points_that_can_be_no_faces_are_not_trusted(tmp_path: Path, folder: Path) -> None:
    """An untrained head's votes lie twenty squares apart: without an end to that, one face would take minutes."""
    shutil.copytree(folder, tmp_path, dirs_exist_ok=True)
    export_landmarks(tiny_landmarks(spread=1), "voting", tmp_path / LANDMARKS)
    (face,) = look(PORTRAIT, load_models(tmp_path))
    assert face.expected_error == np.inf
    (left, top, right, bottom), (x, y) = face.box, FACE
    assert left < x < right
    assert top < y < bottom
    assert right - left < 200


def test_a_face_is_framed_as_the_training_images() -> None:
    squares = framed(np.array([[10.0, 20, 50, 60]]), Framing(x=0.5, y=0.6, extent=0.8))
    assert squares.size.tolist() == [50]
    assert squares.corner.tolist() == [[5, 10]]  # the middle, 30 and 40, lies at 0.5 and 0.6 of 50


def test_framing_is_that_of_the_trusted() -> None:
    points = np.zeros((2, 68, 2), np.float32) + 12
    points[:, 36], points[:, 45] = (11.5, 11.5), (35.5, 35.5)
    points[1] += 9
    framing = measure_framing(points, np.array([0.1, 0.9], np.float32), 0.5, 48)
    assert framing == Framing(x=0.5, y=0.5, extent=0.5)
    with pytest.raises(InputError, match="no points to be trusted"):
        measure_framing(points, np.full(2, np.inf, np.float32), 0.5, 48)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_photograph_stands_upright(tmp_path: Path, orientation: int) -> None:
    stored = Image.fromarray(np.random.default_rng(0).integers(0, 256, (6, 9, 3)).astype(np.uint8))
    exif = Image.Exif()
    exif[274] = orientation
    stored.save(tmp_path / "a.png", exif=exif)
    with Image.open(tmp_path / "a.png") as opened:
        expected = upright(opened)  # Pillow's own way
    assert expected.shape == ((9, 6, 3) if orientation > 4 else (6, 9, 3))
    np.testing.assert_array_equal(upright(tmp_path / "a.png"), expected)


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "PA", "RGBA", "CMYK", "YCbCr", "HSV", "I;16"])
def test_takes_images_of_any_mode(mode: str) -> None:
    levels = np.tile(np.arange(0, 256, 2, dtype=np.uint8), (32, 1))
    if mode == "I;16":
        image = Image.fromarray(levels.astype(np.uint16) * 257)
        assert image.mode == mode
    else:
        image = Image.fromarray(levels).convert("RGB").convert("L" if mode[0] in "1LP" else "RGB").convert(mode)
    pixels = upright(image)
    assert pixels.shape == (32, 128, 3)
    slack = 255 if mode == "1" else 3  # which is dithered
    assert np.abs(pixels.astype(int) - levels[..., None]).max() <= slack
    assert pixels[:, 100:].mean() - pixels[:, :28].mean() > 150


@pytest.mark.parametrize(
    ("name", "mode"),
    [("a.png", "P"), ("a.png", "LA"), ("a.png", "I;16"), ("a.png", "1"), ("a.jpg", "CMYK"), ("a.webp", "RGB"),
     ("a.gif", "P"), ("a.bmp", "L"), ("a.tif", "I;16")],
)  # fmt: skip
def test_takes_files_of_any_mode(tmp_path: Path, name: str, mode: str) -> None:
    levels = np.tile(np.arange(0, 256, 2, dtype=np.uint8), (32, 1))
    grey = Image.fromarray(levels)
    image = Image.fromarray(levels.astype(np.uint16) * 257) if mode == "I;16" else grey.convert(mode)
    image.save(tmp_path / name)
    pixels = upright(tmp_path / name)
    assert pixels.shape == (32, 128, 3)
    assert pixels[:, 100:].mean() - pixels[:, :28].mean() > 150


def test_a_truncated_image_of_pillows_is_one_line(tmp_path: Path) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (64, 64, 3)).astype(np.uint8)
    Image.fromarray(noise).save(tmp_path / "a.png")
    content = (tmp_path / "a.png").read_bytes()
    with Image.open(BytesIO(content[: len(content) // 2])) as image:
        assert "damaged" in refused(upright, image)
    (tmp_path / "a.png").write_bytes(content[: len(content) // 2])
    assert "a.png: damaged" in refused(upright, tmp_path / "a.png")
    assert "more than 16 bits" in refused(upright, Image.fromarray(noise[..., 0].astype(np.int32)))


@pytest.mark.parametrize("bad", [np.zeros((3, 3)), np.zeros((0, 3), np.uint8), np.zeros((3, 3, 4), np.uint8)])
def test_refuses_what_is_no_photograph(bad: np.ndarray[tuple[int, ...], np.dtype[np.uint8]]) -> None:
    assert "a photograph is uint8" in refused(upright, bad)


def test_missing_and_damaged_models_are_one_line(tmp_path: Path, folder: Path) -> None:
    assert "make repro" in refused(load_models, tmp_path)
    (tmp_path / ABOUT).write_bytes((folder / ABOUT).read_bytes())
    assert f"{LANDMARKS}: missing" in refused(load_models, tmp_path)
    (tmp_path / LANDMARKS).write_bytes(b"no network")
    assert "no network that onnxruntime can run" in refused(load_models, tmp_path)
    write_json(tmp_path / ABOUT, {"classes": ["a"]})
    assert "classes" in refused(load_models, tmp_path)


def test_use_needs_neither_torch_nor_dvc(folder: Path) -> None:
    code = f"""
import sys
for name in ("torch", "dvc", "torchvision", "accelerate"):
    sys.modules[name] = None
from pathlib import Path
from skimage import data
from pipeline.use.faces import look
from pipeline.use.models import load_models
print(len(look(data.astronaut(), load_models(Path({str(folder)!r})))))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=PARAMS.parent, check=False)
    assert done.stdout == "1\n", done.stderr
