"""The landmark model: train it on faces, apply it to images."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import nn
from torch.nn import functional
from tqdm import tqdm

from pipeline import device, measure, points
from pipeline.augment_faces import augmentation
from pipeline.face_tests import TEST_SPLITS, VIEWS, FaceTests
from pipeline.faces import Faces
from pipeline.files import InputError
from pipeline.fit import Batch, Log, Progress, Task, fit
from pipeline.located import Located
from pipeline.networks import build
from pipeline.params import LandmarkRecipe
from pipeline.squares import INPUT, cut_squares
from pipeline.weights import fill, load_network

# Images with less contrast than this show no face (standard deviation, in grey levels).
MIN_CONTRAST = 4.0

# The wing loss: logarithmic below W, so that small errors still pull (Feng et al., "Wing Loss", CVPR 2018).
# In fractions of the image's side; the paper's 10 and 2 pixels of 256, roughly.
WING_W, WING_EPSILON = 0.04, 0.008


def train(
    faces: Faces, recipe: LandmarkRecipe, seed: int, identity: dict[str, Any], checkpoint: Path, log: Log
) -> tuple[nn.Module, Progress]:
    """Train an Xception to regress the 68 points; the epoch is chosen on the validation faces.

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
    network = build("xception", outputs=2 * points.COUNT, width=recipe.width)
    _start_at_mean_shape(network, faces, learnt)
    steps = max(1, len(learnt) // recipe.batch)
    shown, true = cut_squares(faces.images[held_out], faces.points[held_out], 48, seed=0)

    def batches(epoch: int) -> Iterator[Batch]:
        order = np.random.default_rng([seed, epoch]).permutation(learnt)
        augment = augmentation(seed * 10_000 + epoch)
        for step in range(steps):
            rows = order[step * recipe.batch : (step + 1) * recipe.batch]
            pairs = [augment(faces.images[row], faces.points[row]) for row in rows]
            images = torch.from_numpy(np.stack([image for image, _ in pairs]))
            targets = torch.from_numpy(np.stack([face for _, face in pairs]))
            yield _scale(images[:, None].float()), ((targets + 0.5) / INPUT - 0.5).flatten(1)

    def validate(model: nn.Module) -> dict[str, float]:
        found = locate(model, shown, recipe.precision).points
        error = float(measure.nme(found, true).mean())
        return {"validation_nme": error, "validation_score": -error}

    task = Task(steps, batches, _LOSSES[recipe.loss], validate, "validation_score", identity)
    progress = fit(network, task, recipe, seed, checkpoint, log, "landmarks")
    return network, progress


def load(path: Path) -> nn.Module:
    """The model that `train_landmarks` wrote. Raises InputError if it is missing or damaged."""
    state, header = load_network(path)
    if header["network"] != "xception":
        raise InputError(f"{path}: weights of {header['network']}, no landmark model; delete it and run `dvc repro`")
    network = build("xception", outputs=2 * points.COUNT, width=header["recipe"]["width"])
    fill(network, state, path)
    return network


def locate(
    network: nn.Module,
    images: npt.NDArray[np.uint8],
    precision: str = "auto",
    batch: int = 32,
    progress: bool = False,
) -> Located:
    """Find the 68 points in each image, as the mean of the image's and its mirror image's.

    Args:
        network: the landmark model.
        images: (N, side, side) grey, of any one size, each showing a whole face.
        progress: show a progress bar.
    """
    accelerator = device.pick(precision)
    network = network.to(accelerator.device, memory_format=torch.channels_last).eval()  # type: ignore[call-overload]
    side = images.shape[1]
    found = np.empty((len(images), points.COUNT, 2), np.float32)
    mirrored = np.empty_like(found)
    rows = range(0, len(images), batch)
    with torch.inference_mode(), accelerator.autocast():
        for start in tqdm(rows, "locating", unit="batch", disable=None if progress else True):
            pixels = torch.from_numpy(images[start : start + batch]).to(accelerator.device)[:, None].float()
            shown = functional.interpolate(pixels, (INPUT, INPUT), mode="bilinear", antialias=side > INPUT)
            shown = _scale(shown).contiguous(memory_format=torch.channels_last)
            for result, view in ((found, shown), (mirrored, shown.flip(-1))):
                numbers = network(view).float().cpu().numpy().reshape(-1, points.COUNT, 2)
                result[start : start + batch] = (numbers + 0.5) * side - 0.5
    back = points.mirror(mirrored, side)
    mean = ((found + back) / 2).astype(np.float32)
    distance = np.linalg.norm(found - back, axis=-1).mean(-1) / np.maximum(points.interocular(mean), 1e-6)
    blank = images.reshape(len(images), -1).std(1) < MIN_CONTRAST
    return Located(mean, np.where(blank, np.inf, distance).astype(np.float32))


def run_tests(network: nn.Module, faces: Faces) -> FaceTests:
    """Find the points of all test faces, in both views.

    Raises:
        InputError: there are no test faces.
    """
    tests = faces.where(np.isin(faces.split, TEST_SPLITS))
    if not len(tests):
        raise InputError("data/faces.npz: no test faces; check the data set and run `dvc repro`")
    images, true, found = {}, {}, {}
    for view, side in VIEWS.items():
        images[view], true[view] = cut_squares(tests.images, tests.points, side, seed=0 if side == 48 else None)
        found[view] = locate(network, images[view]).points
    return FaceTests(tests.subset, tests.split, images, true, found)


def _scale(pixels: torch.Tensor) -> torch.Tensor:
    """Grey levels 0..255 to -1..1."""
    return pixels / 127.5 - 1


def _start_at_mean_shape(network: nn.Module, faces: Faces, rows: npt.NDArray[np.intp]) -> None:
    """Let the untrained model give the mean face, so that it only learns to move away from it."""
    rows = rows[:256]  # enough for a mean
    _, shapes = cut_squares(faces.images[rows], faces.points[rows], INPUT)
    head = network.head
    assert isinstance(head, nn.Linear)
    nn.init.normal_(head.weight, std=1e-3)
    with torch.no_grad():
        head.bias.copy_(torch.from_numpy((shapes.mean(0) + 0.5) / INPUT - 0.5).flatten())


def _wing(outputs: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
    distance = (outputs - targets).abs()
    offset = WING_W - WING_W * np.log1p(WING_W / WING_EPSILON)
    return torch.where(distance < WING_W, WING_W * torch.log1p(distance / WING_EPSILON), distance - offset).mean()


_LOSSES: dict[str, Callable[[torch.Tensor, torch.Tensor], torch.Tensor]] = {
    "wing": _wing,
    "l1": functional.l1_loss,
    "l2": functional.mse_loss,
}
