"""The networks, one module each, found by its name. To add one, add a module.

A module has `build`, which makes the network, and perhaps `Settings`, a `NetworkSettings` of its own. What takes long
to import, torch too, it imports only there: every stage reads the settings.
"""

from __future__ import annotations

from functools import cache
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, cast

from pipeline.classifiers.network_settings import NetworkSettings, Shape

if TYPE_CHECKING:
    from torch import nn


class Network(Protocol):
    """A module of this package."""

    def build(self, settings: NetworkSettings, shape: Shape) -> nn.Module:
        """A new network with random weights. Raises InputError if weights were asked for that cannot be had."""
        ...


@cache
def names() -> tuple[str, ...]:
    """The networks that there are: files with the name of a module, not what editors and systems leave beside them."""
    stems = (path.stem for path in Path(__file__).parent.glob("*.py"))
    return tuple(sorted(stem for stem in stems if stem.isidentifier() and not stem.startswith("_")))


def settings_of(name: str) -> type[NetworkSettings]:
    """The kind of settings that a network has."""
    kind: type[NetworkSettings] = getattr(_module(name), "Settings", NetworkSettings)
    return kind


def build(name: str, settings: NetworkSettings, shape: Shape) -> nn.Module:
    """A new network with random weights.

    Args:
        name: one of `names`.
        settings: of the kind `settings_of(name)`.
        shape: what it takes and gives.

    Raises:
        InputError: weights were asked for that cannot be had.
    """
    return cast(Network, _module(name)).build(settings, shape)


def _module(name: str) -> object:
    return import_module(f"{__name__}.{name}")
