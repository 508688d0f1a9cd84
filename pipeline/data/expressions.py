"""A set of expression images: pixels, labels, votes, splits, and what may be trained on."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from pipeline.common.files import load_arrays, save_arrays

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

# Below this standard deviation of its grey levels an image shows nothing.
MIN_CONTRAST = 4.0


@dataclass(frozen=True)
class Expressions:
    """Face images and what they express, in the order of the published file.

    Attributes:
        images: (N, 48, 48), grey.
        labels: (N,), an index into `CLASSES`.
        votes: (N, 10), how many people chose each of `VOTES`; all 0 where there are none.
        split: (N,), one of `SPLITS`.
        for_training: (N,), True where classifiers may train: in Training, perhaps without twins of other splits.
    """

    images: npt.NDArray[np.uint8]
    labels: npt.NDArray[np.uint8]
    votes: npt.NDArray[np.uint8]
    split: npt.NDArray[np.str_]
    for_training: npt.NDArray[np.bool_]

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
            "for_training": ("bool", (None,)),
        }
        return cls(**load_arrays(path, schema))


def contrast(images: npt.NDArray[np.uint8]) -> npt.NDArray[np.float64]:
    """The standard deviation of each image's grey levels: (N, H, W) to (N,)."""
    levels = images.reshape(len(images), images.shape[1] * images.shape[2])
    # In whole numbers: 0 is exactly 0, and no copy in float64 is made (660 MB for FER2013), which also takes 20 times
    # as long.
    sums, squares = levels.sum(axis=1, dtype=np.int64), np.einsum("np,np->n", levels, levels, dtype=np.int64)
    deviation: npt.NDArray[np.float64] = np.sqrt(levels.shape[1] * squares - sums**2) / levels.shape[1]
    return deviation
