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

from pipeline import device
from pipeline.augment_batch import augment_batch
from pipeline.expressions import CLASSES
from pipeline.files import InputError
from pipeline.fit import Batch, Log, Progress, Task, fit
from pipeline.networks import classifier
from pipeline.params import ClassifierRecipe, NetworkName
from pipeline.protocols import PROTOCOLS
from pipeline.regions import Variant
from pipeline.weights import fill, load_network


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
    network = classifier(name, outputs=len(CLASSES), pretrained=recipe.pretrained and name == "googlenet")
    accelerator = device.pick(recipe.precision)
    # The whole split stays on the device as bytes: FER2013 is 83 MB, and no worker process has to feed it.
    images = torch.from_numpy(variant.images[learnt]).to(accelerator.device)[:, None]
    labels = torch.from_numpy(variant.labels[learnt]).to(accelerator.device, torch.long)
    steps = max(1, len(images) // recipe.batch)

    def batches(epoch: int, share: slice) -> Iterator[Batch]:
        generator = torch.Generator().manual_seed(seed * 10_000 + epoch)
        order = torch.randperm(len(images), generator=generator).to(accelerator.device)
        for step in range(steps):
            rows = order[step * recipe.batch : (step + 1) * recipe.batch][share]
            yield augment_batch(_scale(images[rows]), recipe.augment, generator), labels[rows]

    def loss(outputs: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        return functional.cross_entropy(outputs, targets, label_smoothing=recipe.label_smoothing)

    def validate(model: nn.Module) -> dict[str, float]:
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


def load(path: Path) -> nn.Module:
    """A classifier that the stage `train` wrote. Raises InputError if it is missing or damaged."""
    state, header = load_network(path)
    if header["network"] not in get_args(NetworkName):
        raise InputError(f"{path}: weights of {header['network']}, no classifier; delete it and run `dvc repro`")
    network = classifier(header["network"], outputs=len(CLASSES))
    fill(network, state, path)
    return network


def probabilities(
    network: nn.Module, images: npt.NDArray[np.uint8], precision: str = "auto", batch: int = 512
) -> npt.NDArray[np.float32]:
    """How likely each class is: (N, 48, 48) grey images to (N, 7), each row summing to 1."""
    accelerator = device.pick(precision)
    network = network.to(accelerator.device, memory_format=torch.channels_last).eval()  # type: ignore[call-overload]
    parts = []
    with torch.inference_mode(), accelerator.autocast():
        for start in range(0, len(images), batch):
            pixels = torch.from_numpy(images[start : start + batch]).to(accelerator.device)[:, None]
            scores = network(_scale(pixels).contiguous(memory_format=torch.channels_last))
            parts.append(scores.float().softmax(1).cpu().numpy())
    return np.concatenate(parts)


def _scale(pixels: torch.Tensor) -> torch.Tensor:
    """Grey levels 0..255 to -1..1."""
    return pixels.float() / 127.5 - 1
