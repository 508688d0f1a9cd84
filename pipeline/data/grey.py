"""Images as grey levels, and whether they show anything."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

from pipeline.common.arrays import mapped

# Below this standard deviation of its grey levels an image shows nothing.
MIN_CONTRAST = 4.0

BLOCK = 64  # images that are looked at together; all of them may not fit into memory


def to_grey(images: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    """The grey levels of images: (N, H, W, 3) RGB to (N, H, W); grey ones (N, H, W) as they are."""
    if images.ndim == 3:
        return images
    grey = np.empty(images.shape[:3], np.uint8)
    for row, image in enumerate(images):
        grey[row] = cv2.cvtColor(np.ascontiguousarray(image), cv2.COLOR_RGB2GRAY)
    return grey


def grey_on_disk(images: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    """`to_grey` of a whole data set, whose grey levels may not fit into memory either: mapped from the disk."""
    if images.ndim == 3:
        return images
    return mapped((to_grey(image[None]) for image in images), images.shape[1:3])


def contrast(images: npt.NDArray[np.uint8]) -> npt.NDArray[np.float64]:
    """The standard deviation of each image's grey levels: (N, H, W) or (N, H, W, 3) to (N,)."""
    deviation = np.empty(len(images))
    for start in range(0, len(images), BLOCK):
        part = slice(start, start + BLOCK)
        levels = to_grey(images[part]).reshape(-1, images.shape[1] * images.shape[2])
        # In whole numbers: 0 is exactly 0, and no copy in float64 is made, which also takes 20 times as long.
        sums, squares = levels.sum(axis=1, dtype=np.int64), np.einsum("np,np->n", levels, levels, dtype=np.int64)
        deviation[part] = np.sqrt(levels.shape[1] * squares - sums**2) / levels.shape[1]
    return deviation
