"""The classifiers: train one on a region's images, apply it to images."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

import numpy as np
import numpy.typing as npt
import torch
from torch import nn
from torch.nn import functional

from pipeline.classifiers.augmentation import augment_batch, mix_batch
from pipeline.classifiers.networks import classifier
from pipeline.classifiers.recipe import ClassifierRecipe, NetworkName
from pipeline.classifiers.targets import class_weights, soft_targets
from pipeline.common import device
from pipeline.common.files import InputError
from pipeline.common.weights import fill, load_network
from pipeline.data.expressions import CLASSES, SIDE
from pipeline.data.protocols import PROTOCOLS
from pipeline.regions.cutting import Variant
from pipeline.training.loop import Batch, Log, Progress, Task, fit

# Sides of growing images are multiples of this, so that GoogLeNet's maps halve three times without a remainder.
SIDE_STEP = 8

# The views of an image that are averaged: shifts to the right and down, in pixels, and whether mirrored. Ten are the
# middle, four shifts, and their mirror images, as in Krizhevsky et al., "ImageNet Classification", NIPS 2012.
SHIFTS = [(0, 0), (-2, -2), (-2, 2), (2, -2), (2, 2)]
VIEWS: dict[str, list[tuple[tuple[int, int], bool]]] = {
    "one": [((0, 0), False)],
    "mirror": [((0, 0), False), ((0, 0), True)],
    "ten": [(shift, mirrored) for shift in SHIFTS for mirrored in (False, True)],
}


def train(
    variant: Variant,
    name: NetworkName,
    recipe: ClassifierRecipe,
    seed: int,
    identity: dict[str, Any],
    checkpoint: Path,
    log: Log,
    title: str,
) -> tuple[nn.Module, Progress]:
    """Train one network on the rows for training; the epoch is chosen by its accuracy on PublicTest.

    Args:
        identity: see `fit.Task`.

    Raises:
        InputError: there is nothing to train on or to choose by, or ImageNet weights were asked for and cannot be had.
    """
    learnt, held_out = variant.for_training, variant.split == PROTOCOLS["validation"][0]
    if not learnt.any() or not held_out.any():
        raise InputError("the data set has no rows to train on or no PublicTest rows; check it and run `dvc repro`")
    torch.manual_seed(seed)
    network = classifier(
        name, outputs=len(CLASSES), stem=recipe.stem, pretrained=recipe.pretrained and name == "googlenet"
    )
    accelerator = device.pick(recipe.precision)
    # The whole split stays on the device as bytes: FER2013 is 83 MB, and no worker process has to feed it.
    images = torch.from_numpy(variant.images[learnt]).to(accelerator.device)[:, None]
    labels = variant.labels[learnt]
    targets = torch.from_numpy(soft_targets(labels, variant.votes[learnt], recipe.votes)).to(accelerator.device)
    weights = torch.from_numpy(class_weights(labels, recipe.balance)).to(accelerator.device)
    steps = max(1, len(images) // recipe.batch)
    sides = [SIDE] * recipe.epochs
    if name == "googlenet":  # the small CNNs take one size only
        sides = growing_sides(recipe.first_side, recipe.epochs)

    def batches(epoch: int, share: slice) -> Iterator[Batch]:
        generator = torch.Generator().manual_seed(seed * 10_000 + epoch)
        order = torch.randperm(len(images), generator=generator).to(accelerator.device)
        for step in range(steps):
            rows = order[step * recipe.batch : (step + 1) * recipe.batch][share]
            shown = augment_batch(_scale(images[rows]), recipe.augment, generator)
            yield mix_batch(_resize(shown, sides[epoch]), targets[rows], recipe.augment, generator)

    def loss(outputs: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        return functional.cross_entropy(outputs, targets, weights, label_smoothing=recipe.label_smoothing)

    def validate(model: nn.Module) -> dict[str, float]:
        # One view: ten would take as long as a third of the epoch.
        chances = probabilities(model, variant.images[held_out], recipe.precision)
        true = variant.labels[held_out]
        likelihood = np.maximum(chances[np.arange(len(true)), true], 1e-12)
        return {
            "validation_loss": float(-np.log(likelihood).mean()),
            "validation_accuracy": float((chances.argmax(1) == true).mean()),
        }

    task = Task(steps, batches, loss, validate, "validation_accuracy", {"network": name, **identity})
    progress = fit(network, task, recipe, seed, checkpoint, log, title)
    return network, progress


def growing_sides(first: int, epochs: int) -> list[int]:
    """The side of the images in each epoch, in pixels: in steps of `SIDE_STEP` to `SIDE`, which has the last quarter.

    Small images take less time, and what is learnt from them carries over. Source: Tan and Le, "EfficientNetV2: Smaller
    Models and Faster Training", ICML 2021, section 4.
    """
    smaller = range(first, SIDE, SIDE_STEP)
    growing = int(0.75 * epochs) if smaller else 0
    return [smaller[epoch * len(smaller) // growing] for epoch in range(growing)] + [SIDE] * (epochs - growing)


def load(path: Path) -> nn.Module:
    """A classifier that the stage `train` wrote. Raises InputError if it is missing or damaged."""
    state, header = load_network(path)
    if header["network"] not in get_args(NetworkName):
        raise InputError(f"{path}: weights of {header['network']}, no classifier; delete it and run `dvc repro`")
    network = classifier(header["network"], outputs=len(CLASSES), stem=header.get("recipe", {}).get("stem", "imagenet"))
    fill(network, state, path)
    return network


def probabilities(
    network: nn.Module, images: npt.NDArray[np.uint8], precision: str = "auto", views: str = "one", batch: int = 512
) -> npt.NDArray[np.float32]:
    """How likely each class is: (N, 48, 48) grey images to (N, 7), each row summing to 1.

    Args:
        views: of each image, a name of `VIEWS`; the result is the mean over them.
    """
    accelerator = device.pick(precision)
    network = network.to(accelerator.device, memory_format=torch.channels_last).eval()  # type: ignore[call-overload]
    parts = []
    with torch.inference_mode(), accelerator.autocast():
        for start in range(0, len(images), batch):
            pixels = torch.from_numpy(images[start : start + batch]).to(accelerator.device)[:, None]
            total = torch.zeros(len(pixels), len(CLASSES), device=accelerator.device)
            for shift, mirrored in VIEWS[views]:
                shown = _look(_scale(pixels), shift, mirrored).contiguous(memory_format=torch.channels_last)
                total += network(shown).float().softmax(1)
            parts.append((total / len(VIEWS[views])).cpu().numpy())
    return np.concatenate(parts)


def _look(images: torch.Tensor, shift: tuple[int, int], mirrored: bool) -> torch.Tensor:
    """A view of images; what moves in from outside repeats the edge."""
    across, down = shift
    if across or down:
        reach = max(abs(across), abs(down))
        padded = functional.pad(images, [reach] * 4, mode="replicate")
        height, width = images.shape[2:]
        images = padded[:, :, reach + down : reach + down + height, reach + across : reach + across + width]
    return images.flip(-1) if mirrored else images


def _resize(images: torch.Tensor, side: int) -> torch.Tensor:
    if images.shape[-1] == side:
        return images
    return functional.interpolate(images, (side, side), mode="bilinear", antialias=True)


def _scale(pixels: torch.Tensor) -> torch.Tensor:
    """Grey levels 0..255 to -1..1."""
    return pixels.float() / 127.5 - 1
