"""`params.yaml` and `recipes.yaml`, typed and checked: every mistake is one line with the key and what it may be.

The types of most settings stand with what they describe; here they are put together.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Any, Literal, get_args

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    Field,
    ValidationError,
    ValidationInfo,
    field_validator,
)
from pydantic_core import ErrorDetails

from pipeline.classifiers import networks
from pipeline.classifiers.cells import Cell
from pipeline.classifiers.recipe import ClassifierRecipe, Classifiers
from pipeline.classifiers.students import Student
from pipeline.common.files import InputError
from pipeline.common.settings import Section, read_yaml
from pipeline.data import readers
from pipeline.data.extra import Extra
from pipeline.data.outside import Outside
from pipeline.data.roles import Folds, SplitRule, read_split
from pipeline.data.twins import TwinRule
from pipeline.faces.detector_settings import LandmarkSettings
from pipeline.faces.recipe import LandmarkRecipe
from pipeline.regions.definitions import (
    PART_FORMS,
    REGION_FORMS,
    REGION_NAME,
    RESERVED,
    Region,
    check_parts,
    read_part,
    read_region,
    resolve,
)
from pipeline.training.recipe import FitRecipe

DEMO_FORMATS = ("fer2013", "ferplus", "folder")  # which files the demo is drawn as

TAKEN = "landmarks"  # what a training of faces is called among those of regions

# A recipe's name is part of keys that DVC takes apart at the dots.
RECIPE_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,39}")

Settings = dict[Any, Any]  # what a file holds, as it was read


class Data(Section):
    """Which data sets are used."""

    source: Literal["demo", "real"]
    expressions: str  # the reader of the expression data set
    settings: Annotated[Any, Field(validate_default=True)] = {}  # the reader's own
    extra: Extra | None = None  # more images to train on
    outside: Outside | None = None  # another data set to test on

    @field_validator("expressions")
    @classmethod
    def _is_a_reader(cls, name: str) -> str:
        return readers.known(name)

    @field_validator("settings", mode="before")
    @classmethod
    def _are_the_readers(cls, settings: Any, info: ValidationInfo) -> Any:
        name = info.data.get("expressions")
        return readers.settings_of(name).model_validate(settings) if name else settings


def _read_images(value: Any) -> int | Literal["all"]:
    if value == "all" or (isinstance(value, int) and not isinstance(value, bool) and value >= 1):
        images: int | Literal["all"] = value
        return images
    raise ValueError("must be a whole number from 1, or all")


class Atlas(Section):
    """Which classifiers are asked what each part of the face is worth, and on how many images.

    Attributes:
        region: whose classifiers; one that is `whole`.
        networks: which of params.yaml's `networks`.
        images: test images of each expression, or all.
    """

    region: str
    networks: Annotated[list[str], Field(min_length=1)]
    images: Annotated[Any, BeforeValidator(_read_images)]


class Recipe(Section):
    """One way to train everything."""

    landmarks: LandmarkRecipe
    test_time_augmentation: Literal["none", "mirror", "ten"]  # judged too: its mirror image; shifts
    classifiers: Classifiers  # type: ignore[valid-type]


class Params(Section):
    """All settings: the keys of params.yaml, and the recipes."""

    data: Data
    split: Annotated[Any, BeforeValidator(read_split)]
    twins: TwinRule
    side: Annotated[int, Field(ge=16, le=512)]  # of the images that classifiers see, in pixels
    recipe: str
    regions: Annotated[dict[str, Annotated[Any, BeforeValidator(read_region)]], Field(min_length=1)]
    reference: str  # the region that the others are compared with
    networks: Annotated[list[str], Field(min_length=1)]
    seeds: Annotated[list[Annotated[int, Field(ge=0, le=10**9)]], Field(min_length=1)]
    fallback: Literal["whole", "drop"] = "whole"  # what a train image is that was not cut: whole, or not trained on
    students: list[Student]  # classifiers that learn from others
    parts: Annotated[dict[str, Annotated[Any, BeforeValidator(read_part)]], AfterValidator(check_parts)]
    atlas: Atlas
    launcher: Annotated[str, Field(min_length=1, pattern=r"\S")]
    landmarks: LandmarkSettings
    recipes: dict[str, Recipe]

    @property
    def chosen(self) -> Recipe:
        """The recipe that `recipe` names."""
        return self.recipes[self.recipe]

    @property
    def split_rule(self) -> SplitRule:
        """How the data set is split."""
        rule: SplitRule = self.split
        return rule

    @property
    def in_folds(self) -> bool:
        """Whether every row is tested once, in one of several folds."""
        return isinstance(self.split_rule, Folds)

    @property
    def source_folder(self) -> Path:
        """Where `obtain` says what the data sets are."""
        return Path("data") / self.data.source

    def classifier_recipe(self, network: str) -> ClassifierRecipe[Any]:
        """How the chosen recipe trains a network of `networks`."""
        recipe: ClassifierRecipe[Any] = getattr(self.chosen.classifiers, network)
        return recipe

    def student_recipe(self, student: Student) -> ClassifierRecipe[Any]:
        """How a student is trained: as the chosen recipe trains its network, for as many epochs as it says."""
        own = {"epochs": student.epochs, "patience": student.epochs}
        return self.classifier_recipe(student.network).model_copy(update=own)

    def control(self, student: Student) -> Student | None:
        """The control of a student that has teachers: trained as it is, from the labels alone.

        Returns:
            None if none of `students` is one; then the classifier of its region is.
        """
        same = ("region", "network", "epochs")
        alike = (each for each in self.students if all(getattr(each, key) == getattr(student, key) for key in same))
        return next((each for each in alike if not each.teachers), None)

    def region(self, name: str) -> Region:
        """The definition of a region. Raises InputError if there is none of that name."""
        if name not in self.regions:
            raise InputError(f"params.yaml: regions: has no {name!r}, only {', '.join(self.regions)}; add it")
        region: Region = self.regions[name]
        return region

    def student(self, name: str) -> Student:
        """A student. Raises InputError if there is none of that name."""
        for student in self.students:
            if student.name == name:
                return student
        known = ", ".join(student.name for student in self.students) or "none"
        raise InputError(f"params.yaml: students: has no {name!r}, only {known}; add it")

    def sees(self, name: str) -> str:
        """What a region's classifiers, or a student of this name, are shown: the region, or that of the student."""
        return name if name in self.regions else self.student(name).region

    def cell(self, name: str, network: str, seed: str) -> Cell:
        """A cell of a region or of a student, from the command line's words.

        Raises:
            InputError: one of them is not in the file.
        """
        students = {student.name: student.network for student in self.students}
        if name not in students:
            self.region(name)
        of = [students[name]] if name in students else self.networks
        for key, word, known in (("networks", network, of), ("seeds", seed, map(str, self.seeds))):
            names = list(known)
            if word not in names:
                raise InputError(f"params.yaml: {key}: has no {word!r}, only {', '.join(names)}; add it")
        return Cell(name, network, int(seed))


