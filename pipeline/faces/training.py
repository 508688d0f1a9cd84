"""Train the landmark model on faces."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import nn

from pipeline.common.files import InputError
from pipeline.faces import errors, points
from pipeline.faces.augmentation import augmentation
from pipeline.faces.detectors.xception import locator, scale
from pipeline.faces.face_images import Faces
from pipeline.faces.losses import LOSSES
from pipeline.faces.network import landmark_network
from pipeline.faces.network.heads import Direct
from pipeline.faces.network.xception import Xception
from pipeline.faces.recipe import LandmarkRecipe
from pipeline.faces.squares import INPUT, cut_squares
from pipeline.training.loop import Batch, Log, Progress, Task, fit


def train(
    faces: Faces, recipe: LandmarkRecipe, seed: int, identity: dict[str, Any], checkpoint: Path, log: Log
) -> tuple[nn.Module, Progress]:
    """Train an Xception to find the 68 points; the epoch is chosen on the validation faces, seen at 48 pixels.

    Args:
        faces: of which the splits train and validation are used.
        identity: see `fit.Task`.

    Raises:
        InputError: there are no training or no validation faces.
    """
    # Row numbers, not copies: the images are the larger part of the memory.
    learnt, held_out = (np.flatnonzero(faces.split == split) for split in ("train", "validation"))
    if not len(learnt) or not len(held_out):
        raise InputError("data/faces.npz: no training or no validation faces; check the data set and run `dvc repro`")
    torch.manual_seed(seed)
    network = landmark_network(points=points.COUNT, width=recipe.width, head=recipe.head)
    _start_at_mean_shape(network, faces, learnt)
    steps = max(1, len(learnt) // recipe.batch)
    shown, true = cut_squares(faces.images[held_out], faces.points[held_out], 48, seed=0)

    def batches(epoch: int, share: slice) -> Iterator[Batch]:
        order = np.random.default_rng([seed, epoch]).permutation(learnt)
        augment = augmentation(seed * 10_000 + epoch)
        for step in range(steps):
            rows = order[step * recipe.batch : (step + 1) * recipe.batch][share]
            pairs = [augment(faces.images[row], faces.points[row]) for row in rows]
            images = torch.from_numpy(np.stack([image for image, _ in pairs]))
            targets = torch.from_numpy(np.stack([face for _, face in pairs]))
            yield scale(images[:, None].float()), (targets + 0.5) / INPUT - 0.5

    def validate(model: nn.Module) -> dict[str, float]:
        found = locator(model, recipe.precision)(shown, False).points
        error = float(errors.nme(found, true).mean())
        return {"validation_nme": error, "validation_score": -error}

    task = Task(steps, batches, LOSSES[recipe.loss], validate, "validation_score", identity)
    progress = fit(network, task, recipe, seed, checkpoint, log, "landmarks")
    return network, progress


def _start_at_mean_shape(network: Xception, faces: Faces, rows: npt.NDArray[np.intp]) -> None:
    """Let an untrained model with a direct head give the mean face, so that it only learns to move away from it."""
    if isinstance(network.head, Direct):
        rows = rows[:256]  # enough for a mean
        _, shapes = cut_squares(faces.images[rows], faces.points[rows], INPUT)
        network.head.start_at(torch.from_numpy((shapes.mean(0) + 0.5) / INPUT - 0.5))
