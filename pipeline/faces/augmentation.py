"""Random changes of a face and its points, so that the landmark model works on what it is applied to.

That is 48 x 48 grey images which show the whole face, roughly in the middle, with no box given.
"""

from __future__ import annotations

import os
import random
from functools import cache

import cv2
import numpy as np
import numpy.typing as npt

from pipeline.faces import points as scheme
from pipeline.faces.face_images import SIDE, SPAN
from pipeline.faces.squares import INPUT, TIGHT, GreyFace

os.environ["NO_ALBUMENTATIONS_UPDATE"] = "1"  # else it asks the network for a newer version at import
import albumentations as A  # noqa: E402

CROP = round(SIDE * TIGHT / SPAN)  # that square's side in a face image, in pixels


def augment_face(image: npt.NDArray[np.uint8], points: npt.NDArray[np.float32], seed: int) -> GreyFace:
    """Change a face at random, in the same way for the same seed.

    Args:
        image: (SIDE, SIDE, 3).
        points: (68, 2), in its pixels.
        seed: from 0 to 2**32 - 1. Every face of every epoch has its own: so it does not matter which process changes
            it, nor what was changed before.

    Returns:
        a grey image (INPUT, INPUT), and the points moved along, in its pixels.
    """
    draws = np.random.default_rng(seed)
    if draws.random() < 0.5:  # not albumentations' own flip, which would not renumber the points
        image, points = np.ascontiguousarray(image[:, ::-1]), scheme.mirror(points, image.shape[1])
    changes = _changes()
    # All changes draw from the same generators, one after another. `set_random_seed` would give each its own, all
    # alike: changes of the same probability would come together or not at all.
    changes.set_random_state(draws, random.Random(int(draws.integers(2**63))))
    changed = changes(image=image, keypoints=points)
    return changed["image"][..., 0], np.asarray(changed["keypoints"], np.float32)


@cache
def _changes() -> A.Compose:
    """What is done to a face, made once in a process."""
    return A.Compose(
        [
            # Place, size and rotation; at the edge the face is partly cut off.
            A.Affine(
                scale=(0.8, 1.15),
                rotate=(-25, 25),
                translate_percent=(-0.06, 0.06),
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
                num_holes_range=(1, 2), hole_height_range=(0.1, 0.4), hole_width_range=(0.1, 0.4), fill="random", p=0.3
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
    )
