"""The noun of a definition: a file a region, so that DVC makes anew what follows from those that changed."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from pipeline.common.files import InputError, whole_folder, write_json
from pipeline.common.records import read_json
from pipeline.regions.definitions import Like, Region, describe_region, read_region, resolve


def save_definitions(folder: Path, regions: Mapping[str, Region]) -> None:
    """Write `data/regions`: with the definition of another region where one is named."""
    with whole_folder(folder) as part:
        for name in regions:
            write_json(part / f"{name}.json", describe_region(resolve(name, regions)))


def load_definition(path: Path) -> Region:
    """Read one of the files that `save_definitions` wrote.

    Raises:
        InputError: it is missing or damaged, or defines no region.
    """
    content = read_json(path)
    try:
        region = read_region(content)
        if isinstance(region, Like) and isinstance(region.like, str):
            raise ValueError("the name of another region stands for its definition in params.yaml alone")
        return region
    except ValueError:
        raise InputError(f"{path}: defines no region; delete it and run `dvc repro`") from None
