"""A classifier's file alone is enough to apply it, and what is no such file is refused in a line."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from made_up_variants import CLASSES, make_variant
from new_networks import new_network

from pipeline.classifiers import networks
from pipeline.classifiers.cells import Cell
from pipeline.classifiers.classifier_file import load_cell, load_classifier, save_classifier
from pipeline.classifiers.recipe import recipe_type
from pipeline.common.files import InputError
from pipeline.common.weights import load_network, save_network
from pipeline.params import load_params

PARAMS = Path(__file__).parents[2] / "params.yaml"


def save(path: Path, name: str = "cnn1", channels: int = 1, **settings: Any) -> torch.nn.Module:
    """A classifier that was never trained."""
    torch.manual_seed(0)
    network = new_network(name, channels=channels, **settings)
    recipe = load_params(PARAMS).classifier_recipe(name)
    own = networks.settings_of(name).model_validate(settings)
    recipe = recipe.model_copy(update={"network": own, "precision": "fp32"})
    variant = make_variant(channels=channels).variant
    scores = {"validation": {"accuracy": 0.5, "log_loss": 1.5}}
    save_classifier(path, network, variant, Cell("mouth", name, 3), recipe, "ab12", 2, scores)
    return network


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "a.safetensors"


@pytest.mark.parametrize(
    ("name", "settings"), [("cnn1", {}), ("cnn4", {}), ("googlenet", {"stem": "small"}), ("googlenet", {})]
)
@pytest.mark.parametrize("channels", [1, 3])
def test_a_saved_classifier_says_the_same(path: Path, name: str, settings: dict[str, Any], channels: int) -> None:
    network = save(path, name, channels, **settings)
    again = load_classifier(path)
    assert again.network.state_dict().keys() == network.state_dict().keys()
    assert all(torch.equal(value, network.state_dict()[key]) for key, value in again.network.state_dict().items())
    assert again.shape == (7, channels, 48)


def test_the_file_says_all_that_applying_it_needs(path: Path) -> None:
    save(path)
    header = load_classifier(path).header
    assert header.classes == CLASSES
    assert (header.channels, header.side, header.mean, header.scale) == (1, 48, 127.5, 127.5)
    assert (header.region, header.data_set, header.data) == ("whole", "made up", "ab12")
    assert (header.cell, header.epoch) == (("mouth", "cnn1", 3, None), 2)
    assert header.scores == {"validation": {"accuracy": 0.5, "log_loss": 1.5}}


def test_a_network_that_began_with_imagenet_weights_is_loaded_without_them(path: Path) -> None:
    torch.manual_seed(0)
    network = new_network("googlenet")
    recipe = load_params(PARAMS).classifier_recipe("googlenet")
    own = networks.settings_of("googlenet").model_validate({"pretrained": True})
    recipe = recipe.model_copy(update={"network": own})
    save_classifier(path, network, make_variant().variant, Cell("mouth", "googlenet", 0), recipe, "", 0, {})
    assert load_classifier(path).header.settings["pretrained"] is False


@pytest.mark.parametrize("shape", [(48, 48), (60, 31), (48, 48, 3), (7, 200, 3)])
@pytest.mark.parametrize("channels", [1, 3])
def test_one_image_of_any_size_grey_or_colour_is_classified(path: Path, shape: tuple[int, ...], channels: int) -> None:
    save(path, channels=channels)
    image = np.random.default_rng(0).integers(0, 256, shape).astype(np.uint8)
    answer = load_classifier(path).classify(image)
    assert tuple(answer) == CLASSES
    assert sum(answer.values()) == pytest.approx(1, abs=1e-5)


def test_an_image_that_is_cut_already_is_classified_as_among_many(path: Path) -> None:
    save(path)
    classifier = load_classifier(path)
    images = make_variant().variant.images[:5]
    many = classifier.probabilities(images)
    for image, expected in zip(images, many, strict=True):
        assert list(classifier.classify(image).values()) == pytest.approx(expected.tolist(), abs=1e-5)


# What is no such file


def refuse(path: Path) -> str:
    with pytest.raises(InputError) as caught:
        load_classifier(path)
    message = str(caught.value)
    assert message.startswith(f"{path}: ")
    return message.removeprefix(f"{path}: ")


def test_a_missing_file_is_named(path: Path) -> None:
    assert refuse(path) == "missing; run `dvc repro` to make it"


def test_a_classifier_of_an_earlier_version_is_told_as_such(path: Path) -> None:
    save_network(path, new_network("cnn1"), {"network": "cnn1", "region": "mouth", "recipe": {"epochs": 3}, "seed": 0})
    assert refuse(path).startswith("no classifier of this version (")
    assert "see CHANGELOG.md" in refuse(path)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"network": "cnn9"}, "a network 'cnn9' that is not known here"),
        ({"mean": 0.0}, "that is not known here"),
        ({"settings": {"stem": "small"}}, "settings that cnn1 does not have"),
        ({"classes": ["one"]}, "no classifier of this version (classes: "),
        ({"side": 0}, "no classifier of this version (side: "),
        ({"side": 40}, "weights of another network"),
        ({"classes": ["one", "two"]}, "weights of another network"),
        ({"extra": 1}, "no classifier of this version (extra: "),
    ],
)
def test_a_header_that_does_not_fit_is_refused(path: Path, change: dict[str, Any], says: str) -> None:
    network = save(path)
    _, header = load_network(path)
    save_network(path, network, {**header, **change})
    assert says in refuse(path)
    assert refuse(path).endswith("delete it and run `dvc repro`")


def test_recipes_come_back_as_they_were(path: Path) -> None:
    save(path)
    recipe = load_classifier(path).header.recipe
    assert recipe_type("cnn1").model_validate(recipe).epochs == load_params(PARAMS).classifier_recipe("cnn1").epochs


def test_a_classifier_in_another_cells_place_is_refused(path: Path) -> None:
    save(path)
    header = load_classifier(path).header
    of = Cell(*header.cell)
    other = of._replace(seed=of.seed + 1)
    with pytest.raises(InputError) as caught:
        load_cell(path, other, make_variant().variant)
    assert str(caught.value) == f"{path}: is of {of.name}, not of {other.name}; delete it and run `dvc repro`"
