"""The report's small CNNs, which differ only in their kernel and in their fully connected layers."""

from __future__ import annotations

import math
from itertools import pairwise

import torch
from torch import nn

SIDE = 48  # pixels of an input image
POOL = 4  # max-pooling window, moved by one pixel at a time
CHANNELS = (10, 20)

# For each network the kernel of both convolutions, and the sizes of the hidden fully connected layers.
CNNS: dict[str, tuple[int, tuple[int, ...]]] = {
    "cnn1": (5, (120, 250)),
    "cnn2": (5, (250, 120, 120, 120)),
    "cnn3": (5, (250, 120, 120, 120, 120, 50, 50)),
    "cnn4": (3, (120, 250)),
}


def cnn(name: str, outputs: int) -> nn.Sequential:
    """Two convolutions, each followed by ReLU and max-pooling, then fully connected layers with ReLU between.

    Takes (N, 1, 48, 48), gives (N, outputs). Source: the original report's CNN 1 to CNN 4.
    """
    kernel, hidden = CNNS[name]
    side = SIDE - 2 * (kernel - 1) - 2 * (POOL - 1)
    first, second = CHANNELS
    layers: list[nn.Module] = [
        nn.Conv2d(1, first, kernel), nn.ReLU(), MaxPool(POOL, stride=1),
        nn.Conv2d(first, second, kernel), nn.ReLU(), MaxPool(POOL, stride=1),
        Flatten(),
    ]  # fmt: skip
    for wide, narrow in pairwise((second * side * side, *hidden)):
        layers += [nn.Linear(wide, narrow), nn.ReLU()]
    last = nn.Linear(hidden[-1], outputs)
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
