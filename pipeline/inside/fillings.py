"""What stands where a part of an image is hidden.

Whatever is filled in is itself unusual, and a network answers to it. So there are two fillings, as unlike each other as
they can be: one keeps where it is light and dark and takes the detail, the other keeps how much detail there is and
takes where it is. What holds with both is of the part that was hidden rather than of the filling.
"""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np
import numpy.typing as npt

BLUR = 1 / 8  # of the side of an image: the standard deviation of the blur, 6 of 48 pixels, a third of a mouth
SEED = 17  # of the noise; any would do

Pixels = npt.NDArray[np.uint8]


def blurred(images: Pixels) -> Pixels:
    """Images without detail: smoothed until mouth and eyes are spots.

    Args:
        images: (N, side, side) or (N, side, side, 3).
    """
    sigma = BLUR * images.shape[1]
    return np.stack([cv2.GaussianBlur(image, (0, 0), sigma, borderType=cv2.BORDER_REFLECT) for image in images])


def noise(images: Pixels) -> Pixels:
    """Noise with the mean and the spectrum of each image: as much of every fineness, but in no place.

    The phases of the Fourier transform are replaced by those of white noise, which are symmetric as those of a real
    image must be; all colours get the same. The same images get the same noise.

    Args:
        images: (N, side, side) or (N, side, side, 3).
    """
    rng = np.random.default_rng(SEED)
    filled = np.empty_like(images)
    for row, image in enumerate(images):
        phases = np.fft.fft2(rng.normal(size=image.shape[:2]))
        phases /= np.abs(phases)
        phases[0, 0] = 1  # the mean keeps its sign
        spectrum = np.abs(np.fft.fft2(image, axes=(0, 1)))
        moved = spectrum * (phases if image.ndim == 2 else phases[..., None])
        filled[row] = np.rint(np.fft.ifft2(moved, axes=(0, 1)).real).clip(0, 255)
    return filled


FILLINGS: dict[str, Callable[[Pixels], Pixels]] = {"blur": blurred, "noise": noise}
