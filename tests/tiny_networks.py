"""Networks of two layers, and a classifier's file around one."""

from __future__ import annotations

import torch
from torch import nn

from pipeline.classifiers.classifier_file import Classifier, Header


def tiny_network(seed: int = 0, side: int = 16, classes: int = 7, channels: int = 1) -> nn.Sequential:
    """A convolution and a linear layer of random weights."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return nn.Sequential(
            nn.Conv2d(channels, 8, 5, padding=2), nn.ReLU(), nn.AvgPool2d(2), nn.Flatten(),
            nn.Linear(8 * (side // 2) ** 2, classes),
        ).eval()  # fmt: skip


def weight_of(network: nn.Module, layer: int = 0) -> torch.Tensor:
    """The weights of a layer of `tiny_network`, as they are now."""
    weight: torch.Tensor = network.state_dict()[f"{layer}.weight"]
    return weight.clone()


def classifier_of(network: nn.Module, classes: tuple[str, ...], side: int, channels: int = 1) -> Classifier:
    """The network as if it had been read from a file."""
    header = Header(
        network="cnn1",
        settings={},
        classes=classes,
        channels=channels,
        side=side,
        mean=127.5,
        scale=127.5,
        region="whole",
        cell=("vanilla", "cnn1", 0, None),
        data_set="made up",
        data="",
        recipe={"precision": "fp32"},
        epoch=0,
        scores={},
    )
    return Classifier(network, header)
