"""`params.yaml`, typed and checked: every mistake in it is one line that names the key and what it may be."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal, cast

from pydantic import (
    BaseModel,
    BeforeValidator,
    Field,
    ValidationError,
)
from pydantic_core import ErrorDetails
from ruamel.yaml import YAML  # DVC's own reader, so that both read the same file alike (1e-3 is a number, say)
from ruamel.yaml.error import YAMLError

from pipeline.classifiers.recipe import Augment, ClassifierRecipe, NetworkName
from pipeline.common.files import InputError
from pipeline.common.settings import Section
from pipeline.data.twins import TwinRule
from pipeline.faces.detectors.settings import LandmarkSettings
from pipeline.faces.recipe import LandmarkRecipe
from pipeline.regions.definitions import REGION_NAME, Region, read_region


class Data(Section):
    """Which data sets are used."""

    source: Literal["demo", "real"]


class Recipe(Section):
    """One way to train everything."""

    landmarks: LandmarkRecipe
    views: Literal["one", "mirror", "ten"]  # what is judged: an image; its mirror image too; shifts too
    classifiers: dict[NetworkName, ClassifierRecipe]


class Params(Section):
    """The whole file."""

    data: Data
    twins: TwinRule
    recipe: str
    regions: Annotated[dict[str, Annotated[Any, BeforeValidator(read_region)]], Field(min_length=1)]
    networks: Annotated[list[NetworkName], Field(min_length=1)]
    seeds: Annotated[list[Annotated[int, Field(ge=0)]], Field(min_length=1)]
    launcher: Annotated[str, Field(min_length=1)]
    landmarks: LandmarkSettings
    recipes: dict[str, Recipe]

    @property
    def chosen(self) -> Recipe:
        """The recipe that `recipe` names."""
        return self.recipes[self.recipe]

    @property
    def source_folder(self) -> Path:
        """Where `obtain` says what the data sets are."""
        return Path("data") / self.data.source

    def region(self, name: str) -> Region:
        """The definition of a region. Raises InputError if there is none of that name."""
        if name not in self.regions:
            raise InputError(f"params.yaml: regions: has no {name!r}, only {', '.join(self.regions)}; add it")
        region: Region = self.regions[name]
        return region

    def cell(self, region: str, network: str, seed: str) -> tuple[NetworkName, int]:
        """A cell's network and seed, from the command line's words. Raises InputError if one is not in the file."""
        self.region(region)
        for key, word, known in (("networks", network, self.networks), ("seeds", seed, map(str, self.seeds))):
            names = list(known)
            if word not in names:
                raise InputError(f"params.yaml: {key}: has no {word!r}, only {', '.join(names)}; add it")
        return cast(NetworkName, network), int(seed)


def load_params(path: Path = Path("params.yaml")) -> Params:
    """Read and check the file.

    Raises:
        InputError: it is missing, is no YAML, or says something that cannot be; one line with the key and the remedy.
    """
    try:
        content = YAML(typ="safe").load(path.read_text())
    except FileNotFoundError:
        raise InputError(f"{path}: missing; run from the project's folder, or restore it with git") from None
    except (YAMLError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: not valid YAML: {' '.join(str(error).split())}") from None
    if not isinstance(content, dict):
        raise InputError(f"{path}: must hold the keys {', '.join(Params.model_fields)}")
    try:
        params = Params.model_validate(content)
    except ValidationError as error:
        # A misspelt key is both unknown and missing: the first of the two says more.
        findings = sorted(error.errors(), key=lambda finding: finding["type"] != "extra_forbidden")
        raise InputError(f"{path}: {_explain(findings[0])}") from None
    _check_names(path, params)
    return params


def _check_names(path: Path, params: Params) -> None:
    for name in params.regions:
        if not REGION_NAME.fullmatch(name):
            raise InputError(
                f"{path}: regions.{name}: a region's name becomes a file name: use letters, digits and _, "
                "a letter first, at most 40"
            )
    if len({name.lower() for name in params.regions}) < len(params.regions):
        raise InputError(f"{path}: regions: two names differ only in case; rename one")
    for key, values in (("networks", params.networks), ("seeds", params.seeds)):
        if len(set(values)) < len(values):
            raise InputError(f"{path}: {key}: an entry stands twice; remove one")
    if params.recipe not in params.recipes:
        raise InputError(f"{path}: recipe: {params.recipe!r} is not among recipes ({', '.join(params.recipes)})")
    for name in params.networks:
        if name not in params.chosen.classifiers:
            raise InputError(
                f"{path}: recipes.{params.recipe}.classifiers.{name}: missing; add it, for networks has it"
            )


def _explain(error: ErrorDetails) -> str:
    """One line for one of pydantic's findings."""
    key = ".".join(str(part) for part in error["loc"] if part != "[key]")
    if error["type"] == "extra_forbidden":
        return f"{key}: unknown key; {_known_keys(error['loc'])}"
    if error["type"] == "missing":
        return f"{key}: missing; add it"
    message = error["msg"].removeprefix("Value error, ")
    return f"{key}: {message[0].lower()}{message[1:]}, not {error['input']!r}"


def _known_keys(location: tuple[int | str, ...]) -> str:
    """What may stand where an unknown key was found."""
    sections: dict[tuple[str, ...], type[BaseModel]] = {
        (): Params,
        ("data",): Data,
        ("twins",): TwinRule,
        ("landmarks",): LandmarkSettings,
        ("recipes",): Recipe,
        ("recipes", "landmarks"): LandmarkRecipe,
        ("recipes", "classifiers"): ClassifierRecipe,
        ("recipes", "classifiers", "augment"): Augment,
    }
    path = [str(part) for part in location[:-1]]
    if path[:1] == ["recipes"]:
        path = [path[0], *path[2:]]  # every recipe has the same keys
    if path[:2] == ["recipes", "classifiers"]:
        path = [*path[:2], *path[3:]]  # and so has every network
    if path[:1] == ["regions"]:
        return "a region is whole, {left, right, top, bottom} or {points, margin}"
    return f"may be {', '.join(sections[tuple(path)].model_fields)}"
