"""A folder of exported models: networks as ONNX, and `models.json`, which says how they are applied."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

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
AT_ONCE = 16  # images that a network is asked about; see `benchmarks.batches`
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
    channels: Literal[1, 3]
    side: int = Field(ge=1, le=512)
    data_set: str
    drawn: bool
    scores: dict[str, dict[str, float]]

    @property
    def name(self) -> str:
        """REGION/NETWORK."""
        return f"{self.region_name}/{self.network}"


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


def load_models(folder: Path, threads: int | None = None) -> Models:
    """Read what `stages.export_models` wrote.

    Args:
        folder: that it wrote into.
        threads: that a network may use; as many as there are cores if None.

    Raises:
        InputError: something is missing or damaged; it says how to get it.
    """
    about, path = read_about(folder), folder / ABOUT
    try:
        regions = [read_region(one.region) for one in about.classifiers]
    except ValueError as error:
        raise InputError(f"{path}: a region {error}; {REMEDY}") from None
    landmarks = open_session(folder / LANDMARKS, threads)
    classifiers = tuple(
        Classifier(one, region, open_session(inside(folder, one.file, path), threads))
        for one, region in zip(about.classifiers, regions, strict=True)
    )
    return Models(about, Trust.load(folder / TRUST, PROVIDER), landmarks, classifiers)


def read_about(folder: Path) -> About:
    """What a folder of exported models says of itself. Raises InputError if it is none, or damaged."""
    path = folder / ABOUT
    try:
        return About.model_validate(read_json(path, REMEDY))
    except ValidationError as error:
        finding = error.errors()[0]
        where = ".".join(map(str, finding["loc"]))
        raise InputError(f"{path}: {where}: {finding['msg']}; {REMEDY}") from None


def open_session(path: Path, threads: int | None = None) -> onnxruntime.InferenceSession:
    """A network, ready on the CPU. Raises InputError if the file is missing, no ONNX, or of an earlier version."""
    if not path.is_file():
        raise InputError(f"{path}: missing; {REMEDY}")
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads or 0
    try:
        session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # onnxruntime's errors have no common base but this
        raise InputError(f"{path}: no network that onnxruntime can run ({error}); {REMEDY}") from None
    if isinstance(session.get_inputs()[0].shape[0], int):
        raise InputError(f"{path}: of an earlier version, for one image at a time; {REMEDY}")
    return session


def answer(session: onnxruntime.InferenceSession, images: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """What a network says of images (N, channels, side, side), N at least 1."""
    name = session.get_inputs()[0].name
    parts = [images[start : start + AT_ONCE] for start in range(0, len(images), AT_ONCE)]
    return np.concatenate([session.run(None, {name: part})[0] for part in parts]).astype(np.float32)
