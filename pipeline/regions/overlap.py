"""How well a region found by a landmark detector agrees with the true one."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from pipeline.faces.trials import VIEWS, FaceTests
from pipeline.regions.boxes import boxes
from pipeline.regions.definitions import Region


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


def box_overlap(tests: FaceTests, region: Region) -> dict[str, dict[str, float]]:
    """For each group and view the mean IoU of a region's box from found points with that from true points.

    Of an aligned region it is that of the squares before they are turned.
    """
    result: dict[str, dict[str, float]] = {group: {} for group in tests.groups()}
    for view, side in VIEWS.items():
        found, true = (boxes(kind[view], region, (side, side)) for kind in (tests.found, tests.true))
        overlaps = iou(found, true)
        for group, rows in tests.groups().items():
            result[group][view] = float(overlaps[rows].mean())
    return result
