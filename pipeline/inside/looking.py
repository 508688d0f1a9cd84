"""Which images are looked at: a typical one of each class, or those of the user."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch

from pipeline.classifiers.classifier_file import Classifier
from pipeline.classifiers.pixels import channels_first, normalise
from pipeline.common.images import read_image
from pipeline.data.grey import to_grey
from pipeline.regions.boxes import whole_boxes
from pipeline.regions.cutting import Cut, cut

FORMATS = ("JPEG", "PNG", "TIFF", "BMP", "WEBP")


def typical_rows(
    tested: npt.NDArray[np.intp], labels: npt.NDArray[np.uint8], probabilities: npt.NDArray[np.float32]
) -> npt.NDArray[np.intp]:
    """Of each class the test row whose true class has the median probability: neither a triumph nor a failure.

    Args:
        tested: (n,), the test rows.
        labels: (N,), of the data set.
        probabilities: (N, classes), what a classifier says.
    """
    chosen = []
    for code in np.unique(labels[tested]):
        of = tested[labels[tested] == code]
        chosen.append(of[np.argsort(probabilities[of, code], kind="stable")[len(of) // 2]])
    return np.array(chosen, np.intp)


def own_images(paths: Sequence[Path], classifier: Classifier) -> npt.NDArray[np.uint8]:
    """Images as the classifier takes them, (N, side, side) or (N, side, side, 3).

    Args:
        paths: of files of any size, cut to the classifier's region.
        classifier: says how large, and whether in colour.

    Raises:
        InputError: a file is missing, damaged or no image.
    """
    squares = []
    for path in paths:
        image = read_image(path, "give the path of another image", FORMATS, upright=True)
        shown = to_grey(image[None]) if classifier.header.channels == 1 else image[None]
        whole = Cut.upright(whole_boxes(1, (image.shape[1], image.shape[0])))
        squares.append(cut(shown, whole, classifier.header.side)[0])
    return np.stack(squares)


def as_seen(images: npt.NDArray[np.uint8]) -> torch.Tensor:
    """Images as a network takes them, (N, channels, side, side) in -1..1."""
    return normalise(channels_first(torch.from_numpy(np.ascontiguousarray(images))))
