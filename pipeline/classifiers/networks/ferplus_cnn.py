"""The network that Picanço trained on FER+ in 2019: six convolutions, batch normalisation after each layer.

With 8 classes it has 2,598,732 values, as printed, 1,896 of which are running statistics.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.classifiers.network_settings import NetworkSettings, Shape
from pipeline.common.settings import Fraction

if TYPE_CHECKING:
    from torch import nn


class Settings(NetworkSettings):
    """Attributes:
    dropout: the share that is left out at random after the second pooling, and before the last layer.
    """

    dropout: Fraction = 0.25


HIDDEN = 500


def build(settings: Settings, shape: Shape) -> nn.Module:
    """See `layers.convolved`."""
    from torch import nn

    from pipeline.classifiers.layers import Flatten, Maps, convolved, started

    wide = convolved(Maps([], shape.channels, shape.side), ((32, 32), (64, 64)), "each")
    maps = convolved(wide.then(nn.Dropout(settings.dropout)), ((128, 128),), "each")
    hidden = [Flatten(), nn.Linear(maps.features, HIDDEN), nn.ReLU(), nn.BatchNorm1d(HIDDEN)]
    return started([*maps.layers, *hidden, nn.Dropout(settings.dropout)], nn.Linear(HIDDEN, shape.classes))
