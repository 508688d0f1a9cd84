"""Made-up images of a region, in which there is something to learn."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from pipeline.data.expressions import About
from pipeline.data.roles import Roles
from pipeline.regions.boxes import whole_boxes
from pipeline.regions.variants import Variant

CLASSES = ("angry", "disgust", "fear", "happy", "sad", "surprise", "neutral")
HAPPY, SURPRISE = 3, 5


@dataclass(frozen=True)
class Made:
    """Images, and what each is for."""

    variant: Variant
    role: npt.NDArray[np.str_]

    @property
    def roles(self) -> Roles:
        """All validation rows choose."""
        return Roles(self.role, self.role == "validation")


def make_variant(counts: tuple[int, int, int] = (48, 24, 8), channels: int = 1) -> Made:
    """Noise, with a brighter upper half for happy and a brighter lower half for surprise.

    Args:
        counts: of train, validation and test images.
        channels: 1 for grey, 3 for colour.
    """
    count = sum(counts)
    images = np.random.default_rng(0).normal(120, 50, (count, 48, 48, 3)[: 3 + (channels == 3)])
    labels = np.array([HAPPY, SURPRISE] * count, np.uint8)[:count]
    images[labels == HAPPY, :24] += 40
    images[labels == SURPRISE, 24:] += 40
    variant = Variant(
        about=About(name="made up", classes=CLASSES, votes={name: name for name in CLASSES}),
        images=images.clip(0, 255).astype(np.uint8),
        labels=labels,
        votes=np.zeros((count, len(CLASSES)), np.uint16),
        split=np.full(count, ""),
        subject=np.full(count, ""),
        name="vanilla",
        region="whole",
        boxes=whole_boxes(count, (48, 48)),
        turns=np.zeros(count, np.float32),
        fell_back=np.zeros(count, np.bool_),
    )
    return Made(variant, np.repeat(["train", "validation", "test"], counts))
