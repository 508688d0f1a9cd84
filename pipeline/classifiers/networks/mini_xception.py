"""Mini-Xception: four residual modules of separable convolutions, then a map a class and its mean; nothing linear.

Source: Arriaga et al., "Real-time Convolutional Neural Networks for Emotion and Gender Classification", 2017, who print
about 60,000 parameters: 58,423 values with 7 classes, 1,472 of which are running statistics. A report of HKUST that
trained it on FER2013 speaks of 600,000.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

from pipeline.classifiers.network_settings import NetworkSettings, Shape

if TYPE_CHECKING:
    from torch import nn

WIDTHS = (8, 16, 32, 64, 128)  # of the entry, and of the modules


def build(settings: NetworkSettings, shape: Shape) -> nn.Module:
    """A new mini-Xception."""
    from torch import nn

    from pipeline.classifiers.layers import SeparableModule

    first = WIDTHS[0]
    return nn.Sequential(
        nn.Conv2d(shape.channels, first, 3, bias=False), nn.BatchNorm2d(first), nn.ReLU(),
        nn.Conv2d(first, first, 3, bias=False), nn.BatchNorm2d(first), nn.ReLU(),
        *(SeparableModule(narrow, wide) for narrow, wide in pairwise(WIDTHS)),
        nn.Conv2d(WIDTHS[-1], shape.classes, 3, padding=1), nn.AdaptiveAvgPool2d(1), nn.Flatten(),
    )  # fmt: skip
