"""The landmark model: it trains on faces, and what it finds is in the pixels of the image it is given."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import torch
from torch import nn

from pipeline import landmarks, points
from pipeline.demo import ibug
from pipeline.faces import Faces, read_300w
from pipeline.files import InputError
from pipeline.landmarks import locate
from pipeline.located import Located
from pipeline.measure import nme
from pipeline.networks import build
from pipeline.params import LandmarkRecipe
from pipeline.squares import INPUT, cut_squares
from pipeline.weights import save_network

PHOTOGRAPHS = {"helen/trainset": 10, "helen/testset": 2}


def make_recipe(**changes: Any) -> LandmarkRecipe:
    settings = {
        "width": 0.2, "epochs": 2, "batch": 4, "learning_rate": 1e-3, "weight_decay": 0.05, "schedule": "one_cycle",
        "average": 0.0, "patience": 2, "precision": "fp32", "loss": "wing",
    }  # fmt: skip
    return LandmarkRecipe.model_validate({**settings, **changes})


@pytest.fixture(scope="module")
def faces(tmp_path_factory: pytest.TempPathFactory) -> Faces:
    folder = tmp_path_factory.mktemp("demo")
    ibug.draw_ibug(folder, seed=0, photographs=PHOTOGRAPHS)
    drawn = read_300w(folder / ibug.FOLDER)
    split = np.array(["common", "common", *["train"] * 8, *["validation"] * 2])
    assert drawn.name[1].startswith("helen/testset")
    return replace(drawn, split=split)


@pytest.fixture(scope="module")
def network() -> nn.Module:
    torch.manual_seed(0)
    network = build("xception", outputs=136, width=0.2)
    for layer in network.modules():
        if isinstance(layer, nn.BatchNorm2d):
            layer.momentum = 1.0
    with torch.no_grad():
        network(torch.randn(8, 1, INPUT, INPUT))  # else its numbers would run into the millions
    return network


def photographs(count: int = 5, side: int = 48) -> npt.NDArray[np.uint8]:
    return np.random.default_rng(0).integers(0, 256, (count, side, side)).astype(np.uint8)


def train(faces: Faces, checkpoint: Path, **changes: Any) -> tuple[nn.Module, list[dict[str, float]]]:
    network, progress = landmarks.train(faces, make_recipe(**changes), 0, {}, checkpoint, lambda *_: None)
    return network, progress.history


class Spotter(nn.Module):
    """Finds the brightest place of the image and gives it as all 68 points, in the model's own units."""

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        assert images.shape[1:] == (1, INPUT, INPUT)
        assert images.min() >= -1
        assert images.max() <= 1
        place = images.flatten(1).argmax(1)
        x, y = place % INPUT, place // INPUT
        return torch.stack([(x + 0.5) / INPUT - 0.5, (y + 0.5) / INPUT - 0.5], 1).repeat(1, points.COUNT)


class Constant(nn.Module):
    """Gives the same points for every image."""

    def __init__(self, numbers: npt.NDArray[np.float32]) -> None:
        super().__init__()
        self.numbers = torch.from_numpy(numbers).flatten()

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return self.numbers.expand(len(images), -1)


# Applied


