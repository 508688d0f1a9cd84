"""Networks of timm that were trained on ImageNet, with a last layer of their own: what their modules share.

A module of `networks` says which one it is:

    Settings = imagenet.Settings
    build = partial(imagenet.build, "resnet50.a1_in1k")

The name is timm's, with the tag of the weights. Source: Wightman, "PyTorch Image Models", 2019.
"""

from __future__ import annotations

from collections import OrderedDict
from pathlib import Path
from textwrap import shorten
from typing import TYPE_CHECKING, Annotated, Any, Self, cast

from pydantic import Field, ValidationInfo, field_validator

from pipeline.classifiers.network_settings import NetworkSettings, Shape
from pipeline.common.files import InputError

if TYPE_CHECKING:
    from torch import nn

WEIGHTS = Path("pretrained/timm")  # where weights are taken from, before they are downloaded


class Settings(NetworkSettings):
    """Attributes:
    pretrained: start from ImageNet weights.
    frozen: leave those as they are and train the last layer alone: each image is looked at once.
    side: pixels that images are enlarged or reduced to first; left out: as many as the weights were learnt with.
    """

    pretrained: bool = False
    frozen: bool = False
    side: Annotated[int, Field(ge=32, le=1024)] | None = None

    @field_validator("frozen")
    @classmethod
    def _there_is_something_to_keep(cls, frozen: bool, info: ValidationInfo) -> bool:
        if frozen and not info.data.get("pretrained"):
            raise ValueError("must be false for pretrained: false, which has learnt nothing to keep")
        return frozen

    @property
    def last_only(self) -> bool:
        """As `frozen` says."""
        return self.frozen

    def to_fill(self) -> Self:
        """Without ImageNet weights."""
        return self.model_copy(update={"pretrained": False, "frozen": False})


def build(model: str, settings: Settings, shape: Shape) -> nn.Module:
    """A new network: timm's, then a linear layer to the classes.

    Args:
        model: its name in timm, with the tag of its weights.

    Raises:
        InputError: weights were asked for that cannot be had, or the network cannot see images of this side.
    """
    import torch
    from timm import create_model
    from torch import nn

    from pipeline.classifiers.layers import Enlarged

    body = _with_weights(model) if settings.pretrained else create_model(model, num_classes=0)
    known = cast(dict[str, Any], body.pretrained_cfg)
    side = settings.side or known["input_size"][-1]
    seen = Enlarged(body, side, known["mean"], known["std"])
    try:
        with torch.inference_mode():
            features = seen.eval()(torch.zeros(1, shape.channels, shape.side, shape.side)).shape[1]
    except (RuntimeError, AssertionError):  # too small to be pooled so often, or patches do not fit
        raise InputError(
            f"recipes.yaml: network.side: {model} cannot see images of {side} pixels; leave it out, or take more"
        ) from None
    last = nn.Sequential(nn.Flatten(), nn.Linear(features, shape.classes))
    return nn.Sequential(OrderedDict(body=seen, last=last)).train()


def _with_weights(model: str) -> nn.Module:
    """Timm's network with ImageNet weights, from our folder, from timm's cache, or downloaded."""
    from safetensors import SafetensorError
    from timm import create_model
    from timm.models import get_pretrained_cfg

    path = WEIGHTS / f"{model}.safetensors"
    overlay = {"file": str(path)} if path.is_file() else {}
    try:
        body: nn.Module = create_model(model, pretrained=True, pretrained_cfg_overlay=overlay, num_classes=0)
    except (SafetensorError, RuntimeError, OSError) as error:
        if overlay:
            raise InputError(f"{path}: damaged, or of another network; delete it, or set pretrained: false") from None
        known = get_pretrained_cfg(model)
        where = f"https://huggingface.co/{known.hf_hub_id}" if known and known.hf_hub_id else "where timm's are"
        reason = shorten(str(error), 80, placeholder=" ...")
        raise InputError(
            f"recipes.yaml: pretrained: true needs the weights of {model}, which could not be had ({reason}); "
            f"put model.safetensors from {where} at {path}, or set pretrained: false"
        ) from None
    return body
