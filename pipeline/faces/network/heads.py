"""From feature maps to points: two ways to end the landmark network.

Both take the maps of an image at an eighth, a sixteenth and a thirty-second of its size, and give (N, points, 3 + c):
x and y of each point as fractions of the image's side, 0 in its middle; how far the votes for it are spread, likewise;
and the logarithms of the c cells' weights in the vote, row by row. A head that does not vote has no cells.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import nn
from torch.nn import functional

# Channels of a feature map at an eighth, a sixteenth and a thirty-second of the image's size.
Channels = tuple[int, int, int]
Maps = tuple[torch.Tensor, torch.Tensor, torch.Tensor]


class Direct(nn.Module):
    """One linear layer gives all coordinates. There is no vote: every spread is 0.

    The Xception paper averages the last map to one value a channel, for classes. Where a point lies would be lost with
    it; a grid of GRID x GRID, which an input of 128 pixels fills exactly, keeps it.
    """

    GRID = 4

    def __init__(self, channels: Channels, points: int) -> None:
        super().__init__()
        self.pool = nn.Sequential(nn.AdaptiveAvgPool2d(self.GRID), nn.Flatten())
        self.linear = nn.Linear(channels[-1] * self.GRID**2, 2 * points)

    def forward(self, maps: Maps) -> torch.Tensor:
        with torch.autocast(maps[-1].device.type, enabled=False):  # bfloat16 would round places to an eighth of a pixel
            places: torch.Tensor = self.linear(self.pool(maps[-1].float())).unflatten(1, (-1, 2))
        return torch.cat([places, torch.zeros_like(places[..., :1])], dim=-1)

    def start_at(self, shape: torch.Tensor) -> None:
        """Let the untrained head give this shape (points, 2), so that it only learns to move away from it."""
        nn.init.normal_(self.linear.weight, std=1e-3)
        with torch.no_grad():
            self.linear.bias.copy_(shape.flatten())


class Voting(nn.Module):
    """Every cell of the map at an eighth of the image's size votes for where each point lies.

    A softmax over the cells weighs the votes. A cell votes for its own place, as in integral regression (Sun et al.,
    "Integral Human Pose Regression", ECCV 2018), moved by an offset that it gives (as in Jin et al., "Pixel-in-Pixel
    Net", IJCV 2021), so that a point may lie between cells and beyond the image's edge. The maps are joined from coarse
    to fine (Lin et al., "Feature Pyramid Networks", CVPR 2017).
    """

    CHANNELS = 96

    def __init__(self, channels: Channels, points: int) -> None:
        super().__init__()
        self.laterals = nn.ModuleList(
            nn.Sequential(nn.Conv2d(inputs, self.CHANNELS, 1, bias=False), nn.BatchNorm2d(self.CHANNELS))
            for inputs in channels
        )
        self.smooth = nn.ModuleList(
            nn.Sequential(
                nn.ReLU(),
                nn.Conv2d(self.CHANNELS, self.CHANNELS, 3, padding=1, groups=self.CHANNELS, bias=False),
                nn.Conv2d(self.CHANNELS, self.CHANNELS, 1, bias=False),
                nn.BatchNorm2d(self.CHANNELS),
            )
            for _ in range(2)
        )
        self.votes = nn.Conv2d(self.CHANNELS, 3 * points, 1)
        nn.init.normal_(self.votes.weight, std=1e-3)  # at first all cells count alike
        assert self.votes.bias is not None
        nn.init.zeros_(self.votes.bias)

    def forward(self, maps: Maps) -> torch.Tensor:
        fine, middle, coarse = (lateral(part) for lateral, part in zip(self.laterals, maps, strict=True))
        joined = self.smooth[0](middle + _enlarge(coarse, middle))
        joined = functional.relu(self.smooth[1](fine + _enlarge(joined, fine)))
        with torch.autocast(joined.device.type, enabled=False):  # bfloat16 would round a place to a pixel
            says, across, down = self.votes(joined.float()).chunk(3, dim=1)
            height, width = joined.shape[2:]
            logarithms = says.flatten(2).log_softmax(2)
            weights = logarithms.exp().unflatten(2, (height, width))
            x = across + centres(width, joined)
            y = down + centres(height, joined)[:, None]
            places = torch.stack([(weights * x).sum((2, 3)), (weights * y).sum((2, 3))], dim=-1)
            variance = (weights * ((x - _each(places, 0)).square() + (y - _each(places, 1)).square())).sum((2, 3))
            return torch.cat([places, (variance + 1e-12).sqrt()[..., None], logarithms], dim=-1)


def _enlarge(coarse: torch.Tensor, like: torch.Tensor) -> torch.Tensor:
    return functional.interpolate(coarse, like.shape[2:], mode="nearest")


def centres(cells: int, like: torch.Tensor) -> torch.Tensor:
    """The places of the cells along one axis, as fractions of the image's side, 0 in its middle."""
    return (torch.arange(cells, device=like.device, dtype=torch.float32) + 0.5) / cells - 0.5


def _each(places: torch.Tensor, axis: int) -> torch.Tensor:
    return places[:, :, axis, None, None]


HEADS: dict[str, Callable[[Channels, int], Direct | Voting]] = {"direct": Direct, "voting": Voting}
