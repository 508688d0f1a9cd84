"""Train the landmark model on faces."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset

from pipeline.common.code import code_digest
from pipeline.common.files import InputError
from pipeline.faces import points
from pipeline.faces.augmentation import augment_face
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


class Changed(Dataset[tuple[torch.Tensor, torch.Tensor]]):
    """Faces by row number and seed, each changed in the way of its seed: a grey image, and its points in its pixels."""

    def __init__(self, faces: Faces) -> None:
        self.faces = faces

    def __getitem__(self, item: tuple[int, int]) -> tuple[torch.Tensor, torch.Tensor]:
        row, seed = item
        image, found = augment_face(self.faces.images[row], self.faces.points[row], seed)
        return torch.from_numpy(image), torch.from_numpy(found)


def _batches(faces: Faces, rows: Rows, recipe: LandmarkRecipe, seed: int) -> Callable[[int, slice], Iterator[Batch]]:
    """The batches of an epoch; how a face is changed follows from its place in the epoch alone."""
    on_gpu = torch.cuda.is_available()
    # A GPU would wait for faces: processes of their own change them meanwhile. Two cores train no faster with them.
    workers = min(8, os.cpu_count() or 1) if on_gpu else 0

    def batches(epoch: int, share: slice) -> Iterator[Batch]:
        draws = np.random.default_rng([seed, epoch])
        order = draws.permutation(rows)
        seeds = draws.integers(2**32, size=len(order))
        places = split_batches(torch.arange(len(order)), recipe.batch, share)
        plan = [[(int(order[place]), int(seeds[place])) for place in part.tolist()] for part in places]
        loader = DataLoader(Changed(faces), batch_sampler=plan, num_workers=workers, pin_memory=on_gpu)
        for images, targets in loader:
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