# Keys of earlier versions by the section that they stood in, and what became of them.
RENAMED: dict[tuple[type[Section], str], str] = {
    (LandmarkSettings, "dlib_model"): "put the file into pretrained/dlib, and list dlib under compare",
    (Recipe, "views"): "it is called test_time_augmentation now: none, mirror or ten",
    (FitRecipe, "average"): "it is called ema_decay now",
    (ClassifierRecipe, "balance"): "it is called class_weights now",
    **{
        (ClassifierRecipe, key): f"it stands in network: {{{key}: ...}} of googlenet now"
        for key in ("stem", "pretrained", "first_side")
    },
}


def load_params(path: Path = Path("params.yaml")) -> Params:
    """Read and check the file, and `recipes.yaml` beside it.

    Raises:
        InputError: one is missing, is no YAML, or says something that cannot be; one line with the key and the remedy.
    """
    recipes = path.with_name("recipes.yaml")
    return check_params(*read_settings(path), path, recipes)


def read_settings(path: Path) -> tuple[Settings, Settings]:
    """What params.yaml and `recipes.yaml` beside it hold, not checked yet.

    Raises:
        InputError: one is missing, is no YAML, or holds nothing.
    """
    content = _read(path, f"the keys {', '.join(_keys(Params))}")
    if "recipes" in content:
        raise InputError(f"{path}: recipes: they stand in recipes.yaml now; move yours there; see CHANGELOG.md")
    return content, _read(path.with_name("recipes.yaml"), "recipes by name")


