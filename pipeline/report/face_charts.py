"""Faces drawn from points alone, their parts shaded by a number, and the colours that stand for it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt
from markupsafe import Markup

from pipeline.faces.points import CONTOURS
from pipeline.regions.definitions import Outlined, Part
from pipeline.regions.parts import outlines

UNIT = 100  # of the drawing: an inter-ocular distance
BOX = (-110, -115, 220, 265)  # what is seen: left, top, width and height; a face with its eyes about (0, 0)
COLUMNS, GAP, CAPTION = 4, 16, 80  # of a poster


def shade(value: float, most: float) -> Markup:
    """The attributes of an element that is coloured by a number.

    The style sheet mixes the colour of paper with one of two others, by classes and a share; 0 is paper. The share goes
    with the square root, so that what is a quarter of the most is half as strong and still seen.

    Args:
        value: more than 0 is warm, less is cool.
        most: the number of full colour.
    """
    share = min(1.0, abs(value) / most) ** 0.5 if most > 0 else 0.0
    kind = "more" if value >= 0 else "less"
    return Markup('class="shade {}" style="--share:{}%"').format(kind, round(100 * share))


def ramp(most: float) -> Markup:
    """What the colours stand for; `most`, in points, is full colour."""
    marks = "".join(f"<span>{mark:+.0f}</span>" if mark else "<span>0</span>" for mark in _marks(most))
    text = '<div class="ramp"><div class="colours" aria-hidden="true"></div><div class="marks">{}</div></div>'
    return Markup(text).format(Markup(marks))


def _marks(most: float) -> list[float]:
    return [-most, -most / 4, 0, most / 4, most]


def painted(
    points: npt.NDArray[np.float32],
    parts: Mapping[str, Part],
    values: Sequence[float],
    hints: Sequence[str],
    most: float,
) -> Markup:
    """What `face` and `poster` put a frame around: a face whose parts are coloured by numbers.

    Args:
        points: (68, 2), upright, in inter-ocular distances, see `inside.mean_face`.
        parts: their definitions.
        values: a number a part.
        hints: what each part says under the mouse.
        most: the number of full colour.
    """
    drawn = []
    # The first part that holds a pixel has it, so the first is drawn on top.
    for part, value, hint in reversed(list(zip(parts.values(), values, hints, strict=True))):
        colour, said = shade(value, most), Markup("<title>{}</title>").format(hint)
        if part == "rest":
            left, top, width, height = BOX
            shape = '<rect {} x="{}" y="{}" width="{}" height="{}">{}</rect>'
            drawn.append(Markup(shape).format(colour, left, top, width, height, said))
        margin = 2 * UNIT * part.margin if isinstance(part, Outlined) else 0.0
        for corners in outlines(points, part):
            shape = '<polygon {} stroke-width="{}" points="{}">{}</polygon>'
            drawn.append(Markup(shape).format(colour, f"{margin:g}", _places(corners), said))
    for contour, closed in CONTOURS:
        kind = "polygon" if closed else "polyline"
        drawn.append(Markup('<{} class="contour" points="{}"/>').format(Markup(kind), _places(points[contour])))
    return Markup("").join(drawn)


def face(painting: Markup, title: str) -> Markup:
    """A face for the page; `title` is what a reader who does not see it is told."""
    whole = '<svg class="face" viewBox="{}" role="img" aria-label="{}">{}</svg>'
    return Markup(whole).format(" ".join(map(str, BOX)), title, painting)


def poster(faces: Sequence[tuple[Sequence[str], Markup]], most: float, style: str) -> str:
    """A picture of its own, an SVG file, of several faces and of what their colours stand for.

    Args:
        faces: of each three lines of text and its painting.
        most: in points, is full colour.
        style: the style sheet that the page has.
    """
    width, height = BOX[2:]
    rows = -(-len(faces) // COLUMNS)
    across, down = COLUMNS * (width + GAP) - GAP, rows * (height + CAPTION)
    drawn = []
    for place, (lines, painting) in enumerate(faces):
        x, y = place % COLUMNS * (width + GAP), place // COLUMNS * (height + CAPTION)
        frame = '<svg x="{}" y="{}" width="{}" height="{}" viewBox="{}">{}</svg>'
        drawn.append(Markup(frame).format(x, y, width, height, " ".join(map(str, BOX)), painting))
        for number, text in enumerate(lines, 1):
            said = '<text x="{}" y="{}" text-anchor="middle">{}</text>'
            drawn.append(Markup(said).format(x + width / 2, y + height + 21 * number, text))
    bar = '<rect x="{}" y="{}" width="{}" height="14" fill="url(#ramp)" class="frame"/>'
    drawn.append(Markup(bar).format(across / 4, down + 6, across / 2))
    for place, mark in enumerate(_marks(most)):
        said = '<text x="{}" y="{}" text-anchor="middle">{}</text>'
        drawn.append(Markup(said).format(across * (2 + place) / 8, down + 40, f"{mark:+.0f}" if mark else "0"))
    whole = (
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="{} {} {} {}" font-size="17"><style>{}{}</style>'
        '<linearGradient id="ramp"><stop stop-color="var(--cool)"/><stop offset=".5" stop-color="var(--paper)"/>'
        '<stop offset="1" stop-color="var(--warm)"/></linearGradient>'
        '<rect x="{}" y="{}" width="{}" height="{}" fill="var(--paper)"/>{}</svg>\n'
    )
    box = -GAP, -GAP, across + 2 * GAP, down + 50 + 2 * GAP
    own = "text { font-family: system-ui, sans-serif; fill: var(--ink) } .frame { stroke: var(--line) }"
    return str(Markup(whole).format(*box, Markup(style), Markup(own), *box, Markup("").join(drawn)))


def _places(corners: npt.NDArray[np.floating]) -> str:
    return " ".join(f"{x:.1f},{y:.1f}" for x, y in (UNIT * corners).tolist())
