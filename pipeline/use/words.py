"""What was found in a face, in words."""

from __future__ import annotations

import math
from collections.abc import Sequence

from pipeline.use.faces import Face

GOOD = 0.05  # an expected error below it is as good as between people who mark points


def expression(face: Face, classes: Sequence[str]) -> tuple[str, float]:
    """The most probable expression of a face, by the mean of all classifiers, and its probability."""
    code = int(face.joined.argmax())
    return classes[code], float(face.joined[code])


def trust(expected_error: float, max_error: float) -> str:
    """How far to trust a face's points; above `max_error` regions are not cut out, see `regions.cutting`."""
    if not math.isfinite(expected_error):
        return "no points"
    if expected_error > max_error:
        return f"points not to be trusted (error {expected_error:.1%})"
    return f"points {'good' if expected_error <= GOOD else 'fair'} (error {expected_error:.1%})"
