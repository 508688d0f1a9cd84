"""JSON files with a schema: what an earlier stage wrote, checked as it is read."""

from __future__ import annotations

from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from pipeline.common.files import InputError, read_json


class Record(BaseModel):
    """A JSON file, or a part of one; other fields in it are not used."""

    model_config = ConfigDict(extra="ignore", strict=True, frozen=True, allow_inf_nan=False)


Kind = TypeVar("Kind", bound=BaseModel)


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
