"""Inception v3 of timm.

Source: Szegedy et al., "Rethinking the Inception Architecture for Computer Vision", CVPR 2016.
"""

from __future__ import annotations

from functools import partial

from pipeline.classifiers import imagenet

Settings = imagenet.Settings
build = partial(imagenet.build, "inception_v3.tv_in1k")
