"""Xception: 36 convolution layers in 14 modules, with linear residual connections around all but the first and last.

Source: Chollet, "Xception: Deep Learning with Depthwise Separable Convolutions", CVPR 2017, figure 5.
"""

from __future__ import annotations

import torch
from torch import nn

from pipeline.faces.network.heads import HEADS

# The first LARGE parts of the entry flow have maps of a quarter of the image's size and more. Applied on a CPU to
# AT_ONCE images at a time these stay in its cache, which makes the whole network a sixth faster.
LARGE, AT_ONCE = 7, 8


class Separable(nn.Sequential):
    """A depthwise 3 x 3 convolution, a pointwise one, and batch normalisation; counted as one layer in the paper."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__(
            nn.Conv2d(inputs, inputs, 3, padding=1, groups=inputs, bias=False),
            nn.Conv2d(inputs, outputs, 1, bias=False),
            nn.BatchNorm2d(outputs),
        )


class Residual(nn.Module):
    """A module of separable convolutions with a shortcut around it: the identity, or a strided 1 x 1 convolution."""

    def __init__(self, inputs: int, *outputs: int, halve: bool, relu_first: bool = True) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        for before, after in zip((inputs, *outputs), outputs, strict=False):
            layers += [nn.ReLU(), Separable(before, after)]
        if not relu_first:
            del layers[0]
        if halve:
            layers.append(nn.MaxPool2d(3, stride=2, padding=1))
        self.layers = nn.Sequential(*layers)
        self.shortcut: nn.Module = nn.Identity()
        if halve:
            self.shortcut = nn.Sequential(
                nn.Conv2d(inputs, outputs[-1], 1, stride=2, bias=False), nn.BatchNorm2d(outputs[-1])
            )

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        result: torch.Tensor = self.layers(images) + self.shortcut(images)
        return result


class Xception(nn.Module):
    """Takes (N, 1, height, width), gives (N, points, 3 + cells): see `heads`.

    Args:
        points: how many it finds.
        width: of every layer, as a fraction of the paper's.
        head: a name of `heads.HEADS`.
    """

    def __init__(self, points: int, width: float, head: str) -> None:
        super().__init__()

        def wide(channels: int) -> int:
            if width == 1:
                return channels
            # Multiples of 16 suit vector units. Below 16, torch 2.15 crashes in the backward pass of a strided 1 x 1
            # convolution on the CPU.
            return max(16, round(channels * width / 16) * 16)

        first, second, entry1, entry2, middle = map(wide, (32, 64, 128, 256, 728))
        exit1, exit2, exit3 = map(wide, (1024, 1536, 2048))
        self.entry = nn.Sequential(
            nn.Conv2d(1, first, 3, stride=2, padding=1, bias=False), nn.BatchNorm2d(first), nn.ReLU(),
            nn.Conv2d(first, second, 3, padding=1, bias=False), nn.BatchNorm2d(second), nn.ReLU(),
            Residual(second, entry1, entry1, halve=True, relu_first=False),
            Residual(entry1, entry2, entry2, halve=True),
            Residual(entry2, middle, middle, halve=True),
        )  # fmt: skip
        self.middle = nn.Sequential(*(Residual(middle, middle, middle, middle, halve=False) for _ in range(8)))
        self.exit = nn.Sequential(
            Residual(middle, middle, exit1, halve=True),
            Separable(exit1, exit2), nn.ReLU(),
            Separable(exit2, exit3), nn.ReLU(),
        )  # fmt: skip
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, nonlinearity="relu")
        self.head = HEADS[head]((entry2, middle, exit3), points)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        together = AT_ONCE if images.device.type == "cpu" and not self.training else max(1, len(images))
        large = torch.cat([self.entry[:LARGE](part) for part in torch.split(images, together)])
        fine = self.entry[LARGE:-1](large)
        middle = self.middle(self.entry[-1](fine))
        found: torch.Tensor = self.head((fine, middle, self.exit(middle)))
        return found
