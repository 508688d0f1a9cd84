"""A folder of exported models: networks as ONNX, and `models.json`, which says how they are applied."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnxruntime
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from pipeline.common.files import InputError, inside
from pipeline.common.records import read_json
from pipeline.faces.trust import Trust
from pipeline.regions.definitions import Region, read_region

ABOUT, TRUST, LANDMARKS = "models.json", "trust.json", "landmarks.onnx"
PROVIDER = "xception"
REMEDY = "run `make repro` and `make export`, or name a folder that it wrote"


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class Framing(_Part):
    """How the images that the classifiers were trained on show a face.

    Attributes:
        x, y: where the middle of what the points span lies, as fractions of the image's side.
        extent: its larger side, likewise.
    """

    x: float = Field(ge=0, le=1)
    y: float = Field(ge=0, le=1)
    extent: float = Field(gt=0.1, le=2)


class ClassifierAbout(_Part):
    """What is known of a classifier; see `classifier_file.Header`.

    Attributes:
        file: its name in the folder.
        region_name, region: what its images are cut to.
        drawn: whether the faces that it was trained on are drawings.
    """

    file: str
    network: str
    region_name: str
    region: Any
    channels: int = Field(ge=1, le=3)
    side: int = Field(ge=1, le=512)
    data_set: str
    drawn: bool
    scores: dict[str, dict[str, float]]


class About(_Part):
    """What `models.json` holds.

    Attributes:
        classes: the names of the expressions.
        side: of the images that regions are cut from, in pixels.
        max_error: expected error above which the points are not trusted and an image stays whole.
    """

    classes: tuple[str, ...] = Field(min_length=2)
    side: int = Field(ge=16, le=512)
    framing: Framing
    max_error: float = Field(gt=0)
    classifiers: tuple[ClassifierAbout, ...] = Field(min_length=1)

    @property
    def trained_on(self) -> str:
        """The data that the classifiers were trained on, in words."""
        sets = {one.data_set + (" (drawn faces, no photographs)" if one.drawn else "") for one in self.classifiers}
        return ", ".join(sorted(sets))


@dataclass(frozen=True)
class Classifier:
    """A network in onnxruntime, and what is known of it."""

    about: ClassifierAbout
    region: Region
    session: onnxruntime.InferenceSession


@dataclass(frozen=True)
class Models:
    """All that leads from a photograph to expressions."""

    about: About
    trust: Trust
    landmarks: onnxruntime.InferenceSession
    classifiers: tuple[Classifier, ...]


def load_models(folder: Path) -> Models:
    """Read what `stages.export_models` wrote.

    Raises:
        InputError: something is missing or damaged; it says how to get it.
    """
    path = folder / ABOUT
    content = read_json(path, REMEDY)
    try:
        about = About.model_validate(content)
        regions = [read_region(one.region) for one in about.classifiers]
    except ValidationError as error:
        finding = error.errors()[0]
        where = ".".join(map(str, finding["loc"]))
        raise InputError(f"{path}: {where}: {finding['msg']}; {REMEDY}") from None
    except ValueError as error:
        raise InputError(f"{path}: a region {error}; {REMEDY}") from None
    landmarks = open_session(folder / LANDMARKS)
    classifiers = tuple(
        Classifier(one, region, open_session(inside(folder, one.file, path)))
        for one, region in zip(about.classifiers, regions, strict=True)
    )
    return Models(about, Trust.load(folder / TRUST, PROVIDER), landmarks, classifiers)


def open_session(path: Path) -> onnxruntime.InferenceSession:
    """A network, ready on the CPU. Raises InputError if the file is missing or no ONNX."""
    if not path.is_file():
        raise InputError(f"{path}: missing; {REMEDY}")
    try:
        return onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    except Exception as error:  # onnxruntime's errors have no common base but this
        raise InputError(f"{path}: no network that onnxruntime can run ({error}); {REMEDY}") from None


def answer(session: onnxruntime.InferenceSession, images: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """What a network says of images (N, channels, side, side), N at least 1; it is made for one at a time."""
    name = session.get_inputs()[0].name
    return np.concatenate([session.run(None, {name: image[None]})[0] for image in images]).astype(np.float32)
