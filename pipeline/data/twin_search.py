"""Find images that are the same pixel for pixel, and images that show the same photograph."""

from __future__ import annotations

import hashlib
from typing import NamedTuple

import cv2
import numpy as np
import numpy.typing as npt
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from pipeline.data.grey import MIN_CONTRAST, contrast, to_grey
from pipeline.data.pictures import resized
from pipeline.data.twins import Twins

SIDE = 48  # FER2013's; whatever the images' own side, they are compared at this one, so that all below means the same

# Only pairs whose grey levels correlate this much are looked at closely. Of FER2013's pairs at 0.85 to 0.90 one in
# fifty shows one photograph, and there are ten times as many pairs for every 0.05 less.
CANDIDATE = 0.85
REDUCED = 2  # for that, grey levels are averaged over squares of this many pixels

# A closer look leaves out light and shade, which all portraits share: what a blur of this standard deviation keeps.
SHADE = 4.0
SHIFT = 2  # pixels that one image may lie beside the other, in each direction
INNER = SIDE - 2 * SHIFT  # pixels a side of what both then show
LEAST_LENGTH = 1e-3  # of levels around their mean, for what is flat to correlate with nothing

# Not all pairs are correlated, which would take four times as long for twice as many images: each image is put into the
# cells of the `NEAREST` landmarks that it is most like, and pairs within a cell are. Below 2 * NEAREST * CELL
# images any two share a cell. Of FER2013's 35,887 the groups are those of all pairs (`benchmarks/twins.py`), also with
# two and four times as many landmarks.
CELL = 200  # images to a landmark
NEAREST = 6

CHUNK = 256  # rows that are correlated with others at a time: what lies before them has been
PAIRS = 64  # that are looked at closely at a time: 30 to 130 were the fastest


def find_twins(images: npt.NDArray[np.uint8], min_correlation: float) -> Twins:
    """Group the images (N, side, side), or (N, side, side, 3) in RGB, which may be mapped from a file.

    Two images are near twins if their details agree at `SIDE` pixels: Pearson's correlation of their grey levels less a
    blur of them (`SHADE`) is at least `min_correlation` for the best shift of up to `SHIFT` pixels, for the one or for
    its mirror image. Only pairs that share a cell, see `_candidates`, and whose plain correlation is at least
    `CANDIDATE` are compared so: what is missed are pairs that are hardly alike. A group is what is connected by such
    pairs. Images below `MIN_CONTRAST` have no near twins, only copies. The result does not depend on the order of the
    rows.

    Args:
        min_correlation: above 0, at most 1; 1 stands for identical images alone.
    """
    copies = find_copies(images)
    if min_correlation >= 1:
        return Twins(copies, copies)
    first = np.unique(copies, return_index=True)[1]  # one of each group of copies
    one, other = _near_pairs(_at_one_side(images, first), min_correlation)
    linked = coo_array((np.ones(len(one), np.bool_), (one, other)), shape=(len(first), len(first)))
    group = connected_components(linked, directed=False)[1][copies]
    return Twins(copies, _renumber(group))


def _at_one_side(images: npt.NDArray[np.uint8], rows: npt.NDArray[np.intp]) -> npt.NDArray[np.uint8]:
    """The grey levels of these rows at the side that twins are looked for: (R, SIDE, SIDE)."""
    small = np.empty((len(rows), SIDE, SIDE), np.uint8)
    for number, row in enumerate(rows):
        small[number] = resized(to_grey(images[row][None])[0], SIDE)
    return small


def find_copies(images: npt.NDArray[np.uint8]) -> npt.NDArray[np.int32]:
    """Number the groups of pixel-identical images (N, ...), from 0 by first appearance: (N,)."""
    groups: dict[bytes, int] = {}
    digests = map(_digest, images)
    return np.array([groups.setdefault(digest, len(groups)) for digest in digests], np.int32)


def _digest(image: npt.NDArray[np.uint8]) -> bytes:
    """What stands for an image's pixels, in 32 bytes."""
    return hashlib.sha256(image.tobytes()).digest()


Pairs = tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]
Squares = npt.NDArray[np.float32]  # (N, S, S), see `_squares`


def _near_pairs(images: npt.NDArray[np.uint8], min_correlation: float) -> Pairs:
    """The rows of each pair of near twins among (N, SIDE, SIDE), the smaller one first."""
    rows = np.flatnonzero(contrast(images) >= MIN_CONTRAST)
    if not len(rows):
        return rows, rows
    images = images[rows]
    squares = _squares(images)
    landmarks = _landmarks(images, squares)
    straight = _in_cells(squares, landmarks)
    found = []
    for turn in (1, -1):  # as they are, and mirrored
        seen = straight if turn == 1 else _in_cells(squares[..., ::turn], landmarks)
        one, other = _candidates(straight, seen)
        kept = _agreement(images, images[..., ::turn], one, other) >= min_correlation
        found.append((rows[one[kept]], rows[other[kept]]))
    ones, others = zip(*found, strict=True)
    return np.concatenate(ones), np.concatenate(others)


