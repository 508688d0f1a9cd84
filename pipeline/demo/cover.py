"""What lies over a face: glasses, and things that hide a part of it."""

import numpy as np

from pipeline.demo.canvas import BLACK, Canvas, mix, smooth, unit_circle
from pipeline.demo.look import Look
from pipeline.demo.shape import Points

RIM = np.sign(unit_circle()) * np.abs(unit_circle()) ** 0.7 * [0.37, 0.27]  # a rounded box around an eye
FRAME_WIDTH = 0.045


def paint_glasses(canvas: Canvas, points: Points, look: Look) -> None:
    """Clear or dark glasses with a black frame."""
    if look.glasses == "none":
        return
    left, right = points[36:42].mean(axis=0), points[42:48].mean(axis=0)
    for eye, temple, side in ((left, points[0], -1), (right, points[16], 1)):
        rim = eye + [0.02 * side, 0.04] + RIM
        if look.glasses == "dark":
            canvas.fill(rim, (30.0, 25.0, 25.0))
        canvas.line(np.concatenate([rim, rim[:1]]), BLACK, FRAME_WIDTH)
        canvas.line([eye + [0.39 * side, 0.0], temple - [0.0, 0.02]], BLACK, FRAME_WIDTH)
    canvas.line([left + [0.36, 0.0], right - [0.36, 0.0]], BLACK, FRAME_WIDTH)


def paint_cover(canvas: Canvas, points: Points, look: Look) -> None:
    """The hand, scarf or strand of hair that hides a part of the face, if there is one."""
    painters = {"none": None, "hand": paint_hand, "scarf": paint_scarf, "hair": paint_strand}
    painter = painters[look.cover]
    if painter is not None:
        painter(canvas, points, look)


def paint_scarf(canvas: Canvas, points: Points, look: Look) -> None:
    """Cloth over nose tip, mouth and chin, with folds."""
    edge = smooth(points[[2, 31, 33, 35, 14]] * [1.08, 1.0] + [0.0, 0.08], closed=False)
    drape = smooth([[1.25, 1.5], [0.9, 2.2], [0.0, 2.45], [-0.9, 2.2], [-1.25, 1.5]], closed=False)
    canvas.fill(np.concatenate([edge, drape]), look.cloth)
    for drop in (0.2, 0.5, 0.8):
        canvas.line(edge * [1.0, 1.0 + 0.2 * drop] + [0.0, drop], mix(look.cloth, BLACK, 0.4), 0.05)


def paint_strand(canvas: Canvas, points: Points, look: Look) -> None:
    """Hair that falls over one eye and its cheek."""
    outline = [[0.15, -1.5], [0.3, -0.6], [0.5, 0.2], [0.85, 1.0], [1.15, 0.9], [1.2, -0.6]]
    canvas.fill(smooth(outline, closed=True) * [look.side, 1.0], mix(look.hair, BLACK, 0.15))


def paint_hand(canvas: Canvas, points: Points, look: Look) -> None:
    """A hand at the cheek: the palm at the chin and four fingers that reach up beside the mouth."""
    corner = points[12 if look.side > 0 else 4]
    palm = 0.4 * points[8] + 0.6 * corner + [0.1 * look.side, 0.35]
    # Each part is painted twice, the darker one wider, which leaves an outline.
    edge, tone = mix(look.skin, BLACK, 0.5), mix(look.skin, BLACK, 0.08)
    canvas.ellipse(palm, (0.46, 0.52), edge)
    for finger, reach in enumerate((0.95, 1.15, 1.1, 0.85)):
        root = palm + [look.side * (-0.33 + 0.21 * finger), -0.15]
        tip = root + [look.side * (-0.12 + 0.05 * finger), -reach]
        canvas.line([root, tip], edge, 0.26)
        canvas.line([root, tip], tone, 0.18)
    canvas.ellipse(palm, (0.42, 0.48), tone)
