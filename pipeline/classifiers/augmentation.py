"""Random changes of a whole batch of images at once, on the device that it lies on."""

from __future__ import annotations

import math

import numpy as np
import torch
from torch.nn import functional

from pipeline.classifiers.recipe import Augment
from pipeline.common import device

# A blanked rectangle covers these fractions of each side (Zhong et al., "Random Erasing", AAAI 2020).
ERASED = (0.15, 0.5)


def augment_batch(images: torch.Tensor, how: Augment, generator: torch.Generator) -> torch.Tensor:
    """Flip, turn, scale, shift and blank each image on its own; what moves in from outside repeats the edge.

    Args:
        images: (N, channels, height, width) in -1..1.
        generator: on the CPU, so that the draws are the same whatever the device.
    """
    count = len(images)

    def uniform(reach: float) -> torch.Tensor:
        return (torch.rand(count, generator=generator) * 2 - 1) * reach

    angle, scale = uniform(math.radians(how.rotate)), 1 + uniform(how.scale)
    shift_x, shift_y = uniform(2 * how.shift), uniform(2 * how.shift)  # the grid runs from -1 to 1
    flip = torch.where(torch.rand(count, generator=generator) < 0.5, -1.0, 1.0) if how.flip else torch.ones(count)
    if how.flip or how.rotate or how.scale or how.shift:
        cosine, sine = torch.cos(angle) / scale, torch.sin(angle) / scale
        rows = [torch.stack([cosine * flip, -sine, shift_x], 1), torch.stack([sine * flip, cosine, shift_y], 1)]
        matrix = device.send(torch.stack(rows, 1), images.device)
        grid = functional.affine_grid(matrix, list(images.shape), align_corners=False)
        images = functional.grid_sample(images, grid, "bilinear", "border", align_corners=False)
    if how.erase:
        images = _erase(images, how.erase, generator)
    return images


def mix_batch(
    images: torch.Tensor, targets: torch.Tensor, how: Augment, generator: torch.Generator
) -> tuple[torch.Tensor, torch.Tensor]:
    """Mix each image of a batch with another, and their targets in the same shares.

    Sources: Zhang et al., "mixup: Beyond Empirical Risk Minimization", ICLR 2018; Yun et al., "CutMix", ICCV 2019.

    Args:
        images: (N, channels, height, width).
        targets: (N, classes), the share of each class.
    """
    ways = [name for name in ("mixup", "cutmix") if getattr(how, name)]
    if not ways:
        return images, targets
    draws = np.random.default_rng(int(torch.randint(2**62, (), generator=generator)))  # torch draws no Beta
    way = draws.choice(ways)
    share = draws.beta(*[getattr(how, way)] * 2)
    others = device.send(torch.randperm(len(images), generator=generator), images.device)
    if way == "mixup":
        images = share * images + (1 - share) * images[others]
    else:
        height, width = images.shape[2:]
        side = np.sqrt(1 - share)
        (top, bottom), (left, right) = (_span(length, side, draws) for length in (height, width))
        images = images.clone()
        images[:, :, top:bottom, left:right] = images[others, :, top:bottom, left:right]
        share = 1 - (bottom - top) * (right - left) / (height * width)  # of what fits into the image
    return images, share * targets + (1 - share) * targets[others]


def _span(length: int, fraction: float, draws: np.random.Generator) -> tuple[int, int]:
    """A random part of 0..length that covers a fraction of it, or less where it leaves it."""
    middle, half = draws.uniform(0, length), fraction * length / 2
    return max(0, round(middle - half)), min(length, round(middle + half))


def _erase(images: torch.Tensor, probability: float, generator: torch.Generator) -> torch.Tensor:
    """Set a random rectangle of some of the images to grey."""
    count, _, height, width = images.shape
    chosen = torch.rand(count, generator=generator) < probability
    low, high = ERASED

    def covered(length: int) -> torch.Tensor:
        size = (low + (high - low) * torch.rand(count, generator=generator)) * length
        start = torch.rand(count, generator=generator) * (length - size)
        place = torch.arange(length)
        return (place >= start[:, None]) & (place < (start + size)[:, None])

    rows, columns = covered(height), covered(width)
    hidden = (rows[:, :, None] & columns[:, None, :] & chosen[:, None, None])[:, None]
    return images.masked_fill(device.send(hidden, images.device), 0.0)
