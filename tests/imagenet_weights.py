"""Weights of ImageNet's thousand classes, made up, where a user would put them; and frozen networks that have them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from classifier_recipes import make_recipe
from safetensors.torch import save_file
from timm import create_model

NETWORK, MODEL = "mobilenetv2", "mobilenetv2_100.ra_in1k"


def put_weights(folder: Path, seed: int = 1) -> dict[str, torch.Tensor]:
    """Weights of `MODEL` in a folder that stands for `imagenet.WEIGHTS`."""
    torch.manual_seed(seed)
    state: dict[str, torch.Tensor] = create_model(MODEL).state_dict()
    folder.mkdir(parents=True, exist_ok=True)
    save_file(state, folder / f"{MODEL}.safetensors")
    return state


def frozen_recipe(**changes: Any) -> Any:
    """Of `NETWORK`, of which the last layer alone is trained."""
    network = {"pretrained": True, "frozen": True, "side": 32}
    return make_recipe(NETWORK, **{"network": network, "batch": 8, "learning_rate": 0.01, **changes})
