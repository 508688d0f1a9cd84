"""A classifier on disk: its weights, and all that applying it needs, in one file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args

import numpy as np
import numpy.typing as npt
import torch
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from torch import nn

from pipeline.classifiers import networks
from pipeline.classifiers.applying import probabilities
from pipeline.classifiers.cells import Cell
from pipeline.classifiers.ensemble import Ensemble
from pipeline.classifiers.network_settings import NetworkSettings, Shape
from pipeline.classifiers.pixels import MEAN, SCALE
from pipeline.classifiers.recipe import ClassifierRecipe
from pipeline.common.files import InputError
from pipeline.common.weights import fill, load_network, save_network
from pipeline.data.grey import to_grey
from pipeline.regions.boxes import whole_boxes
from pipeline.regions.cutting import Cut, cut
from pipeline.regions.definitions import describe_region
from pipeline.regions.variants import Variant
from pipeline.training.recipe import FitRecipe


class Header(BaseModel):
    """What the file says of a classifier.

    Attributes:
        network: its name, see `networks`.
        settings: the network's own.
        classes: the names of the expressions, in the order of its outputs.
        channels, side: of the images that it takes.
        mean, scale: grey levels or colours 0..255 are given to it as (level - mean) / scale.
        region: what its images were cut to, as params.yaml has it.
        cell: region, network, seed and fold.
        data_set: what it was trained on, and `data`, the SHA-256 of the images that it saw.
        recipe: how it was trained.
        folds: how many networks it is, one a fold of the split; 0 if it is one, without folds.
        epoch: the epoch that was kept, from 0; of each fold, if there are any.
        scores: by protocol; those that were known when it was trained.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    network: str
    settings: dict[str, Any]
    classes: tuple[str, ...] = Field(min_length=2)
    channels: int = Field(ge=1, le=3)
    side: int = Field(ge=1, le=512)
    mean: float
    scale: float = Field(gt=0)
    region: Any
    cell: tuple[str, str, int, int | None]
    data_set: str
    data: str
    recipe: dict[str, Any]
    folds: int = Field(default=0, ge=0, le=50)
    epoch: int | tuple[int, ...]
    scores: dict[str, dict[str, float]]


@dataclass(frozen=True)
class Classifier:
    """A network, and what its file says of it."""

    network: nn.Module
    header: Header

    @property
    def classes(self) -> tuple[str, ...]:
        """The names of the expressions, in the order of the outputs."""
        return self.header.classes

    @property
    def shape(self) -> Shape:
        """What the network takes and gives."""
        return Shape(len(self.classes), self.header.channels, self.header.side)

    def of_fold(self, fold: int) -> Classifier:
        """The one network that was trained while a fold was held out."""
        assert isinstance(self.network, Ensemble)
        return Classifier(self.network.members[fold], self.header)

    def probabilities(self, images: npt.NDArray[np.uint8], augmentation: str = "none") -> npt.NDArray[np.float32]:
        """See `applying.probabilities`; in the precision that it was trained in."""
        return probabilities(self.network, images, self.header.recipe["precision"], augmentation)

    def classify(self, image: npt.NDArray[np.uint8]) -> Mapping[str, float]:
        """How likely each expression is.

        Args:
            image: cut to the classifier's region, of any size: (H, W) grey or (H, W, 3) RGB.

        Returns:
            a probability a class; they sum to 1.
        """
        height, width = image.shape[:2]
        square = cut(image[None], Cut.upright(whole_boxes(1, (width, height))), self.header.side)
        if self.header.channels == 1:
            square = to_grey(square)
        elif square.ndim == 3:
            square = np.repeat(square[..., None], 3, axis=-1)
        return dict(zip(self.classes, self.probabilities(square)[0].tolist(), strict=True))


def save_classifier(
    path: Path,
    network: nn.Module,
    variant: Variant,
    cell: Cell,
    recipe: ClassifierRecipe[NetworkSettings],
    data: str,
    epoch: int | tuple[int, ...],
    scores: dict[str, dict[str, float]],
) -> None:
    """Write a trained network with all that applying it needs.

    Args:
        network: an `Ensemble` of one a fold, or one alone.
        variant: what it was trained on.
        data: the SHA-256 of that.
        epoch, scores: see `Header`.
    """
    shape = Shape.of(variant)
    header = Header(
        network=cell.network,
        settings=recipe.network.to_fill().model_dump(mode="json"),
        classes=variant.about.classes,
        channels=shape.channels,
        side=shape.side,
        mean=MEAN,
        scale=SCALE,
        region=describe_region(variant.region),
        cell=(cell.region, cell.network, cell.seed, cell.fold),
        data_set=variant.about.name,
        data=data,
        recipe=recipe.model_dump(mode="json"),
        folds=len(network.members) if isinstance(network, Ensemble) else 0,
        epoch=epoch,
        scores=scores,
    )
    save_network(path, network, header.model_dump(mode="json"))


def load_classifier(path: Path) -> Classifier:
    """Read what `save_classifier` wrote; nothing else is needed to apply it.

    Raises:
        InputError: it is missing or damaged, of an earlier version, or not of a classifier.
    """
    state, content = load_network(path)
    remedy = "delete it and run `dvc repro`"
    try:
        header = Header.model_validate(content)
    except ValidationError as error:
        finding = error.errors()[0]
        where = ".".join(map(str, finding["loc"]))
        raise InputError(
            f"{path}: no classifier of this version ({where}: {finding['msg']}; see CHANGELOG.md); {remedy}"
        ) from None
    if header.network not in networks.names() or (header.mean, header.scale) != (MEAN, SCALE):
        raise InputError(f"{path}: a network {header.network!r} that is not known here; {remedy}")
    if header.recipe.get("precision") not in get_args(FitRecipe.model_fields["precision"].annotation):
        raise InputError(f"{path}: its recipe names no precision; {remedy}")
    try:
        settings = networks.settings_of(header.network).model_validate(header.settings)
    except ValidationError:
        raise InputError(f"{path}: settings that {header.network} does not have; {remedy}") from None
    shape = Shape(len(header.classes), header.channels, header.side)
    with torch.random.fork_rng(devices=[]):  # starting weights, which are replaced at once
        made = [networks.build(header.network, settings, shape) for _ in range(header.folds or 1)]
        network = Ensemble(made) if header.folds else made[0]
    fill(network, state, path, (shape.channels, shape.side, shape.side))
    return Classifier(network, header)


def load_cell(path: Path, cell: Cell, variant: Variant) -> Classifier:
    """Read the classifier of a cell, to apply it to the images of its region.

    Raises:
        InputError: see `load_classifier`; or it is another cell's, or was trained on images of another kind.
    """
    classifier = load_classifier(path)
    header, remedy = classifier.header, "delete it and run `dvc repro`"
    if header.cell != cell or header.network != cell.network:
        raise InputError(f"{path}: is of {Cell(*header.cell).name}, not of {cell.name}; {remedy}")
    for wrong, what in (
        (header.region != describe_region(variant.region), "another definition of its region"),
        (header.classes != variant.about.classes, "other classes"),
        (classifier.shape != Shape.of(variant), "images of another size"),
    ):
        if wrong:
            raise InputError(f"{path}: was trained with {what} than data/variants/{cell.region} has; {remedy}")
    return classifier
