"""Trained models, written so that they run without torch. Only this module of the package needs torch itself."""

from __future__ import annotations

import logging
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from pydantic import ValidationError
from torch import nn

from pipeline.classifiers.classifier_file import Classifier
from pipeline.classifiers.pixels import normalise
from pipeline.common.files import InputError, whole_file
from pipeline.faces.detectors.xception import scale
from pipeline.faces.points import interocular
from pipeline.faces.squares import INPUT, boxes_around
from pipeline.use.models import ClassifierAbout, Framing


class FromLevels(nn.Module):
    """A classifier that takes levels 0..255, (1, channels, side, side), and gives probabilities, (1, classes)."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, levels: torch.Tensor) -> torch.Tensor:
        answers: torch.Tensor = self.network(normalise(levels))
        return answers.softmax(1)


class PlacesFromLevels(nn.Module):
    """A landmark model that takes levels 0..255, (1, 1, INPUT, INPUT), and gives x, y and spread, (1, points, 3)."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, levels: torch.Tensor) -> torch.Tensor:
        found: torch.Tensor = self.network(scale(levels))
        return found[..., :3]


def export_landmarks(network: nn.Module, head: str, path: Path) -> None:
    """Write a landmark model for one face at a time: its first maps stay in the cache so, see `xception.AT_ONCE`.

    Raises:
        InputError: its head does not vote, so that one look says nothing of how sure it is.
    """
    if head == "direct":
        raise InputError(
            "models/landmarks.safetensors: head direct gives no uncertainty in one look; train head: voting"
        )
    _export(PlacesFromLevels(network), torch.zeros(1, 1, INPUT, INPUT), path)


def export_classifier(classifier: Classifier, folder: Path, drawn: bool) -> ClassifierAbout:
    """Write a classifier for one image at a time, and say what is known of it."""
    header = classifier.header
    region, network, seed, _ = header.cell
    file = f"{region}-{network}-{seed}.onnx"
    levels = torch.zeros(1, header.channels, header.side, header.side)
    _export(FromLevels(classifier.network), levels, folder / file)
    return ClassifierAbout(
        file=file,
        network=network,
        region_name=region,
        region=header.region,
        channels=header.channels,
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


def _export(module: nn.Module, example: torch.Tensor, path: Path) -> None:
    logging.getLogger("torch.onnx").setLevel(logging.ERROR)  # it tells of every step
    whole = module.cpu().float().eval()
    program = torch.onnx.export(whole, (example,), input_names=["levels"], dynamo=True, verbose=False)
    assert program is not None
    with whole_file(path) as file:
        file.write(program.model_proto.SerializeToString())
