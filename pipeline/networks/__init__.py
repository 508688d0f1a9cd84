"""The networks. `build` is all that the rest of fercrop needs of them."""

from __future__ import annotations

from typing import Literal

from torch import nn

from pipeline.params import NetworkName


def build(
    name: NetworkName | Literal["xception"], *, outputs: int, width: float = 1.0, pretrained: bool = False
) -> nn.Module:
    """A new network with random weights.

    Args:
        name: the network.
        outputs: how many numbers it gives an image: classes, or coordinates.
        width: of every layer, as a fraction of the paper's (Xception only).
        pretrained: start from ImageNet weights (GoogLeNet only; the others have none and start at random).

    Returns:
        A module from (N, 1, height, width) images in -1..1 to (N, outputs) numbers.

    Raises:
        InputError: pretrained weights were asked for and cannot be had.
    """
    if name == "xception":
        from pipeline.networks.xception import Xception

        return Xception(outputs, width)
    if name == "googlenet":
        # Imported only here: torchvision takes as long to import as a small network's demo training takes.
        from pipeline.networks.googlenet import GreyGoogLeNet

        return GreyGoogLeNet(outputs, pretrained)
    from pipeline.networks.cnn import cnn

    return cnn(name, outputs)
