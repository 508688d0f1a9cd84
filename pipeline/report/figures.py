"""The figures of the report page.

They are SVG without a size of its own: lengths are in percent, so that a figure is as wide as its place
while its lines and letters stay as they are on a phone too, and colours come from the page's style sheet, by classes,
so that they follow light and dark.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from html import escape
from typing import Any, NamedTuple

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


def chart(lines: Sequence[Line], x: Axis, y: Axis, title: str) -> str:
    """A chart of lines as an element of the page.

    Args:
        lines: drawn in this order, the last on top.
        x, y: the axes; what lies outside of them is drawn outside of the plot.
        title: what a reader who does not see it is told.
    """
    parts = []
    for value, text in _ticks(x, whole=all(_is_whole(line.x) for line in lines)):
        place = _percent(value, x)
        parts.append(f'<line class="grid" x1="{place}" x2="{place}" y1="0" y2="100%"/>')
        parts.append(f'<text x="{place}" y="100%" dy="1.4em" text-anchor="middle">{text}</text>')
    for value, text in _ticks(y):
        place = _percent(value, y, upward=True)
        parts.append(f'<line class="grid" x1="0" x2="100%" y1="{place}" y2="{place}"/>')
        parts.append(f'<text x="0" y="{place}" dx="-.5em" dy=".35em" text-anchor="end">{text}</text>')
    parts.append(f'<text x="50%" y="100%" dy="2.9em" text-anchor="middle">{escape(x.label)}</text>')
    parts.append(f'<text x="0" y="0" dx="-2.6em" dy="-.9em">{escape(y.label)}</text>')
    paths = [f'<path class="{line.style}" d="{_path(line, x, y)}"/>' for line in lines]
    parts.append(f'<svg viewBox="0 0 {WIDE} {WIDE}" preserveAspectRatio="none">{"".join(paths)}</svg>')
    parts += [_points(line, x, y) for line in lines]
    return f'<div class="chart"><svg role="img" aria-label="{escape(title)}">{"".join(parts)}</svg></div>'


def legend(names: Mapping[str, str]) -> str:
    """Which style stands for what: names by style."""
    line = '<svg aria-hidden="true"><line class="{}" x1="0" x2="100%" y1="50%" y2="50%"/></svg>'
    entries = [f"<li>{line.format(style)}{escape(name)}</li>" for style, name in names.items()]
    return f'<ul class="legend">{"".join(entries)}</ul>'


def interval(style: str, low: float, value: float, high: float, x: Axis, filled: bool, summary: bool) -> str:
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
        place = _percent(tick, x)
        parts.append(f'<line class="{"zero" if tick == 0 else "grid"}" x1="{place}" x2="{place}" y1="0" y2="100%"/>')
    ends = f'x1="{_percent(low, x)}" x2="{_percent(high, x)}"'
    parts.append(f'<line class="{style} range" {ends} y1="50%" y2="50%"/>')
    shape = "M-8 0 0-7 8 0 0 7z" if summary else "M-4.5-4.5h9v9h-9z"
    kind = style if filled else f"{style} hollow"
    # A box without a size puts its middle, which a path cannot do, at a percentage.
    parts.append(f'<svg x="{_percent(value, x)}" y="50%"><path class="{kind} mark" d="{shape}"/></svg>')
    return f'<svg class="strip" aria-hidden="true">{"".join(parts)}</svg>'


def scale(x: Axis) -> str:
    """The axis above the rows of a forest plot."""
    parts = [
        f'<text x="{_percent(tick, x)}" y="80%" text-anchor="middle">{text}</text>'
        for tick, text in _ticks(x, STRIP_TICKS)
    ]
    return f'<svg class="strip" role="img" aria-label="{escape(x.label)}">{"".join(parts)}</svg>'


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


def _points(line: Line, x: Axis, y: Axis) -> str:
    parts = []
    for number, hint in enumerate(line.hints):
        a, b = line.x[number], line.y[number]
        if not (math.isfinite(a) and math.isfinite(b)):
            continue
        place = f'cx="{_percent(a, x)}" cy="{_percent(b, y, upward=True)}"'
        radius = f"{line.radii[number]:.1f}" if line.radii else "2.5"
        parts.append(f'<circle class="{line.style} point" {place} r="{radius}"><title>{escape(hint)}</title></circle>')
        if number == line.chosen:
            parts.append(f'<circle class="{line.style} ring" {place} r="7"/>')
    return "".join(parts)
