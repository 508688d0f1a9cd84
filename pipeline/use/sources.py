"""Where the models that are exported come from: those that were trained here, or those that come with the project."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from pipeline.classifiers.cells import Cell
from pipeline.classifiers.classifier_file import Classifier, load_cell, load_classifier
from pipeline.common.files import InputError
from pipeline.common.records import read_json
from pipeline.data.expressions import Expressions
from pipeline.data.roles import Roles
from pipeline.faces.detector_settings import PRETRAINED, SHIPPED, SHIPPED_MODEL, SHIPPED_TRUST
from pipeline.faces.detectors.xception import MODEL
from pipeline.faces.located import Located
from pipeline.faces.trust import Trust
from pipeline.params import Params
from pipeline.regions.variants import Variant
from pipeline.use.export import measure_framing
from pipeline.use.models import Framing

CLASSIFIERS = PRETRAINED / "classifiers"
SHOWN = "shown.json"
RESTORE = "restore it with git"
# Whose points can be found without torch: of the two that are the same network.
LANDMARKS = {"xception": MODEL, SHIPPED: SHIPPED_MODEL}


class Shown(BaseModel):
    """How the images that classifiers were trained on show faces; see `models.About`.

    Attributes:
        drawn: whether these faces are drawings.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    side: int = Field(ge=16, le=512)
    framing: Framing
    max_error: float = Field(gt=0)
    drawn: bool


@dataclass(frozen=True)
class Source:
    """All that is exported.

    Attributes:
        landmarks: the landmark model's file.
        trust: its curve.
        classifiers: one a region, or some of them.
    """

    landmarks: Path
    trust: Trust
    shown: Shown
    classifiers: tuple[Classifier, ...]


def trained(params: Params) -> Source:
    """What `dvc repro` trained in this folder: of each region the classifier that validation prefers.

    Raises:
        InputError: something is missing, or the points of this provider cannot be found without torch.
    """
    provider = params.landmarks.provider
    if provider not in LANDMARKS:
        raise InputError(f"params.yaml: landmarks.provider: {provider} is not exported, only {' or '.join(LANDMARKS)}")
    if params.landmarks.mirror:
        raise InputError("params.yaml: landmarks.mirror: must be false to export, for a face is looked at once in use")
    classifiers = tuple(_best(region, params) for region in params.regions)
    return Source(LANDMARKS[provider], Trust.load(Path("models/trust.json"), provider), shown(params), classifiers)


def shipped() -> Source:
    """What comes with the project.

    Raises:
        InputError: something of it is missing or damaged.
    """
    files = sorted(CLASSIFIERS.glob("*.safetensors"))
    if not files:
        raise InputError(f"{CLASSIFIERS}: holds no classifier; {RESTORE}")
    path = CLASSIFIERS / SHOWN
    try:
        seen = Shown.model_validate(read_json(path, RESTORE))
    except ValidationError as error:
        finding = error.errors()[0]
        raise InputError(f"{path}: {'.'.join(map(str, finding['loc']))}: {finding['msg']}; {RESTORE}") from None
    classifiers = tuple(load_classifier(file) for file in files)
    return Source(SHIPPED_MODEL, Trust.load(SHIPPED_TRUST, SHIPPED), seen, classifiers)


def shown(params: Params) -> Shown:
    """How the images of the data set in this folder show faces."""
    expressions = Expressions.load(Path("data/expressions"))
    located = Located.load(Path("data/landmarks.npz"), len(expressions))
    role = Roles.load(Path("data/roles.npz"), len(expressions)).trainings[0][1].role  # of folds, those of the first
    train, max_error = role == "train", params.landmarks.max_error
    framing = measure_framing(located.points[train], located.expected_error[train], max_error, expressions.side)
    return Shown(side=expressions.side, framing=framing, max_error=max_error, drawn=params.data.source == "demo")


def _best(region: str, params: Params) -> Classifier:
    """The classifier of a region whose accuracy on the validation images that choose is the highest."""
    variant = Variant.load(Path(f"data/variants/{region}"))
    found: dict[float, Classifier] = {}
    for network in params.networks:
        for seed in params.seeds:
            cell = Cell(region, network, seed)
            path = Path(f"models/classifiers/{cell.path}.safetensors")
            classifier = load_cell(path, cell, variant)
            accuracy = classifier.header.scores.get("choosing", {}).get("accuracy")
            if accuracy is None:
                raise InputError(f"{path}: has no accuracy of choosing; delete it and run `make repro`")
            found.setdefault(accuracy, classifier)
    return found[max(found)]
