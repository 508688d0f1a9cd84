"""JSON files with a schema: what an earlier stage wrote, checked as it is read."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from pipeline.common.files import InputError
from pipeline.common.given import read_given

MAX_BYTES = 64 << 20  # of a file
MAX_DIGITS = 20  # of a whole number


class Record(BaseModel):
    """A JSON file, or a part of one; other fields in it are not used."""

    model_config = ConfigDict(extra="ignore", strict=True, frozen=True, allow_inf_nan=False)


Kind = TypeVar("Kind", bound=BaseModel)


def read_json(path: Path, remedy: str | None = None) -> Any:
    """Read JSON; what an earlier stage wrote, or what `remedy` says how to get.

    Raises:
        InputError: the file is missing, no file, too large, or no JSON.
    """
    content = read_given(path, remedy or "run `dvc repro` to make it", MAX_BYTES)
    try:
        return json.loads(content, parse_constant=_refuse_constant, parse_float=_finite, parse_int=_whole)
    except (ValueError, RecursionError) as error:  # a RecursionError where it is nested too deep
        reason = "nested too deep" if isinstance(error, RecursionError) else error
        raise InputError(f"{path}: not valid JSON ({reason}); {remedy or 'delete it and run `dvc repro`'}") from None


def _refuse_constant(name: str) -> float:
    raise ValueError(f"{name} is no number of JSON's")


def _finite(digits: str) -> float:
    if not math.isfinite(float(digits)):
        raise ValueError("a number too large")
    return float(digits)


def _whole(digits: str) -> int:
    if len(digits) > MAX_DIGITS:
        raise ValueError("a number too large")
    return int(digits)


def read_record(kind: type[Kind], path: Path, remedy: str | None = None) -> Kind:
    """Read and check a record; what an earlier stage wrote, or what `remedy` says how to get.

    Raises:
        InputError: the file is missing, is no JSON, or says something else than the schema has.
    """
    content = read_json(path, remedy)
    try:
        return kind.model_validate(content)
    except ValidationError as error:
        finding = error.errors()[0]
        where = ".".join(str(part) for part in finding["loc"])
        said = f"{where}: {finding['msg']}" if where else finding["msg"]
        raise InputError(f"{path}: {said}; {remedy or 'delete it and run `dvc repro`'}") from None
