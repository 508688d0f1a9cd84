"""Layers that several networks are built of. All networks depend on this module, and are trained anew if it changes."""

from __future__ import annotations

import math
from itertools import pairwise

import torch
from torch import nn

from pipeline.classifiers.network_settings import Shape

POOL = 4  # max-pooling window of the small CNNs, moved by one pixel at a time
CHANNELS = (10, 20)  # of their two convolutions


def small_cnn(shape: Shape, *, kernel: int, hidden: tuple[int, ...]) -> nn.Sequential:
    """Two convolutions, each followed by ReLU and max-pooling, then fully connected layers with ReLU between.

    Takes (N, channels, side, side), gives (N, classes). Source: the original report's CNN 1 to CNN 4.

    Args:
        shape: of the images, and how many classes there are.
        kernel: of both convolutions.
        hidden: the sizes of the hidden fully connected layers.
    """
    side = shape.side - 2 * (kernel - 1) - 2 * (POOL - 1)
    first, second = CHANNELS
    layers: list[nn.Module] = [
        nn.Conv2d(shape.channels, first, kernel), nn.ReLU(), MaxPool(POOL, stride=1),
        nn.Conv2d(first, second, kernel), nn.ReLU(), MaxPool(POOL, stride=1),
        Flatten(),
    ]  # fmt: skip
    for wide, narrow in pairwise((second * side * side, *hidden)):
        layers += [nn.Linear(wide, narrow), nn.ReLU()]
    last = nn.Linear(hidden[-1], shape.classes)
    for layer in layers:
        # PyTorch's own start shrinks the signal at every ReLU; CNN 3, seven layers deep, would barely learn.
        if isinstance(layer, nn.Conv2d | nn.Linear):
            nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
            assert layer.bias is not None
            nn.init.zeros_(layer.bias)
    nn.init.normal_(last.weight, std=0.01)  # all classes start about equally likely
    return nn.Sequential(*layers, last)


class MaxPool(nn.MaxPool2d):
    """Max-pooling that is fast with few channels.

    On a CPU, PyTorch compares as many channels in one step as fill a vector of the processor (32 in bfloat16), and
    fewer one by one. Here the images of a group lie side by side as if they were channels: twice as fast there and
    back, copies included, with 10 or 20 channels.
    """

    def forward(self, maps: torch.Tensor) -> torch.Tensor:
        """The maxima of (N, C, H, W), as (N, C, H', W')."""
        if maps.device.type != "cpu" or not len(maps):
            plain: torch.Tensor = super().forward(maps)
            return plain
        count, channels, height, width = maps.shape
        groups = math.gcd(count, 4 * torch.get_num_threads())  # four a thread fit its cache
        last = maps.permute(0, 2, 3, 1).reshape(groups, -1, height, width, channels)
        beside = last.permute(0, 2, 3, 1, 4).flatten(3)
        pooled: torch.Tensor = super().forward(beside.permute(0, 3, 1, 2))
        apart = (
            pooled.permute(0, 2, 3, 1)
            .reshape(groups, *pooled.shape[2:], -1, channels)
            .permute(0, 3, 1, 2, 4)
            .flatten(0, 1)
        )
        return apart.permute(0, 3, 1, 2)


class Flatten(nn.Module):
    """(N, C, H, W) to (N, H * W * C): place by place, as `channels_last` has it in memory, so that nothing is moved."""

    def forward(self, maps: torch.Tensor) -> torch.Tensor:
        """The maps of each image as one row."""
        return maps.permute(0, 2, 3, 1).flatten(1)


class InColour(nn.Module):
    """Repeats the channel of grey images, for networks whose first layer takes three."""

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """(N, 1 or 3, H, W) to (N, 3, H, W)."""
        return images.expand(-1, 3, -1, -1)
