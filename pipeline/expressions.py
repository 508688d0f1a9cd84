"""A set of expression images: pixels, labels, votes, splits, and which images are identical."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from pipeline.files import load_arrays, save_arrays

SIDE = 48
CLASSES = ("angry", "disgust", "fear", "happy", "sad", "surprise", "neutral")
SPLITS = ("Training", "PublicTest", "PrivateTest")
VOTES = (
    "neutral",
    "happiness",
    "surprise",
    "sadness",
    "anger",
    "disgust",
    "fear",
    "contempt",
    "unknown",
    "NF",
)


@dataclass(frozen=True)
class Expressions:
    """Face images and what they express, in the order of the published file.

    Attributes:
        images: (N, 48, 48), grey.
        labels: (N,), an index into `CLASSES`.
        votes: (N, 10), how many people chose each of `VOTES`; all 0 where there are none.
        split: (N,), one of `SPLITS`.
        twin: (N,), the number of the group of pixel-identical images; numbered from 0 by first appearance.
    """

    images: npt.NDArray[np.uint8]
    labels: npt.NDArray[np.uint8]
    votes: npt.NDArray[np.uint8]
    split: npt.NDArray[np.str_]
    twin: npt.NDArray[np.int32]

    def __len__(self) -> int:
        return len(self.images)

    def save(self, path: Path) -> None:
        """Write `data/expressions.npz`."""
        save_arrays(path, **{name: np.asarray(array) for name, array in vars(self).items()})

    @classmethod
    def load(cls, path: Path) -> Expressions:
        """Read what `save` wrote.

        Raises:
            InputError: the file is missing, damaged or of another kind.
        """
        schema: dict[str, tuple[str, tuple[int | None, ...]]] = {
            "images": ("uint8", (None, SIDE, SIDE)),
            "labels": ("uint8", (None,)),
            "votes": ("uint8", (None, len(VOTES))),
            "split": ("U", (None,)),
            "twin": ("int32", (None,)),
        }
        return cls(**load_arrays(path, schema))


def find_twins(images: npt.NDArray[np.uint8]) -> npt.NDArray[np.int32]:
    """Number the groups of pixel-identical images (N, ...), from 0 by first appearance: (N,)."""
    groups: dict[bytes, int] = {}
    return np.array([groups.setdefault(image.tobytes(), len(groups)) for image in images], np.int32)


def count(expressions: Expressions) -> dict[str, Any]:
    """How many images, classes and identical images there are, ready for JSON.

    `test_rows_also_in_training_or_validation` is how many PrivateTest images also occur in Training or PublicTest.
    """
    split, twin = expressions.split, expressions.twin
    sizes = np.bincount(twin)
    spread = np.stack([np.bincount(twin[split == name], minlength=len(sizes)) > 0 for name in SPLITS])
    known = np.isin(twin, twin[split != "PrivateTest"])
    return {
        "images": {name: int((split == name).sum()) for name in SPLITS},
        "classes": {
            name: {
                label: int(((expressions.labels == code) & (split == name)).sum()) for code, label in enumerate(CLASSES)
            }
            for name in SPLITS
        },
        "twins": {
            "groups": int((sizes > 1).sum()),
            "rows": int(sizes[sizes > 1].sum()),
            "groups_across_splits": int((spread.sum(axis=0) > 1).sum()),
            "test_rows_also_in_training_or_validation": int((known & (split == "PrivateTest")).sum()),
        },
    }
