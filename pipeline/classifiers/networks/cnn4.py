"""CNN 4 of the original report: CNN 1 with smaller kernels."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.classifiers.network_settings import NetworkSettings, Shape

if TYPE_CHECKING:
    from torch import nn


def build(settings: NetworkSettings, shape: Shape) -> nn.Module:
    """See `layers.small_cnn`."""
    from pipeline.classifiers.layers import small_cnn

    return small_cnn(shape, kernel=3, hidden=(120, 250))
