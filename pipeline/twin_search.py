"""Find images that are the same pixel for pixel, and images that are nearly the same."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from pipeline.expressions import MIN_CONTRAST, contrast
from pipeline.twins import Twins

# Images are compared after averaging squares of this many pixels, which forgives noise, JPEG and shifts of a pixel.
REDUCED = 2

CHUNK = 1024  # rows that are correlated with all others at a time: 140 MB for FER2013


def find_twins(images: npt.NDArray[np.uint8], min_correlation: float) -> Twins:
    """Group the images (N, H, W), H and W even.

    Two images are near twins if Pearson's correlation of their grey levels, averaged over squares of `REDUCED`
    pixels, is at least `min_correlation`, for the one or for its mirror image. A group is what is connected by such
    pairs. Images below `MIN_CONTRAST` have no near twins, only copies. All pairs are compared, so the result does
    not depend on the order of the rows: N^2 H W / 4 multiplications, about 10 s for FER2013 on two cores.

    Args:
        min_correlation: above 0, at most 1; 1 stands for identical images alone.
    """
    copies = find_copies(images)
    if min_correlation >= 1:
        return Twins(copies, copies)
    first = np.unique(copies, return_index=True)[1]  # one of each group of copies
    one, other = _near_pairs(images[first], min_correlation)
    linked = coo_array((np.ones(len(one), np.bool_), (one, other)), shape=(len(first), len(first)))
    group = connected_components(linked, directed=False)[1][copies]
    return Twins(copies, _renumber(group))


def find_copies(images: npt.NDArray[np.uint8]) -> npt.NDArray[np.int32]:
    """Number the groups of pixel-identical images (N, ...), from 0 by first appearance: (N,)."""
    groups: dict[bytes, int] = {}
    return np.array([groups.setdefault(image.tobytes(), len(groups)) for image in images], np.int32)


def _near_pairs(
    images: npt.NDArray[np.uint8], min_correlation: float
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """The rows of each pair of near twins, the smaller one first."""
    rows = np.flatnonzero(contrast(images) >= MIN_CONTRAST)
    straight, mirrored = _standardised(images[rows]), _standardised(images[rows, :, ::-1])
    ones, others = [np.empty(0, np.int64)], [np.empty(0, np.int64)]
    for start in range(0, len(rows), CHUNK):
        # Only pairs with a later row: the mirror image of one is to the other as the other's is to it.
        likeness = straight[start : start + CHUNK] @ straight[start:].T
        np.maximum(likeness, straight[start : start + CHUNK] @ mirrored[start:].T, out=likeness)
        one, other = np.nonzero(likeness >= min_correlation)
        ones.append(rows[start + one[one < other]])
        others.append(rows[start + other[one < other]])
    return np.concatenate(ones), np.concatenate(others)


def _standardised(images: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
    """Averaged over squares, moved to mean 0 and scaled to length 1, so that a product is a correlation: (N, K)."""
    count, height, width = images.shape
    squares = images.reshape(count, height // REDUCED, REDUCED, width // REDUCED, REDUCED)
    levels = squares.mean(axis=(2, 4), dtype=np.float32).reshape(count, -1)
    levels -= levels.mean(axis=1, keepdims=True)
    # A checkerboard of single pixels is flat after averaging: it has no correlation, and so gets 0 with all.
    return np.asarray(levels / np.maximum(np.linalg.norm(levels, axis=1, keepdims=True), 1e-3), np.float32)


def _renumber(groups: npt.NDArray[np.int32]) -> npt.NDArray[np.int32]:
    """The same groups, numbered by first appearance."""
    _, first, group = np.unique(groups, return_index=True, return_inverse=True)
    rank = np.empty(len(first), np.int32)
    rank[np.argsort(first)] = np.arange(len(first), dtype=np.int32)
    return rank[group]
