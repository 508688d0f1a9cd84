"""A classifier of the whole image is asked what it makes of test images with every coalition of parts shown."""

from __future__ import annotations

from typing import Literal

import numpy as np
import numpy.typing as npt

from pipeline.classifiers.cells import Cell
from pipeline.classifiers.classifier_file import Classifier
from pipeline.data.roles import NO_FOLD
from pipeline.inside.coalitions import answers, number
from pipeline.inside.fillings import FILLINGS
from pipeline.inside.part_values import Asked, PartValues
from pipeline.regions.definitions import Part
from pipeline.regions.parts import label_parts
from pipeline.regions.variants import Variant


def choose_rows(
    labels: npt.NDArray[np.uint8], usable: npt.NDArray[np.bool_], images: int | Literal["all"]
) -> npt.NDArray[np.int32]:
    """Which rows are shown: of each class so many usable ones, spread evenly over the data set, or all of them.

    Args:
        labels: (N,), of the data set.
        usable: (N,), test rows whose points are trusted.
        images: of each class; fewer where there are no more.
    """
    rows = np.flatnonzero(usable).astype(np.int32)
    if images != "all":
        of_class = [rows[labels[rows] == code] for code in np.unique(labels[rows])]
        chosen = [of[np.linspace(0, len(of) - 1, min(images, len(of))).round().astype(int)] for of in of_class]
        rows = np.sort(np.concatenate([rows[:0], *chosen]))
    return rows


def ask(
    classifier: Classifier,
    cell: Cell,
    variant: Variant,
    rows: npt.NDArray[np.int32],
    fold: npt.NDArray[np.int32],
    points: npt.NDArray[np.float32],
    groups: npt.NDArray[np.int32],
    parts: dict[str, Part],
    test: int,
    trusted: int,
) -> PartValues:
    """Show every coalition of parts of every chosen image, with each filling.

    No test-time augmentation: an answer is to one image with one set of parts.

    Args:
        classifier: of the whole image, or several, one a fold.
        cell: which it is.
        variant: the images that it was trained on and tested with.
        rows: (n,), which of them are shown.
        fold: (n,), whose network is asked of each: the one that it is tested by; see `evaluation.answer_rows`.
        points: (n, 68, 2), in pixels of `variant`'s images.
        groups: (n,), which of them stand or fall together, see `evaluation.answer_rows.chance_groups`.
        parts: their definitions.
        test, trusted: how many test images there are, and with points that are trusted.
    """
    images, labels = np.asarray(variant.images[rows]), variant.labels[rows]
    where = label_parts(points, parts, variant.side)
    every = 2 ** len(parts) - 1
    as_is_and_hidden = [every, *(every - number([part]) for part in range(len(parts)))]
    values, called = [], []
    for name, fill in FILLINGS.items():
        said = _answers(classifier, images, fill(images), where, fold, len(parts), f"{cell.name}, {name}")
        values.append(said[np.arange(len(rows)), :, labels])
        called.append(said[:, as_is_and_hidden].argmax(axis=2).astype(np.uint8))
    asked = Asked(
        region=cell.region,
        network=cell.network,
        seed=cell.seed,
        classes=list(variant.about.classes),
        parts=list(parts),
        fillings=list(FILLINGS),
        test=test,
        trusted=trusted,
    )
    return PartValues(asked, rows, labels, groups, points, np.stack(values, 1), np.stack(called, 1))


def _answers(
    classifier: Classifier,
    images: npt.NDArray[np.uint8],
    fillings: npt.NDArray[np.uint8],
    where: npt.NDArray[np.uint8],
    fold: npt.NDArray[np.int32],
    parts: int,
    title: str,
) -> npt.NDArray[np.float32]:
    """As `coalitions.answers`, each image by the network of its fold."""
    found = {}
    for asked in np.unique(fold).tolist():
        network = classifier if asked == NO_FOLD else classifier.of_fold(asked)
        of = fold == asked
        name = title if asked == NO_FOLD else f"{title}, fold {asked}"
        found[asked] = answers(network.probabilities, images[of], fillings[of], where[of], parts, name)
    first = next(iter(found.values()))
    said = np.empty((len(images), *first.shape[1:]), first.dtype)
    for asked, each in found.items():
        said[fold == asked] = each
    return said
