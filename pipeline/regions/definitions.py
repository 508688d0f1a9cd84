"""How regions of the face, which are cut out, and its parts, which divide it, are defined in params.yaml."""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, PlainSerializer

from pipeline.common.settings import Section
from pipeline.faces import points

# A region's name becomes a file name, a DVC stage name and a dotted key, on every system.
REGION_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,39}")

REGION_FORMS = "whole, {left, right, top, bottom} or {points, margin}"

PART_FORMS = "{points, margin}, forehead, face or rest"
REST = "rest"
MOST = 8  # parts: each of the 2**8 coalitions that they make is shown to a classifier

PointNumber = Annotated[int, Field(ge=1, le=points.COUNT)]


def read_numbers(value: Any) -> tuple[int, ...]:
    """The point numbers that a text of numbers and ranges names; a single number may be no text."""
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

    points: Annotated[tuple[int, ...], BeforeValidator(read_numbers), PlainSerializer(list)]
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


def _read_hulls(value: Any) -> tuple[tuple[int, ...], ...]:
    hulls = value if isinstance(value, list | tuple) else [value]
    if not hulls:
        raise ValueError("must be point numbers and ranges, for example 28-36 or [37-42, 43-48]")
    return tuple(read_numbers(hull) for hull in hulls)


def _write_hulls(hulls: tuple[tuple[int, ...], ...]) -> list[str]:
    return [" ".join(map(str, hull)) for hull in hulls]


class Outlined(Section):
    """The convex hull of a set of points, or of each of several, grown by `margin` inter-ocular distances."""

    points: Annotated[tuple[tuple[int, ...], ...], BeforeValidator(_read_hulls), PlainSerializer(_write_hulls)]
    margin: Annotated[float, Field(ge=0, le=1)] = 0.0


Part = Outlined | Literal["forehead", "face", "rest"]


def read_part(value: Any) -> Part:
    """Tell the forms apart, so that a mistake is reported for the form that was meant."""
    if isinstance(value, Outlined):
        return value
    if isinstance(value, str) and value in ("forehead", "face", REST):
        named: Part = value  # type: ignore[assignment]
        return named
    if not isinstance(value, dict) or not value:
        raise ValueError(f"must be {PART_FORMS}")
    return Outlined.model_validate(value)


def check_parts(parts: dict[str, Any]) -> dict[str, Any]:
    """Make sure that parts can cover an image. Raises ValueError if not."""
    for name in parts:
        if not REGION_NAME.fullmatch(name):
            raise ValueError(f"must have names of letters, digits and _, a letter first; {name!r} is none")
    if not 2 <= len(parts) <= MOST:
        raise ValueError(f"must be 2 to {MOST} parts")
    if [part for part in parts.values() if part == REST] != [REST] or next(reversed(parts.values())) != REST:
        raise ValueError(f"must have one part that is {REST}, as the last: it takes what no other has")
    return parts
