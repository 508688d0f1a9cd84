"""Random changes of a face and its points, so that the landmark model works on what it is applied to.

That is 48 x 48 grey images which show the whole face, roughly in the middle, with no box given.
"""

from __future__ import annotations

import os
from collections.abc import Callable

import cv2
import numpy as np
import numpy.typing as npt

from pipeline import points as scheme
from pipeline.faces import SIDE, SPAN

os.environ["NO_ALBUMENTATIONS_UPDATE"] = "1"  # else it asks the network for a newer version at import
import albumentations as A  # noqa: E402

INPUT = 128  # side of the landmark model's input, in pixels
TIGHT = 1.2  # a face is shown in a square of this many times its points' extent
CROP = round(SIDE * TIGHT / SPAN)  # that square's side in a face image, in pixels

Augmented = tuple[npt.NDArray[np.uint8], npt.NDArray[np.float32]]


def augmentation(seed: int) -> Callable[[npt.NDArray[np.uint8], npt.NDArray[np.float32]], Augmented]:
    """A function that changes one face at random, the same sequence for the same seed.

    It takes a face image (SIDE, SIDE, 3) with its points (68, 2), and gives a grey (INPUT, INPUT) image with the
    points moved along, in its pixels.
    """
    compose = A.Compose(
        [
            # Place, size and rotation; at the edge the face is partly cut off.
            A.Affine(
                scale=(0.7, 1.15),
                rotate=(-30, 30),
                translate_percent=(-0.08, 0.08),
                keep_ratio=True,
                balanced_scale=True,
                border_mode=cv2.BORDER_REPLICATE,
                p=1.0,
            ),
            A.CenterCrop(CROP, CROP),
            A.Resize(INPUT, INPUT, interpolation=cv2.INTER_AREA),
            A.HueSaturationValue(hue_shift_limit=20, sat_shift_limit=40, val_shift_limit=20, p=0.3),
            A.RandomBrightnessContrast(brightness_limit=0.3, contrast_limit=0.3, p=0.7),
            A.RandomGamma(gamma_limit=(60, 160), p=0.3),
            A.ToGray(p=1.0),  # after the colours have changed: different colours give different greys
            # Partial crops: parts of the face are hidden.
            A.CoarseDropout(
                num_holes_range=(1, 2), hole_height_range=(0.1, 0.4), hole_width_range=(0.1, 0.4), fill="random", p=0.25
            ),
            # Down to 32 pixels, and back.
            A.Downscale(
                scale_range=(32 / INPUT, 100 / INPUT),
                interpolation_pair={"downscale": cv2.INTER_AREA, "upscale": cv2.INTER_LINEAR},
                p=0.75,
            ),
            A.GaussNoise(std_range=(0.01, 0.05), p=0.2),
        ],
        keypoint_params=A.KeypointParams(format="xy", remove_invisible=False),
        seed=seed,
    )
    flips = np.random.default_rng(seed)

    def augment(image: npt.NDArray[np.uint8], points: npt.NDArray[np.float32]) -> Augmented:
        if flips.random() < 0.5:  # not albumentations' own flip, which would not renumber the points
            image, points = np.ascontiguousarray(image[:, ::-1]), scheme.mirror(points, image.shape[1])
        changed = compose(image=image, keypoints=points)
        return changed["image"][..., 0], np.asarray(changed["keypoints"], np.float32)

    return augment


def cut_squares(
    images: npt.NDArray[np.uint8], points: npt.NDArray[np.float32], side: int, seed: int | None = None
) -> Augmented:
    """Cut the square around each face without changing it otherwise, as the landmark model is measured.

    Args:
        images: (N, SIDE, SIDE, 3) face images.
        points: (N, 68, 2) in their pixels.
        side: of the results, in pixels.
        seed: if given, the square's place and size are jittered by up to 5% of its side.

    Returns:
        (N, side, side) grey images, and the points in their pixels (N, 68, 2).
    """
    rng = np.random.default_rng(seed)
    grey = np.empty((len(images), side, side), np.uint8)
    moved = np.empty_like(points)
    for row, (image, face) in enumerate(zip(images, points, strict=True)):
        jitter = rng.uniform(-0.05, 0.05, 3) if seed is not None else np.zeros(3)
        low, high = face.min(0), face.max(0)
        square = TIGHT * float((high - low).max()) * (1 + jitter[2])
        corner = (low + high) / 2 + jitter[:2] * square - square / 2
        # Blurring before the warp is what keeps it free of aliasing where it shrinks.
        shrink = square / side
        smooth = cv2.GaussianBlur(image, (0, 0), 0.4 * shrink) if shrink > 1.2 else image
        matrix = np.array([[shrink, 0, corner[0] + shrink / 2], [0, shrink, corner[1] + shrink / 2]])
        cut = cv2.warpAffine(
            smooth, matrix, (side, side), flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP, borderMode=cv2.BORDER_REPLICATE
        )
        grey[row] = cv2.cvtColor(cut, cv2.COLOR_RGB2GRAY)
        moved[row] = (face - corner) / shrink - 0.5
    return grey, moved
