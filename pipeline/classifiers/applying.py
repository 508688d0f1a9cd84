"""Apply a classifier: to many images at once, or from its file alone to one."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import torch
from torch import nn
from torch.nn import functional
from tqdm import tqdm

from pipeline.classifiers.pixels import channels_first, normalise
from pipeline.common import device

# The views of an image that are averaged: shifts to the right and down, in pixels, and whether mirrored. Ten are the
# middle, four shifts, and their mirror images, as in Krizhevsky et al., "ImageNet Classification", NIPS 2012.
SHIFTS = [(0, 0), (-2, -2), (-2, 2), (2, -2), (2, 2)]
TEST_TIME_AUGMENTATIONS: dict[str, list[tuple[tuple[int, int], bool]]] = {
    "none": [((0, 0), False)],
    "mirror": [((0, 0), False), ((0, 0), True)],
    "ten": [(shift, mirrored) for shift in SHIFTS for mirrored in (False, True)],
}

BATCH = {"cpu": 512, "cuda": 4096}  # images that are looked at together
AT_ONCE = 64  # of those that a network sees enlarged


def probabilities(
    network: nn.Module, images: npt.NDArray[np.uint8], precision: str = "auto", augmentation: str = "none"
) -> npt.NDArray[np.float32]:
    """How likely each class is, each row summing to 1.

    Args:
        network: takes (N, channels, side, side) in -1..1, gives (N, classes).
        images: (N, side, side) or (N, side, side, 3), N at least 1.
        precision: see `device.pick`.
        augmentation: a name of `TEST_TIME_AUGMENTATIONS`; the result is the mean over its views.

    Returns:
        (N, classes).
    """
    place = device.place(precision)
    network = network.to(place, memory_format=torch.channels_last).eval()  # type: ignore[call-overload]
    views = TEST_TIME_AUGMENTATIONS[augmentation]
    batch = BATCH[place.type]
    parts = []
    with torch.inference_mode(), device.autocast(place, precision):
        for start in range(0, len(images), batch):
            pixels = torch.from_numpy(np.ascontiguousarray(images[start : start + batch])).to(place)
            shown = normalise(channels_first(pixels))
            answers = [network(_view(shown, *view)).float().softmax(1) for view in views]
            parts.append((torch.stack(answers).sum(0) / len(views)).cpu().numpy())
    return np.concatenate(parts)


def embeddings(body: nn.Module, images: npt.NDArray[np.uint8], precision: str, title: str) -> npt.NDArray[np.float32]:
    """What a network gives of each image before its last layer, (N, features); N at least 1.

    Args:
        body: takes (N, channels, side, side) in -1..1, gives (N, features, 1, 1).
        images: as `probabilities` takes them.
        precision: see `device.pick`.
        title: for the progress bar.
    """
    place = device.place(precision)
    body = body.to(place, memory_format=torch.channels_last).eval()  # type: ignore[call-overload]
    found = np.empty((len(images), 0), np.float32)
    with torch.inference_mode(), device.autocast(place, precision):
        for start in tqdm(range(0, len(images), AT_ONCE), title, unit="batch", disable=None):
            rows = slice(start, start + AT_ONCE)
            pixels = torch.from_numpy(np.ascontiguousarray(images[rows])).to(place)
            part = body(normalise(channels_first(pixels))).flatten(1).float().cpu().numpy()
            if not start:  # now it is known how many features there are; they are too many to be joined in the end
                found = np.empty((len(images), part.shape[1]), np.float32)
            found[rows] = part
    return found


def _view(images: torch.Tensor, shift: tuple[int, int], mirrored: bool) -> torch.Tensor:
    """Images moved and mirrored; what moves in from outside repeats the edge."""
    across, down = shift
    if across or down:
        reach = max(abs(across), abs(down))
        padded = functional.pad(images, [reach] * 4, mode="replicate")
        height, width = images.shape[2:]
        images = padded[:, :, reach + down : reach + down + height, reach + across : reach + across + width]
    return (images.flip(-1) if mirrored else images).contiguous(memory_format=torch.channels_last)
