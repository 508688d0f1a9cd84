"""Settings of the classifiers and their training."""

from __future__ import annotations

from typing import Annotated, Any, Generic, TypeVar, cast

from pydantic import Field, ValidationInfo, create_model, field_validator

from pipeline.classifiers import networks
from pipeline.classifiers.network_settings import NetworkSettings
from pipeline.common.settings import Fraction, Section
from pipeline.training.recipe import FitRecipe

Own = TypeVar("Own", bound=NetworkSettings)


class Augment(Section):
    """How far training images of the classifiers are changed at random."""

    flip: bool
    rotate: Annotated[float, Field(ge=0, le=180)]  # degrees to either side
    shift: Fraction  # of the image's side, to either side
    scale: Fraction  # enlarged or reduced by up to this fraction
    erase: Fraction  # probability that a random rectangle is blanked
    mixup: Annotated[float, Field(ge=0)]  # images are blended in pairs, by shares from Beta(mixup, mixup); 0 is never
    cutmix: Annotated[float, Field(ge=0)]  # likewise, a rectangle of the other is pasted; with both, each half the time


class ClassifierRecipe(FitRecipe, Generic[Own]):
    """How one network is trained as a classifier."""

    label_smoothing: Annotated[float, Field(ge=0, lt=1)]
    votes: Fraction  # how much of the target is the shares of the votes, where there are any, instead of the label
    draw_labels: bool = False  # learn one class of each image, drawn anew in each epoch with its share of the target
    class_weights: Fraction  # a class weighs its frequency to the power of minus this; 0: all images count alike
    augment: Augment
    network: Own  # the network's own settings

    @field_validator("network")
    @classmethod
    def _images_that_are_looked_at_once_do_not_change(cls, network: Own, info: ValidationInfo) -> Own:
        augment = info.data.get("augment")
        if network.last_only and augment is not None and any(augment.model_dump().values()):
            raise ValueError("must not be frozen where augment changes images, for a frozen network sees each once")
        return network


def recipe_type(network: str) -> type[ClassifierRecipe[Any]]:
    """The kind of recipe that a network has, with settings of its own."""
    return cast(type[ClassifierRecipe[Any]], ClassifierRecipe[networks.settings_of(network)])  # type: ignore[misc]


# A recipe for each of the networks that there are.
_FIELDS: dict[str, Any] = {name: (recipe_type(name) | None, None) for name in networks.names()}
Classifiers = create_model("Classifiers", __base__=Section, **_FIELDS)
