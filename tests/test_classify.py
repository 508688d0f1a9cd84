"""The classifiers: they learn what there is to learn, and only from the splits that are meant for it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import torch
from torch import nn

from pipeline import classify
from pipeline.expressions import CLASSES
from pipeline.files import InputError
from pipeline.fit import Progress
from pipeline.networks import classifier
from pipeline.params import ClassifierRecipe
from pipeline.regions import Variant, whole_boxes
from pipeline.weights import save_network

AUGMENT = {"flip": False, "rotate": 0, "shift": 0.0, "scale": 0.0, "erase": 0.0}


def make_recipe(**changes: Any) -> ClassifierRecipe:
    settings = {
        "epochs": 4, "batch": 8, "learning_rate": 1e-3, "weight_decay": 0.01, "schedule": "constant", "average": 0.0,
        "patience": 4, "precision": "fp32", "label_smoothing": 0.0, "pretrained": False, "augment": AUGMENT,
    }  # fmt: skip
    return ClassifierRecipe.model_validate({**settings, **changes})


def make_variant(counts: tuple[int, int, int] = (48, 24, 8)) -> Variant:
    """Noise, with a brighter upper half for class 3 and a brighter lower half for class 5."""
    count = sum(counts)
    images = np.random.default_rng(0).normal(120, 50, (count, 48, 48))
    labels = np.array([3, 5] * count, np.uint8)[:count]
    images[labels == 3, :24] += 40
    images[labels == 5, 24:] += 40
    split = np.repeat(["Training", "PublicTest", "PrivateTest"], counts)
    return Variant(
        images=images.clip(0, 255).astype(np.uint8),
        labels=labels,
        votes=np.zeros((count, 10), np.uint8),
        split=split,
        for_training=split == "Training",
        boxes=whole_boxes(count, (48, 48)),
        fell_back=np.zeros(count, np.bool_),
    )


def train(
    variant: Variant, checkpoint: Path, recipe: ClassifierRecipe | None = None, seed: int = 0
) -> tuple[nn.Module, Progress]:
    recipe = recipe or make_recipe()
    return classify.train(variant, "cnn1", recipe, seed, {}, checkpoint, lambda *_: None, "cnn1 on whole")


def same(one: nn.Module, other: nn.Module) -> bool:
    pairs = zip(one.state_dict().values(), other.state_dict().values(), strict=True)
    return all(torch.equal(a, b) for a, b in pairs)


def test_it_learns_two_classes(tmp_path: Path) -> None:
    variant = make_variant()
    network, progress = train(variant, tmp_path / "a.pt")
    test = variant.split == "PrivateTest"
    predicted = classify.probabilities(network, variant.images[test], "fp32").argmax(1)
    assert (predicted == variant.labels[test]).mean() > 0.7
    best = progress.history[progress.best_epoch]
    assert best["validation_accuracy"] == max(metrics["validation_accuracy"] for metrics in progress.history) > 0.7
    assert progress.history[-1]["train_loss"] < progress.history[0]["train_loss"]


def test_validation_metrics_are_those_of_the_public_test(tmp_path: Path) -> None:
    variant = make_variant()
    network, progress = train(variant, tmp_path / "a.pt", make_recipe(epochs=1))
    rows = variant.split == "PublicTest"
    chances = classify.probabilities(network, variant.images[rows], "fp32")
    labels = variant.labels[rows]
    assert progress.history[0]["validation_accuracy"] == (chances.argmax(1) == labels).mean()
    likelihood = chances[np.arange(len(labels)), labels]
    assert progress.history[0]["validation_loss"] == pytest.approx(-np.log(likelihood).mean(), rel=1e-5)


def test_the_private_test_has_no_part_in_training_or_in_choosing_the_epoch(tmp_path: Path) -> None:
    variant = make_variant()
    garbage = replace(variant, images=variant.images.copy(), labels=variant.labels.copy())
    garbage.images[garbage.split == "PrivateTest"] = 255
    garbage.labels[garbage.split == "PrivateTest"] = 0
    (one, first), (other, second) = (train(data, tmp_path / f"{n}.pt") for n, data in enumerate((variant, garbage)))
    assert first.history == second.history
    assert first.best_epoch == second.best_epoch
    assert same(one, other)


def test_the_public_test_trains_nothing(tmp_path: Path) -> None:
    variant = make_variant()
    reverse = replace(variant, labels=variant.labels.copy())
    held_out = reverse.split == "PublicTest"
    reverse.labels[held_out] = 8 - reverse.labels[held_out]
    (_, first), (_, second) = (train(data, tmp_path / f"{n}.pt") for n, data in enumerate((variant, reverse)))
    losses = [[metrics["train_loss"] for metrics in progress.history] for progress in (first, second)]
    assert losses[0] == losses[1]
    assert [metrics["validation_accuracy"] for metrics in first.history] != [
        metrics["validation_accuracy"] for metrics in second.history
    ]


def test_rows_that_are_not_for_training_train_nothing(tmp_path: Path) -> None:
    variant = make_variant()
    variant.for_training[:20] = False
    noised = replace(variant, images=variant.images.copy(), labels=variant.labels.copy())
    noised.images[:20] = 255 - noised.images[:20]
    noised.labels[:20] = 0
    one, other = (train(data, tmp_path / f"{n}.pt")[0] for n, data in enumerate((variant, noised)))
    assert same(one, other)
    assert not same(one, train(make_variant(), tmp_path / "all.pt")[0])


def test_without_a_row_for_training_it_is_refused(tmp_path: Path) -> None:
    variant = make_variant()
    with pytest.raises(InputError, match="no rows to train on or no PublicTest rows"):
        train(replace(variant, for_training=np.zeros_like(variant.for_training)), tmp_path / "a.pt")


def test_the_seed_decides_everything(tmp_path: Path) -> None:
    recipe = make_recipe(epochs=2, augment={**AUGMENT, "flip": True, "shift": 0.1, "erase": 0.5})
    one, again, other = (
        train(make_variant(), tmp_path / f"{n}.pt", recipe, seed)[0] for n, seed in enumerate((0, 0, 1))
    )
    assert same(one, again)
    assert not same(one, other)


def test_the_augmentation_that_was_asked_for_is_used(tmp_path: Path) -> None:
    plain, shifted = (
        train(make_variant(), tmp_path / f"{n}.pt", make_recipe(epochs=1, augment={**AUGMENT, "shift": shift}))[0]
        for n, shift in enumerate((0.0, 0.2))
    )
    assert not same(plain, shifted)


def test_label_smoothing_is_used(tmp_path: Path) -> None:
    plain, smooth = (
        train(make_variant(), tmp_path / f"{n}.pt", make_recipe(label_smoothing=smoothing))[1].history[-1]["train_loss"]
        for n, smoothing in enumerate((0.0, 0.3))
    )
    assert smooth > plain + 0.2


def test_an_epoch_sees_each_image_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[torch.Tensor] = []

    def note(images: torch.Tensor, *_: object) -> torch.Tensor:
        seen.append(images.clone())
        return images

    monkeypatch.setattr(classify, "augment_batch", note)
    variant = make_variant()
    train(variant, tmp_path / "a.pt", make_recipe(epochs=1))
    shown = torch.cat(seen)[:, 0]
    assert [len(batch) for batch in seen] == [8] * 6
    assert (shown.min().item(), shown.max().item()) == (-1, 1)
    grey = ((shown + 1) * 127.5).round().numpy().astype(np.uint8)
    learnt = variant.images[variant.split == "Training"]
    assert not np.array_equal(grey, learnt)  # shuffled
    assert {image.tobytes() for image in grey} == {image.tobytes() for image in learnt}


def test_fewer_images_than_a_batch_are_one_batch(tmp_path: Path) -> None:
    _, progress = train(make_variant((6, 4, 2)), tmp_path / "a.pt", make_recipe(epochs=1, batch=64))
    assert np.isfinite(progress.history[0]["train_loss"])


@pytest.mark.parametrize("counts", [(0, 4, 4), (4, 0, 4)])
def test_an_empty_split_is_refused(tmp_path: Path, counts: tuple[int, int, int]) -> None:
    with pytest.raises(InputError, match="no rows to train on or no PublicTest rows; check it and run `dvc repro`"):
        train(make_variant(counts), tmp_path / "a.pt")
    assert list(tmp_path.iterdir()) == []


def noise(count: int) -> npt.NDArray[np.uint8]:
    return np.random.default_rng(1).integers(0, 256, (count, 48, 48)).astype(np.uint8)


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_probabilities_sum_to_1_in_every_row(precision: str) -> None:
    chances = classify.probabilities(classifier("cnn1", outputs=7), noise(10), precision)
    assert chances.shape == (10, len(CLASSES))
    assert chances.dtype == np.float32
    np.testing.assert_allclose(chances.sum(1), 1, atol=1e-5)
    assert (chances > 0).all()


def test_rows_keep_their_order_whatever_the_batch() -> None:
    torch.manual_seed(0)
    network = classifier("cnn4", outputs=7)
    one, other = (classify.probabilities(network, noise(10), "fp32", batch) for batch in (3, 512))
    np.testing.assert_allclose(one, other, atol=1e-5)
    assert np.ptp(one, axis=0).max() > 1e-4
    assert not network.training


@pytest.mark.parametrize("name", ["cnn1", "cnn2"])
def test_a_saved_classifier_says_the_same(tmp_path: Path, name: Any) -> None:
    network = classifier(name, outputs=7)
    save_network(tmp_path / "a.safetensors", network, {"network": name})
    again = classify.load(tmp_path / "a.safetensors")
    np.testing.assert_allclose(
        classify.probabilities(again, noise(4), "fp32"), classify.probabilities(network, noise(4), "fp32"), atol=1e-6
    )


def test_a_missing_classifier_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"a\.safetensors: missing; run `dvc repro` to make it"):
        classify.load(tmp_path / "a.safetensors")
