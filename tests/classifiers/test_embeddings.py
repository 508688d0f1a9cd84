"""What a frozen network makes of images: computed of all of them, learnt from, and refused where it is of others."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from classifier_recipes import make_recipe
from imagenet_weights import NETWORK, frozen_recipe, put_weights
from made_up_variants import Made, make_variant
from sample_sets import refused
from torch import nn

from pipeline.classifiers import imagenet, networks, training
from pipeline.classifiers.applying import embeddings, probabilities
from pipeline.classifiers.embeddings import Embeddings, describe, embed, load_embeddings, save_embeddings, save_none
from pipeline.classifiers.network_settings import Shape
from pipeline.common.arrays import save_arrays
from pipeline.common.files import InputError
from pipeline.training.checkpoint import Progress

IMAGES = "digest of the images"
COUNT = 48
REMEDY = "delete it and run `dvc repro`"


@pytest.fixture(autouse=True)
def weights(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, torch.Tensor]:
    monkeypatch.setattr(imagenet, "WEIGHTS", tmp_path / "timm")
    return put_weights(tmp_path / "timm")


def embedded(folder: Path, made: Made) -> Embeddings:
    return embed(folder / "vanilla/mobilenetv2.npz", NETWORK, frozen_recipe(), made.variant, IMAGES, "all")


def load(path: Path, **changes: Any) -> Embeddings | None:
    return load_embeddings(path, NETWORK, frozen_recipe(**changes), IMAGES, COUNT)


def train(
    made: Made, found: Embeddings | None, checkpoint: Path, seed: int = 0, epochs: int = 20
) -> tuple[nn.Module, Progress]:
    recipe = frozen_recipe(epochs=epochs, patience=epochs)
    return training.train(
        made.variant, made.roles, "whole", NETWORK, recipe, seed, {}, checkpoint, lambda *_: None, "frozen",
        embeddings=found,
    )  # fmt: skip


def test_only_the_last_layer_of_a_frozen_network_is_trained(weights: dict[str, torch.Tensor], tmp_path: Path) -> None:
    made = make_variant((24, 16, 8))
    network, progress = train(made, embedded(tmp_path, made), tmp_path / "a.pt")
    for name, value in network.get_submodule("body.body").state_dict().items():
        assert torch.equal(value, weights[name]), name
    assert progress.history[-1]["train_loss"] < progress.history[0]["train_loss"] / 2
    rows = made.role == "validation"
    found = probabilities(network, made.variant.images[rows], "fp32")
    accuracy = (found.argmax(1) == made.variant.labels[rows]).mean()
    assert progress.history[progress.kept_epoch]["validation_accuracy"] == accuracy > 0.7


def test_training_from_the_file_is_training_from_embeddings_computed_at_once(tmp_path: Path) -> None:
    """By the network that is trained, of its own train and validation rows alone."""
    made = make_variant((24, 16, 8))
    save_embeddings(embedded(tmp_path, made))
    read = load(tmp_path / "vanilla/mobilenetv2.npz")
    assert read is not None
    body = networks.build(NETWORK, frozen_recipe().network, Shape(7, 1, 48)).get_submodule("body")
    values = np.zeros_like(read.values)
    for role in ("train", "validation"):
        values[made.role == role] = embeddings(body, made.variant.images[made.role == role], "fp32", role)
    np.testing.assert_allclose(read.values[:40], values[:40], atol=1e-5)
    (one, first), (other, second) = (
        train(made, found, tmp_path / f"{number}.pt", epochs=3)
        for number, found in enumerate((read, replace(read, values=values)))
    )
    for name, value in one.state_dict().items():
        torch.testing.assert_close(value, other.state_dict()[name], atol=1e-4, rtol=1e-4)
    assert [metrics["validation_accuracy"] for metrics in first.history] == [
        metrics["validation_accuracy"] for metrics in second.history
    ]


def test_what_the_file_holds_is_what_was_computed(tmp_path: Path) -> None:
    made = make_variant((24, 16, 8))
    computed = embedded(tmp_path, made)
    assert computed.values.shape == (COUNT, 1280)
    save_embeddings(computed)
    read = load(computed.path)
    assert read is not None
    assert np.array_equal(read.values, computed.values)
    assert replace(read, values=computed.values) == computed


def test_the_file_of_a_network_that_is_trained_as_a_whole_is_not_looked_at(tmp_path: Path) -> None:
    path = tmp_path / "cnn1.npz"
    assert load_embeddings(path, "cnn1", make_recipe(), IMAGES, COUNT) is None
    save_none(path)
    assert load_embeddings(path, "cnn1", make_recipe(), IMAGES, COUNT) is None


# What no embeddings are


def made_up(path: Path) -> Embeddings:
    """As if they had been computed."""
    return Embeddings(np.ones((COUNT, 1280), np.float32), IMAGES, describe(NETWORK, frozen_recipe()), "", path)


def test_other_images_other_settings_or_values_that_cannot_be(tmp_path: Path) -> None:
    path = tmp_path / "vanilla/mobilenetv2.npz"
    good = made_up(path)
    save_embeddings(good)
    assert load(path) is not None
    assert refused(lambda: load(path, precision="bf16")) == (
        f"{path}: was computed with other settings than recipes.yaml has for mobilenetv2; {REMEDY}"
    )
    save_embeddings(replace(good, images="others"))
    assert refused(load, path) == f"{path}: was computed of other images than mobilenetv2 is trained on; {REMEDY}"
    values = good.values.copy()
    values[3, 5] = np.nan
    save_embeddings(replace(good, values=values))
    assert refused(load, path) == f"{path}: has a value that is not finite; {REMEDY}"
    save_embeddings(replace(good, values=values[1:]))
    assert f"array 'values' is float32 (47, 1280), expected float32 (48, None); {REMEDY}" in refused(load, path)


def test_a_file_that_is_missing_damaged_or_of_a_network_that_was_not_frozen(tmp_path: Path) -> None:
    path = tmp_path / "vanilla/mobilenetv2.npz"
    assert refused(load, path) == f"{path}: missing; run `dvc repro` to make it"
    good = made_up(path)
    save_embeddings(good)
    content = bytearray(path.read_bytes())
    content[-100_000] ^= 1  # among the values
    path.write_bytes(content)
    assert refused(load, path).startswith(f"{path}: damaged (Bad CRC-32 for file 'values.npy'); {REMEDY}")
    path.write_bytes(b"garbage")
    assert refused(load, path).startswith(f"{path}: damaged")
    save_arrays(path, values=good.values)
    assert refused(load, path) == f"{path}: holds no array 'frozen'; {REMEDY}"
    save_none(path)
    assert refused(load, path) == f"{path}: is of a network that is not frozen; {REMEDY}"


def test_embeddings_of_other_weights_are_not_trained_on(tmp_path: Path) -> None:
    made = make_variant((24, 16, 8))
    computed = embedded(tmp_path, made)
    put_weights(tmp_path / "timm", seed=2)
    assert refused(train, made, computed, tmp_path / "a.pt") == (
        f"{computed.path}: was computed with other weights than there are now; run "
        "`dvc repro -f -s embed@vanilla-mobilenetv2`, then `dvc repro`"
    )


def test_as_many_features_as_the_network_has(tmp_path: Path) -> None:
    made = make_variant((24, 16, 8))
    computed = embedded(tmp_path, made)
    fewer = replace(computed, values=computed.values[:, 1:])
    assert refused(train, made, fewer, tmp_path / "a.pt") == (
        f"{computed.path}: has 1279 features, not as many as the network; {REMEDY}"
    )


def test_weights_that_give_no_finite_values_are_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        "pipeline.classifiers.applying.embeddings", lambda *_: np.full((COUNT, 1280), np.inf, np.float32)
    )
    with pytest.raises(InputError, match=r"recipes.yaml: mobilenetv2: its weights give values that are not finite"):
        embedded(tmp_path, make_variant((24, 16, 8)))


def test_a_training_that_was_interrupted_does_not_go_on_with_other_weights(tmp_path: Path) -> None:
    made = make_variant((24, 16, 8))
    train(made, embedded(tmp_path, made), tmp_path / "a.pt", epochs=2)
    put_weights(tmp_path / "timm", seed=2)
    other = embedded(tmp_path, made)
    anew, went_on = (train(made, other, tmp_path / name, epochs=2)[1].history for name in ("b.pt", "a.pt"))
    assert went_on == anew
