"""Trained models, written so that they run without torch. Only this module of the package needs torch itself."""

from __future__ import annotations

import copy
import logging
from pathlib import Path
from typing import cast

import numpy as np
import numpy.typing as npt
import torch
from pydantic import ValidationError
from torch import nn

from pipeline.classifiers.classifier_file import Classifier
from pipeline.classifiers.layers import MaxPool
from pipeline.classifiers.pixels import normalise
from pipeline.common.files import InputError, write_bytes
from pipeline.faces.detectors.xception import scale
from pipeline.faces.network.xception import Xception
from pipeline.faces.points import interocular
from pipeline.faces.squares import INPUT, boxes_around
from pipeline.use.models import ClassifierAbout, Framing, answer, open_session

# Images at which what was exported is held against torch: more than one, since a free axis could be fixed by mistake.
COMPARED = 3
# How far the two may be apart, as a fraction of the largest value: rounding, no other network.
SLACK = 1e-3


class FromLevels(nn.Module):
    """A classifier that takes levels 0..255, (N, channels, side, side), and gives probabilities, (N, classes)."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, levels: torch.Tensor) -> torch.Tensor:
        answers: torch.Tensor = self.network(normalise(levels))
        return answers.softmax(1)


class PlacesFromLevels(nn.Module):
    """A landmark model that takes levels 0..255, (N, 1, INPUT, INPUT), and gives x, y and spread, (N, points, 3).

    The network goes through its first maps some images at a time; ONNX holds no loop over an unknown number of them.
    """

    def __init__(self, network: Xception) -> None:
        super().__init__()
        self.network = network

    def forward(self, levels: torch.Tensor) -> torch.Tensor:
        network = self.network
        fine = network.entry[:-1](scale(levels))
        middle = network.middle(network.entry[-1](fine))
        found: torch.Tensor = network.head((fine, middle, network.exit(middle)))
        return found[..., :3]


def export_landmarks(network: nn.Module, head: str, path: Path) -> None:
    """Write a landmark model.

    Raises:
        InputError: its head does not vote, so that one look says nothing of how sure it is.
    """
    if head == "direct":
        raise InputError(
            "models/landmarks.safetensors: head direct gives no uncertainty in one look; train head: voting"
        )
    _export(PlacesFromLevels(cast(Xception, network)), (1, INPUT, INPUT), path)


def export_classifier(classifier: Classifier, folder: Path, drawn: bool) -> ClassifierAbout:
    """Write a classifier, and say what is known of it."""
    header = classifier.header
    region, network, seed, _ = header.cell
    file = f"{region}-{network}-{seed}.onnx"
    _export(FromLevels(_plain(classifier.network)), (header.channels, header.side, header.side), folder / file)
    return ClassifierAbout(
        file=file,
        network=network,
        region_name=region,
        region=header.region,
        channels=3 if header.channels == 3 else 1,
        side=header.side,
        data_set=header.data_set,
        drawn=drawn,
        scores=header.scores,
    )


def measure_framing(
    points: npt.NDArray[np.float32], expected_error: npt.NDArray[np.float32], max_error: float, side: int
) -> Framing:
    """How images of a data set show faces: medians over those whose points (N, 68, 2) are to be trusted.

    Raises:
        InputError: there are none, or they lie where no faces can.
    """
    usable = (expected_error <= max_error) & np.isfinite(points).all((1, 2))
    usable &= interocular(points) > 0
    if not usable.any():
        raise InputError("data/landmarks.npz: no points to be trusted, so faces cannot be framed; train more")
    boxes = (boxes_around(points[usable]).astype(np.float64) + 0.5) / side
    middle = np.median((boxes[:, :2] + boxes[:, 2:]) / 2, axis=0)
    extent = np.median((boxes[:, 2:] - boxes[:, :2]).max(1))
    try:
        return Framing(x=float(middle[0]), y=float(middle[1]), extent=float(extent))
    except ValidationError:
        raise InputError("data/landmarks.npz: its points lie where no face can; train landmarks more") from None


def _plain(network: nn.Module) -> nn.Module:
    """A copy whose max-pooling is torch's own: `layers.MaxPool` groups images by how many there are."""
    copied = copy.deepcopy(network)
    for name, module in list(copied.named_modules()):
        if isinstance(module, MaxPool):
            plain = nn.MaxPool2d(module.kernel_size, module.stride, module.padding, ceil_mode=module.ceil_mode)
            copied.set_submodule(name, plain)
    return copied


def _export(module: nn.Module, shape: tuple[int, ...], path: Path) -> None:
    """Write a network that takes levels (N, *shape), for any N, and make sure that it says what it says in torch.

    Raises:
        InputError: it says something else.
    """
    logging.getLogger("torch.onnx").setLevel(logging.ERROR)  # it tells of every step
    whole = module.cpu().float().eval()
    levels = torch.randint(256, (COMPARED, *shape), generator=torch.Generator().manual_seed(0)).float()
    free = ({0: torch.export.Dim("images")},)
    program = torch.onnx.export(
        whole, (levels[:2],), input_names=["levels"], dynamic_shapes=free, dynamo=True, verbose=False
    )
    assert program is not None
    write_bytes(path, program.model_proto.SerializeToString())
    with torch.inference_mode():
        expected = whole(levels).numpy()
    try:
        apart = float(np.abs(answer(open_session(path), levels.numpy()) - expected).max())
    except Exception as error:  # onnxruntime's errors have no common base but this
        raise InputError(f"{path}: does not run in onnxruntime ({error}); this network cannot be exported") from None
    if not apart <= SLACK * np.abs(expected).max():
        raise InputError(f"{path}: is {apart:.2g} off what torch says; this network cannot be exported")
