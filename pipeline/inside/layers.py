"""The layers of a network that give maps: which there are, what their filters are and what they make of images."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import torch
from torch import nn

from pipeline.classifiers.network_settings import Shape
from pipeline.common.files import InputError

# Grad-CAM's maps must have so many cells across to say where in a face something is.
CELLS = 6


class Maps(NamedTuple):
    """What a layer gives of an image: so many maps of so many cells."""

    many: int
    height: int
    width: int


def map_layers(network: nn.Module, shape: Shape) -> dict[str, Maps]:
    """The layers that give maps, by their name in the network, in the order in which they come to an end.

    Of a layer that consists of others, an inception module say, only itself.

    Args:
        network: takes (N, channels, side, side).
        shape: what it takes and gives.
    """
    found: dict[str, Maps] = {}

    def note(name: str, maps: torch.Tensor) -> None:
        found.pop(name, None)
        found[name] = Maps(*maps.shape[1:])

    with _watched(network, note):
        _look(network, torch.zeros(1, shape.channels, shape.side, shape.side))
    return {name: maps for name, maps in found.items() if not any(name.startswith(f"{other}.") for other in found)}


def find_layer(layers: dict[str, Maps], name: str, network: str) -> str:
    """The name, if it is one of these layers. Raises InputError if it is not, with those that are."""
    if name not in layers:
        raise InputError(f"--layer: {network} has no layer {name!r} that gives maps, only {', '.join(layers)}")
    return name


def deepest_layer(layers: dict[str, Maps], cells: int = CELLS) -> str:
    """The last layer whose maps have enough cells across; if there is none, that with the most."""
    enough = [name for name, maps in layers.items() if min(maps.height, maps.width) >= cells]
    return enough[-1] if enough else max(layers, key=lambda name: min(layers[name].height, layers[name].width))


def first_convolution(network: nn.Module, layers: dict[str, Maps]) -> str:
    """The first of these layers that is or holds a convolution; without one the first of all."""
    of = (name for name in layers if any(isinstance(each, nn.Conv2d) for each in network.get_submodule(name).modules()))
    return next(of, next(iter(layers)))


def first_filters(network: nn.Module) -> npt.NDArray[np.float32]:
    """The weights of the first convolution, (filters, channels, height, width).

    Raises:
        InputError: the network has none.
    """
    for layer in network.modules():
        if isinstance(layer, nn.Conv2d):
            return layer.weight.detach().float().cpu().numpy()
    raise InputError("the network has no convolution, and so no filters to look at")


def activations(network: nn.Module, images: torch.Tensor, name: str) -> npt.NDArray[np.float32]:
    """What a layer makes of images.

    Args:
        images: (N, channels, side, side) in -1..1.
        name: of the layer, see `map_layers`.

    Returns:
        (N, maps, height, width).
    """
    kept: dict[str, npt.NDArray[np.float32]] = {}

    def note(layer: str, maps: torch.Tensor) -> None:
        if layer == name:
            kept[name] = maps.float().cpu().numpy().copy()  # what follows may write into it

    with _watched(network, note):
        _look(network, images)
    return kept[name]


def _look(network: nn.Module, images: torch.Tensor) -> None:
    with torch.inference_mode():
        network.float().cpu().eval()(images)


@contextmanager
def _watched(network: nn.Module, note: Callable[[str, torch.Tensor], None]) -> Iterator[None]:
    """Call `note` with each layer's name and what it gives, where that is maps (N, count, height, width)."""

    def hook(name: str) -> Callable[..., None]:
        def see(module: nn.Module, given: Any, maps: Any) -> None:
            if isinstance(maps, torch.Tensor) and maps.ndim == 4:
                note(name, maps)

        return see

    handles = [layer.register_forward_hook(hook(name)) for name, layer in network.named_modules() if name]
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()
