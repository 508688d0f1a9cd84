"""A face as a row of a table: the same columns from the page and from a film."""

from __future__ import annotations

from pipeline.use.faces import Face
from pipeline.use.models import About

DIGITS = 4  # after the point, of probabilities and of the error to expect


def columns(about: About) -> list[str]:
    """The names of what `row` gives, in its order.

    `joined:CLASS` is the probability of a class, joined over the classifiers; `REGION/NETWORK:CLASS` that of one.
    """
    named = ["joined", *(f"{one.region_name}/{one.network}" for one in about.classifiers)]
    fixed = ["left", "top", "right", "bottom", "expected_error", "expression"]
    return [*fixed, *(f"{name}:{each}" for name in named for each in about.classes)]


def row(face: Face, about: About) -> list[str]:
    """A face's values as texts; `expected_error` is empty where there is nothing to see."""
    error = f"{face.expected_error:.{DIGITS}f}" if face.expected_error < float("inf") else ""
    said = [face.joined, *face.probabilities.values()]
    return [
        *(f"{edge:.1f}" for edge in face.box),
        error,
        about.classes[int(face.joined.argmax())],
        *(f"{each:.{DIGITS}f}" for probabilities in said for each in probabilities),
    ]
