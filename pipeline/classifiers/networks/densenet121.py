"""DenseNet-121 of timm.

Source: Huang et al., "Densely Connected Convolutional Networks", CVPR 2017.
"""

from __future__ import annotations

from functools import partial

from pipeline.classifiers import imagenet

Settings = imagenet.Settings
build = partial(imagenet.build, "densenet121.ra_in1k")
