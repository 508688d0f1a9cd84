"""CNN 3 of the original report: CNN 2 with more fully connected layers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.classifiers.network_settings import NetworkSettings, Shape

if TYPE_CHECKING:
    from torch import nn


def build(settings: NetworkSettings, shape: Shape) -> nn.Module:
    """See `layers.small_cnn`."""
    from pipeline.classifiers.layers import small_cnn

    return small_cnn(shape, kernel=5, hidden=(250, 120, 120, 120, 120, 50, 50))
