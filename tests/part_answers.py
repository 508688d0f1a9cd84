"""Made-up answers to seven images of which every coalition of two parts was shown."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from pipeline.inside.part_values import Asked, PartValues

PARTS = ["eyes", "mouth"]
CLASSES = ["angry", "happy", "sad"]
LABELS = np.array([0, 0, 0, 1, 1, 1, 1], np.uint8)  # no sad


def made_up(seed: int = 0, **changes: object) -> PartValues:
    asked = Asked(
        region="vanilla", network="cnn1", seed=seed, classes=CLASSES, parts=PARTS, fillings=["blur", "noise"],
        test=9, trusted=8,
    )  # fmt: skip
    rng = np.random.default_rng(seed)
    count = len(LABELS)
    found = PartValues(
        asked,
        np.arange(10, 10 + count, dtype=np.int32),
        LABELS,
        np.arange(count, dtype=np.int32),
        np.zeros((count, 68, 2), np.float32),
        rng.random((count, 2, 4)).astype(np.float32),
        rng.integers(0, 3, (count, 2, 3)).astype(np.uint8),
    )
    return replace(found, **changes)  # type: ignore[arg-type]
