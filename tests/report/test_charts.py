"""Charts show what they are given."""

from __future__ import annotations

import math
import re
from pathlib import Path
from xml.etree import ElementTree

import pytest

from pipeline.report import charts
from pipeline.report.charts import Axis, Line

TENTHS = Axis("tenths", 0, 10)
PERCENT = Axis("share, %", 0, 100)


def parse(element: str) -> ElementTree.Element:
    return ElementTree.fromstring(element)


def labels(element: ElementTree.Element) -> list[str]:
    return [text.text or "" for text in element.iter("text")]


@pytest.mark.parametrize(
    ("values", "whole", "expected"),
    [
        ([3.2, 7.9], False, (3, 8)),
        ([-0.21, 0.34], False, (-0.4, 0.4)),
        ([0, 7], True, (0, 7)),
        ([5.0], False, (4.4, 5.6)),  # one value is in the middle
        ([0], True, (-0.5, 0.5)),
        ([math.nan, math.inf, 2.0, 4.0], False, (2, 4)),
        ([math.nan], False, (0, 1)),
        ([], False, (0, 1)),
    ],
)
def test_an_axis_holds_its_values_and_ends_at_round_numbers(
    values: list[float], whole: bool, expected: tuple[float, float]
) -> None:
    found = charts.axis("any", values, whole)
    assert found.label == "any"
    assert (found.low, found.high) == pytest.approx(expected)


def test_a_chart_places_its_lines_points_and_ticks() -> None:
    line = Line("line-2", [0, 5, 10], [0, 50, 100], ["a", "b", "c"], [1, 2, 3], chosen=1)
    chart = parse(charts.chart([line], TENTHS, PERCENT, "how it grows"))
    svg = chart[0]
    assert (chart.get("class"), svg.get("role"), svg.get("aria-label")) == ("chart", "img", "how it grows")
    assert [path.get("d") for path in svg.iter("path")] == ["M0.0 1000.0h0L500.0 500.0L1000.0 0.0"]
    points = [circle for circle in svg.iter("circle") if "point" in str(circle.get("class"))]
    assert [(point.get("cx"), point.get("cy"), point.get("r"), point[0].text) for point in points] == [
        ("0.00%", "100.00%", "1.0", "a"),
        ("50.00%", "50.00%", "2.0", "b"),
        ("100.00%", "0.00%", "3.0", "c"),
    ]
    rings = [circle for circle in svg.iter("circle") if "ring" in str(circle.get("class"))]
    assert [(ring.get("class"), ring.get("cx")) for ring in rings] == [("line-2 ring", "50.00%")]
    assert labels(svg) == ["0", "2", "4", "6", "8", "10", "0", "20", "40", "60", "80", "100", "tenths", "share, %"]
    eighty = next(text for text in svg.iter("text") if text.text == "80")
    assert eighty.get("y") == "20.00%"


def test_a_line_breaks_where_a_value_is_not_finite() -> None:
    line = Line("line-0", [0, 1, 2, 3, 4], [0, 100, math.nan, 50, math.inf], ["a", "b", "c", "d", "e"])
    svg = parse(charts.chart([line], Axis("step", 0, 4), PERCENT, "broken"))
    (path,) = svg.iter("path")
    # The last part is one point, which is seen by a line without length.
    assert path.get("d") == "M0.0 1000.0h0L250.0 0.0M750.0 500.0h0"
    assert [title.text for title in svg.iter("title")] == ["a", "b", "d"]


def test_steps_that_are_whole_have_whole_ticks() -> None:
    def ticks(x: list[float]) -> list[str]:
        line = Line("line-0", x, [0, 1])
        axis = charts.axis("step", x, whole=True)
        return labels(parse(charts.chart([line], axis, Axis("share", 0, 1), "short")))[:3]

    assert ticks([0, 2]) == ["0", "1", "2"]
    assert ticks([0, 2.5]) == ["0", "0.5", "1"]


def test_texts_are_escaped() -> None:
    odd = "<b>\"&'"
    chart = parse(charts.chart([Line("line-0", [1], [1], [odd])], Axis(odd, 0, 10), Axis(odd, 0, 1), odd))
    assert chart[0].get("aria-label") == odd
    assert labels(chart)[-2:] == [odd, odd]
    assert next(chart.iter("title")).text == odd
    assert parse(charts.scale(Axis(odd, 0, 1))).get("aria-label") == odd


def test_styles_come_again_and_the_page_knows_them_all() -> None:
    assert [charts.line_style(number) for number in (0, 7, 8)] == ["line-0", "line-7", "line-0"]
    sheet = (Path(charts.__file__).parent / "templates/page.css").read_text(encoding="utf-8")
    assert {int(number) for number in re.findall(r"\.line-(\d+) ", sheet)} == set(range(charts.STYLES))


def test_an_interval_lies_where_its_numbers_are() -> None:
    strip = parse(charts.interval("line-1", -1, 2, 5, Axis("points", -5, 10), filled=False, summary=False))
    drawn = next(line for line in strip.iter("line") if line.get("class") == "line-1 range")
    assert (drawn.get("x1"), drawn.get("x2")) == ("26.67%", "66.67%")
    mark = strip.find("svg")
    assert mark is not None
    assert mark.get("x") == "46.67%"
    assert mark[0].get("class") == "line-1 hollow mark"
    zero = next(line for line in strip.iter("line") if line.get("class") == "zero")
    assert zero.get("x1") == "33.33%"


def test_a_summary_is_a_diamond_and_what_is_significant_is_filled() -> None:
    def mark(filled: bool, summary: bool) -> ElementTree.Element:
        strip = parse(charts.interval("line-0", 1, 2, 3, TENTHS, filled, summary))
        return next(strip.iter("path"))

    assert mark(True, False).get("class") == mark(True, True).get("class") == "line-0 mark"
    assert mark(True, False).get("d") != mark(True, True).get("d")


@pytest.mark.parametrize("along", [Axis("points", -20, 40), Axis("points", -8, 6), Axis("points", 0, 10)])
def test_the_scale_stands_above_the_marks_of_the_rows(along: Axis) -> None:
    written = [text.get("x") for text in parse(charts.scale(along)).iter("text")]
    row = parse(charts.interval("line-0", 1, 2, 3, along, filled=True, summary=False))
    assert written == [line.get("x1") for line in row.iter("line") if line.get("class") in ("grid", "zero")]
    assert len(written) > 2
