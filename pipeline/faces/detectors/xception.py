"""fercrop's own landmark model, applied."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Annotated, Literal

import numpy as np
import numpy.typing as npt
import torch
from pydantic import Field, ValidationError
from torch import nn
from torch.nn import functional
from torch.nn.utils.fusion import fuse_conv_bn_eval
from tqdm import tqdm

from pipeline.common import device
from pipeline.common.files import InputError
from pipeline.common.records import Record
from pipeline.common.weights import fill, load_network
from pipeline.faces import points
from pipeline.faces.detector_settings import LandmarkSettings
from pipeline.faces.guess import Guess, LandmarkDetector
from pipeline.faces.network import landmark_network
from pipeline.faces.squares import INPUT

MODEL = Path("models/landmarks.safetensors")
# Images at a time: on a CPU as many as leave the larger maps in its cache.
BATCH = {"cpu": 32, "cuda": 512}


class Made(Record):
    """What the file says of how the model was made, as far as applying it needs that."""

    width: Annotated[float, Field(gt=0, le=4)]
    head: Literal["voting", "direct"]
    precision: Literal["auto", "fp32", "bf16"]


def open_detector(settings: LandmarkSettings) -> LandmarkDetector:
    """The model that `train_landmarks` wrote. Raises InputError if it is missing or damaged."""
    return open_model(MODEL, settings.mirror)


def open_model(path: Path, mirror: bool) -> LandmarkDetector:
    """The model in a file, in the precision that it was trained in.

    Raises:
        InputError: it is missing or damaged.
    """
    network, made = load_model(path)
    return detector(network, made.precision, mirror=mirror or made.head == "direct")


def load_model(path: Path) -> tuple[nn.Module, Made]:
    """The network in a file, and how it was made.

    Raises:
        InputError: it is missing or damaged.
    """
    state, header = load_network(path)
    if header.get("network") != "xception":
        raise InputError(
            f"{path}: weights of {header.get('network')}, no landmark model; delete it and run `dvc repro`"
        )
    try:
        made = Made.model_validate(header.get("recipe"))
    except ValidationError:
        raise InputError(f"{path}: of an earlier version; delete it and run `dvc repro`") from None
    network = landmark_network(points=points.COUNT, width=made.width, head=made.head)
    fill(network, state, path, (1, INPUT, INPUT))
    return network, made


def detector(network: nn.Module, precision: str = "auto", mirror: bool = False) -> LandmarkDetector:
    """A detector from a network as it is now; training it further does not change the detector.

    Args:
        network: the landmark model.
        precision: see `device.pick`.
        mirror: look at the mirror image too, and take the mean. A head that does not vote
            has no other source of uncertainty.
    """
    place = device.place(precision)
    folded = _fold(copy.deepcopy(network).eval())
    folded.to(place, memory_format=torch.channels_last)  # type: ignore[call-overload]
    return partial(_locate, folded, place, precision, mirror)


def _locate(
    network: nn.Module,
    place: torch.device,
    precision: str,
    mirror: bool,
    images: npt.NDArray[np.uint8],
    progress: bool,
) -> Guess:
    """The uncertainty is the standard deviation of a point over all votes, as a fraction of the image's side."""
    side = images.shape[1]
    found = np.empty((1 + mirror, len(images), points.COUNT, 3), np.float32)

    batch = BATCH[place.type]

    def look(start: int) -> None:
        with torch.inference_mode(), device.autocast(place, precision):
            pixels = torch.from_numpy(images[start : start + batch]).to(place)[:, None].float()
            shown = functional.interpolate(pixels, (INPUT, INPUT), mode="bilinear", antialias=side > INPUT)
            shown = scale(shown).contiguous(memory_format=torch.channels_last)
            for result, view in zip(found, (shown, shown.flip(-1)), strict=False):
                result[start : start + batch] = network(view)[..., :3].cpu().numpy()

    batches = range(0, len(images), batch)
    looked = _each(look, batches, place)
    for _ in tqdm(looked, "locating", len(batches), unit="batch", disable=None if progress else True):
        pass
    places, spread = found[..., :2] * side + (side - 1) / 2, found[..., 2]
    if not mirror:
        return Guess(places[0], spread[0].mean(-1))
    straight, back = places[0], points.mirror(places[1], side)
    between = np.square((straight - back) / (2 * side)).sum(-1)
    return Guess((straight + back) / 2, np.sqrt(np.square(spread).mean(0) + between).mean(-1))


def _each(look: Callable[[int], None], batches: range, place: torch.device) -> Iterator[None]:
    """Look at batches: on a CPU as many at a time as it has threads, each by one of them.

    The last maps are too small for several threads to share: two cores are a sixth faster with a batch each.
    """
    threads = torch.get_num_threads()
    if place.type != "cpu" or threads == 1:
        yield from map(look, batches)
        return
    try:
        with ThreadPoolExecutor(threads, initializer=torch.set_num_threads, initargs=(1,)) as pool:
            yield from pool.map(look, batches)
    finally:
        torch.set_num_threads(threads)


def scale(pixels: torch.Tensor) -> torch.Tensor:
    """Grey levels 0..255 to -1..1, as the network sees them."""
    return pixels / 127.5 - 1


def _fold(module: nn.Module) -> nn.Module:
    """Work every batch normalisation into the convolution before it: the same results, a tenth to a quarter faster."""
    for child in module.children():
        _fold(child)
    if isinstance(module, nn.Sequential):
        for index in range(1, len(module)):
            convolution, normalisation = module[index - 1], module[index]
            if isinstance(convolution, nn.Conv2d) and isinstance(normalisation, nn.BatchNorm2d):
                module[index - 1] = fuse_conv_bn_eval(convolution, normalisation)
                module[index] = nn.Identity()
    return module
