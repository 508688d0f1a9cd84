"""Every coalition of parts shown to a classifier, and what each part is worth by that.

A coalition is a set of parts that are shown while the others are hidden. It is numbered by its bits: part i is shown in
coalition c if bit i of c is set, so that 0 hides all and the last one is the image as it is.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import factorial

import numpy as np
import numpy.typing as npt
from tqdm import tqdm

Pixels = npt.NDArray[np.uint8]
Floats = npt.NDArray[np.float64]

SHOWN = 4096  # images that are put together at a time


def number(members: Sequence[int]) -> int:
    """The number of the coalition of these parts."""
    return sum(1 << member for member in set(members))


def shown(parts: int) -> npt.NDArray[np.bool_]:
    """Which parts each coalition shows, (2**parts, parts)."""
    codes = np.arange(2**parts)[:, None]
    return np.asarray(codes >> np.arange(parts) & 1, np.bool_)


def compose(images: Pixels, fillings: Pixels, labels: Pixels, parts: int) -> Pixels:
    """Every coalition of every image: its own pixels in the parts that are shown, the filling's in the others.

    Args:
        images, fillings: (N, side, side) or (N, side, side, 3).
        labels: (N, side, side), which part each pixel belongs to.
        parts: how many there are.

    Returns:
        (N, 2**parts, side, side) or (N, 2**parts, side, side, 3).
    """
    own = shown(parts)[:, labels].swapaxes(0, 1)
    own = own if images.ndim == 3 else own[..., None]
    return np.where(own, images[:, None], fillings[:, None])


def answers(
    classify: Callable[[Pixels], npt.NDArray[np.float32]],
    images: Pixels,
    fillings: Pixels,
    labels: Pixels,
    parts: int,
    title: str,
) -> npt.NDArray[np.float32]:
    """What a classifier says of every coalition, (N, 2**parts, classes); with a progress bar.

    Args:
        classify: probabilities (M, classes) of images (M, side, side[, 3]).
        images, fillings, labels, parts: see `compose`.
        title: of the bar.
    """
    step = max(1, SHOWN >> parts)
    found = []
    with tqdm(total=len(images), desc=title, unit="image", disable=None) as bar:
        for start in range(0, len(images), step):
            of = slice(start, start + step)
            seen = compose(images[of], fillings[of], labels[of], parts)
            said = classify(seen.reshape(-1, *seen.shape[2:]))
            found.append(said.reshape(*seen.shape[:2], -1))
            bar.update(len(seen))
    return np.concatenate(found)


def shapley(values: npt.NDArray[np.floating]) -> Floats:
    """What each part adds to a coalition, on average over all orders in which the parts may be shown.

    Exact: all coalitions are summed by their weights. The values of all parts sum to that of the image less that of
    none. Shapley, "A value for n-person games", Contributions to the Theory of Games 2, 1953.

    Args:
        values: (..., 2**parts), of every coalition.

    Returns:
        (..., parts).
    """
    parts = _parts(values)
    own = shown(parts)
    size = own.sum(axis=1)
    weight = [factorial(k) * factorial(parts - k - 1) / factorial(parts) for k in range(parts)]
    with_it, without = np.array([0, *weight])[size], np.array([*weight, 0])[size]
    return np.asarray(values.astype(np.float64) @ np.where(own, with_it[:, None], -without[:, None]))


def hidden(values: npt.NDArray[np.floating]) -> Floats:
    """What is lost where each part alone is hidden: (..., 2**parts) to (..., parts)."""
    every = 2 ** _parts(values) - 1
    others = [every - number([part]) for part in range(_parts(values))]
    return values[..., [every]].astype(np.float64) - values[..., others]


def alone(values: npt.NDArray[np.floating]) -> Floats:
    """What is gained over nothing where each part alone is shown: (..., 2**parts) to (..., parts)."""
    single = [number([part]) for part in range(_parts(values))]
    return values[..., single].astype(np.float64) - values[..., [0]]


METHODS: dict[str, Callable[[npt.NDArray[np.floating]], Floats]] = {
    "shapley": shapley,
    "hidden": hidden,
    "alone": alone,
}


def _parts(values: npt.NDArray[np.floating]) -> int:
    return int(values.shape[-1]).bit_length() - 1
