"""A head as a relief: its depth above the image plane, how light falls on it, and how it looks when it turns.

The face is painted once from the front, in eye distances. Turning it moves every place by its depth, so the
points and the pixels move by the same rule and stay together exactly.
"""

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from pipeline.demo.action_units import Activations
from pipeline.demo.canvas import Canvas
from pipeline.demo.shape import Points

Array = npt.NDArray[np.float32]

# The part of the head's frame that is painted, in eye distances: left, top and both sides' length.
LEFT, TOP, SIDE = -2.5, -2.5, 5.2
CELLS = 80  # of the depth map along each side: a cell is a third of a nostril

DEPTH, HALF_WIDTH, HALF_HEIGHT, MIDDLE = 0.55, 1.2, 1.9, 0.2  # the smooth egg below the features
PIVOT = np.array([0.0, 0.7])  # the middle of the face, about which it turns

# Bumps on the egg: x, y, width, height (standard deviations), and how far they stand out. Slopes stay below
# about 1.3, so that a head turned by 32 degrees hides no part of itself and each pixel shows one place.
BUMPS = np.array([
    [0.00, 0.56, 0.20, 0.19, 0.22],   # tip of the nose
    [0.00, 0.28, 0.16, 0.26, 0.16],   # bridge
    [-0.17, 0.66, 0.12, 0.11, 0.05], [0.17, 0.66, 0.12, 0.11, 0.05],    # wings of the nose
    [-0.48, 0.02, 0.26, 0.15, -0.11], [0.48, 0.02, 0.26, 0.15, -0.11],  # eye sockets
    [-0.45, -0.34, 0.34, 0.10, 0.06], [0.45, -0.34, 0.34, 0.10, 0.06],  # brow ridges
    [-0.66, 0.52, 0.26, 0.22, 0.09], [0.66, 0.52, 0.26, 0.22, 0.09],    # cheekbones
    [0.00, 1.02, 0.26, 0.07, 0.06], [0.00, 1.24, 0.24, 0.08, 0.07],     # lips
    [0.00, 1.40, 0.24, 0.06, -0.05],  # the hollow under the lower lip
    [0.00, 1.62, 0.26, 0.15, 0.10],   # chin
])  # fmt: skip
CHEEKS = slice(8, 10)


def head_canvas(size: int, *channels: int) -> Canvas:
    """A black canvas over the painted part of the head's frame, of `size` pixels a side."""
    half = SIDE / size / 2
    return Canvas(np.zeros((size, size, *channels), np.uint8), (LEFT + half, TOP + half), size / SIDE)


def depth_map(activations: Activations) -> Array:
    """Depth towards the viewer in eye distances, (CELLS, CELLS), of the painted part of the head's frame."""
    bumps = BUMPS.copy()
    raised = 0.6 * activations.get(6, 0.0) + 0.4 * activations.get(12, 0.0)
    bumps[CHEEKS, 4] += 0.07 * raised
    bumps[CHEEKS, 1] -= 0.08 * raised
    x, y, wide, high, out = bumps.T[:, :, None]
    across = (np.arange(CELLS) + 0.5) * SIDE / CELLS + LEFT
    down = (np.arange(CELLS) + 0.5) * SIDE / CELLS + TOP
    relief = (out * np.exp(-(((down - y) / high) ** 2) / 2)).T @ np.exp(-(((across - x) / wide) ** 2) / 2)
    radius = np.hypot(across[None, :] / HALF_WIDTH, (down[:, None] - MIDDLE) / HALF_HEIGHT)
    egg = -DEPTH * np.where(radius < 1, radius**2, 2 * radius - 1)  # straight outside, or it would fold over
    return np.asarray(egg + relief, dtype=np.float32)


def sampled(image: npt.NDArray[Any], places: Array) -> npt.NDArray[Any]:
    """What a square map of the painted part shows at places of the head's frame, (2, h, w), interpolated."""
    cells = np.float32(len(image) / SIDE)
    x = (places[0] - np.float32(LEFT)) * cells - np.float32(0.5)
    y = (places[1] - np.float32(TOP)) * cells - np.float32(0.5)
    return np.asarray(cv2.remap(image, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE))


@dataclass(frozen=True)
class View:
    """How the head is turned and where it stands in the image.

    Angles are in degrees: yaw turns the nose to the image's right, pitch down, roll tilts the head clockwise.
    `scale` is one eye distance in pixels and (`x`, `y`) where the middle of the face falls, in pixels.
    """

    yaw: float
    pitch: float
    roll: float
    scale: float
    x: float
    y: float

    def rotation(self) -> npt.NDArray[np.float64]:
        """From the head's axes (right, down, towards the viewer) to the camera's, (3, 3)."""
        yaw, pitch, roll = np.deg2rad([self.yaw, self.pitch, self.roll])
        turn = np.array([[np.cos(yaw), 0, np.sin(yaw)], [0, 1, 0], [-np.sin(yaw), 0, np.cos(yaw)]])
        nod = np.array([[1, 0, 0], [0, np.cos(pitch), np.sin(pitch)], [0, -np.sin(pitch), np.cos(pitch)]])
        tilt = np.array([[np.cos(roll), -np.sin(roll), 0], [np.sin(roll), np.cos(roll), 0], [0, 0, 1]])
        return np.asarray(tilt @ nod @ turn)


def projected(points: Points, depth: Array, view: View) -> Points:
    """Places in the head's frame, (n, 2) in eye distances, as pixels of the image, (n, 2)."""
    above = sampled(depth, points.T.astype(np.float32)[:, None])[0]
    solid = np.column_stack([points - PIVOT, above])
    return np.asarray(view.scale * (solid @ view.rotation()[:2].T) + [view.x, view.y])


STEPS = 12  # of the fixed-point iteration below; what is left in the strongest pose is under half a pixel


def places_seen(depth: Array, view: View, height: int, width: int) -> Array:
    """The place in the head's frame that each pixel shows, (2, height, width): the inverse of `projected`."""
    rotation = view.rotation()
    flat = np.linalg.inv(rotation[:2, :2])
    affine = flat / view.scale
    # A place at depth 0 lies at `start`; one that stands out is found farther along `slide`.
    slide = (flat @ rotation[:2, 2]).astype(np.float32)[:, None, None]
    offset = PIVOT - affine @ [view.x, view.y]
    column, row = np.arange(width)[None, :], np.arange(height)[:, None]
    start = np.stack([a * column + b * row + c for (a, b), c in zip(affine, offset, strict=True)])
    start = start.astype(np.float32)
    places: Array = start
    for _ in range(STEPS):
        places = start - slide * sampled(depth, places)
    return places


def shading(depth: Array, view: View, light: npt.NDArray[np.float64], ambient: float) -> Array:
    """Brightness on the head, (CELLS, CELLS), 1 where it faces the light.

    `light` points from the head to the light in the camera's axes; `ambient` is the share from everywhere.
    """
    down, across = np.gradient(depth, SIDE / CELLS)
    towards = view.rotation().T @ (light / np.linalg.norm(light))
    facing = (towards[2] - across * towards[0] - down * towards[1]) / np.sqrt(1 + across**2 + down**2)
    return np.asarray(ambient + (1 - ambient) * np.maximum(facing, 0), dtype=np.float32)
