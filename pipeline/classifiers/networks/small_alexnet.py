"""AlexNet for small images: five convolutions and three fully connected layers, as in a report of HKUST.

The report gives the number of layers, dropout and about 5 million parameters, and no widths: the convolutions are as
wide as AlexNet's on one GPU, all 3 x 3; the fully connected layers are narrower, which makes 4.7 million at 48 pixels.
Sources: Krizhevsky et al., "ImageNet Classification with Deep Convolutional Neural Networks", NIPS 2012; the widths
from Krizhevsky, "One weird trick for parallelizing convolutional neural networks", 2014.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.classifiers.network_settings import NetworkSettings, Shape
from pipeline.common.settings import Fraction

if TYPE_CHECKING:
    from torch import nn


class Settings(NetworkSettings):
    """Attributes:
    dropout: the share that is left out at random before each fully connected layer.
    """

    dropout: Fraction = 0.5


def build(settings: Settings, shape: Shape) -> nn.Module:
    """See `layers.convolved`."""
    from pipeline.classifiers.layers import Maps, connected, convolved

    maps = convolved(Maps([], shape.channels, shape.side), ((64,), (192,), (384, 256, 256)))
    return connected(maps, (256, 256), shape.classes, settings.dropout)
