"""Face images that are dark but for one bright spot, to see where a point goes."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from pipeline.faces.face_images import SIDE
from pipeline.faces.points import COUNT

Points = npt.NDArray[np.float32]


def face_points(seed: int = 0) -> Points:
    """Points that fill the middle of a face image, as `faces.cut_square` leaves them."""
    found = np.random.default_rng(seed).uniform(60, 164, (COUNT, 2)).astype(np.float32)
    found[0], found[16] = (52, 52), (172, 172)
    return found


def dotted(found: Points, number: int) -> npt.NDArray[np.uint8]:
    """A dark image with a bright spot at one of the points."""
    y, x = np.mgrid[:SIDE, :SIDE]
    spot = np.exp(-((x - found[number, 0]) ** 2 + (y - found[number, 1]) ** 2) / (2 * 4**2))
    return np.repeat((30 + 200 * spot).astype(np.uint8)[..., None], 3, axis=2)


def brightest(image: npt.NDArray[Any]) -> npt.NDArray[np.float64]:
    """Where the middle of the bright spot is: x, y."""
    weight = np.clip(image.astype(np.float64) - (image.min() / 2 + image.max() / 2), 0, None)
    y, x = np.mgrid[: image.shape[0], : image.shape[1]]
    middle: npt.NDArray[np.float64] = np.array([(weight * x).sum(), (weight * y).sum()]) / weight.sum()
    return middle
