"""The layers of a network, their filters and activations."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from sample_sets import refused
from tiny_networks import tiny_network, weight_of

from pipeline.classifiers import networks
from pipeline.classifiers.network_settings import Shape
from pipeline.inside.layers import (
    Maps,
    activations,
    deepest_layer,
    find_layer,
    first_convolution,
    first_filters,
    map_layers,
)

SHAPE = Shape(7, 1, 48)


def built(name: str) -> torch.nn.Module:
    return networks.build(name, networks.settings_of(name)(), SHAPE)


def test_googlenets_layers_are_its_modules_and_the_deepest_with_cells_enough_is_inception3b() -> None:
    layers = map_layers(built("googlenet"), SHAPE)
    assert layers["body.conv1"] == Maps(64, 24, 24)
    assert layers["body.inception3b"] == Maps(480, 6, 6)
    assert layers["body.inception5b"] == Maps(1024, 2, 2)
    assert not [name for name in layers if "branch" in name]
    assert deepest_layer(layers) == "body.inception3b"
    assert first_convolution(built("googlenet"), layers) == "body.conv1"


def test_a_small_cnns_layers_are_its_convolutions_relus_and_maxima() -> None:
    network = built("cnn1")
    layers = map_layers(network, SHAPE)
    assert list(layers.values()) == [
        (10, 44, 44), (10, 44, 44), (10, 41, 41), (20, 37, 37), (20, 37, 37), (20, 34, 34),
    ]  # fmt: skip
    assert deepest_layer(layers) == "5"
    assert deepest_layer({"a": Maps(3, 4, 4), "b": Maps(9, 2, 2)}) == "a"


def test_a_wrong_name_is_one_line_with_those_that_there_are() -> None:
    layers = map_layers(tiny_network(), Shape(7, 1, 16))
    assert refused(find_layer, layers, "conv9", "cnn1") == (
        "--layer: cnn1 has no layer 'conv9' that gives maps, only 0, 1, 2"
    )
    assert find_layer(layers, "1", "cnn1") == "1"


def test_filters_are_the_weights_of_the_first_convolution() -> None:
    network = tiny_network()
    np.testing.assert_array_equal(first_filters(network), weight_of(network).numpy())
    assert "no convolution" in refused(first_filters, torch.nn.Linear(3, 3))


def test_activations_are_what_the_layer_gives_and_nothing_stays_behind() -> None:
    network = tiny_network()
    images = torch.randn(3, 1, 16, 16, generator=torch.Generator().manual_seed(0))
    with torch.inference_mode():
        convolved = torch.nn.functional.conv2d(images, weight_of(network), network.state_dict()["0.bias"], padding=2)
    np.testing.assert_allclose(activations(network, images, "0"), convolved, atol=1e-6)
    np.testing.assert_allclose(activations(network, images, "1"), convolved.relu(), atol=1e-6)
    assert not any(layer._forward_hooks for layer in network.modules())


def test_what_a_later_layer_overwrites_is_kept() -> None:
    network = torch.nn.Sequential(torch.nn.Conv2d(1, 2, 3), torch.nn.ReLU(inplace=True))
    images = torch.randn(1, 1, 8, 8, generator=torch.Generator().manual_seed(0))
    assert (activations(network, images, "0") < 0).any()


@pytest.mark.parametrize("name", networks.names())
def test_every_network_has_layers_to_look_at(name: str) -> None:
    network = built(name)
    layers = map_layers(network, SHAPE)
    maps = activations(network, torch.zeros(1, 1, 48, 48), deepest_layer(layers))
    assert maps.shape[1:] == layers[deepest_layer(layers)]
