"""Layers that several networks are built of. All networks depend on this module, and are trained anew if it changes."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise
from typing import Literal, NamedTuple

import torch
from torch import nn

from pipeline.classifiers.network_settings import Shape
from pipeline.classifiers.pixels import resize

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
    return started(layers, nn.Linear(hidden[-1], shape.classes))


def started(layers: list[nn.Module], last: nn.Linear) -> nn.Sequential:
    """A network of layers with ReLU between, with starting weights: signals stay strong, classes equally likely."""
    for layer in layers:
        # PyTorch's own start shrinks the signal at every ReLU; CNN 3, seven layers deep, would barely learn.
        if isinstance(layer, nn.Conv2d | nn.Linear):
            nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
            assert layer.bias is not None
            nn.init.zeros_(layer.bias)
    nn.init.normal_(last.weight, std=0.01)  # all classes start about equally likely
    return nn.Sequential(*layers, last)


class Maps(NamedTuple):
    """Layers so far, and what they give of an image: (channels, side, side)."""

    layers: list[nn.Module]
    channels: int
    side: int

    @property
    def features(self) -> int:
        """Numbers an image."""
        return self.channels * self.side * self.side

    def then(self, *layers: nn.Module) -> Maps:
        """With layers behind it that change no shape."""
        return self._replace(layers=[*self.layers, *layers])


def convolved(
    maps: Maps, blocks: Sequence[Sequence[int]], normalised: Literal["each", "last", "none"] = "none"
) -> Maps:
    """3 x 3 convolutions that keep the side, each followed by ReLU, and 2 x 2 max-pooling after each block of them.

    Small images may be down to one place before the last block; they are not pooled any further.

    Args:
        maps: what comes before.
        blocks: the channels of each convolution.
        normalised: behind which convolutions, after their ReLU, batches are normalised.
    """
    layers, channels, side = list(maps.layers), maps.channels, maps.side
    for number, block in enumerate(blocks):
        for place, wider in enumerate(block):
            layers += [nn.Conv2d(channels, wider, 3, padding=1), nn.ReLU()]
            channels = wider
            last = (number, place) == (len(blocks) - 1, len(block) - 1)
            if normalised == "each" or (normalised == "last" and last):
                layers.append(nn.BatchNorm2d(channels))
        if side > 1:
            layers.append(MaxPool(2))
            side //= 2
    return Maps(layers, channels, side)


def connected(maps: Maps, hidden: Sequence[int], classes: int, dropout: float) -> nn.Sequential:
    """Maps, then fully connected layers with ReLU between, a share of what goes into each left out at random."""
    layers = [*maps.layers, Flatten()]
    for wide, narrow in pairwise((maps.features, *hidden)):
        layers += [nn.Dropout(dropout), nn.Linear(wide, narrow), nn.ReLU()]
    return started([*layers, nn.Dropout(dropout)], nn.Linear(hidden[-1], classes))


class Inner(nn.Module):
    """Cuts off an eighth of the image on each side: of 48 x 48 pixels the inner 36 x 36 are left."""

    @staticmethod
    def side(whole: int) -> int:
        """What is left of a side."""
        return whole - 2 * (whole // 8)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """(N, C, H, W) to (N, C, side(H), side(W))."""
        height, width = images.shape[2:]
        return images[:, :, height // 8 : height - height // 8, width // 8 : width - width // 8]


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


class SeparableModule(nn.Module):
    """Two separable convolutions and a pooling that halves the side, beside a shortcut that does so too; their sum.

    Source: Chollet, "Xception: Deep Learning with Depthwise Separable Convolutions", CVPR 2017.
    """

    def __init__(self, narrow: int, wide: int) -> None:
        super().__init__()
        # A strided 1 x 1 convolution, in two steps: with fewer than 16 channels its backward pass writes beyond its
        # memory on the CPU (torch 2.15, bfloat16, two threads).
        every_second = nn.MaxPool2d(1, stride=2)
        self.shortcut = nn.Sequential(every_second, nn.Conv2d(narrow, wide, 1, bias=False), nn.BatchNorm2d(wide))
        self.body = nn.Sequential(
            *_separable(narrow, wide), nn.ReLU(), *_separable(wide, wide), nn.MaxPool2d(3, stride=2, padding=1)
        )

    def forward(self, maps: torch.Tensor) -> torch.Tensor:
        """(N, narrow, H, W) to (N, wide, ceil(H / 2), ceil(W / 2))."""
        summed: torch.Tensor = self.body(maps) + self.shortcut(maps)
        return summed


def _separable(narrow: int, wide: int) -> list[nn.Module]:
    """Each channel for itself, then all of each place, and batch normalisation."""
    return [
        nn.Conv2d(narrow, narrow, 3, padding=1, groups=narrow, bias=False),
        nn.Conv2d(narrow, wide, 1, bias=False),
        nn.BatchNorm2d(wide),
    ]


class Enlarged(nn.Module):
    """A network that shows ImageNet's images to another: in colour, of its side, in the range that it knows.

    Outside of training it takes a few images at a time: what are small ones to begin with would fill the memory.
    """

    AT_ONCE = 32
    scale: torch.Tensor
    offset: torch.Tensor

    def __init__(self, body: nn.Module, side: int, mean: Sequence[float], std: Sequence[float]) -> None:
        super().__init__()
        self.body, self.side = body, side
        # Levels come as -1..1; ImageNet's networks take (level - mean) / std of levels 0..1.
        means, deviations = (torch.tensor(levels)[:, None, None] for levels in (mean, std))
        self.register_buffer("scale", 0.5 / deviations, persistent=False)
        self.register_buffer("offset", (0.5 - means) / deviations, persistent=False)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """(N, 1 or 3, H, W) in -1..1 to (N, features, 1, 1)."""
        parts = [images] if self.training else torch.split(images, self.AT_ONCE)
        return torch.cat([self.body(self._shown(part)) for part in parts])[:, :, None, None]

    def _shown(self, images: torch.Tensor) -> torch.Tensor:
        shown = resize(images, self.side).expand(-1, 3, -1, -1) * self.scale + self.offset
        return shown.contiguous(memory_format=torch.channels_last)
