"""All that the comparison is made from, read from `reports/` and held against params.yaml."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple, TypeVar

import numpy as np
import numpy.typing as npt
import pandas as pd
from pydantic import BaseModel, ConfigDict, ValidationError

from pipeline.common.files import InputError, read_json
from pipeline.data.expressions import SPLITS
from pipeline.evaluation.predictions import Predictions
from pipeline.params import Params

CURVES = ("train_loss", "validation_loss", "validation_accuracy")


class Record(BaseModel):
    """A JSON file that an earlier stage wrote, or a part of one; other fields in it are not used."""

    model_config = ConfigDict(extra="ignore", strict=True, frozen=True, allow_inf_nan=False)


class Provenance(Record):
    """What a cell is and what it was made with; from `metrics.json` of the stage evaluate."""

    region: str
    network: str
    seed: int
    data: str
    recipe: str


class Crop(Record):
    """How one region was cut; `REGION.json` of the stage crop."""

    fell_back: dict[str, int]
    images: dict[str, int]
    iou: dict[str, dict[str, float]]


class PointScores(Record):
    """How good the landmarks are, as fractions of the inter-ocular distance; see `measure`."""

    n: int
    nme: float
    auc: float
    failure_rate: float


class TrustScores(Record):
    """How well bad points are told from good ones; see `trust.TrustTest.scores`."""

    n: int
    limit: float
    auc: float | None
    caught: float | None
    lost: float | None


class Landmarks(Record):
    """`metrics.json` of the stage evaluate_landmarks.

    Attributes:
        provider: who found the points that the crops follow.
        providers: by whoever was at hand, subset and view (see `face_tests`).
        trust: of the provider.
    """

    provider: str
    providers: dict[str, dict[str, dict[str, PointScores]]]
    trust: TrustScores


class Groups(Record):
    """Images that occur more than once; see `audit`."""

    groups: int
    rows: int
    largest: int
    groups_within: dict[str, int]
    groups_across: dict[str, int]
    rows_per_split: dict[str, int]
    conflicting_groups: int
    conflicting_rows: int
    test_rows_known: int
    test_rows_known_with_other_label: int


class Audit(Record):
    """`audit.json` of the stage prepare_expressions; see `audit`."""

    images: dict[str, int]
    classes: dict[str, dict[str, int]]
    copies: Groups
    twins: Groups
    constant: dict[str, int]
    nearly_constant: dict[str, int]
    no_face: dict[str, int] | None
    left_out_of_training: dict[str, int]


class Cell(NamedTuple):
    """One network trained on one region with one seed."""

    region: str
    network: str
    seed: int

    @property
    def name(self) -> str:
        return f"{self.region} {self.network} {self.seed}"


@dataclass(frozen=True)
class Results:
    """Regions, networks and seeds in the order of params.yaml.

    Attributes:
        split, twins, labels: (N,), of every row of the data set; see `Predictions`.
        chances: (regions, networks, seeds, N, 7) float32, what every cell says.
        curves: for each cell a table of the columns step and `CURVES`, a row an epoch.
        crops: by region.
        landmarks: how good the points are that the crops follow.
        audit: of the expression data set.
    """

    split: npt.NDArray[np.str_]
    twins: npt.NDArray[np.int32]
    labels: npt.NDArray[np.uint8]
    chances: npt.NDArray[np.float32]
    curves: dict[Cell, pd.DataFrame]
    crops: dict[str, Crop]
    landmarks: Landmarks
    audit: Audit


def read_results(reports: Path, params: Params) -> Results:
    """Read what params.yaml asks for, and nothing else that may lie in the folder.

    Raises:
        InputError: a file is missing, of another shape, of other rows, or was made with other settings than
            params.yaml has.
    """
    cells = [Cell(r, network, seed) for r in params.regions for network in params.networks for seed in params.seeds]
    first, chances = _read_predictions(reports, cells, params)
    shape = (len(params.regions), len(params.networks), len(params.seeds), *chances.shape[1:])
    audit = _read(Audit, reports / "expressions/audit.json")
    for name in SPLITS:
        if audit.images.get(name) != int((first.split == name).sum()):
            raise InputError(f"{reports}/expressions/audit.json: of another data set; delete it and run `dvc repro`")
    return Results(
        first.split,
        first.twins,
        first.labels,
        chances.reshape(shape),
        {cell: _read_curves(_folder(reports / "training", cell) / "plots/metrics") for cell in cells},
        {region: _read_crop(reports / f"regions/{region}.json") for region in params.regions},
        _read(Landmarks, reports / "landmarks/metrics.json"),
        audit,
    )


def _folder(root: Path, cell: Cell) -> Path:
    return root / cell.region / f"{cell.network}-{cell.seed}"


def _read_predictions(reports: Path, cells: list[Cell], params: Params) -> tuple[Predictions, npt.NDArray[np.float32]]:
    """The first cell's predictions, and all cells' probabilities (cells, N, 7), of the same rows."""
    first: Predictions | None = None
    chances = []
    for cell in cells:
        folder = _folder(reports / "classifiers", cell)
        _check_provenance(folder / "metrics.json", cell, params)
        path = folder / "predictions.parquet"
        found = Predictions.load(path)
        first = first or found
        for name in ("split", "twins", "labels"):
            if not np.array_equal(getattr(found, name), getattr(first, name)):
                raise InputError(
                    f"{path}: has other rows than {cells[0].name} ({name} differ); delete it and run `dvc repro`"
                )
        chances.append(found.chances)
    assert first is not None  # params.yaml has at least one of each
    absent = [name for name in SPLITS if name not in first.split]
    if absent:
        path = _folder(reports / "classifiers", cells[0]) / "predictions.parquet"
        raise InputError(f"{path}: has no row of {' or '.join(absent)}; delete it and run `dvc repro`")
    return first, np.stack(chances)


def _check_provenance(path: Path, cell: Cell, params: Params) -> None:
    made = _read(Provenance, path)
    if (made.region, made.network, made.seed) != cell:
        raise InputError(
            f"{path}: is of {made.region} {made.network} {made.seed}, not of {cell.name}; delete it and run `dvc repro`"
        )
    if (made.data, made.recipe) != (params.data.source, params.recipe):
        raise InputError(
            f"{path}: made from data {made.data!r} by recipe {made.recipe!r}, but params.yaml has "
            f"{params.data.source!r} and {params.recipe!r}; run `dvc repro`"
        )


Kind = TypeVar("Kind", bound=Record)


def _read(kind: type[Kind], path: Path) -> Kind:
    """Read and check a record."""
    try:
        return kind.model_validate(read_json(path))
    except ValidationError as error:
        finding = error.errors()[0]
        where = ".".join(str(part) for part in finding["loc"])
        raise InputError(f"{path}: {where}: {finding['msg']}; delete it and run `dvc repro`") from None


def _read_crop(path: Path) -> Crop:
    crop = _read(Crop, path)
    if not (set(SPLITS) <= crop.images.keys() and set(SPLITS) <= crop.fell_back.keys()):
        raise InputError(f"{path}: does not count {', '.join(SPLITS)}; delete it and run `dvc repro`")
    return crop


def _read_curves(folder: Path) -> pd.DataFrame:
    """The learning curves of one cell, from DVCLive's files."""
    columns = []
    for name in CURVES:
        path = folder / f"{name}.tsv"
        try:
            columns.append(pd.read_csv(path, sep="\t").set_index("step")[name].astype(float))
        except FileNotFoundError:
            raise InputError(f"{path}: missing; run `dvc repro` to make it") from None
        except (ValueError, KeyError):
            raise InputError(f"{path}: no curve of step and {name}; delete it and run `dvc repro`") from None
        if not columns[-1].index.equals(columns[0].index):
            raise InputError(f"{path}: has other steps than {CURVES[0]}.tsv; delete {folder} and run `dvc repro`")
    return pd.concat(columns, axis=1).reset_index()