def check_params(content: Settings, recipes: Settings, path: Path | str, recipes_path: Path | str) -> Params:
    """Check what two files hold, see `load_params`; messages name them by the paths given."""
    try:
        params = Params.model_validate({**content, "recipes": recipes})
    except ValidationError as error:
        # A misspelt key is both unknown and missing: the first of the two says more.
        finding = min(error.errors(), key=lambda finding: finding["type"] != "extra_forbidden")
        in_recipes = finding["loc"][:1] == ("recipes",)
        raise InputError(f"{recipes_path if in_recipes else path}: {_explain(finding)}") from None
    _check_names(path, recipes_path, params)
    return params


def _read(path: Path, wanted: str) -> Settings:
    content = read_yaml(path, "run from the project's folder, or restore it with git")
    if not isinstance(content, dict) or not content:
        raise InputError(f"{path}: must hold {wanted}")
    return content


def _check_names(path: Path | str, recipes: Path | str, params: Params) -> None:
    for name in params.regions:
        if not REGION_NAME.fullmatch(name):
            raise InputError(
                f"{path}: regions.{name}: a region's name becomes a file name: use letters, digits and _, "
                "a letter first, at most 40"
            )
        if RESERVED.fullmatch(name):
            raise InputError(f"{path}: regions.{name}: on Windows no file may have this name; take another")
        if name == TAKEN:
            raise InputError(f"{path}: regions.{name}: the landmark model's files are called so; take another name")
    if len({name.lower() for name in params.regions}) < len(params.regions):
        raise InputError(f"{path}: regions: two names differ only in case; rename one")
    if params.data.source == "demo" and params.data.expressions not in DEMO_FORMATS:
        known = " or ".join(DEMO_FORMATS)
        raise InputError(f"{path}: data.expressions: the demo is drawn in the format {known}; set it to that")
    for name in params.regions:
        try:
            resolve(name, params.regions)
        except ValueError as error:
            raise InputError(f"{path}: regions.{name}.like: {error}") from None
    if params.reference not in params.regions:
        raise InputError(f"{path}: reference: {params.reference!r} is not among regions ({', '.join(params.regions)})")
    for key, values in (("networks", params.networks), ("seeds", params.seeds)):
        if len(set(values)) < len(values):
            raise InputError(f"{path}: {key}: an entry stands twice; remove one")
    for name in params.recipes:
        if not RECIPE_NAME.fullmatch(name):
            raise InputError(
                f"{recipes}: {name}: a recipe's name becomes part of a key: use letters, "
                "digits, _ and -, a letter first, at most 40"
            )
    if params.recipe not in params.recipes:
        raise InputError(f"{path}: recipe: {params.recipe!r} is not in recipes.yaml ({', '.join(params.recipes)})")
    for name in params.networks:
        if name not in networks.names():
            raise InputError(f"{path}: networks: there is no {name!r}; may be {', '.join(networks.names())}")
        if params.classifier_recipe(name) is None:
            raise InputError(f"{recipes}: {params.recipe}.classifiers.{name}: missing; add it, for networks has it")
    _check_atlas(path, params)
    _check_students(path, params)


def _check_atlas(path: Path | str, params: Params) -> None:
    region, networks = params.atlas.region, params.atlas.networks
    if params.regions.get(region) != "whole":
        whole = [name for name, kept in params.regions.items() if kept == "whole"]
        remedy = f"take {' or '.join(whole)}" if whole else "add vanilla: whole to regions"
        raise InputError(f"{path}: atlas.region: {region!r} is not a region that is whole; {remedy}")
    absent = [name for name in networks if name not in params.networks]
    if absent or len(set(networks)) < len(networks):
        raise InputError(
            f"{path}: atlas.networks: takes networks that networks has ({', '.join(params.networks)}), each once, "
            f"not {', '.join(absent or networks)}"
        )


