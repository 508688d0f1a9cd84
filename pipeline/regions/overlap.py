"""How well a region found by a landmark detector agrees with the true one."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

from pipeline.faces.trials import VIEWS, FaceTests
from pipeline.regions.alignment import align_eyes
from pipeline.regions.boxes import boxes
from pipeline.regions.definitions import Aligned, Region


def iou(a: npt.NDArray[np.float32], b: npt.NDArray[np.float32]) -> npt.NDArray[np.float64]:
    """Intersection over union of each box in `a` with the box in the same row of `b`.

    Args:
        a, b: (N, 4), x0, y0, x1, y1 in continuous pixel edges.

    Returns:
        (N,), from 0 (apart) to 1 (the same).

    Raises:
        ValueError: the shapes differ, or a box is empty.
    """
    if a.shape != b.shape:
        raise ValueError(f"boxes {a.shape} and {b.shape} differ in shape")
    a, b = a.astype(np.float64), b.astype(np.float64)
    size_a, size_b = a[:, 2:] - a[:, :2], b[:, 2:] - b[:, :2]
    if not ((size_a > 0).all() and (size_b > 0).all()):
        raise ValueError("a box is empty")
    shared = np.minimum(a[:, 2:], b[:, 2:]) - np.maximum(a[:, :2], b[:, :2])
    intersection = np.clip(shared, 0, None).prod(axis=1)
    union = size_a.prod(axis=1) + size_b.prod(axis=1) - intersection
    fraction: npt.NDArray[np.float64] = intersection / union
    return fraction


def turned_iou(
    a: npt.NDArray[np.float32],
    a_turns: npt.NDArray[np.float32],
    b: npt.NDArray[np.float32],
    b_turns: npt.NDArray[np.float32],
) -> npt.NDArray[np.float64]:
    """Like `iou`, of boxes that are turned about their centres by radians (N,), see `alignment.align_eyes`."""
    shared = np.empty(len(a))
    for row, pair in enumerate(zip(_corners(a, a_turns), _corners(b, b_turns), strict=True)):
        shared[row], _ = cv2.intersectConvexConvex(*pair)
    of_a, of_b = ((of[:, 2:].astype(np.float64) - of[:, :2]).prod(axis=1) for of in (a, b))
    return np.asarray(shared / (of_a + of_b - shared))


def _corners(where: npt.NDArray[np.float32], turns: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """The corners of turned boxes, (N, 4) and (N,) to (N, 4, 2)."""
    low, high = where[:, None, :2].astype(np.float64), where[:, None, 2:].astype(np.float64)
    upright = np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]]) * (high - low) / 2
    cosine, sine = np.cos(turns.astype(np.float64)), np.sin(turns.astype(np.float64))
    turned = upright @ np.stack([[cosine, sine], [-sine, cosine]]).transpose(2, 0, 1)
    return np.asarray(turned + (low + high) / 2, np.float32)


def box_overlap(tests: FaceTests, region: Region) -> dict[str, dict[str, float]]:
    """For each group and view the mean IoU of a region's box from found points with that from true points."""
    result: dict[str, dict[str, float]] = {group: {} for group in tests.groups()}
    for view, side in VIEWS.items():
        if isinstance(region, Aligned):
            overlaps = turned_iou(*align_eyes(tests.found[view]), *align_eyes(tests.true[view]))
        else:
            overlaps = iou(*(boxes(kind[view], region, (side, side)) for kind in (tests.found, tests.true)))
        for group, rows in tests.groups().items():
            result[group][view] = float(overlaps[rows].mean())
    return result
