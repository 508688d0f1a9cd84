"""Numbers as they are written."""

from __future__ import annotations

import numpy as np
import pytest

from pipeline.report.words import p_value, percent, points


@pytest.mark.parametrize(
    ("fraction", "text"), [(0.5349, "53.5%"), (0.0, "0.0%"), (1.0, "100.0%"), (0.00049, "0.0%"), (np.nan, "")]
)
def test_percent(fraction: float, text: str) -> None:
    assert percent(fraction) == text


@pytest.mark.parametrize(
    ("difference", "plain", "signed"),
    [
        (0.0131, "1.3", "+1.3"),
        (-0.0131, "-1.3", "-1.3"),
        (0.0, "0.0", "+0.0"),
        (-0.0, "0.0", "+0.0"),
        (-0.0004, "0.0", "+0.0"),
        (-0.0006, "-0.1", "-0.1"),
        (np.nan, "", ""),
    ],
)
def test_points(difference: float, plain: str, signed: str) -> None:
    assert points(difference) == plain
    assert points(difference, signed=True) == signed


@pytest.mark.parametrize(
    ("p", "text"),
    [(0.0312, "0.031"), (1.0, "1.000"), (0.001, "0.001"), (0.000999, "<0.001"), (0.0, "<0.001"), (np.nan, "")],
)
def test_p_value(p: float, text: str) -> None:
    assert p_value(p) == text
