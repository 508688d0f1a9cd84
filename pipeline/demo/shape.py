"""The 68 points of one neutral face, seen from the front, from a handful of proportions.

Everything in a head's own frame is measured in eye distances: the origin lies halfway between the pupils of
the average face, x grows to the right in the image, y grows downwards, and the pupils are 1 apart.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from pipeline.demo.canvas import smooth
from pipeline.faces.points import COUNT, MIRROR

Points = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Shape:
    """Proportions of one face; 1 is the average, unless the comment says eye distances."""

    width: float = 1.0
    length: float = 1.0  # from the eyes down to the chin
    squareness: float = 2.4  # exponent of the superellipse of the jaw: 2 is an oval, 3 a box
    eye_spacing: float = 1.0
    eye_size: float = 1.0
    eye_opening: float = 1.0
    eye_slant: float = 0.0  # how much the outer corner lies above the inner one, eye distances
    brow_height: float = 0.0  # above the average, eye distances
    brow_arch: float = 1.0
    nose_length: float = 1.0
    nose_width: float = 1.0
    mouth_width: float = 1.0
    mouth_drop: float = 0.0  # below the average, eye distances
    lip_fullness: float = 1.0


def random_shape(rng: np.random.Generator) -> Shape:
    """One person's proportions, with about the spread of adults' faces."""

    def around(mean: float, spread: float) -> float:
        return float(mean + spread * np.clip(rng.standard_normal(), -2, 2))

    return Shape(
        width=around(1, 0.05),
        length=around(1, 0.05),
        squareness=around(2.4, 0.2),
        eye_spacing=around(1, 0.03),
        eye_size=around(1, 0.08),
        eye_opening=around(1, 0.12),
        eye_slant=around(0, 0.015),
        brow_height=around(0, 0.025),
        brow_arch=around(1, 0.3),
        nose_length=around(1, 0.05),
        nose_width=around(1, 0.12),
        mouth_width=around(1, 0.08),
        mouth_drop=around(0, 0.03),
        lip_fullness=around(1, 0.2),
    )


# The average proportions of the image's left half and the midline, in eye distances.
JAW_HALF_WIDTH, CHIN = 1.14, 1.80
BROW = np.array([[-0.92, -0.22], [-0.78, -0.34], [-0.59, -0.38], [-0.39, -0.35], [-0.21, -0.28]])
BRIDGE = np.array([[0.0, 0.0], [0.0, 0.19], [0.0, 0.38], [0.0, 0.56]])
NOSTRILS = np.array([[-0.22, 0.69], [-0.11, 0.735], [0.0, 0.76]])
EYE = np.array([[-0.2, 0.01], [-0.08, -0.075], [0.075, -0.07], [0.2, 0.025], [0.075, 0.06], [-0.08, 0.06]])
MOUTH_HEIGHT = 1.09
# Relative to the middle of the mouth. Upper lip from the corner to the middle, then the lower lip; the inner
# lips touch in a neutral face.
UPPER_LIP = np.array([[-0.43, 0.0], [-0.27, -0.08], [-0.10, -0.125], [0.0, -0.105]])
LOWER_LIP = np.array([[-0.27, 0.11], [-0.12, 0.17], [0.0, 0.185]])
INNER_LIPS = np.array([[-0.37, 0.0], [-0.12, -0.005], [0.0, 0.003]])


def neutral_points(shape: Shape) -> Points:
    """The 68 points, (68, 2) in eye distances, of the face at rest, mirror-symmetric."""
    points = np.zeros((COUNT, 2))
    points[0:9] = half_jaw(shape)
    brow = BROW.copy()
    level = brow[[0, 4], 1].mean()
    brow[:, 1] = level + (brow[:, 1] - level) * shape.brow_arch - shape.brow_height
    points[17:22] = brow * [shape.eye_spacing, 1.0]
    points[27:31] = BRIDGE * [1.0, shape.nose_length]
    points[31:34] = NOSTRILS * [shape.nose_width, shape.nose_length]
    eye = EYE * shape.eye_size * [1.0, shape.eye_opening]
    eye[:, 1] += shape.eye_slant * eye[:, 0] / EYE[3, 0]
    points[36:42] = eye + [-0.5 * shape.eye_spacing, 0.0]
    middle = [0.0, MOUTH_HEIGHT * shape.length + shape.mouth_drop]
    lips = np.array([shape.mouth_width, shape.lip_fullness])
    points[48:52] = UPPER_LIP * lips + middle
    points[[59, 58, 57]] = LOWER_LIP * lips + middle
    points[[60, 61, 62]] = INNER_LIPS * lips + middle
    points[[67, 66]] = INNER_LIPS[1:] * lips + middle
    return mirrored_from_left(points)


def half_jaw(shape: Shape) -> Points:
    """Points 1 to 9, (9, 2): a quarter of a superellipse from beside the eye to the chin, evenly spaced."""
    angle = np.linspace(0, np.pi / 2, 200)
    power = 2 / shape.squareness
    curve = np.stack([-JAW_HALF_WIDTH * shape.width * np.cos(angle) ** power,
                      CHIN * shape.length * np.sin(angle) ** power], axis=1)  # fmt: skip
    travelled = np.concatenate([[0], np.cumsum(np.hypot(*np.diff(curve, axis=0).T))])
    places = np.linspace(0, travelled[-1], 9)
    half = np.stack([np.interp(places, travelled, curve[:, axis]) for axis in (0, 1)], axis=1)
    half[8, 0] = 0.0  # cos(pi / 2) is not quite zero
    return half


def mirrored_from_left(points: Points) -> Points:
    """The (68, 2) points with the right half replaced by the mirrored left half."""
    mirrored = points[MIRROR] * [-1.0, 1.0]
    is_given = (points[:, 0] < 0) | (np.arange(COUNT) == MIRROR)
    return np.where(is_given[:, None], points, mirrored)


def forehead(shape_points: Points) -> Points:
    """The outline of the bare skull above points 1 and 17, left to right, (n, 2)."""
    left, right = shape_points[0], shape_points[16]
    width = (right[0] - left[0]) / 2
    angle = np.linspace(np.pi, 2 * np.pi, 13)[1:-1]
    crown = np.stack([width * 1.02 * np.cos(angle), left[1] + 1.62 * width * 0.9 * np.sin(angle)], axis=1)
    return smooth(np.concatenate([left[None], crown, right[None]]), closed=False)
