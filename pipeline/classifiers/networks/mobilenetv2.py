"""MobileNetV2 of timm.

Source: Sandler et al., "MobileNetV2: Inverted Residuals and Linear Bottlenecks", CVPR 2018.
"""

from __future__ import annotations

from functools import partial

from pipeline.classifiers import imagenet

Settings = imagenet.Settings
build = partial(imagenet.build, "mobilenetv2_100.ra_in1k")
