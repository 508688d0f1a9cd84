"""Train a classifier on a region's images."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Literal, NamedTuple

import numpy as np
import numpy.typing as npt
import torch
from torch import nn
from torch.nn import functional

from pipeline.classifiers import networks
from pipeline.classifiers.applying import probabilities
from pipeline.classifiers.augmentation import augment_batch, mix_batch
from pipeline.classifiers.network_settings import Shape
from pipeline.classifiers.pixels import channels_first, normalise, resize
from pipeline.classifiers.recipe import ClassifierRecipe
from pipeline.classifiers.targets import class_weights, soft_targets
from pipeline.common import device
from pipeline.common.code import code_digest
from pipeline.common.files import InputError
from pipeline.data.roles import Roles
from pipeline.regions.variants import Variant
from pipeline.training.batches import count_batches, split_batches
from pipeline.training.checkpoint import Progress
from pipeline.training.loop import Batch, Log, Task, fit

Rows = npt.NDArray[np.intp]
Recipe = ClassifierRecipe[Any]


class Examples(NamedTuple):
    """What is learnt from, on the device where that can be.

    Attributes:
        images: (n, channels, side, side) bytes.
        targets: (n, classes), the share of each class.
        weights: (classes,), how much an image of each class counts.
    """

    images: torch.Tensor
    targets: torch.Tensor
    weights: torch.Tensor


def train(
    variant: Variant,
    roles: Roles,
    fallback: Literal["whole", "drop"],
    name: str,
    recipe: Recipe,
    seed: int,
    identity: dict[str, Any],
    checkpoint: Path,
    log: Log,
    title: str,
) -> tuple[nn.Module, Progress]:
    """Train one network on the train rows; the epoch is chosen by its accuracy on the validation rows that choose.

    Args:
        variant: of N images.
        roles: of N rows.
        fallback: what becomes of train images that were not cut: they stay whole, or are not trained on.
        name: of the network, see `networks`.
        identity: see `loop.Task`.

    Raises:
        InputError: there is nothing to train on or to choose by, or weights were asked for that cannot be had.
    """
    train_rows = np.flatnonzero((roles.role == "train") & ~(variant.fell_back & (fallback == "drop")))
    validation_rows = np.flatnonzero(roles.chooses)
    if not len(train_rows) or not len(validation_rows):
        raise InputError(
            "data/roles.npz: no row to train on or none to validate on; check the data set, and fallback in params.yaml"
        )
    torch.manual_seed(seed)
    network = networks.build(name, recipe.network, Shape.of(variant))
    examples = _examples(variant, train_rows, recipe)
    task = Task(
        steps=count_batches(len(train_rows), recipe.batch),
        batches=_batches(examples, recipe, variant.side, seed),
        loss=_loss(examples.weights, recipe),
        validate=_validation(variant, validation_rows, recipe),
        score="validation_accuracy",
        identity={"network": name, **identity},
        code=code_digest(__name__, f"{networks.__name__}.{name}"),
    )
    return network, fit(network, task, recipe, seed, checkpoint, log, title)


def _examples(variant: Variant, rows: Rows, recipe: Recipe) -> Examples:
    """The train rows, as bytes on the device: FER2013 is 83 MB, and no worker process has to feed it."""
    accelerator = device.pick(recipe.precision)
    labels = variant.labels[rows]
    targets = soft_targets(labels, variant.class_votes[rows], recipe.votes)
    weights = class_weights(labels, len(variant.about.classes), recipe.class_weights)
    return Examples(
        channels_first(torch.from_numpy(variant.images[rows]).to(accelerator.device)),
        torch.from_numpy(targets).to(accelerator.device),
        torch.from_numpy(weights).to(accelerator.device),
    )


def _batches(examples: Examples, recipe: Recipe, side: int, seed: int) -> Callable[[int, slice], Iterator[Batch]]:
    """The batches of an epoch: all processes take the rows in the same order, and change theirs in their own way."""
    sides = recipe.network.sides(side, recipe.epochs)

    def batches(epoch: int, share: slice) -> Iterator[Batch]:
        generator = torch.Generator().manual_seed(seed * 10_000 + epoch)
        order = torch.randperm(len(examples.images), generator=generator)
        process = share.start or 0
        if process:
            generator.manual_seed(seed * 10_000 + epoch + 1_000_000_000 * process)
        for rows in split_batches(device.send(order, examples.images.device), recipe.batch, share):
            shown = augment_batch(normalise(examples.images[rows]), recipe.augment, generator)
            yield mix_batch(resize(shown, sides[epoch]), examples.targets[rows], recipe.augment, generator)

    return batches


def _loss(weights: torch.Tensor, recipe: Recipe) -> Callable[[torch.Tensor, torch.Tensor], torch.Tensor]:
    def loss(outputs: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        return functional.cross_entropy(outputs, targets, weights, label_smoothing=recipe.label_smoothing)

    return loss


def _validation(variant: Variant, rows: Rows, recipe: Recipe) -> Callable[[nn.Module], dict[str, float]]:
    """Log loss and accuracy on the validation rows, without test-time augmentation, which takes ten times as long."""
    images, labels = variant.images[rows], variant.labels[rows]

    def validate(model: nn.Module) -> dict[str, float]:
        found = probabilities(model, images, recipe.precision)
        likelihood = np.maximum(found[np.arange(len(labels)), labels], 1e-12)
        return {
            "validation_loss": float(-np.log(likelihood).mean()),
            "validation_accuracy": float((found.argmax(1) == labels).mean()),
        }

    return validate
