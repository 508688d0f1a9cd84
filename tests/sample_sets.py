"""Small expression data sets of any kind, and points and regions to cut them by."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import cv2
import numpy as np
import numpy.typing as npt
import pytest

from pipeline.common.files import InputError
from pipeline.data.expressions import About, Expressions, Role
from pipeline.faces.points import COUNT
from pipeline.faces.trials import VIEWS, FaceTests
from pipeline.regions.definitions import Edges, PointSet

CLASSES = ("angry", "disgust", "fear", "happy", "sad", "surprise", "neutral")
SPLITS: Mapping[str, Role] = {"first": "train", "second": "validation", "third": "test"}

FACE = Edges(left=1, right=17, top=20, bottom=9)
MOUTH = PointSet.model_validate({"points": "49-68", "margin": 0.3})


def expression_set(
    count: int,
    side: int = 48,
    channels: int = 1,
    classes: Sequence[str] = CLASSES,
    votes: Mapping[str, str | None] | None = None,
    subjects: Sequence[str] | None = None,
    splits: Mapping[str, Role] = SPLITS,
) -> Expressions:
    """Images of noise: their classes take turns, and their splits, if there are any, follow each other.

    Args:
        votes: the choices; each image gets 0 to 10 of each.
        subjects: who is shown, a name an image; by default nobody is known.
    """
    rng, row = np.random.default_rng(0), np.arange(count)
    choices = votes or {}
    return Expressions(
        about=About(name="sample", classes=tuple(classes), votes=dict(choices), splits=dict(splits)),
        images=rng.integers(0, 256, (count, side, side, *([channels] if channels > 1 else []))).astype(np.uint8),
        labels=(row % len(classes)).astype(np.uint8),
        votes=rng.integers(0, 11, (count, len(choices))).astype(np.uint16),
        split=np.array([*splits])[row * len(splits) // count] if splits else np.full(count, ""),
        subject=np.full(count, "") if subjects is None else np.array(subjects),
    )


def smooth_images(count: int, height: int = 48, width: int = 48) -> npt.NDArray[np.uint8]:
    """Grey spots of a few pixels."""
    noise = np.random.default_rng(1).normal(128, 300, (count, height, width))
    return np.stack([cv2.GaussianBlur(image, (0, 0), 2) for image in noise]).clip(0, 255).astype(np.uint8)


def random_points(count: int, low: float = 5, high: float = 43, seed: int = 0) -> npt.NDArray[np.float32]:
    """68 points a face, anywhere in a square."""
    return np.random.default_rng(seed).uniform(low, high, (count, 68, 2)).astype(np.float32)


def moved_faces(offsets: tuple[float, ...] = (0, 0.02, 0.04, 0.2)) -> FaceTests:
    """Test faces whose found points are all off by so many inter-ocular distances, to the right."""
    true, found, images = {}, {}, {}
    for view, side in VIEWS.items():
        faces = np.random.default_rng(0).uniform(0.3 * side, 0.6 * side, (4, COUNT, 2))
        faces[:, 0], faces[:, 16] = (0.2 * side, 0.5 * side), (0.6 * side, 0.5 * side)
        faces[:, 19], faces[:, 8] = (0.5 * side, 0.2 * side), (0.5 * side, 0.7 * side)
        faces[:, 36], faces[:, 45] = (0.3 * side, 0.4 * side), (0.55 * side, 0.4 * side)
        true[view] = faces.astype(np.float32)
        moved = np.array(offsets)[:, None] * 0.25 * side
        found[view] = faces.astype(np.float32)
        found[view][..., 0] += moved
        images[view] = np.zeros((4, side, side), np.uint8)
    return FaceTests(
        subset=np.array(["helen", "lfpw", "helen", "ibug"]),
        split=np.array(["common", "common", "common", "challenging"]),
        images=images,
        true=true,
        found=found,
    )


def refused(read: Callable[..., object], *given: object) -> str:
    """The message with which what is given is refused; it is one line."""
    with pytest.raises(InputError) as caught:
        read(*given)
    message = str(caught.value)
    assert "\n" not in message
    return message
