"""Networks as they are before any training."""

from __future__ import annotations

from typing import Any

from torch import nn

from pipeline.classifiers import networks
from pipeline.classifiers.network_settings import Shape


def new_network(name: str, classes: int = 7, channels: int = 1, side: int = 48, **settings: Any) -> nn.Module:
    """A network of `networks` with random weights."""
    own = networks.settings_of(name).model_validate(settings)
    return networks.build(name, own, Shape(classes, channels, side))
