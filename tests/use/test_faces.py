"""A photograph leads to faces, and the networks say without torch what they say with it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from made_up_variants import CLASSES, make_variant
from new_networks import new_network
from PIL import Image
from sample_sets import refused
from skimage import data

from pipeline.classifiers import networks
from pipeline.classifiers.cells import Cell
from pipeline.classifiers.classifier_file import Classifier, load_classifier, save_classifier
from pipeline.common.files import InputError, write_json
from pipeline.faces.network import landmark_network
from pipeline.faces.trust import Trust
from pipeline.params import load_params
from pipeline.use import face_detectors
from pipeline.use.export import export_classifier, export_landmarks, measure_framing
from pipeline.use.faces import framed, look
from pipeline.use.models import ABOUT, LANDMARKS, TRUST, About, Framing, answer, load_models, open_session
from pipeline.use.photograph import upright

PARAMS = Path(__file__).parents[2] / "params.yaml"
PORTRAIT = data.astronaut()  # type: ignore[no-untyped-call]  # public domain
FACE = (224, 115)  # a place within its only face


def tiny_classifier(path: Path) -> Classifier:
    """A classifier that was never trained."""
    torch.manual_seed(0)
    recipe = load_params(PARAMS).classifier_recipe("cnn1")
    recipe = recipe.model_copy(update={"network": networks.settings_of("cnn1")(), "precision": "fp32"})
    scores = {"validation": {"accuracy": 0.5, "log_loss": 1.5}}
    cell = Cell("vanilla", "cnn1", 0)
    save_classifier(path, new_network("cnn1"), make_variant().variant, cell, recipe, "ab12", 2, scores)
    return load_classifier(path)


@pytest.fixture(scope="module")
def landmarks() -> torch.nn.Module:
    torch.manual_seed(0)
    network = landmark_network(points=68, width=0.05, head="voting").eval()
    for module in network.modules():  # as they come after training: not all of them 0 and 1
        if isinstance(module, torch.nn.BatchNorm2d):
            assert module.running_mean is not None
            module.running_mean.uniform_(-0.2, 0.2)
    return network


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, landmarks: torch.nn.Module) -> Path:
    """Models that have not been trained."""
    folder = tmp_path_factory.mktemp("models")
    export_landmarks(landmarks, "voting", folder / LANDMARKS)
    Trust("xception", np.array([0.0, 0.5]), np.array([0.0, 0.5])).save(folder / TRUST)
    classifier = tiny_classifier(folder / "a.safetensors")
    about = About(
        classes=CLASSES,
        side=48,
        framing=Framing(x=0.5, y=0.5, extent=0.8),
        max_error=0.4,
        classifiers=(export_classifier(classifier, folder, drawn=True),),
    )
    write_json(folder / ABOUT, about.model_dump(mode="json"))
    return folder


def test_landmarks_are_torchs(folder: Path, landmarks: torch.nn.Module) -> None:
    levels = np.random.default_rng(0).integers(0, 256, (1, 1, 128, 128)).astype(np.float32)
    with torch.inference_mode():
        expected = landmarks(torch.from_numpy(levels) / 127.5 - 1)[..., :3].numpy()
    apart = np.abs(answer(open_session(folder / LANDMARKS), levels) - expected).max()
    assert apart < 1e-4 * np.abs(expected).max()


@pytest.mark.parametrize("count", [1, 5])
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


def test_a_face_is_framed_as_the_training_images() -> None:
    squares = framed(np.array([10.0, 20, 50, 60]), Framing(x=0.5, y=0.6, extent=0.8))
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
