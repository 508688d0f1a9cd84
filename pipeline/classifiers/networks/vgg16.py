"""VGG-16 of timm.

Source: Simonyan and Zisserman, "Very Deep Convolutional Networks", ICLR 2015.
"""

from __future__ import annotations

from functools import partial

from pipeline.classifiers import imagenet

Settings = imagenet.Settings
build = partial(imagenet.build, "vgg16.tv_in1k")
