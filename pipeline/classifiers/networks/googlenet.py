"""GoogLeNet: torchvision's, with a last layer of its own and, if asked for, a first one for small images.

Source: Szegedy et al., "Going Deeper with Convolutions", CVPR 2015; without the auxiliary outputs, which need larger
images.
"""

from __future__ import annotations

from collections import OrderedDict
from pickle import UnpicklingError
from typing import TYPE_CHECKING, Annotated, Literal, Self
from urllib.error import URLError

from pydantic import Field, ValidationInfo, field_validator

from pipeline.classifiers.network_settings import NetworkSettings, Shape
from pipeline.common.files import InputError

if TYPE_CHECKING:
    import torch
    from torch import nn

# Sides of growing images are multiples of this, so that the maps halve three times without a remainder.
SIDE_STEP = 8


class Settings(NetworkSettings):
    """Attributes:
    stem: imagenet, the paper's, made for 224 pixels: of an image of 48 it leaves 6 x 6 before the first of nine
        inception modules, and 2 x 2 in the last. small: the first layer has a 3 x 3 kernel and no stride, which
        leaves twice as much: 12 x 12 and 3 x 3.
    pretrained: start from ImageNet weights (stem imagenet).
    first_side: pixels of the images in the first epochs, growing to the experiment's side; left out: always that side.
    """

    stem: Literal["imagenet", "small"] = "imagenet"
    pretrained: bool = False
    first_side: Annotated[int, Field(ge=16, multiple_of=SIDE_STEP)] | None = None

    @field_validator("pretrained")
    @classmethod
    def _weights_fit_the_stem(cls, pretrained: bool, info: ValidationInfo) -> bool:
        if pretrained and info.data.get("stem") == "small":
            raise ValueError("must be false for stem: small, which ImageNet weights do not fit")
        return pretrained

    def sides(self, side: int, epochs: int) -> list[int]:
        """The side of the images in each epoch: in steps of `SIDE_STEP` to `side`, which has the last quarter.

        Small images take less time, and what is learnt from them carries over. Source: Tan and Le, "EfficientNetV2:
        Smaller Models and Faster Training", ICML 2021, section 4.
        """
        smaller = range(self.first_side or side, side, SIDE_STEP)
        growing = int(0.75 * epochs) if smaller else 0
        return [smaller[epoch * len(smaller) // growing] for epoch in range(growing)] + [side] * (epochs - growing)

    def to_fill(self) -> Self:
        """Without ImageNet weights."""
        return self.model_copy(update={"pretrained": False})


def build(settings: Settings, shape: Shape) -> nn.Module:
    """A new GoogLeNet.

    Raises:
        InputError: pretrained weights were asked for and cannot be had.
    """
    from torch import nn
    from torchvision.models import googlenet
    from torchvision.models.googlenet import BasicConv2d

    from pipeline.classifiers.layers import InColour

    # transform_input moves -1..1 to the range of ImageNet, also from scratch: one architecture for both.
    imagenet = settings.stem == "imagenet"
    body = googlenet(weights=None, aux_logits=False, init_weights=False, transform_input=imagenet)
    if settings.stem == "small":
        body.conv1 = BasicConv2d(shape.channels, 64, kernel_size=3, padding=1)
    if settings.pretrained:
        state = _imagenet_weights()
        kept = {name: value for name, value in state.items() if not name.startswith(("aux", "fc."))}
        body.load_state_dict(kept | {f"fc.{k}": v for k, v in body.fc.state_dict().items()})
    body.fc = nn.Linear(body.fc.in_features, shape.classes)
    colour: nn.Module = InColour() if imagenet else nn.Identity()
    return nn.Sequential(OrderedDict(colour=colour, body=body))


def _imagenet_weights() -> dict[str, torch.Tensor]:
    import torch
    from torchvision.models import GoogLeNet_Weights

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
            f"recipes.yaml: pretrained: true needs {weights.url}, which could not be had ({error}); "
            f"download it into {folder}, or set pretrained: false"
        ) from None