def _check_students(path: Path | str, params: Params) -> None:
    names = [student.name for student in params.students]
    for number, student in enumerate(params.students):
        key = f"{path}: students: {student.name!r}"
        if not REGION_NAME.fullmatch(student.name) or RESERVED.fullmatch(student.name):
            raise InputError(f"{key} becomes a file name: use letters, digits and _, a letter first, at most 40")
        if student.name.lower() in [name.lower() for name in (TAKEN, *names[:number], *params.regions)]:
            raise InputError(f"{key} is the name of a region, of another student or of the landmark model; rename it")
        absent = [name for name in (student.region, *student.teachers) if name not in params.regions]
        if absent or student.network not in params.networks:
            wrong = absent or [student.network]
            raise InputError(f"{key}: {', '.join(wrong)} is not among regions or networks; add it there")
        if bool(student.teachers) != (student.share > 0):
            raise InputError(f"{key}: teachers and a share above 0 belong together, a control has neither")
        recipe = params.classifier_recipe(student.network)
        stops_early = recipe.keep == "best" and recipe.patience < recipe.epochs
        as_its_region = student.epochs == recipe.epochs and not stops_early
        control = params.control(student)
        if student.teachers and not as_its_region and control is None:
            raise InputError(
                f"{key}: is trained for {student.epochs} epochs, its region's classifiers are not; "
                f"add a control: the same under another name, with teachers: [], without share"
            )
        if not student.teachers and control is not None and control is not student:
            raise InputError(f"{key}: is the same control as {control.name!r}; remove one")
    if params.in_folds and params.students:
        raise InputError(f"{path}: students: learn of one split only, not of folds; set students: []")


def _explain(error: ErrorDetails) -> str:
    """One line for one of pydantic's findings."""
    location = [str(part) for part in error["loc"] if part != "[key]"]
    key = ".".join(location[1:] if location[0] == "recipes" else location)
    if error["type"] == "extra_forbidden":
        return f"{key}: {_unknown(location)}"
    if error["type"] == "missing":
        return f"{key}: missing; add it"
    message = error["msg"].removeprefix("Value error, ")
    if error["type"] == "model_type":
        message = f"must be {{{', '.join(_keys(_section(location)))}}}"
    return f"{key}: {message[0].lower()}{message[1:]}, not {error['input']!r}"


def _unknown(location: list[str]) -> str:
    """What became of a key that there is not, or else what may stand in its place."""
    if location[0] == "regions":
        return f"unknown key; a region is {REGION_FORMS}"
    if location[0] == "split":
        return "unknown key; may be shares or folds, group, seed"
    if _of_a_reader(location):
        return "unknown key; docs/your_images.md has what each reader takes"
    if location[0] == "parts":
        return f"unknown key; a part is {PART_FORMS}"
    section = _section(location[:-1])
    for (kind, key), remedy in RENAMED.items():
        if key == location[-1] and issubclass(section, kind):
            return f"{remedy}; see CHANGELOG.md"
    keys = ", ".join(_keys(section))
    return f"unknown key; may be {keys}" if keys else f"unknown key; {location[-2]} takes none"


def _of_a_reader(location: list[str]) -> bool:
    """Whether a key is in a reader's own settings."""
    return location[:2] == ["data", "settings"] or location[:3] == ["data", "outside", "settings"]


def _keys(section: type[BaseModel]) -> list[str]:
    """The keys of a section, as its file has them."""
    return [key for key in section.model_fields if not (section is Params and key == "recipes")]


def _section(location: list[str]) -> type[BaseModel]:
    """The section that a key of the settings holds; without a key, all of them."""
    if _of_a_reader(location):
        return Section  # which one depends on the reader
    found: Any = Params
    for part in location:
        # Of dict[str, X], X; X | None stands for X.
        found = found.model_fields[part].annotation if hasattr(found, "model_fields") else get_args(found)[1]
        found = get_args(found)[0] if type(None) in get_args(found) else found
    section: type[BaseModel] = found
    return section
