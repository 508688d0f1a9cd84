"""Train the landmark model on faces."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import nn

from pipeline.common.code import code_digest
from pipeline.common.files import InputError
from pipeline.faces import points
from pipeline.faces.augmentation import augmentation
from pipeline.faces.detectors.xception import detector, scale
from pipeline.faces.errors import nme
from pipeline.faces.face_images import Faces
from pipeline.faces.losses import LOSSES
from pipeline.faces.network import landmark_network
from pipeline.faces.network.heads import Direct
from pipeline.faces.network.xception import Xception
from pipeline.faces.recipe import LandmarkRecipe
from pipeline.faces.squares import INPUT, cut_squares
from pipeline.training.batches import count_batches, split_batches
from pipeline.training.checkpoint import Progress
from pipeline.training.loop import Batch, Log, Task, fit

Rows = npt.NDArray[np.intp]


def train(
    faces: Faces, recipe: LandmarkRecipe, seed: int, identity: dict[str, Any], checkpoint: Path, log: Log
) -> tuple[nn.Module, Progress]:
    """Train an Xception to find the 68 points; the epoch is chosen on the validation faces, seen at 48 pixels.

    Args:
        faces: of which the splits train and validation are used.
        identity: see `loop.Task`.

    Raises:
        InputError: there are no training or no validation faces.
    """
    # Row numbers, not copies: the images are the larger part of the memory.
    train_rows, validation_rows = (np.flatnonzero(faces.split == split) for split in ("train", "validation"))
    if not len(train_rows) or not len(validation_rows):
        raise InputError("data/faces.npz: no training or no validation faces; check the data set and run `dvc repro`")
    torch.manual_seed(seed)
    network = landmark_network(points=points.COUNT, width=recipe.width, head=recipe.head)
    _start_at_mean_shape(network, faces, train_rows)
    task = Task(
        steps=count_batches(len(train_rows), recipe.batch),
        batches=_batches(faces, train_rows, recipe, seed),
        loss=LOSSES[recipe.loss],
        validate=_validation(faces, validation_rows, recipe),
        score="validation_score",
        identity=identity,
        code=code_digest(__name__),
    )
    return network, fit(network, task, recipe, seed, checkpoint, log, "landmarks")


def _batches(faces: Faces, rows: Rows, recipe: LandmarkRecipe, seed: int) -> Callable[[int, slice], Iterator[Batch]]:
    """The batches of an epoch: all processes take the faces in the same order, and change theirs in their own way."""

    def batches(epoch: int, share: slice) -> Iterator[Batch]:
        order = np.random.default_rng([seed, epoch]).permutation(rows)
        augment = augmentation(seed * 10_000 + epoch + 1_000_000_000 * (share.start or 0))
        for taken in split_batches(torch.from_numpy(order), recipe.batch, share):
            pairs = [augment(faces.images[row], faces.points[row]) for row in taken.tolist()]
            images = torch.from_numpy(np.stack([image for image, _ in pairs]))
            targets = torch.from_numpy(np.stack([face for _, face in pairs]))
            yield scale(images[:, None].float()), (targets + 0.5) / INPUT - 0.5

    return batches


def _validation(faces: Faces, rows: Rows, recipe: LandmarkRecipe) -> Callable[[nn.Module], dict[str, float]]:
    shown, true = cut_squares(faces.images[rows], faces.points[rows], 48, seed=0)

    def validate(model: nn.Module) -> dict[str, float]:
        error = float(nme(detector(model, recipe.precision)(shown, False).points, true).mean())
        return {"validation_nme": error, "validation_score": -error}

    return validate


def _start_at_mean_shape(network: Xception, faces: Faces, rows: npt.NDArray[np.intp]) -> None:
    """Let an untrained model with a direct head give the mean face, so that it only learns to move away from it."""
    if isinstance(network.head, Direct):
        rows = rows[:256]  # enough for a mean
        _, shapes = cut_squares(faces.images[rows], faces.points[rows], INPUT)
        network.head.start_at(torch.from_numpy((shapes.mean(0) + 0.5) / INPUT - 0.5))
