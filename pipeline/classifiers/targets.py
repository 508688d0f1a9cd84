"""What a classifier shall answer, and how much each answer counts."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch


def soft_targets(
    labels: npt.NDArray[np.uint8], class_votes: npt.NDArray[np.uint16], trust: float
) -> npt.NDArray[np.float32]:
    """What a classifier shall answer: for each image the share of each class, (N, classes).

    Source: Barsoum et al., "Training Deep Networks for Facial Expression Recognition with Crowd-Sourced Label
    Distribution", ICMI 2016, who collected FER+'s votes.

    Args:
        labels: (N,), indices of the classes.
        class_votes: (N, classes), how many people chose each class, see `Expressions.class_votes`.
        trust: from 0, the label alone, to 1, the votes alone. An image without votes keeps its label.
    """
    shares = np.eye(class_votes.shape[1], dtype=np.float32)[labels]
    counts = class_votes.astype(np.float32)
    voted = counts.any(axis=1)
    counts[voted] /= counts[voted].sum(axis=1, keepdims=True)
    shares[voted] += trust * (counts[voted] - shares[voted])
    return shares


def drawn_targets(shares: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
    """One class for each image, drawn with the probability of its share: (N, classes) to (N, classes) of 0 and 1.

    Source: Barsoum et al. (see `soft_targets`), who call it probabilistic label drawing, and draw anew in each epoch.

    Args:
        generator: on the CPU, so that the draws are the same whatever the device.
    """
    chosen = torch.multinomial(shares.cpu(), 1, generator=generator)
    return torch.zeros_like(shares).scatter_(1, chosen.to(shares.device), 1.0)


def class_weights(labels: npt.NDArray[np.uint8], classes: int, balance: float) -> npt.NDArray[np.float32]:
    """How much an image of each class counts, (classes,): 1 for all with balance 0; with 1, all classes count alike.

    A class without an image counts like the rarest that has some.
    """
    counts = np.bincount(labels, minlength=classes)
    weights: npt.NDArray[np.float64] = np.maximum(counts, counts[counts > 0].min()) ** -float(balance)
    weights *= counts.sum() / (weights @ counts)  # the mean over the images is 1
    return weights.astype(np.float32)


@dataclass(frozen=True)
class Lessons:
    """What teachers say of images that a student is trained on.

    Attributes:
        rows: (n,) int32, of the data set, ascending.
        answers: (n, classes) float32, a probability a class.
        share: (n,) float32, how much of what the student shall answer this is; the rest is the label.
    """

    rows: npt.NDArray[np.int32]
    answers: npt.NDArray[np.float32]
    share: npt.NDArray[np.float32]

    @classmethod
    def of(cls, rows: npt.NDArray[np.int32], answers: npt.NDArray[np.float32], share: float = 1.0) -> Lessons:
        """The same share of every row."""
        return cls(rows, answers, np.full(len(rows), share, np.float32))


def add_lessons(
    targets: npt.NDArray[np.float32], rows: npt.NDArray[np.intp], lessons: Lessons
) -> npt.NDArray[np.float32]:
    """Targets of which a share is the teachers' answers; a row without an answer keeps its own.

    Args:
        targets: (n, classes) of the rows (n,) of the data set.
    """
    taught = np.isin(rows, lessons.rows)
    place = np.searchsorted(lessons.rows, rows[taught])
    mixed = targets.copy()
    mixed[taught] += lessons.share[place, None] * (lessons.answers[place] - targets[taught])
    return mixed
