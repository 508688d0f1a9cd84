"""A study: `studies/NAME.yaml`, what differs from `studies/_base.yaml` and recipes.yaml, and what a report printed.

`study` is its header; `demo` is what differs further where it is tried on drawn data; every other key is one of
params.yaml, or `recipes` for those of recipes.yaml. What is not named stays as the two files have it, or as the study
has it that `like` names. The user's params.yaml has no part in it, so that a study asks the same everywhere.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, NamedTuple

from pydantic import AfterValidator, BeforeValidator, Field, ValidationError

from pipeline.common.files import InputError
from pipeline.common.settings import Section, read_yaml
from pipeline.data.protocols import PROTOCOLS
from pipeline.data.roles import OUTSIDE
from pipeline.params import DEMO_FORMATS, Params, Settings, check_params

FOLDER = Path("studies")
BASE = FOLDER / "_base.yaml"  # whose name is no study's
NAME = re.compile(r"[a-z][a-z0-9_]{0,39}")

# Scores of all rows of a protocol, and those of one class, see `evaluation.scores`. always_commonest: what naming the
# class of most train images comes to, whatever is shown. share: of a class among the images. What begins with EXPECTED
# is to be expected if labels are drawn by the votes, see `studies.votes`.
EXPECTED = "expected_"
OF_LABELS = ("accuracy", "macro_f1", "always_commonest", "always_commonest_f1")
SCORES = (*OF_LABELS, "balanced_accuracy", *(f"{EXPECTED}{score}" for score in OF_LABELS))
CLASS_SCORES = ("precision", "recall", "f1", "share")

# The settings are this deep: what stands below is one value, which a study replaces whole.
DEPTH = 2
ONE_OF_SEVERAL_FORMS = "split"

# On drawn data: small and once. Where a landmark model is trained, it needs most of the time.
DEMO: Settings = {
    "data": {"source": "demo", "settings": None, "extra": None, "outside": None},
    "recipe": "demo",
    "landmarks": {"max_error": 1.0},  # a model that learnt so little, or other faces, trusts few of its points
}
DEMO_RECIPES: Settings = {"demo": {"landmarks": {"epochs": 2, "patience": 2}}}
DEMO_FOLDS = 3


class Ours(NamedTuple):
    """Which of our figures stands beside a printed one."""

    region: str
    network: str
    protocol: str
    score: str  # one of SCORES or CLASS_SCORES
    of_class: str | None = None


def _read_ours(value: Any) -> Ours | None:
    if value is None or isinstance(value, Ours):
        return value
    *place, score = str(value).split("/")
    of_class = place.pop() if len(place) == 4 else None
    if len(place) != 3 or score not in (SCORES if of_class is None else CLASS_SCORES):
        raise ValueError(
            f"must be REGION/NETWORK/PROTOCOL/SCORE, the score one of {', '.join(SCORES)}, "
            f"or REGION/NETWORK/PROTOCOL/CLASS/SCORE, that one of {', '.join(CLASS_SCORES)}"
        )
    region, network, protocol = place
    known = ["test"] if score.startswith(EXPECTED) else [*PROTOCOLS]
    if protocol not in known:
        raise ValueError(
            f"must have {'one of the protocols ' if len(known) > 1 else 'the protocol '}{', '.join(known)}"
        )
    return Ours(region, network, protocol, score, of_class)


def _is_text(value: Any) -> str:
    if isinstance(value, bool) or not isinstance(value, (str, int, float)) or value == "":
        raise ValueError("must be a figure as it was printed")
    return str(value)


Text = Annotated[str, AfterValidator(lambda text: " ".join(text.split())), Field(min_length=1)]


class Printed(Section):
    """A figure of a report.

    Attributes:
        what: the figure is of.
        value: as it was printed.
        on: the data, the protocol and the number of images that it was scored on, as far as they are printed.
        ours: which of our figures stands beside it, if any; None where it is here to be known alone.
    """

    what: Text
    value: Annotated[Any, BeforeValidator(_is_text)]
    on: Text
    ours: Annotated[Any, BeforeValidator(_read_ours)] = None


class Header(Section):
    """What a study says of itself.

    Attributes:
        reproduces: which report, and what of it.
        inferred: what we infer from its text, or chose where it says nothing; None if nothing.
        costs: hours on two CPU cores, or `not measured`.
        reached: what came of it; None until it was measured.
        printed: the report's figures; the first that has one of ours beside it is the headline.
    """

    reproduces: Text
    inferred: Text | None = None
    costs: Text
    reached: Text | None = None
    printed: list[Printed] = []


@dataclass(frozen=True)
class StudyFile:
    """A study, with all its settings.

    Attributes:
        name: of the file.
        header: see `Header`.
        content, recipes: what params.yaml and recipes.yaml are while it runs.
        params: the same, checked.
    """

    name: str
    header: Header
    content: Settings
    recipes: Settings
    params: Params

    @property
    def drawn(self) -> bool:
        """Whether its data are drawn: by the study itself, or since it is only tried."""
        return self.params.data.source == "demo"


def names(project: Path = Path()) -> list[str]:
    """The studies that there are."""
    return sorted(path.stem for path in (project / FOLDER).glob("*.yaml") if NAME.fullmatch(path.stem))


def read_study(name: str, drawn: bool, project: Path = Path()) -> StudyFile:
    """Read a study and put its settings together.

    Args:
        name: of `studies/NAME.yaml`.
        drawn: whether it is tried on drawn data.
        project: the folder of studies/ and recipes.yaml.

    Raises:
        InputError: there is no such study, or a file says something that cannot be; one line with the key.
    """
    known = names(project)
    if name not in known:
        raise InputError(f"{FOLDER}: there is no study {name!r}; may be {', '.join(known) or 'none, for it is empty'}")
    parts = _parts(name, project)
    path = parts[-1].path
    header = _header(path, parts[-1].header)
    content, recipes = _keys(project / BASE), _keys(project / "recipes.yaml")
    for part in parts:
        content, recipes = _changed(part.path, content, recipes, part.changes)
    told = " and ".join(str(part.path) for part in parts)
    params = check_params(content, recipes, told, f"{told}: recipes")
    if drawn:
        # The figures were printed of other data; what cannot be had of drawn data is left empty.
        content, recipes = _on_drawn_data(content, recipes)
        for part in parts:
            content, recipes = _changed(part.path, content, recipes, part.demo)
        params = check_params(content, recipes, f"{told}: demo", f"{told}: demo: recipes")
    else:
        _check_ours(path, header, params)
    return StudyFile(name, header, content, recipes, params)


class _Part(NamedTuple):
    """What one file says: its header, what differs, and what differs further on drawn data; none of it checked."""

    path: Path
    header: Any
    changes: Settings
    demo: Any


def _parts(name: str, project: Path) -> list[_Part]:
    """What a study's own file says, behind what that of the study says that it is like, if it is like one.

    Raises:
        InputError: a file is missing, is no YAML or has no header, or the study is like what it cannot be like.
    """
    own, like = _part(name, project)
    if like is None:
        return [own]
    others = [other for other in names(project) if other != name]
    if like not in others:
        raise InputError(f"{own.path}: like: there is no other study {like!r}; may be {', '.join(others)}")
    other, further = _part(like, project)
    if further is not None:
        raise InputError(f"{own.path}: like: {like} is itself like {further}; take a study that is like no other")
    return [other, own]


def _part(name: str, project: Path) -> tuple[_Part, Any]:
    """What one file says, and what it says that it is like, if anything."""
    path = project / FOLDER / f"{name}.yaml"
    changes = _keys(path)
    if "study" not in changes:
        raise InputError(
            f"{path}: must hold study, the header, and keys of params.yaml; docs/studies.md has an example"
        )
    like, demo = changes.pop("like", None), changes.pop("demo", None)
    return _Part(path, changes.pop("study"), changes, {} if demo is None else demo), like


def _keys(path: Path) -> Settings:
    content = read_yaml(path, "restore it with git")
    if not isinstance(content, dict):
        raise InputError(f"{path}: must hold keys; restore it with git")
    return content


def _header(path: Path, value: Any) -> Header:
    try:
        return Header.model_validate(value)
    except ValidationError as error:
        # A misspelt key is both unknown and missing: the first of the two says more.
        finding = min(error.errors(), key=lambda finding: finding["type"] != "extra_forbidden")
    key = ".".join(["study", *map(str, finding["loc"])])
    if finding["type"] == "extra_forbidden":
        section = Printed if len(finding["loc"]) > 1 else Header
        raise InputError(f"{path}: {key}: unknown key; may be {', '.join(section.model_fields)}")
    if finding["type"] == "missing":
        raise InputError(f"{path}: {key}: missing; add it")
    message = finding["msg"].removeprefix("Value error, ")
    raise InputError(f"{path}: {key}: {message[0].lower()}{message[1:]}, not {finding['input']!r}")


def _changed(path: Path, content: Settings, recipes: Settings, changes: Any) -> tuple[Settings, Settings]:
    """Both files with a study's changes."""
    if not isinstance(changes, dict) or not isinstance(changes.get("recipes", {}), dict):
        raise InputError(f"{path}: demo and recipes must hold keys, as params.yaml and recipes.yaml do")
    changes = dict(changes)
    of_recipes = changes.pop("recipes", {})
    return merged(content, changes, DEPTH), merged(recipes, of_recipes, None)