def _landmarks(images: npt.NDArray[np.uint8], squares: Squares) -> npt.NDArray[np.float32]:
    """Some of the images themselves, (L, K): those whose pixels have the least digests.

    So they follow from the images and not from their order. Source: Sivic and Zisserman, "Video Google", ICCV 2003.
    """
    least = np.argsort([_digest(image) for image in images])[: max(1, len(images) // CELL)]
    return squares[least].reshape(len(least), -1)


class _InCells(NamedTuple):
    """Images, and where they lie.

    Attributes:
        levels: their squares in a row, (N, K).
        cells: the rows that are in each cell, ascending.
    """

    levels: npt.NDArray[np.float32]
    cells: list[npt.NDArray[np.int64]]


def _in_cells(squares: Squares, landmarks: npt.NDArray[np.float32]) -> _InCells:
    levels = squares.reshape(len(squares), -1)
    return _InCells(levels, _by_cell(_nearest(levels, landmarks), len(landmarks)))


def _candidates(straight: _InCells, seen: _InCells) -> Pairs:
    """Pairs of a row of `straight` and another one of `seen` that are alike at first sight, the smaller one first."""
    count = len(straight.levels)
    found = [np.empty(0, np.int64)]
    for ones, others in zip(straight.cells, seen.cells, strict=True):
        held = seen.levels[others]
        for start in range(0, len(ones), CHUNK):
            some = ones[start : start + CHUNK]
            first = start if seen is straight else 0  # what lies before has been correlated with these
            one, other = np.nonzero(straight.levels[some] @ held[first:].T >= CANDIDATE)
            one, other = some[one], others[first + other]
            # The mirror image of one is to the other as the other's is to it: either of the two finds the pair.
            pairs = np.minimum(one, other) * count + np.maximum(one, other)
            found.append(pairs[one != other])
    pairs = np.unique(np.concatenate(found))
    return pairs // count, pairs % count


def _nearest(squares: npt.NDArray[np.float32], landmarks: npt.NDArray[np.float32]) -> npt.NDArray[np.int64]:
    """The numbers of the landmarks (L, K) that each row of (N, K) is most like: (N, NEAREST), or all L.

    Those that are like many would be so of too many rows, the more so the more images there are, and their cells too
    large: how much a landmark correlates with its own nearest counts against it. Source: Conneau et al., "Word
    Translation without Parallel Data", ICLR 2018.
    """
    nearest = min(NEAREST, len(landmarks))
    crowded = np.sort(landmarks @ landmarks.T, axis=1)[:, -nearest:].mean(axis=1)
    found = np.empty((len(squares), nearest), np.int64)
    for start in range(0, len(squares), CHUNK):
        levels = 2 * squares[start : start + CHUNK] @ landmarks.T - crowded
        found[start : start + CHUNK] = np.argpartition(-levels, nearest - 1, axis=1)[:, :nearest]
    return found


def _by_cell(cells: npt.NDArray[np.int64], count: int) -> list[npt.NDArray[np.int64]]:
    """The rows that are in each of so many cells, from the cells that each row is in (N, NEAREST), or (N, L)."""
    order = np.argsort(cells, axis=None, kind="stable")
    ends = np.searchsorted(cells.ravel()[order], np.arange(1, count))
    return np.split(order // cells.shape[1], ends)


def _squares(images: npt.NDArray[np.uint8]) -> Squares:
    """Averaged over squares, and standardised: (N, SIDE, SIDE) to (N, S, S)."""
    count, side = len(images), SIDE // REDUCED
    squares = images.reshape(count, side, REDUCED, side, REDUCED).mean(axis=(2, 4), dtype=np.float32)
    return _standardised(squares.reshape(count, side * side)).reshape(count, side, side)


def _agreement(
    images: npt.NDArray[np.uint8],
    seen: npt.NDArray[np.uint8],
    one: npt.NDArray[np.int64],
    other: npt.NDArray[np.int64],
) -> npt.NDArray[np.float32]:
    """How well the details of row `one` of `images` agree with those of row `other` of `seen`, from -1 to 1: (P,)."""
    middle = slice(SHIFT, SHIFT + INNER)
    best = np.full(len(one), -1, np.float32)
    for start in range(0, len(one), PAIRS):
        part = slice(start, start + PAIRS)
        still, moving = _details(images[one[part]]), _details(seen[other[part]])
        fixed = _standardised(still[:, middle, middle].reshape(len(still), -1)).reshape(-1, INNER, INNER)
        # A window need not be moved to mean 0, for what it is multiplied with has that; only its length is without it.
        lengths = np.sqrt(np.maximum(_window_sums(moving**2) - _window_sums(moving) ** 2 / INNER**2, LEAST_LENGTH**2))
        for down, right in np.ndindex(lengths.shape[1:]):
            window = moving[:, down : down + INNER, right : right + INNER]
            level = np.einsum("phw,phw->p", fixed, window) / lengths[:, down, right]
            np.maximum(best[part], level, out=best[part])
    return best


def _window_sums(levels: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """The sum of each window of `INNER` pixels a side: (P, SIDE, SIDE) to (P, 2 * SHIFT + 1, 2 * SHIFT + 1)."""
    from_its_edge = np.arange(SIDE) - np.arange(2 * SHIFT + 1)[:, None]
    within = ((from_its_edge >= 0) & (from_its_edge < INNER)).astype(np.float32)
    return np.asarray(within @ levels @ within.T)


def _details(images: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
    levels = images.astype(np.float32)
    shade = [cv2.GaussianBlur(each, (0, 0), SHADE, borderType=cv2.BORDER_REFLECT) for each in levels]
    return np.asarray(levels - np.reshape(shade, levels.shape))


def _standardised(levels: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Moved to mean 0 and scaled to length 1, so that a product is a correlation: (N, K)."""
    levels = levels - levels.mean(axis=1, keepdims=True)
    # What is flat (a checkerboard of single pixels after averaging, say) correlates with nothing.
    return np.asarray(levels / np.maximum(np.linalg.norm(levels, axis=1, keepdims=True), LEAST_LENGTH), np.float32)


def _renumber(groups: npt.NDArray[np.int32]) -> npt.NDArray[np.int32]:
    """The same groups, numbered by first appearance."""
    _, first, group = np.unique(groups, return_index=True, return_inverse=True)
    rank = np.empty(len(first), np.int32)
    rank[np.argsort(first)] = np.arange(len(first), dtype=np.int32)
    return rank[group]
