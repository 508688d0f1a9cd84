"""A network on disk: safetensors, with its settings and where it came from as JSON in the header, and a digest of all.

The digest tells flipped bytes, not a forger: who can write the file can write the digest too.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import nn

from pipeline.common import device
from pipeline.common.files import InputError, write_bytes
from pipeline.common.given import open_given


def save_network(path: Path, network: nn.Module, header: dict[str, Any]) -> None:
    """Write a network's weights, in the first process; `header` says how to build it again and how it was made.

    Raises:
        InputError: a weight is not finite.
    """
    if device.first_process():
        save_state(path, network.state_dict(), header)


def save_state(path: Path, state: Mapping[str, torch.Tensor], header: dict[str, Any]) -> None:
    """Write weights by their names, with what `save_network` says of them.

    Raises:
        InputError: a weight is not finite.
    """
    state = {name: value.detach().cpu().contiguous() for name, value in state.items()}
    if not _finite(state):
        raise InputError(f"{path}: the training gave weights that are not finite; lower its learning_rate")
    said = json.dumps(header, sort_keys=True)
    # One entry: of several, safetensors writes now this, now that one first, and the bytes would differ.
    said = json.dumps({**header, "sha256": digest_state(state, said)}, sort_keys=True)
    write_bytes(path, save(state, metadata={"fercrop": said}))


def halve(state: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """The same with convolutions and linear layers in half precision; what is one number a channel stays as it is."""
    return {name: value.half() if value.ndim > 1 else value for name, value in state.items()}


def digest_state(state: Mapping[str, torch.Tensor], header: str = "") -> str:
    """SHA-256 over the header and over each tensor's name, type, shape and bytes, ordered by name."""
    digest = hashlib.sha256(header.encode())
    for name in sorted(state):
        value = state[name]
        digest.update(f"\0{name}\0{value.dtype}\0{tuple(value.shape)}\0".encode())
        digest.update(value.reshape(-1).view(torch.uint8).numpy().tobytes())
    return digest.hexdigest()


def _finite(state: dict[str, torch.Tensor]) -> bool:
    return all(bool(value.isfinite().all()) for value in state.values())


def fill(network: nn.Module, state: dict[str, torch.Tensor], path: Path, shape: tuple[int, int, int]) -> None:
    """Put the weights read from `path` into a network, and look at an image of noise with it.

    Args:
        shape: channels, height and width of what it takes.

    Raises:
        InputError: they are another network's, or what it gives is not finite: a weight that is may be far too large.
    """
    try:
        network.load_state_dict(state)
    except RuntimeError:
        raise InputError(f"{path}: weights of another network; delete it and run `dvc repro`") from None
    training = network.training
    with torch.inference_mode():
        noise = torch.rand(1, *shape, generator=torch.Generator().manual_seed(0)) * 2 - 1
        said = network.eval()(noise)
    network.train(training)
    # The logarithm of a probability may be minus infinity.
    if (said.isnan() | said.isposinf()).any():
        raise InputError(f"{path}: its network gives values that are not finite; delete it and run `dvc repro`")


def load_network(path: Path) -> tuple[dict[str, torch.Tensor], dict[str, Any]]:
    """Read (state, header).

    Raises:
        InputError: the file is missing, damaged, of an earlier version, or was not written by fercrop.
    """
    make = "run `dvc repro` to make it"
    open_given(path, make).close()
    try:
        with safe_open(path, framework="pt") as file:
            header = json.loads(file.metadata()["fercrop"])
            state = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 (no mapping)
        if not isinstance(header, dict):
            raise TypeError("its header is no object")
    except (SafetensorError, KeyError, TypeError, ValueError, RecursionError) as error:
        raise InputError(f"{path}: no weights of fercrop's ({error}); delete it and {make}") from None
    named = header.pop("sha256", None)
    if named is None:
        raise InputError(f"{path}: of an earlier version, without a digest (see CHANGELOG.md); delete it and {make}")
    if named != digest_state(state, json.dumps(header, sort_keys=True)):
        raise InputError(f"{path}: damaged, it does not have the digest that it names; delete it and {make}")
    if not _finite(state):
        raise InputError(f"{path}: has weights that are not finite; delete it and {make}")
    return state, header
