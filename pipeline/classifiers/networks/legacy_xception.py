"""Xception of timm.

Source: Chollet, "Xception: Deep Learning with Depthwise Separable Convolutions", CVPR 2017.
"""

from __future__ import annotations

from functools import partial

from pipeline.classifiers import imagenet

Settings = imagenet.Settings
build = partial(imagenet.build, "legacy_xception.tf_in1k")
