"""How numbers are written."""

from __future__ import annotations

import numpy as np


def percent(fraction: float) -> str:
    """`0.5349` as `53.5%`; nothing where it is missing."""
    return "" if np.isnan(fraction) else f"{100 * fraction:.1f}%"


def points(difference: float, signed: bool = False) -> str:
    """A difference of two fractions in percentage points: `0.0131` as `1.3`, or signed as `+1.3`."""
    if np.isnan(difference):
        return ""
    rounded = round(100 * difference, 1) + 0.0  # + 0.0 makes -0.0 a plain zero
    return f"{rounded:+.1f}" if signed else f"{rounded:.1f}"


def span(low: float, high: float, signed: bool = False) -> str:
    """The ends of an interval of fractions in percentage points: `40.0 to 90.0`; nothing where they are missing."""
    return "" if np.isnan(low) else f"{points(low, signed)} to {points(high, signed)}"


def p_value(p: float) -> str:
    """`0.0312` as `0.031`, `0.00002` as `<0.001`; nothing where there is no test."""
    return "" if np.isnan(p) else "<0.001" if p < 0.001 else f"{p:.3f}"
