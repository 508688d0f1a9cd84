"""How regions of the face, which are cut out, and its parts, which divide it, are defined in params.yaml."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, Field, PlainSerializer, field_validator

from pipeline.common.settings import Section
from pipeline.faces import points

# A region's name becomes a file name, a DVC stage name and a dotted key, on every system.
REGION_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,39}")
# What Windows keeps for devices.
RESERVED = re.compile(r"CON|PRN|AUX|NUL|(COM|LPT)[0-9]", re.IGNORECASE)

PART_FORMS = "{points, margin}, forehead, face or rest"
REST = "rest"
MOST = 8  # parts: each of the 2**8 coalitions that they make is shown to a classifier

PointNumber = Annotated[int, Field(ge=1, le=points.COUNT)]
Fraction = Annotated[float, Field(ge=0, le=1)]


def read_numbers(value: Any) -> tuple[int, ...]:
    """The point numbers that a text of numbers and ranges names; a single number may be no text."""
    if isinstance(value, bool) or not isinstance(value, (str, int)):
        raise ValueError("must be point numbers and ranges, for example 18-27 37-48")
    return points.parse_numbers(str(value))


class Edges(Section):
    """A box whose four edges are each given by one point; see `PointSet` for the rest."""

    left: PointNumber
    right: PointNumber
    top: PointNumber
    bottom: PointNumber
    margin: Annotated[float, Field(ge=0, le=5)] = 0.0
    square: bool = False


class PointSet(Section):
    """The box around a set of points, enlarged on each side by `margin` times its width and height.

    With `square` its short side grows to its long one, so that nothing is stretched.
    """

    points: Annotated[tuple[int, ...], BeforeValidator(read_numbers), PlainSerializer(list)]
    margin: Annotated[float, Field(ge=0, le=5)] = 0.0
    square: bool = False


class FixedBox(Section):
    """The same box of every image, for which no points are needed: what a landmark crop is to be better than."""

    box: Annotated[tuple[Fraction, Fraction, Fraction, Fraction], Field(strict=False)]  # left, top, right, bottom
    square: bool = False

    @field_validator("box")
    @classmethod
    def _is_not_empty(cls, box: tuple[float, float, float, float]) -> tuple[float, float, float, float]:
        left, top, right, bottom = box
        if not (left < right and top < bottom):
            raise ValueError("must be left, top, right, bottom with left < right and top < bottom")
        return box


class Aligned(Section):
    """The image turned, moved and scaled until both eyes lie where they should; see `regions.alignment`."""

    align: Literal["eyes"]


class Reduced(Section):
    """The whole image reduced to so many pixels a side, and enlarged again."""

    pixels: Annotated[int, Field(ge=4)]


class Like(Section):
    """The whole image reduced to as many pixels as the box of another region has on average: what it shows of detail.

    Attributes:
        like: its name, or its definition, which is what `resolve` puts in place of the name.
    """

    like: Any


Region = Literal["whole"] | Edges | PointSet | FixedBox | Aligned | Reduced | Like

# The key that tells a form from the others, and how it is written.
FORMS: dict[str, tuple[type[BaseModel], str]] = {
    **dict.fromkeys(("left", "right", "top", "bottom"), (Edges, "{left, right, top, bottom}")),
    "box": (FixedBox, "{box}"),
    "align": (Aligned, "{align: eyes}"),
    "pixels": (Reduced, "{pixels}"),
    "like": (Like, "{like}"),
    "points": (PointSet, "{points, margin}"),
}
REGION_FORMS = f"whole, {', '.join(list(dict.fromkeys(text for _, text in FORMS.values()))[:-1])} or {{points, margin}}"


def read_region(value: Any) -> Region:
    """Tell the forms apart by their keys, so that a mistake is reported for the form that was meant."""
    if value == "whole":
        return "whole"
    if not isinstance(value, dict) or not value:
        raise ValueError(f"must be {REGION_FORMS}")
    form = next((form for key, (form, _) in FORMS.items() if key in value), PointSet)
    region: Region = form.model_validate(value)  # type: ignore[assignment]
    if isinstance(region, Like) and not isinstance(region.like, str):
        return Like(like=_with_box(read_region(region.like)))
    return region


def resolve(name: str, regions: Mapping[str, Region]) -> Region:
    """The definition of a region, with that of another one in place of its name.

    Raises:
        ValueError: it is like a region that there is not, or that has no box of its own.
    """
    region = regions[name]
    if not isinstance(region, Like) or not isinstance(region.like, str):
        return region
    if region.like not in regions:
        raise ValueError(f"{region.like!r} is not among regions ({', '.join(regions)})")
    return Like(like=_with_box(regions[region.like]))


def _with_box(region: Region) -> Edges | PointSet | FixedBox:
    if not isinstance(region, Edges | PointSet | FixedBox):
        raise ValueError("must be like a region that is a box: {left, right, top, bottom}, {points} or {box}")
    return region


def follows_points(region: Region) -> bool:
    """Whether it lies elsewhere in each image, so that an image whose points are not trusted must stay whole."""
    return isinstance(region, Edges | PointSet | Aligned)


def describe_region(region: Region) -> Any:
    """A definition as params.yaml has it, ready for JSON; `read_region` reads it back."""
    if region == "whole":
        return region
    if isinstance(region, Like):
        return {"like": region.like if isinstance(region.like, str) else describe_region(region.like)}
    content = region.model_dump(mode="json", exclude_defaults=True)
    if isinstance(region, PointSet):
        content["points"] = " ".join(map(str, region.points))
    return content


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
