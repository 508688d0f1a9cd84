"""The classifiers' networks. `classifier` is all that the rest of fercrop needs of them."""

from __future__ import annotations

from torch import nn

from pipeline.classifiers.recipe import NetworkName


def classifier(name: NetworkName, *, outputs: int, stem: str = "imagenet", pretrained: bool = False) -> nn.Module:
    """A new classifier with random weights.

    Args:
        name: the network.
        outputs: how many classes it tells apart.
        stem: imagenet, or small for one fitted to small images (GoogLeNet only).
        pretrained: start from ImageNet weights (GoogLeNet only; the others have none and start at random).

    Returns:
        A module from (N, 1, 48, 48) images in -1..1 to (N, outputs) numbers.

    Raises:
        InputError: pretrained weights were asked for and cannot be had.
    """
    if name == "googlenet":
        # Imported only here: torchvision takes as long to import as a small network's demo training takes.
        from pipeline.classifiers.networks.googlenet import GreyGoogLeNet

        return GreyGoogLeNet(outputs, stem, pretrained)
    from pipeline.classifiers.networks.cnn import cnn

    return cnn(name, outputs)
