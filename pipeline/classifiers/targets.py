"""What a classifier shall answer, and how much each answer counts."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from pipeline.data.expressions import CLASSES, VOTES

# What voters call each class.
VOTE_OF = dict(zip(CLASSES, ("anger", "disgust", "fear", "happiness", "sadness", "surprise", "neutral"), strict=True))


def soft_targets(labels: npt.NDArray[np.uint8], votes: npt.NDArray[np.uint8], trust: float) -> npt.NDArray[np.float32]:
    """What a classifier shall answer: for each image the share of each class, (N, 7).

    Source: Barsoum et al., "Training Deep Networks for Facial Expression Recognition with Crowd-Sourced Label
    Distribution", ICMI 2016, whose votes these are.

    Args:
        labels: (N,), indices of `CLASSES`.
        votes: (N, 10), see `Expressions`. Those for no expression of `CLASSES` are left out.
        trust: from 0, the label alone, to 1, the votes alone. An image without votes keeps its label.
    """
    shares = np.eye(len(CLASSES), dtype=np.float32)[labels]
    counts = votes[:, [VOTES.index(VOTE_OF[name]) for name in CLASSES]].astype(np.float32)
    voted = counts.any(axis=1)
    counts[voted] /= counts[voted].sum(axis=1, keepdims=True)
    shares[voted] += trust * (counts[voted] - shares[voted])
    return shares


def class_weights(labels: npt.NDArray[np.uint8], balance: float) -> npt.NDArray[np.float32]:
    """How much an image of each class counts, (7,): 1 for all with balance 0; with 1, all classes together count alike.

    A class without an image counts like the rarest that has some.
    """
    counts = np.bincount(labels, minlength=len(CLASSES))
    weights: npt.NDArray[np.float64] = np.maximum(counts, counts[counts > 0].min()) ** -float(balance)
    weights *= counts.sum() / (weights @ counts)  # the mean over the images is 1
    return weights.astype(np.float32)
