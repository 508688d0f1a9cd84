"""The charts of the report page.

They are SVG without a size of its own: lengths are in percent, so that a chart is as wide as its place
while its lines and letters stay as they are on a phone too, and colours come from the page's style sheet, by classes,
so that they follow light and dark.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from markupsafe import Markup
from matplotlib.ticker import MaxNLocator

# Styles of lines that the page's style sheet knows, `line-0` and so on: a colour and a dash pattern each.
STYLES = 8

STRIP_TICKS = 4  # at most so many parts has the axis of a forest plot, which is narrow on a phone

WIDE = 1000  # the box that a line is drawn in, stretched over the plot


class Axis(NamedTuple):
    """What one direction of a plot means, and from where to where it goes."""

    label: str
    low: float
    high: float


class Line(NamedTuple):
    """One line of a chart.

    Attributes:
        style: classes for the style sheet, `line-0` for example.
        x, y: (N,), in the units of the axes. The line breaks where one of them is not finite.
        hints: (N,), what each point says under the mouse; empty for a line without points.
        radii: (N,), of the points in pixels; empty for all alike.
        chosen: which point bears a ring, if any.
    """

    style: str
    x: Sequence[float]
    y: Sequence[float]
    hints: Sequence[str] = ()
    radii: Sequence[float] = ()
    chosen: int | None = None


def line_style(number: int) -> str:
    """The style of the region (or network) of this number; after `STYLES` of them they come again."""
    return f"line-{number % STYLES}"


def axis(label: str, values: Iterable[float], whole: bool = False) -> Axis:
    """An axis that holds these values and ends at round numbers.

    Args:
        label: what stands beside it.
        values: what it must hold; those that are not finite do not count.
        whole: whether it ends at the outermost values instead, since they are whole numbers.
    """
    finite = [value for value in values if math.isfinite(value)] or [0.0, 1.0]
    low, high = min(finite), max(finite)
    if low == high:
        low, high = low - 0.5, high + 0.5
    if whole:
        return Axis(label, low, high)
    ticks = _locator().tick_values(low, high)
    return Axis(label, float(ticks[0]), float(ticks[-1]))


def chart(lines: Sequence[Line], x: Axis, y: Axis, title: str) -> Markup:
    """A chart of lines as an element of the page.

    Args:
        lines: drawn in this order, the last on top.
        x, y: the axes; what lies outside of them is drawn outside of the plot.
        title: what a reader who does not see it is told.
    """
    parts = []
    for value, text in _ticks(x, whole=all(_is_whole(line.x) for line in lines)):
        place = _percent(value, x)
        parts.append(_tag('<line class="grid" x1="{0}" x2="{0}" y1="0" y2="100%"/>', place))
        parts.append(_tag('<text x="{}" y="100%" dy="1.4em" text-anchor="middle">{}</text>', place, text))
    for value, text in _ticks(y):
        place = _percent(value, y, upward=True)
        parts.append(_tag('<line class="grid" x1="0" x2="100%" y1="{0}" y2="{0}"/>', place))
        parts.append(_tag('<text x="0" y="{}" dx="-.5em" dy=".35em" text-anchor="end">{}</text>', place, text))
    parts.append(_tag('<text x="50%" y="100%" dy="2.9em" text-anchor="middle">{}</text>', x.label))
    parts.append(_tag('<text x="0" y="0" dx="-2.6em" dy="-.9em">{}</text>', y.label))
    paths = [_tag('<path class="{}" d="{}"/>', line.style, _path(line, x, y)) for line in lines]
    parts.append(_tag('<svg viewBox="0 0 {0} {0}" preserveAspectRatio="none">{1}</svg>', WIDE, _join(paths)))
    parts += [_points(line, x, y) for line in lines]
    return _tag('<div class="chart"><svg role="img" aria-label="{}">{}</svg></div>', title, _join(parts))


def interval(style: str, low: float, value: float, high: float, x: Axis, filled: bool, summary: bool) -> Markup:
    """One row of a forest plot: a value and its interval on a line from `x.low` to `x.high`.

    Args:
        style: see `Line`.
        low, value, high: in the units of `x`.
        x: the axis; the strip has a mark at each of its ticks, a stronger one at 0.
        filled: whether the value is drawn solid, for what is significant, or hollow.
        summary: whether it is drawn as a diamond, for what stands for several rows.
    """
    parts = []
    for tick, _ in _ticks(x, STRIP_TICKS):
        kind = "zero" if tick == 0 else "grid"
        parts.append(_tag('<line class="{0}" x1="{1}" x2="{1}" y1="0" y2="100%"/>', kind, _percent(tick, x)))
    ends = _percent(low, x), _percent(high, x)
    parts.append(_tag('<line class="{} range" x1="{}" x2="{}" y1="50%" y2="50%"/>', style, *ends))
    shape = "M-8 0 0-7 8 0 0 7z" if summary else "M-4.5-4.5h9v9h-9z"
    kind = style if filled else f"{style} hollow"
    # A box without a size puts its middle, which a path cannot do, at a percentage.
    mark = '<svg x="{}" y="50%"><path class="{} mark" d="{}"/></svg>'
    parts.append(_tag(mark, _percent(value, x), kind, shape))
    return _tag('<svg class="strip" aria-hidden="true">{}</svg>', _join(parts))


def scale(x: Axis) -> Markup:
    """The axis above the rows of a forest plot."""
    parts = [
        _tag('<text x="{}" y="80%" text-anchor="middle">{}</text>', _percent(tick, x), text)
        for tick, text in _ticks(x, STRIP_TICKS)
    ]
    return _tag('<svg class="strip" role="img" aria-label="{}">{}</svg>', x.label, _join(parts))


def _tag(pattern: str, *values: object) -> Markup:
    """The pattern with these values, escaped unless they are markup themselves."""
    return Markup(pattern).format(*values)


def _join(parts: Iterable[Markup]) -> Markup:
    return Markup("").join(parts)


def _locator(count: int = 5, whole: bool = False) -> Any:
    return MaxNLocator(count, steps=[1, 2, 2.5, 5, 10], integer=whole)


def _ticks(along: Axis, count: int = 5, whole: bool = False) -> list[tuple[float, str]]:
    """Round values on an axis, and how they are written."""
    reach = 1e-9 * (along.high - along.low)
    values = _locator(count, whole).tick_values(along.low, along.high).tolist()
    # + 0.0 makes -0.0 a plain zero
    return [(v, f"{round(v, 9) + 0.0:g}") for v in values if along.low - reach <= v <= along.high + reach]


def _is_whole(values: Sequence[float]) -> bool:
    return all(float(value).is_integer() for value in values)


def _share(value: float, along: Axis) -> float:
    return (value - along.low) / (along.high - along.low)


def _percent(value: float, along: Axis, upward: bool = False) -> str:
    share = _share(value, along)
    return f"{100 * (1 - share if upward else share):.2f}%"


def _path(line: Line, x: Axis, y: Axis) -> str:
    """The line as the path of an SVG box of `WIDE` by `WIDE`."""
    steps, joined = [], False
    for a, b in zip(line.x, line.y, strict=True):
        finite = math.isfinite(a) and math.isfinite(b)
        if finite:
            place = f"{WIDE * _share(a, x):.1f} {WIDE * (1 - _share(b, y)):.1f}"
            # A line of no length makes a point that stands alone visible.
            steps.append(f"L{place}" if joined else f"M{place}h0")
        joined = finite
    return "".join(steps)


def _points(line: Line, x: Axis, y: Axis) -> Markup:
    parts = []
    for number, hint in enumerate(line.hints):
        a, b = line.x[number], line.y[number]
        if not (math.isfinite(a) and math.isfinite(b)):
            continue
        place = _percent(a, x), _percent(b, y, upward=True)
        radius = f"{line.radii[number]:.1f}" if line.radii else "2.5"
        point = '<circle class="{} point" cx="{}" cy="{}" r="{}"><title>{}</title></circle>'
        parts.append(_tag(point, line.style, *place, radius, hint))
        if number == line.chosen:
            parts.append(_tag('<circle class="{} ring" cx="{}" cy="{}" r="7"/>', line.style, *place))
    return _join(parts)
