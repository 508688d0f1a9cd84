"""Published predictions held against published scores, by whoever has the data set, whose labels are not published."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow
from pydantic import Field, ValidationError

from pipeline.classifiers.cells import Cell
from pipeline.common.files import InputError
from pipeline.common.given import lies_there, open_given
from pipeline.common.records import Record, read_json
from pipeline.common.settings import Fraction
from pipeline.data.expressions import Expressions
from pipeline.data.roles import OUTSIDE
from pipeline.evaluation.answer_rows import AnswerRows
from pipeline.evaluation.results import Answers
from pipeline.evaluation.scores import classification
from pipeline.params import Params
from pipeline.report.study import Study


class _Score(Record):
    accuracy: Fraction
    n: Annotated[int, Field(ge=1)]


class _Cell(Record):
    """What `metrics.json` says of a cell, as far as it is needed here."""

    region: str
    network: str
    seed: int
    data: Literal["demo", "real"]
    recipe: str
    protocols: dict[str, _Score]


@dataclass(frozen=True)
class Published:
    """What `publish` wrote: of M answers on a data set, and no label.

    Attributes:
        rows: (M,), which of the data set.
        role: (M,), in which role each of them was asked of.
        scores: of each cell, by protocol, as they were published.
        students: of each student, likewise; none in what earlier versions wrote.
        probabilities: of each cell and student, (M, classes).
        fell_back: of each region, (M,), which images were kept whole; empty in what earlier versions wrote.
        data, recipe: what all of it was made from and with.
    """

    rows: npt.NDArray[np.int64]
    role: npt.NDArray[np.str_]
    scores: dict[Cell, dict[str, _Score]]
    students: dict[Cell, dict[str, _Score]]
    probabilities: dict[Cell, npt.NDArray[np.float32]]
    fell_back: dict[str, npt.NDArray[np.bool_]]
    data: Literal["demo", "real"]
    recipe: str


def read_published(folder: Path, expressions: Expressions) -> Published:
    """Read `predictions.parquet` and `metrics.json` of a folder.

    Raises:
        InputError: a file is missing or damaged, or of another data set.
    """
    path = folder / "predictions.parquet"
    try:
        # The file itself, not its name: by name pandas would also take a folder.
        with open_given(path, "run `make publish` to make it") as file:
            table = pd.read_parquet(file)
        rows, role = table["row"].to_numpy().astype(np.int64, casting="safe"), _roles(table, expressions)
        cells = _cells(folder / "metrics.json")
        taught = _cells(folder / "students.json") if lies_there(folder / "students.json") else []
        ((data, recipe),) = {(cell.data, cell.recipe) for cell in [*cells, *taught]}
        scores, students = (
            {Cell(cell.region, cell.network, cell.seed): cell.protocols for cell in of} for of in (cells, taught)
        )
        probabilities = {cell: _probabilities(table, cell, expressions.about.classes) for cell in scores | students}
        regions = [region for region in dict.fromkeys(cell.region for cell in scores) if f"{region}/fell_back" in table]
        fell_back = {region: table[f"{region}/fell_back"].to_numpy(np.bool_) for region in regions}
    except (InputError, PermissionError):
        raise
    except (pyarrow.ArrowException, KeyError, TypeError, ValueError, OSError) as error:
        raise InputError(f"{path}: no published predictions ({error}); restore it with git") from None
    if rows.max(initial=0) >= len(expressions):
        raise InputError(f"{path}: is of more images than {expressions.about.name} here has; take the same data set")
    steps = [np.diff(rows[role == name]) for name in np.unique(role)]
    if any((step <= 0).any() for step in steps) or rows.min(initial=0) < 0:
        raise InputError(f"{path}: its rows are negative or do not ascend; restore it with git")
    for protocol in ("validation", "test"):
        found = int((role == protocol).sum())
        for cell, protocols in (scores | students).items():
            if protocols[protocol].n != found:
                raise InputError(
                    f"{path}: has {found:,} {protocol} rows, of {cell.name} {protocols[protocol].n:,} were scored; "
                    "restore it with git"
                )
    return Published(rows, role, scores, students, probabilities, fell_back, data, recipe)


def recompute(published: Published, expressions: Expressions) -> pd.DataFrame:
    """Score what was published once more.

    Published probabilities are in half precision, so that an image whose two best classes are as good as equally likely
    may change sides.

    Returns:
        for every cell and student (by the name of a student in place of a region), validation and test: region,
        network, seed, protocol, n, published and recomputed accuracy, and the number of images that this is apart.
    """
    records = []
    for cell, protocols in (published.scores | published.students).items():
        for protocol in ("validation", "test"):
            of = published.role == protocol
            labels, probabilities = expressions.labels[published.rows[of]], published.probabilities[cell][of]
            found = classification(labels, probabilities, expressions.about.classes)
            told, n = protocols[protocol].accuracy, protocols[protocol].n
            record = {"region": cell.region, "network": cell.network, "seed": cell.seed, "protocol": protocol, "n": n}
            apart = round(abs(told - found["accuracy"]) * n)
            records.append({**record, "published": told, "recomputed": found["accuracy"], "images_apart": apart})
    return pd.DataFrame(records)


def compare_published(
    published: Published,
    expressions: Expressions,
    asked: AnswerRows,
    groups: npt.NDArray[np.int32],
    params: Params,
) -> Study:
    """What the comparison's questions can be asked of again: all but scores on rows that were trained on.

    Args:
        published: of the same data set.
        expressions: of N images.
        asked: what there is to ask of the data set.
        groups: (N,), which rows stand or fall together, see `evaluation.answer_rows`.
        params: params.yaml, of which all that is said of what was published gives way to that.

    Raises:
        InputError: not every region has every network and seed, a protocol scores no rows, or it was split otherwise.
    """
    cells = list(published.scores)
    regions = list(dict.fromkeys(cell.region for cell in cells))
    networks = list(dict.fromkeys(cell.network for cell in cells))
    seeds = list(dict.fromkeys(cell.seed for cell in cells))
    wanted = [Cell(region, network, seed) for region in regions for network in networks for seed in seeds]
    if set(wanted) != set(cells):
        raise InputError("metrics.json: some region was published without some network and seed; restore it with git")
    classes = expressions.about.classes
    own = asked.role != OUTSIDE  # what is said of an outside test set is not published
    asked = AnswerRows(asked.row[own], asked.role[own], asked.fold[own], asked.unique[own])
    place = _places(published, asked)
    probabilities = np.zeros((len(wanted), len(asked.row), len(classes)), np.float32)
    fell_back = np.zeros((len(regions), len(asked.row)), np.bool_)
    for number, cell in enumerate(wanted):
        probabilities[number, place] = published.probabilities[cell]
    for number, region in enumerate(regions):
        # Where it is not known which images were cut, none counts as cut everywhere: see `Study.CUT`.
        fell_back[number, place] = published.fell_back.get(region, True)
    shape = len(regions), len(networks), len(seeds), *probabilities.shape[1:]
    if published.recipe not in params.recipes or any(
        getattr(params.recipes[published.recipe].classifiers, name, None) is None for name in networks
    ):
        raise InputError(f"recipes.yaml: has no {published.recipe} of all published networks; take that of their time")
    reference = params.reference if params.reference in regions else regions[0]
    of: dict[str, Any] = {
        "regions": dict.fromkeys(regions, "whole"),
        "networks": networks,
        "seeds": seeds,
        "reference": reference,
    }
    of |= {"data": params.data.model_copy(update={"source": published.data}), "recipe": published.recipe}
    same = asked.row, asked.role, asked.fold, groups[asked.row], asked.unique, expressions.labels[asked.row]
    answers = Answers(classes, *same, fell_back, probabilities.reshape(shape))
    return Study.of(answers, params.model_copy(update=of))


def _places(published: Published, asked: AnswerRows) -> npt.NDArray[np.int64]:
    """Where each published answer stands among all that are asked for."""
    of = {answer: place for place, answer in enumerate(zip(asked.row.tolist(), asked.role.tolist(), strict=True))}
    found = [of.get(answer, -1) for answer in zip(published.rows.tolist(), published.role.tolist(), strict=True)]
    left = np.isin(asked.role, ["validation", "test"])
    left[found] = False
    if -1 in found or left.any():
        raise InputError(
            "predictions.parquet: of another split than data/roles.npz has; set split of params.yaml to that of the "
            "time, and run `dvc repro prepare_expressions`"
        )
    return np.array(found, np.int64)


def _cells(path: Path) -> list[_Cell]:
    remedy = "restore it with git"
    content = read_json(path, remedy)
    try:
        cells = [_Cell.model_validate(cell) for cell in content]
    except (TypeError, ValidationError):
        raise InputError(f"{path}: does not list the cells with their scores; {remedy}") from None
    if not all({"validation", "test"} <= cell.protocols.keys() for cell in cells):
        raise InputError(f"{path}: a cell has no score on validation or none on test; {remedy}")
    return cells


def _probabilities(table: pd.DataFrame, cell: Cell, classes: tuple[str, ...]) -> npt.NDArray[np.float32]:
    columns = [f"{cell.path}/p_{name}" for name in classes]
    probabilities = table[columns].to_numpy(np.float32)
    if not ((probabilities >= 0) & (probabilities <= 1)).all():
        raise ValueError(f"{columns[0]} and its neighbours are no probabilities")
    return probabilities


def _roles(table: pd.DataFrame, expressions: Expressions) -> npt.NDArray[np.str_]:
    """What each published row was for. Earlier versions published the name of its split."""
    if "role" in table:
        return table["role"].to_numpy().astype(str)
    return table["split"].map(expressions.about.splits).to_numpy().astype(str)
