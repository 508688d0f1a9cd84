"""The layers that networks share: what is computed in a faster way is the same, and shapes follow from the task."""

from __future__ import annotations

from typing import cast

import pytest
import torch
from torch import nn
from torch.nn import functional

from pipeline.classifiers.layers import Flatten, InColour, Inner, MaxPool, SeparableModule, small_cnn
from pipeline.classifiers.network_settings import Shape


@pytest.mark.parametrize(("count", "channels"), [(1, 1), (5, 10), (16, 20), (24, 3)])
@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
@pytest.mark.parametrize("stride", [1, 2])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_pooling_is_pytorchs(
    count: int, channels: int, layout: torch.memory_format, stride: int, dtype: torch.dtype
) -> None:
    maps = torch.randn(count, channels, 11, 9, generator=torch.Generator().manual_seed(0)).relu()  # many are equal
    maps = maps.to(dtype, memory_format=layout)
    found = []
    for pool in (MaxPool(4, stride), nn.MaxPool2d(4, stride)):
        shown = maps.clone().requires_grad_()
        pooled = pool(shown)
        (pooled * torch.arange(pooled.numel()).reshape(pooled.shape)).sum().backward()
        assert shown.grad is not None
        found.append((pooled, shown.grad))
    (ours, our_slopes), (theirs, their_slopes) = found
    assert torch.equal(ours, theirs)
    assert torch.equal(our_slopes, their_slopes)
    with torch.inference_mode():
        assert torch.equal(MaxPool(4, stride)(maps), theirs)


def test_pooling_takes_a_batch_of_none() -> None:
    assert MaxPool(4, 1)(torch.empty(0, 10, 11, 9)).shape == (0, 10, 8, 6)


def test_maps_are_flattened_place_by_place() -> None:
    maps = torch.arange(2 * 3 * 4 * 5).reshape(2, 3, 4, 5).to(memory_format=torch.channels_last)
    row = Flatten()(maps)
    assert row.shape == (2, 60)
    assert row.data_ptr() == maps.data_ptr()
    assert row[1, :4].tolist() == [*maps[1, :, 0, 0].tolist(), maps[1, 0, 0, 1].item()]


def test_grey_images_are_repeated_in_each_colour() -> None:
    grey = torch.rand(2, 1, 4, 5)
    colour = InColour()(grey)
    assert colour.shape == (2, 3, 4, 5)
    assert all(torch.equal(colour[:, channel], grey[:, 0]) for channel in range(3))


def test_images_in_colour_stay_as_they_are() -> None:
    colour = torch.rand(2, 3, 4, 5)
    assert torch.equal(InColour()(colour), colour)


@pytest.mark.parametrize(
    ("shape", "kernel", "features"),
    [
        (Shape(classes=7, channels=1, side=48), 5, 34 * 34 * 20),
        (Shape(classes=7, channels=1, side=48), 3, 38 * 38 * 20),
        (Shape(classes=2, channels=3, side=16), 5, 2 * 2 * 20),
        (Shape(classes=5, channels=2, side=20), 3, 10 * 10 * 20),
    ],
)
def test_a_small_cnn_follows_the_shape_of_its_task(shape: Shape, kernel: int, features: int) -> None:
    network = small_cnn(shape, kernel=kernel, hidden=(9, 6))
    convolutions = [layer for layer in network if isinstance(layer, nn.Conv2d)]
    linear = [layer for layer in network if isinstance(layer, nn.Linear)]
    assert [(layer.in_channels, layer.out_channels) for layer in convolutions] == [(shape.channels, 10), (10, 20)]
    assert [layer.kernel_size for layer in convolutions] == [(kernel, kernel)] * 2
    sizes = [(layer.in_features, layer.out_features) for layer in linear]
    assert sizes == [(features, 9), (9, 6), (6, shape.classes)]
    assert network(torch.rand(3, shape.channels, shape.side, shape.side)).shape == (3, shape.classes)


def test_a_signal_reaches_the_end_of_a_deep_small_cnn_as_strong_as_it_came() -> None:
    """With the start that PyTorch gives layers three hundredths of it would be left."""
    torch.manual_seed(0)
    network = small_cnn(Shape(7, 1, 24), kernel=3, hidden=(256,) * 8)
    with torch.inference_mode():
        images = torch.randn(4, 1, 24, 24)
        reached = network[:-1](images)
    assert 0.3 < reached.square().mean().sqrt() / images.square().mean().sqrt() < 10


@pytest.mark.parametrize(("side", "left"), [(48, 36), (256, 192), (16, 12), (20, 16)])
def test_the_inner_part_of_an_image_lies_in_its_middle(side: int, left: int) -> None:
    images = torch.zeros(2, 3, side, side)
    edge = (side - left) // 2
    images[:, :, edge : side - edge, edge : side - edge] = 1
    inner = Inner()(images)
    assert inner.shape == (2, 3, left, left) == (2, 3, Inner.side(side), Inner.side(side))
    assert inner.min() == 1
    assert images.sum() == inner.sum()


def test_a_separable_module_adds_its_shortcut() -> None:
    module = SeparableModule(2, 3).eval()
    maps = torch.randn(2, 2, 5, 5)
    whole = module(maps)
    assert whole.shape == (2, 3, 3, 3)
    strided = functional.conv2d(maps, cast(torch.Tensor, module.shortcut[1].weight), stride=2)
    torch.testing.assert_close(module.shortcut[:2](maps), strided)
    for layer in (module.body[0], module.shortcut[1]):
        torch.nn.init.zeros_(cast(torch.Tensor, layer.weight))
        assert not torch.equal(module(maps), whole)
    assert torch.equal(module(maps), torch.zeros(2, 3, 3, 3))
