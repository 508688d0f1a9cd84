"""A network on disk: safetensors, with its settings and where it came from as JSON in the header."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import nn

from pipeline.common import device
from pipeline.common.files import InputError, write_bytes


def save_network(path: Path, network: nn.Module, header: dict[str, Any]) -> None:
    """Write a network's weights, in the first process; `header` says how to build it again and how it was made."""
    if not device.first_process():
        return
    state = {name: value.detach().cpu().contiguous() for name, value in network.state_dict().items()}
    write_bytes(path, save(state, metadata={"fercrop": json.dumps(header, sort_keys=True)}))


def fill(network: nn.Module, state: dict[str, torch.Tensor], path: Path) -> None:
    """Put the weights read from `path` into a network. Raises InputError if they are another network's."""
    try:
        network.load_state_dict(state)
    except RuntimeError:
        raise InputError(f"{path}: weights of another network; delete it and run `dvc repro`") from None


def load_network(path: Path) -> tuple[dict[str, torch.Tensor], dict[str, Any]]:
    """Read (state, header).

    Raises:
        InputError: the file is missing, damaged, or was not written by fercrop.
    """
    remedy = "run `dvc repro` to make it"
    try:
        with safe_open(path, framework="pt") as file:
            header = json.loads(file.metadata()["fercrop"])
            return {name: file.get_tensor(name) for name in file.keys()}, header  # noqa: SIM118 (no mapping)
    except FileNotFoundError:
        raise InputError(f"{path}: missing; {remedy}") from None
    except (SafetensorError, KeyError, TypeError, ValueError) as error:
        raise InputError(f"{path}: no weights of fercrop's ({error}); delete it and {remedy}") from None
