"""Settings of the classifiers and their training."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, ValidationInfo, field_validator

from pipeline.common.settings import Fraction, Section
from pipeline.training.recipe import FitRecipe

NetworkName = Literal["cnn1", "cnn2", "cnn3", "cnn4", "googlenet"]


class Augment(Section):
    """How far training images of the classifiers are changed at random."""

    flip: bool
    rotate: Annotated[float, Field(ge=0, le=180)]  # degrees to either side
    shift: Fraction  # of the image's side, to either side
    scale: Fraction  # enlarged or reduced by up to this fraction
    erase: Fraction  # probability that a random rectangle is blanked
    mixup: Annotated[float, Field(ge=0)]  # images are blended in pairs, by shares from Beta(mixup, mixup); 0 is never
    cutmix: Annotated[float, Field(ge=0)]  # likewise, a rectangle of the other is pasted; with both, each half the time


class ClassifierRecipe(FitRecipe):
    """How one network is trained as a classifier."""

    label_smoothing: Annotated[float, Field(ge=0, lt=1)]
    votes: Fraction  # how much of the target is the shares of FER+'s votes, where there are any, instead of the label
    balance: Fraction  # weight of a class: its frequency to the power of -balance; 0: all images count alike
    stem: Literal[
        "imagenet", "small"
    ]  # GoogLeNet: the paper's, made for 224 pixels, or one that keeps small images large
    pretrained: bool  # GoogLeNet starts from ImageNet weights; the small CNNs have none
    first_side: Literal[24, 32, 40, 48]  # GoogLeNet: pixels of the images at first, growing to 48
    augment: Augment

    @field_validator("pretrained")
    @classmethod
    def _weights_fit_the_stem(cls, pretrained: bool, info: ValidationInfo) -> bool:
        if pretrained and info.data.get("stem") == "small":
            raise ValueError("must be false for stem: small, which ImageNet weights do not fit")
        return pretrained
