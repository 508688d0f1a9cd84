"""Paints a head from the front, in its own frame, from the 68 points, the look and the action units."""

import numpy as np
import numpy.typing as npt

from pipeline.demo.action_units import Activations
from pipeline.demo.canvas import BLACK, Canvas, mix, smooth
from pipeline.demo.cover import paint_cover, paint_glasses
from pipeline.demo.hair import paint_back_hair, paint_beard, paint_front_hair, paint_hair_all_over
from pipeline.demo.look import Look
from pipeline.demo.relief import SIDE, head_canvas
from pipeline.demo.shape import Points, forehead
from pipeline.demo.skin import fold_skin

IRIS = 0.105  # radius, eye distances
ENAMEL = (212.0, 222.0, 228.0)  # teeth, and the whites of eyes where the light is full
TOOTH = 0.13  # visible height of the upper front teeth, eye distances


def paint_head(
    points: Points,
    look: Look,
    activations: Activations,
    scale: float,
    rng: np.random.Generator,
    from_behind: bool = False,
) -> npt.NDArray[np.uint8]:
    """The evenly lit head: (n, n, 4) uint8, blue, green, red premultiplied by the cover in the last channel.

    Args:
        points: (68, 2), frontal, in eye distances.
        scale: pixels an eye distance.
        from_behind: paint the back of the head.
    """
    canvas = head_canvas(round(SIDE * scale), 4)
    paint_back_hair(canvas, points, look)
    for ear in (points[0], points[16]):
        canvas.ellipse(ear + [0.0, 0.22], (0.14, 0.27), mix(look.skin, BLACK, 0.15))
    canvas.fill(np.concatenate([smooth(points[:17], closed=False), forehead(points)[::-1]]), look.skin)
    if from_behind:
        paint_hair_all_over(canvas, points, look, rng)
        return canvas.image
    fold_skin(canvas, points, activations, look.age)
    paint_beard(canvas, points, look, rng)
    for eye in (points[36:42], points[42:48]):
        paint_eye(canvas, eye, look)
    for brow in (points[17:22], points[26:21:-1]):
        paint_brow(canvas, brow, look)
    for wing, middle in (points[[31, 32]], points[[35, 34]]):
        canvas.ellipse((wing + 2 * middle) / 3 - [0.0, 0.03], (0.055, 0.028), mix(look.skin, BLACK, 0.65))
    paint_mouth(canvas, points[48:68], look, activations)
    paint_glasses(canvas, points, look)
    paint_front_hair(canvas, points, look, rng)
    paint_cover(canvas, points, look)
    return canvas.image


def between(upper: Points, lower: Points) -> Points:
    """The outline of what lies between two smooth curves that run the same way."""
    return np.concatenate([smooth(upper, closed=False), smooth(lower, closed=False)[::-1]])


def paint_eye(canvas: Canvas, eye: Points, look: Look) -> None:
    """The white, the iris where the lids leave it visible, and the lashes; `eye` is (6, 2)."""
    upper, lower = eye[[0, 1, 2, 3]], eye[[0, 5, 4, 3]]
    # The iris hangs on the corners, not on the lids: so wide eyes show white above it.
    iris = (eye[0] + eye[3]) / 2 + look.gaze - [0.0, 0.02]

    def eyeball(part: Canvas) -> None:
        part.fill(between(upper, lower), mix(look.skin, ENAMEL, 0.7))
        part.ellipse(iris, (IRIS, IRIS), mix(look.iris, BLACK, 0.2))
        part.ellipse(iris, (IRIS / 2, IRIS / 2), BLACK)
        part.ellipse(iris + [0.03, -0.035], (0.022, 0.022), ENAMEL)

    canvas.inside(between(upper, lower), eyeball)
    canvas.line(smooth(lower, closed=False), mix(look.skin, BLACK, 0.4), 0.015)
    canvas.line(smooth(upper, closed=False), mix(look.skin, BLACK, 0.88), 0.035)


def paint_brow(canvas: Canvas, brow: Points, look: Look) -> None:
    """One brow, (5, 2) from its outer end inwards: thin outside, thickest at two thirds."""
    half = look.brow_thickness * np.array([0.15, 0.35, 0.45, 0.5, 0.42])[:, None] * [0.0, 1.0]
    canvas.fill(between(brow - half, brow + half), mix(look.hair, mix(look.skin, BLACK, 0.75), 0.45))


def paint_mouth(canvas: Canvas, mouth: Points, look: Look, activations: Activations) -> None:
    """The lips, and where they part, teeth and tongue; `mouth` is points 49 to 68, (20, 2)."""
    upper, lower = mouth[0:7], mouth[[0, 11, 10, 9, 8, 7, 6]]
    inner_upper, inner_lower = mouth[12:17], mouth[[12, 19, 18, 17, 16]]
    for corner in (mouth[0], mouth[6]):
        canvas.ellipse(corner, (0.04, 0.028), mix(look.skin, BLACK, 0.5))
    canvas.fill(between(upper, lower), look.lips)
    canvas.fill(between(upper, inner_upper), mix(look.lips, BLACK, 0.18))  # it faces down
    if inner_lower[2, 1] - inner_upper[2, 1] > 0.03:
        opening = between(inner_upper, inner_lower)
        canvas.inside(opening, lambda part: paint_inside_mouth(part, inner_upper, inner_lower, activations))
    else:
        canvas.line(smooth((inner_upper + inner_lower) / 2, closed=False), mix(look.lips, BLACK, 0.7), 0.03)


def paint_inside_mouth(canvas: Canvas, upper: Points, lower: Points, activations: Activations) -> None:
    """Darkness, tongue and teeth between the inner edges of the lips, each (5, 2)."""
    gap = lower[2, 1] - upper[2, 1]
    canvas.fill(between(upper, lower), (22.0, 16.0, 44.0))
    if gap > 2 * TOOTH:
        canvas.ellipse(lower[2] + [0.0, 0.02], (0.24, 0.3 * gap), (80.0, 70.0, 160.0))
    # A smile lifts the lip off the teeth; a jaw that merely drops leaves most of them hidden behind it.
    shown = TOOTH if gap < 2 * TOOTH or activations.get(12, 0.0) > 0.4 else 0.25 * TOOTH
    canvas.fill(between(upper, upper + [0.0, shown]), ENAMEL)
    if activations.get(16, 0.0) > 0.3:
        canvas.fill(between(lower - [0.0, 0.4 * TOOTH], lower), ENAMEL)