def merged(settings: Settings, changes: Settings, depth: int | None) -> Settings:
    """The settings with changes: a key that is empty there is taken out, one that both have as sections is merged.

    Args:
        depth: of the sections that are merged; None for all.
    """
    result = dict(settings)
    for key, value in changes.items():
        old = result.get(key)
        if value is None:
            result.pop(key, None)
        elif depth != 1 and key != ONE_OF_SEVERAL_FORMS and isinstance(value, dict) and isinstance(old, dict):
            result[key] = merged(old, value, depth and depth - 1)
        else:
            result[key] = value
    return result


def _on_drawn_data(content: Settings, recipes: Settings) -> tuple[Settings, Settings]:
    """The settings for a try in a minute or two: networks, regions and the kind of split stay."""
    content = merged(content, DEMO, DEPTH)
    if content["data"]["expressions"] not in DEMO_FORMATS:
        content["data"]["expressions"] = DEMO_FORMATS[0]
    split = content["split"]
    if isinstance(split, dict) and "folds" in split:
        content["split"] = {**split, "folds": min(split["folds"], DEMO_FOLDS)}
    content["seeds"] = content["seeds"][:1]
    content["atlas"] = {**content["atlas"], "images": 1}
    return content, merged(recipes, DEMO_RECIPES, None)


def _check_ours(path: Path, header: Header, params: Params) -> None:
    """Raise InputError if a figure is asked for that the study cannot have. Its classes are known once it has run."""
    for number, printed in enumerate(header.printed):
        ours: Ours | None = printed.ours
        if ours is None:
            continue
        key = f"{path}: study.printed.{number}.ours"
        for name, known in ((ours.region, params.regions), (ours.network, params.networks)):
            if name not in known:
                raise InputError(f"{key}: has {name!r}, only {', '.join(known)} are trained")
        if ours.protocol == OUTSIDE and params.data.outside is None:
            raise InputError(f"{key}: has outside, but data has no outside test set; add it, or leave ours out")
        if ours.protocol == "as_reported" and params.in_folds:
            raise InputError(f"{key}: has as_reported, which nothing is in folds; take test")


def plain(settings: Settings) -> Settings:
    """The same without aliases, as it may be written to a file."""
    copy: Settings = json.loads(json.dumps(settings))
    return copy
