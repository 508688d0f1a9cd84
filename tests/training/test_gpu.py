"""Training, applying and detecting on a GPU, held against a CPU, which need not agree to the last bit."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from classifier_recipes import AUGMENT, make_recipe
from made_up_variants import make_variant
from new_networks import new_network

from pipeline.classifiers import training
from pipeline.classifiers.applying import probabilities
from pipeline.classifiers.recipe import ClassifierRecipe
from pipeline.common import device
from pipeline.faces import points
from pipeline.faces import training as landmarks
from pipeline.faces.detectors import xception
from pipeline.faces.face_images import SIDE, Faces
from pipeline.faces.network import landmark_network
from pipeline.faces.recipe import LandmarkRecipe
from pipeline.training.checkpoint import Progress
from pipeline.training.loop import Log

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU at hand")

EVERYTHING = {"flip": True, "rotate": 10, "shift": 0.05, "scale": 0.1, "erase": 0.2, "mixup": 0.2, "cutmix": 0.2}


def is_on_gpu(network: torch.nn.Module) -> bool:
    return all(parameter.device.type == "cuda" for parameter in network.parameters())


def cpu_only(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(device, "Accelerator", lambda mixed_precision, cpu: _Cpu())


class _Cpu:
    """As much of an accelerator as applying a network takes."""

    device = torch.device("cpu")

    def autocast(self) -> torch.autocast:
        return torch.autocast("cpu", enabled=False)


def train(
    folder: Path, recipe: ClassifierRecipe[Any], name: str = "cnn1", log: Log = lambda *_: None
) -> tuple[torch.nn.Module, Progress]:
    made = make_variant()
    return training.train(made.variant, made.roles, "whole", name, recipe, 0, {}, folder / "a.pt", log, name)


@pytest.mark.parametrize("precision", ["fp32", "auto"])
@pytest.mark.parametrize("augment", [AUGMENT, EVERYTHING])
def test_a_classifier_learns(tmp_path: Path, augment: dict[str, float], precision: str) -> None:
    recipe = make_recipe(epochs=8, augment=augment, precision=precision, optimizer="muon", ema_decay=0.5)
    network, progress = train(tmp_path, recipe)
    assert is_on_gpu(network)
    assert max(metrics["validation_accuracy"] for metrics in progress.history) > 0.7
    assert progress.history[-1]["train_loss"] < progress.history[0]["train_loss"]


def test_googlenet_takes_images_that_grow(tmp_path: Path) -> None:
    network = {"first_side": 24, "stem": "small"}
    recipe = make_recipe("googlenet", epochs=4, network=network, precision="auto", schedule="one_cycle")
    _, progress = train(tmp_path, recipe, "googlenet")
    assert np.isfinite([metrics["train_loss"] for metrics in progress.history]).all()


def test_an_interrupted_training_goes_on(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Bit for bit only on a CPU."""

    def stop(epoch: int, _: dict[str, float]) -> None:
        if epoch == 1:
            raise KeyboardInterrupt

    recipe = make_recipe(epochs=3)
    with pytest.raises(KeyboardInterrupt):
        train(tmp_path, recipe, log=stop)
    _, progress = train(tmp_path, recipe)
    assert "going on after epoch" in capsys.readouterr().out
    assert len(progress.history) == 3


@pytest.mark.parametrize("test_time_augmentation", ["none", "ten"])
def test_a_classifier_says_what_it_says_on_a_cpu(test_time_augmentation: str) -> None:
    torch.manual_seed(0)
    network = new_network("cnn1")
    torch.nn.init.normal_(network[-1].weight, std=0.3)  # type: ignore[index]
    images = make_variant().variant.images
    found = probabilities(network, images, "fp32", test_time_augmentation)
    assert is_on_gpu(network)
    with pytest.MonkeyPatch.context() as patch:
        cpu_only(patch)
        expected = probabilities(network, images, "fp32", test_time_augmentation)
    assert np.ptp(expected, axis=0).max() > 0.01
    np.testing.assert_allclose(found, expected, atol=1e-3)


@pytest.mark.parametrize("mirror", [False, True])
@pytest.mark.parametrize("head", ["direct", "voting"])
def test_a_landmark_model_finds_what_it_finds_on_a_cpu(head: str, mirror: bool) -> None:
    torch.manual_seed(0)
    network = landmark_network(points=points.COUNT, width=0.125, head=head)
    for layer in network.modules():
        if isinstance(layer, torch.nn.BatchNorm2d):
            layer.momentum = 1.0  # so that a glance at noise keeps its numbers small
    with torch.no_grad():
        network.train()(torch.randn(8, 1, 128, 128))
    images = np.random.default_rng(0).integers(0, 256, (70, 48, 48)).astype(np.uint8)
    found = xception.detector(network, "fp32", mirror)(images, False)
    with pytest.MonkeyPatch.context() as patch:
        cpu_only(patch)
        expected = xception.detector(network, "fp32", mirror)(images, False)
    np.testing.assert_allclose(found.points, expected.points, atol=0.05)
    np.testing.assert_allclose(found.uncertainty, expected.uncertainty, atol=1e-3)


@pytest.mark.parametrize("precision", ["fp32", "auto"])
def test_a_landmark_model_learns(tmp_path: Path, precision: str) -> None:
    count = 24
    rng = np.random.default_rng(0)
    places = SIDE / 2 + rng.uniform(-40, 40, (1, points.COUNT, 2)) + rng.uniform(-10, 10, (count, 1, 2))
    faces = Faces(
        images=rng.integers(0, 256, (count, SIDE, SIDE, 3)).astype(np.uint8),
        points=places.astype(np.float32),
        subset=np.full(count, "helen"),
        split=np.repeat(["train", "validation"], [20, 4]),
        name=np.array([str(row) for row in range(count)]),
    )
    recipe = LandmarkRecipe.model_validate({
        "width": 0.125, "head": "voting", "epochs": 6, "batch": 8, "learning_rate": 2e-3, "weight_decay": 0.05,
        "optimizer": "adamw", "schedule": "one_cycle", "ema_decay": 0.0, "patience": 6, "precision": precision,
        "loss": "nme_votes",
    })  # fmt: skip
    network, progress = landmarks.train(faces, recipe, 0, {}, tmp_path / "a.pt", lambda *_: None)
    assert is_on_gpu(network)
    assert progress.history[-1]["train_loss"] < progress.history[0]["train_loss"]
