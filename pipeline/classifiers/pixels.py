"""Images as networks see them."""

from __future__ import annotations

import torch
from torch.nn import functional

# What a classifier's file says of it: grey levels or colours 0..255 become (level - MEAN) / SCALE, which is -1..1.
MEAN = SCALE = 127.5


def normalise(pixels: torch.Tensor) -> torch.Tensor:
    """Levels 0..255 to -1..1."""
    return pixels.float() / SCALE - MEAN / SCALE


def channels_first(images: torch.Tensor) -> torch.Tensor:
    """(N, H, W) or (N, H, W, 3) to (N, 1 or 3, H, W)."""
    return images[:, None] if images.ndim == 3 else images.permute(0, 3, 1, 2)


def resize(images: torch.Tensor, side: int) -> torch.Tensor:
    """(N, channels, H, W) to (N, channels, side, side)."""
    if images.shape[-1] == side:
        return images
    return functional.interpolate(images, (side, side), mode="bilinear", antialias=True)
