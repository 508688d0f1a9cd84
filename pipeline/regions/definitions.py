"""How a region of the face is defined in params.yaml."""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, PlainSerializer

from pipeline.common.settings import Section
from pipeline.faces import points

# A region's name becomes a file name, a DVC stage name and a dotted key, on every system.
REGION_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,39}")

REGION_FORMS = "whole, {left, right, top, bottom} or {points, margin}"

PointNumber = Annotated[int, Field(ge=1, le=points.COUNT)]


def _read_numbers(value: Any) -> tuple[int, ...]:
    if isinstance(value, bool) or not isinstance(value, (str, int)):
        raise ValueError("must be point numbers and ranges, for example 18-27 37-48")
    return points.parse_numbers(str(value))


class Edges(Section):
    """A box whose four edges are each given by one point."""

    left: PointNumber
    right: PointNumber
    top: PointNumber
    bottom: PointNumber
    margin: Annotated[float, Field(ge=0, le=5)] = 0.0


class PointSet(Section):
    """The box around a set of points, enlarged on each side by `margin` times its width and height."""

    points: Annotated[tuple[int, ...], BeforeValidator(_read_numbers), PlainSerializer(list)]
    margin: Annotated[float, Field(ge=0, le=5)] = 0.0


Region = Literal["whole"] | Edges | PointSet


def read_region(value: Any) -> Region:
    """Tell the three forms apart by their keys, so that a mistake is reported for the form that was meant."""
    if value == "whole":
        return "whole"
    if not isinstance(value, dict) or not value:
        raise ValueError(f"must be {REGION_FORMS}")
    edges = value.keys() & {"left", "right", "top", "bottom"}
    return Edges.model_validate(value) if edges else PointSet.model_validate(value)


def describe_region(region: Region) -> Any:
    """A definition as params.yaml has it, ready for JSON; `read_region` reads it back."""
    if isinstance(region, PointSet):
        return {"points": " ".join(map(str, region.points)), "margin": region.margin}
    return region if region == "whole" else region.model_dump()
