"""GoogLeNet for grey images: torchvision's, with a last layer of its own."""

from __future__ import annotations

from pickle import UnpicklingError
from urllib.error import URLError

import torch
from torch import nn
from torchvision.models import GoogLeNet_Weights, googlenet
from torchvision.models.googlenet import BasicConv2d

from pipeline.common.files import InputError


class GreyGoogLeNet(nn.Module):
    """Takes (N, 1, height, width) in -1..1, gives (N, outputs).

    Source: Szegedy et al., "Going Deeper with Convolutions", CVPR 2015, as torchvision builds it; without the auxiliary
    outputs, which need larger images.

    Args:
        outputs: how many classes it tells apart.
        stem: imagenet, the paper's: the grey channel is repeated, so that ImageNet's first layer fits, and an image of
            48 pixels is down to 6 x 6 before the first of nine inception modules, and to 2 x 2 in the last. small: the
            first layer has a 3 x 3 kernel, one channel and no stride, which leaves twice as much: 12 x 12 and 3 x 3.
        pretrained: start from ImageNet weights (stem imagenet).

    Raises:
        InputError: pretrained weights were asked for and cannot be had.
    """

    def __init__(self, outputs: int, stem: str = "imagenet", pretrained: bool = False) -> None:
        super().__init__()
        # transform_input moves -1..1 to the range of ImageNet, also from scratch: one architecture for both.
        self.body = googlenet(weights=None, aux_logits=False, init_weights=False, transform_input=stem == "imagenet")
        if stem == "small":
            self.body.conv1 = BasicConv2d(1, 64, kernel_size=3, padding=1)
        self.channels = 3 if stem == "imagenet" else 1
        if pretrained:
            state = _imagenet_weights()
            kept = {name: value for name, value in state.items() if not name.startswith(("aux", "fc."))}
            self.body.load_state_dict(kept | {f"fc.{k}": v for k, v in self.body.fc.state_dict().items()})
        self.body.fc = nn.Linear(self.body.fc.in_features, outputs)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        scores: torch.Tensor = self.body(images.expand(-1, self.channels, -1, -1))
        return scores


def _imagenet_weights() -> dict[str, torch.Tensor]:
    weights = GoogLeNet_Weights.IMAGENET1K_V1
    folder = f"{torch.hub.get_dir()}/checkpoints"
    try:
        return dict(weights.get_state_dict(progress=True, check_hash=True, weights_only=True))
    except (EOFError, UnpicklingError):
        raise InputError(
            f"{folder}/{weights.url.rpartition('/')[2]}: damaged; delete it, or set pretrained: false"
        ) from None
    except (URLError, OSError, RuntimeError) as error:
        raise InputError(
            f"params.yaml: pretrained: true needs {weights.url}, which could not be had ({error}); "
            f"download it into {folder}, or set pretrained: false"
        ) from None
