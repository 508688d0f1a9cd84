"""CNN 1 of the original report."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.classifiers.network_settings import NetworkSettings, Shape

if TYPE_CHECKING:
    from torch import nn


def build(settings: NetworkSettings, shape: Shape) -> nn.Module:
    """See `layers.small_cnn`."""
    from pipeline.classifiers.layers import small_cnn

    return small_cnn(shape, kernel=5, hidden=(120, 250))