@pytest.mark.parametrize("side", [48, 128, 200])
def test_points_are_in_the_pixels_of_the_image(side: int) -> None:
    images = np.full((3, side, side), 20, np.uint8)
    expected = np.array([[side // 4, side // 3], [side // 2, side - 7], [side - 6, 5]])
    y, x = np.mgrid[:side, :side]
    for image, (column, row) in zip(images, expected, strict=True):
        image += (200 * np.exp(-((x - column) ** 2 + (y - row) ** 2) / 8)).astype(np.uint8)
    found = locate(Spotter(), images, precision="fp32").points
    assert found.shape == (3, points.COUNT, 2)
    np.testing.assert_allclose(
        found, np.repeat(expected[:, None], points.COUNT, axis=1), atol=0.5 * max(1, side / INPUT)
    )


def test_the_mirrored_image_has_the_mirrored_points(network: nn.Module) -> None:
    images = photographs()
    found = locate(network, images, precision="fp32")
    mirrored = locate(network, np.ascontiguousarray(images[:, :, ::-1]), precision="fp32")
    np.testing.assert_allclose(mirrored.points, points.mirror(found.points, 48), atol=1e-2)
    np.testing.assert_allclose(mirrored.disagreement, found.disagreement, rtol=1e-3)
    assert np.ptp(found.points[:, 0, 0]) > 0.01  # else it would give every image the same


def test_images_without_contrast_are_not_trusted(network: nn.Module) -> None:
    images = photographs(4)
    images[1] = 0
    images[2] = 130 + photographs(1)[0] // 64  # a little noise
    found = locate(network, images)
    assert np.isinf(found.disagreement).tolist() == [False, True, True, False]
    assert np.isfinite(found.points).all()


def test_disagreement_is_the_mean_distance_in_inter_ocular_distances() -> None:
    shape = np.random.default_rng(1).uniform(-0.3, 0.3, (points.COUNT, 2)).astype(np.float32)
    symmetric = ((shape + shape[points.MIRROR] * (-1, 1)) / 2).astype(np.float32)
    symmetric[36], symmetric[45] = (-0.25, 0), (0.25, 0)  # 24 pixels of 48 apart
    assert locate(Constant(symmetric), photographs(2)).disagreement == pytest.approx(0, abs=1e-5)
    # Moved by 2 pixels, and so by 4 away from the mirror image's.
    found = locate(Constant((symmetric + (2 / 48, 0)).astype(np.float32)), photographs(2))
    assert found.disagreement == pytest.approx(4 / 24, abs=1e-4)
    expected = (symmetric + 0.5) * 48 - 0.5  # the mean of both is in the middle again
    np.testing.assert_allclose(found.points[0], expected, atol=1e-4)


def test_the_batch_does_not_matter(network: nn.Module) -> None:
    one, other = (locate(network, photographs(), "fp32", batch) for batch in (2, 128))
    np.testing.assert_allclose(one.points, other.points, atol=1e-3)


def test_what_was_located_comes_back(tmp_path: Path, network: nn.Module) -> None:
    images = photographs(3)
    images[0] = 7
    found = locate(network, images)
    found.save(tmp_path / "landmarks.npz")
    again = Located.load(tmp_path / "landmarks.npz")
    np.testing.assert_array_equal(again.points, found.points)
    np.testing.assert_array_equal(again.disagreement, found.disagreement)


# Trained


@pytest.mark.parametrize("loss", ["wing", "l1", "l2"])
def test_training_on_a_handful_of_faces_gives_finite_points(faces: Faces, tmp_path: Path, loss: str) -> None:
    model, history = train(faces, tmp_path / "checkpoint.pt", loss=loss, epochs=1)
    assert len(history) == 1
    assert np.isfinite(list(history[0].values())).all()
    assert history[0]["validation_score"] == -history[0]["validation_nme"]
    found = locate(model, photographs(), "fp32")
    assert np.isfinite(found.points).all()
    assert np.isfinite(found.disagreement).all()


def test_the_untrained_model_gives_the_mean_face(faces: Faces) -> None:
    model = build("xception", outputs=136, width=0.2)
    rows = np.flatnonzero(faces.split == "train")
    landmarks._start_at_mean_shape(model, faces, rows)
    _, true = cut_squares(faces.images[rows], faces.points[rows], INPUT)
    with torch.no_grad():
        numbers = model.train()(torch.randn(8, 1, INPUT, INPUT)).numpy().reshape(8, points.COUNT, 2)
    mean = np.repeat(true.mean(0)[None], 8, axis=0)
    assert nme((numbers + 0.5) * INPUT - 0.5, mean).max() < 0.3


def test_test_faces_have_no_part_in_training(faces: Faces, tmp_path: Path) -> None:
    garbage = replace(faces, images=faces.images.copy(), points=faces.points.copy())
    for array in (garbage.images, garbage.points):
        array[garbage.split == "common"] = 3
    (one, first), (other, second) = (
        train(data, tmp_path / f"{number}.pt", epochs=1) for number, data in enumerate((faces, garbage))
    )
    assert first == second
    for name, value in one.state_dict().items():
        assert torch.equal(value, other.state_dict()[name])


@pytest.mark.parametrize("split", ["train", "validation"])
def test_a_set_without_faces_to_learn_or_to_choose_by_is_refused(faces: Faces, tmp_path: Path, split: str) -> None:
    with pytest.raises(InputError, match=r"^data/faces\.npz: no training or no validation faces; check the data set"):
        train(faces.where(faces.split != split), tmp_path / "checkpoint.pt")
    assert list(tmp_path.iterdir()) == []


def test_the_wing_loss_is_the_papers() -> None:
    w, epsilon = landmarks.WING_W, landmarks.WING_EPSILON
    distances = np.array([0, w / 3, w - 1e-7, w + 1e-7, 5 * w])
    constant = w - w * np.log(1 + w / epsilon)
    expected = np.where(distances < w, w * np.log(1 + distances / epsilon), distances - constant)
    for distance, value in zip(distances, expected, strict=True):
        for sign in (-1, 1):
            loss = landmarks._LOSSES["wing"](torch.zeros(1), torch.tensor([sign * distance], dtype=torch.float32))
            assert loss.item() == pytest.approx(value, abs=1e-6)
    assert expected[2] == pytest.approx(expected[3], abs=1e-5)


def test_a_saved_model_finds_the_same_points(tmp_path: Path, network: nn.Module) -> None:
    path = tmp_path / "landmarks.safetensors"
    save_network(path, network, {"network": "xception", "recipe": make_recipe().model_dump()})
    again = locate(landmarks.load(path), photographs(), "fp32")
    np.testing.assert_allclose(again.points, locate(network, photographs(), "fp32").points, atol=1e-4)


# Tested


def test_the_test_faces_are_seen_in_both_views(faces: Faces, network: nn.Module) -> None:
    tests = landmarks.run_tests(network, faces)
    assert tests.split.tolist() == ["common", "common"]
    assert {view: images.shape for view, images in tests.images.items()} == {
        "full_resolution": (2, INPUT, INPUT),
        "grey_48": (2, 48, 48),
    }
    for view, images in tests.images.items():
        np.testing.assert_array_equal(tests.found[view], locate(network, images).points)
        side = images.shape[1]
        assert ((tests.true[view] > -0.1 * side) & (tests.true[view] < 1.1 * side)).all()


def test_a_set_without_test_faces_is_refused(faces: Faces, network: nn.Module) -> None:
    with pytest.raises(InputError, match=r"^data/faces\.npz: no test faces; check the data set and run `dvc repro`$"):
        landmarks.run_tests(network, faces.where(faces.split == "train"))
