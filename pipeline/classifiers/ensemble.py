"""Several networks as one, which says what they say on average."""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import nn


class Ensemble(nn.Module):
    """Networks of one shape, such as those that were trained on the folds of a split."""

    def __init__(self, members: Iterable[nn.Module]) -> None:
        super().__init__()
        self.members = nn.ModuleList(members)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """(N, channels, side, side) to (N, classes), whose softmax is the mean of the members' probabilities."""
        likely = torch.stack([member(images).float().softmax(1) for member in self.members])
        return likely.mean(0).log()
