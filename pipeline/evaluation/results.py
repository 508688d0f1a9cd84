"""All that the comparison is made from, read from `reports/` and held against params.yaml."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from pydantic import Field, model_validator

from pipeline.classifiers.cells import Cell
from pipeline.common.files import InputError
from pipeline.common.given import open_given
from pipeline.common.records import Record, read_record
from pipeline.common.settings import Fraction
from pipeline.data.roles import OUTSIDE, ROLES
from pipeline.evaluation.predictions import Predictions
from pipeline.faces.trials import VIEWS, FaceTests
from pipeline.params import Params
from pipeline.regions.overlap import box_overlap

# What all cells have in common.
SAME = ("classes", "row", "role", "fold", "groups", "unique", "labels")

CURVES = ("train_loss", "validation_loss", "validation_accuracy")


class Provenance(Record):
    """What a cell is and what it was made with; from `metrics.json` of the stage evaluate."""

    region: str
    network: str
    seed: int
    fold: int | None
    data: str
    recipe: str


class PointScores(Record):
    """How good the landmarks are, as fractions of the inter-ocular distance; see `measure`."""

    n: Annotated[int, Field(ge=1)]
    nme: Annotated[float, Field(ge=0)]
    auc: Fraction
    failure_rate: Fraction


class TrustScores(Record):
    """How well bad points are told from good ones; see `trust.TrustTest.scores`."""

    n: Annotated[int, Field(ge=0)]  # 0 where no test face is at hand
    limit: Fraction
    auc: Fraction | None
    caught: Fraction | None
    lost: Fraction | None


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

    @model_validator(mode="after")
    def _is_complete(self) -> Landmarks:
        if self.provider not in self.providers:
            raise ValueError(f"providers: has no {self.provider}, who is the provider")
        for name, subsets in self.providers.items():
            if (not subsets and self.trust.n) or any(views.keys() != VIEWS.keys() for views in subsets.values()):
                raise ValueError(f"providers.{name}: has no subset, or one without {' or '.join(VIEWS)}")
        return self


Count = Annotated[int, Field(ge=0)]


class Groups(Record):
    """Images that occur more than once; see `audit`."""

    groups: Count
    rows: Count
    largest: Count
    groups_within: dict[str, Count]
    groups_across: dict[str, Count]
    rows_per_role: dict[str, Count]
    conflicting_groups: Count
    conflicting_rows: Count
    test_rows_known: Count
    test_rows_known_with_other_label: Count
    outside_rows_known: Count


class Subjects(Record):
    """How many people are known, of how many rows, and how many of them are in several roles; see `audit`."""

    known: Count
    rows: Count
    in_several_roles: Count


class Audit(Record):
    """`audit.json` of the stage prepare_expressions; see `audit`."""

    images: dict[str, Count]
    published: dict[str, Count]
    classes: dict[str, dict[str, Count]]
    copies: Groups
    twins: Groups
    constant: dict[str, Count]
    nearly_constant: dict[str, Count]
    no_face: dict[str, Count] | None
    subjects: Subjects

    @model_validator(mode="after")
    def _counts_every_role(self) -> Audit:
        for name, counts in (
            ("classes", self.classes),
            ("copies.groups_within", self.copies.groups_within),
            ("copies.rows_per_role", self.copies.rows_per_role),
            ("twins.groups_within", self.twins.groups_within),
            ("twins.rows_per_role", self.twins.rows_per_role),
            ("constant", self.constant),
            ("nearly_constant", self.nearly_constant),
            ("no_face", self.images if self.no_face is None else self.no_face),
        ):
            if not self.images.keys() <= counts.keys():
                raise ValueError(f"{name}: does not count each of {', '.join(self.images)}")
        if self.copies.groups_across.keys() != self.twins.groups_across.keys():
            raise ValueError("twins.groups_across: is of other roles than copies.groups_across")
        return self


@dataclass(frozen=True)
class Answers:
    """What all cells answer. Regions, networks and seeds are in the order of params.yaml.

    Attributes:
        classes: the names of the expressions.
        row, role, fold, groups, unique, labels: (M,); see `Predictions`.
        fell_back: (regions, M), which images were kept whole.
        probabilities: (regions, networks, seeds, M, classes) float32.
    """

    classes: tuple[str, ...]
    row: npt.NDArray[np.int32]
    role: npt.NDArray[np.str_]
    fold: npt.NDArray[np.int32]
    groups: npt.NDArray[np.int32]
    unique: npt.NDArray[np.bool_]
    labels: npt.NDArray[np.uint8]
    fell_back: npt.NDArray[np.bool_]
    probabilities: npt.NDArray[np.float32]

    @property
    def folds(self) -> int:
        """In how many folds the rows were tested; 0 without folds."""
        return int(self.fold.max()) + 1


@dataclass(frozen=True)
class Results(Answers):
    """The answers, and how they came about.

    Attributes:
        curves: for each cell, and of each of its folds, a table of the columns step and `CURVES`, a row an epoch.
        overlap: for each region how well its boxes from found points agree with those from true points, by test set
            and view, see `regions.overlap`.
        landmarks: how good the points are that the crops follow.
        audit: of the expression data set.
        students: what those of params.yaml say, by name: (seeds, M, classes) float32.
    """

    curves: dict[Cell, pd.DataFrame]
    overlap: dict[str, dict[str, dict[str, float]]]
    landmarks: Landmarks
    audit: Audit
    students: dict[str, npt.NDArray[np.float32]] = field(default_factory=dict)


def read_results(reports: Path, params: Params) -> Results:
    """Read what params.yaml asks for, and nothing else that may lie in the folder.

    Raises:
        InputError: a file is missing, of another shape, of other rows, or was made with other settings than
            params.yaml has.
    """
    cells = [Cell(r, network, seed) for r in params.regions for network in params.networks for seed in params.seeds]
    found = [_read_predictions(reports, cell, params) for cell in cells]
    taught = {s.name: [Cell(s.name, s.network, seed) for seed in params.seeds] for s in params.students}
    students = {name: [_read_predictions(reports, cell, params) for cell in own] for name, own in taught.items()}
    for of, said in ((cells, found), *((own, students[name]) for name, own in taught.items())):
        for cell, predictions in zip(of, said, strict=True):
            _check_rows(reports / "classifiers" / cell.path, predictions, found[0], cells[0])
    _check_roles(reports / "classifiers" / cells[0].path, found[0])
    first = found[0]
    shape = (len(params.regions), len(params.networks), len(params.seeds))
    by_region = found[:: len(params.networks) * len(params.seeds)]
    audit = read_record(Audit, reports / "expressions/audit.json")
    once = first.role[: int(first.row.max()) + 1]
    counted = {name: int((once == name).sum()) for name in (*ROLES, OUTSIDE) if name in once}
    named = all(audit.classes[role].keys() == set(first.classes) for role in audit.images)
    if audit.images != counted or not named:
        raise InputError(f"{reports}/expressions/audit.json: of another data set; delete it and run `dvc repro`")
    tests = FaceTests.load(reports / "landmarks/points.npz")
    same: dict[str, Any] = {name: getattr(first, name) for name in SAME}
    return Results(
        **same,
        fell_back=np.stack([predictions.fell_back for predictions in by_region]),
        probabilities=np.stack([each.probabilities for each in found]).reshape(*shape, *first.probabilities.shape),
        curves=_read_all_curves(reports / "training", cells, int(first.fold.max()) + 1),
        overlap={name: box_overlap(tests, region) for name, region in params.regions.items()},
        landmarks=read_record(Landmarks, reports / "landmarks/metrics.json"),
        audit=audit,
        students={name: np.stack([each.probabilities for each in own]) for name, own in students.items()},
    )


def _read_predictions(reports: Path, cell: Cell, params: Params) -> Predictions:
    """What a cell says, made as params.yaml asks."""
    folder = reports / "classifiers" / cell.path
    path = folder / "metrics.json"
    made = read_record(Provenance, path)
    if (made.region, made.network, made.seed, made.fold) != cell:
        of = Cell(made.region, made.network, made.seed, made.fold)
        raise InputError(f"{path}: is of {of.name}, not of {cell.name}; delete it and run `dvc repro`")
    if (made.data, made.recipe) != (params.data.source, params.recipe):
        raise InputError(
            f"{path}: made from data {made.data!r} by recipe {made.recipe!r}, but params.yaml has "
            f"{params.data.source!r} and {params.recipe!r}; run `dvc repro`"
        )
    return Predictions.load(folder / "predictions.parquet")


def _check_rows(folder: Path, predictions: Predictions, first: Predictions, of: Cell) -> None:
    """Make sure that a cell is of the same rows as the first."""
    for name in SAME:
        if not np.array_equal(getattr(predictions, name), getattr(first, name)):
            path = folder / "predictions.parquet"
            raise InputError(f"{path}: has other rows than {of.name} ({name} differ); delete it and run `dvc repro`")


def _check_roles(folder: Path, first: Predictions) -> None:
    """Make sure that there are rows to choose by and to test on. In folds every row trains as well as it is tested."""
    wanted = [name for name in ROLES if name != "unused" and (name != "train" or first.fold.max() < 0)]
    absent = [name for name in wanted if name not in first.role]
    if absent:
        path = folder / "predictions.parquet"
        raise InputError(f"{path}: has no row of {' or '.join(absent)}; delete it and run `dvc repro`")


def _read_all_curves(training: Path, cells: list[Cell], folds: int) -> dict[Cell, pd.DataFrame]:
    if not folds:
        return {cell: _read_curves(training / cell.path / "plots/metrics") for cell in cells}
    return {
        cell._replace(fold=fold): _read_curves(training / cell.path / f"fold-{fold}/plots/metrics")
        for cell in cells
        for fold in range(folds)
    }


def _read_curves(folder: Path) -> pd.DataFrame:
    """The learning curves of one cell, from DVCLive's files."""
    columns = []
    for name in CURVES:
        path = folder / f"{name}.tsv"
        try:
            with open_given(path, "run `dvc repro` to make it") as file:
                columns.append(pd.read_csv(file, sep="\t").set_index("step")[name].astype(float))
        except (ValueError, KeyError, TypeError):
            raise InputError(f"{path}: no curve of step and {name}; delete it and run `dvc repro`") from None
        if not columns[-1].index.equals(columns[0].index):
            raise InputError(f"{path}: has other steps than {CURVES[0]}.tsv; delete {folder} and run `dvc repro`")
    curves = pd.concat(columns, axis=1).reset_index()
    if curves.empty or not np.isfinite(curves.to_numpy(float)).all():
        raise InputError(
            f"{folder}: has no curve, or one with a value that is not finite; delete it and run `dvc repro`"
        )
    return curves
