"""The network that Diehl trained on selfies in 2021, and smaller ones: a convolution and a pooling a block.

On 256 x 256 grey pixels and with 5 classes it has 2,196,933 parameters, as printed. What its report tries against
overfitting are settings here, but for L2: that is `weight_decay` with `optimizer: adam`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from pydantic import Field

from pipeline.classifiers.network_settings import NetworkSettings, Shape
from pipeline.common.settings import Fraction

if TYPE_CHECKING:
    from torch import nn

Width = Annotated[int, Field(ge=1, le=4096)]


class Settings(NetworkSettings):
    """Attributes:
    channels: of each convolution; fewer or narrower ones are a smaller network.
    hidden: the size of the fully connected layer.
    dropout: the share that is left out at random after the last pooling.
    batch_norm: normalise batches after the last convolution.
    """

    channels: Annotated[tuple[Width, ...], Field(min_length=1, max_length=8, strict=False)] = (8, 16, 32, 64, 128)
    hidden: Width = 256
    dropout: Fraction = 0.0
    batch_norm: bool = False


def build(settings: Settings, shape: Shape) -> nn.Module:
    """See `layers.convolved`."""
    from torch import nn

    from pipeline.classifiers.layers import Flatten, Maps, convolved, started

    blocks = [(width,) for width in settings.channels]
    maps = convolved(Maps([], shape.channels, shape.side), blocks, "last" if settings.batch_norm else "none")
    hidden = [nn.Dropout(settings.dropout), Flatten(), nn.Linear(maps.features, settings.hidden), nn.ReLU()]
    return started([*maps.layers, *hidden], nn.Linear(settings.hidden, shape.classes))
