"""A data set cut to a region, as folders of images with a manifest, and as fer2013.csv."""

from __future__ import annotations

from pathlib import Path

from fercrop._words import Parser
from pipeline.common.files import InputError
from pipeline.data.roles import Roles
from pipeline.data.twins import Twins
from pipeline.faces.located import Located
from pipeline.regions.variants import Variant
from pipeline.use.data_sets import write_data_set


def main(words: list[str]) -> None:
    """See `fercrop export --help`."""
    parser = Parser(prog="fercrop export", description="Write what `dvc repro` cut to a region, for other tools.")
    parser.add_argument("region", metavar="REGION", help="a name under regions in params.yaml")
    parser.add_argument("folder", type=Path, metavar="DIR", help="a folder that is not there yet")
    parser.add_argument("--project", type=Path, default=Path(), metavar="DIR", help="the project's folder (default: .)")
    given = parser.parse_args(words)
    data: Path = given.project / "data"
    source = data / "variants" / given.region
    if not source.is_dir():
        made = sorted(path.name for path in source.parent.glob("[!.]*") if path.is_dir())
        there = f"there are {', '.join(made)}" if made else "run `dvc repro` in the project's folder first"
        raise InputError(f"{source}: no such region; {there}")
    variant = Variant.load(source)
    count = len(variant)
    rest = Located.load(data / "landmarks.npz", count), Twins.load(data / "twins.npz", count)
    reason = write_data_set(given.folder, variant, *rest, Roles.load(data / "roles.npz", count))
    said = f"{given.folder}: {count:,} images of {given.region}, {variant.side} pixels"
    print(said if reason is None else f"{said}; {reason}")
