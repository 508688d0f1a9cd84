"""`params.yaml`, typed and checked: every mistake in it is one line that names the key and what it may be."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Any, Literal, cast

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    ValidationError,
    ValidationInfo,
    field_validator,
)
from pydantic_core import ErrorDetails
from ruamel.yaml import YAML  # DVC's own reader, so that both read the same file alike (1e-3 is a number, say)
from ruamel.yaml.error import YAMLError

from pipeline.common.files import InputError
from pipeline.faces import points

Provider = Literal["xception", "dlib", "face_alignment"]
NetworkName = Literal["cnn1", "cnn2", "cnn3", "cnn4", "googlenet"]

# A region's name becomes a file name, a DVC stage name and a dotted key, on every system.
REGION_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,39}")


class Section(BaseModel):
    """A part of the file: no unknown keys, no silent conversion of types."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, allow_inf_nan=False)


PointNumber = Annotated[int, Field(ge=1, le=points.COUNT)]
Fraction = Annotated[float, Field(ge=0, le=1)]


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


def _read_region(value: Any) -> Region:
    """Tell the three forms apart by their keys, so that a mistake is reported for the form that was meant."""
    if value == "whole":
        return "whole"
    if not isinstance(value, dict) or not value:
        raise ValueError("must be whole, {left, right, top, bottom} or {points, margin}")
    edges = value.keys() & {"left", "right", "top", "bottom"}
    return Edges.model_validate(value) if edges else PointSet.model_validate(value)


class Data(Section):
    """Which data sets are used."""

    source: Literal["demo", "real"]


class TwinRule(Section):
    """Which images count as twins, and whether their leak is removed from training."""

    min_correlation: Annotated[float, Field(gt=0, le=1)]
    train_on: bool


class LandmarkSettings(Section):
    """Who finds the points, and when a face's points are good enough to cut by."""

    provider: Provider
    mirror: bool  # xception: look at the mirror image too
    max_error: Annotated[float, Field(gt=0)]  # expected mean distance, as a fraction of the inter-ocular distance
    dlib_model: str  # path of dlib's 68-point shape predictor


class Augment(Section):
    """How far training images of the classifiers are changed at random."""

    flip: bool
    rotate: Annotated[float, Field(ge=0, le=180)]  # degrees to either side
    shift: Fraction  # of the image's side, to either side
    scale: Fraction  # enlarged or reduced by up to this fraction
    erase: Fraction  # probability that a random rectangle is blanked
    mixup: Annotated[float, Field(ge=0)]  # images are blended in pairs, by shares from Beta(mixup, mixup); 0 is never
    cutmix: Annotated[float, Field(ge=0)]  # likewise, a rectangle of the other is pasted; with both, each half the time


class FitRecipe(Section):
    """What the training loop needs to know, whatever it trains."""

    epochs: Annotated[int, Field(ge=1)]
    batch: Annotated[int, Field(ge=1)]
    learning_rate: Annotated[float, Field(gt=0)]
    weight_decay: Annotated[float, Field(ge=0)]
    optimizer: Literal["adamw", "muon"]
    schedule: Literal["constant", "one_cycle"]
    average: Annotated[float, Field(ge=0, lt=1)]  # decay of the moving average of the weights; 0 is none
    patience: Annotated[int, Field(ge=1)]  # epochs without a better validation score before it stops
    precision: Literal["auto", "fp32", "bf16"]


class LandmarkRecipe(FitRecipe):
    """How the landmark model is built and trained."""

    width: Annotated[float, Field(gt=0, le=1)]  # of every layer; 1 is the paper's
    head: Literal["direct", "voting"]  # one linear layer, or every cell of a map votes for every point
    loss: Literal["nme", "nme_votes", "wing", "soft_wing", "l1", "l2"]

    @field_validator("loss")
    @classmethod
    def _votes_need_voters(cls, loss: str, info: ValidationInfo) -> str:
        if loss == "nme_votes" and info.data.get("head") == "direct":
            raise ValueError("must be nme, wing, soft_wing, l1 or l2 for head: direct, which does not vote")
        return loss


class ClassifierRecipe(FitRecipe):
    """How one network is trained as a classifier."""

    label_smoothing: Annotated[float, Field(ge=0, lt=1)]
    votes: Fraction  # how much of the target is the shares of FER+'s votes, where there are any, instead of the label
    balance: Fraction  # weight of a class: its frequency to the power of -balance; 0: all images count alike
    stem: Literal[
        "imagenet", "small"
    ]  # GoogLeNet: the paper's, made for 224 pixels, or one that keeps small images large
    pretrained: bool  # GoogLeNet starts from ImageNet weights; the small CNNs have none
    first_side: Literal[24, 32, 40, 48]  # GoogLeNet: pixels of the images at first, growing to 48
    augment: Augment

    @field_validator("pretrained")
    @classmethod
    def _weights_fit_the_stem(cls, pretrained: bool, info: ValidationInfo) -> bool:
        if pretrained and info.data.get("stem") == "small":
            raise ValueError("must be false for stem: small, which ImageNet weights do not fit")
        return pretrained


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
    regions: Annotated[dict[str, Annotated[Any, BeforeValidator(_read_region)]], Field(min_length=1)]
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
