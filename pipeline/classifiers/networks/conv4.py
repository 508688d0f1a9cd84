"""The network of four convolutions of a report of Chalmers University of Technology (course TMS016).

It sees the inner 36 x 36 of 48 x 48 pixels. The report prints 206,439 parameters; the layers that it lists, which are
these, have 324,423.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.classifiers.network_settings import NetworkSettings, Shape
from pipeline.common.settings import Fraction

if TYPE_CHECKING:
    from torch import nn


class Settings(NetworkSettings):
    """Attributes:
    dropout: the share that is left out at random before and after the hidden fully connected layer.
    """

    dropout: Fraction = 0.5


def build(settings: Settings, shape: Shape) -> nn.Module:
    """See `layers.convolved`."""
    from pipeline.classifiers.layers import Inner, Maps, connected, convolved

    inner = Maps([Inner()], shape.channels, Inner.side(shape.side))
    maps = convolved(inner, ((16, 32), (64,), (64,)))
    return connected(maps, (256,), shape.classes, settings.dropout)
