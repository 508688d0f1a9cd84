"""What a leak is worth: the same networks under two splits, on the rows that both test.

Under folds every row is tested once, so that two splits of one data set test the same rows, and the difference of the
scores is paired by row: what is left is what the networks could learn of each row, and the luck of their trainings.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from pipeline.classifiers.cells import Cell
from pipeline.common.files import InputError
from pipeline.common.records import read_record
from pipeline.evaluation import resampling
from pipeline.evaluation.predictions import Predictions
from pipeline.evaluation.results import Provenance
from pipeline.evaluation.uncertainty import estimate
from pipeline.report import sample
from pipeline.report.study import MEAN
from pipeline.report.tables import Rows, records
from pipeline.report.words import percent, points, span


@dataclass(frozen=True)
class Tested:
    """What the cells of one `reports/` answer to the rows that they test.

    Attributes:
        folder: where they are from.
        recipe: by which all of them were trained.
        rows: (n,), of the data set, ascending.
        labels, groups: (n,), the true classes, and which rows stand or fall together.
        known: (n,), which have a twin in what trained or chose the network that they are tested by.
        correct: of each cell, (n,), which of its answers are right.
    """

    folder: Path
    recipe: str
    rows: npt.NDArray[np.int32]
    labels: npt.NDArray[np.uint8]
    groups: npt.NDArray[np.int32]
    known: npt.NDArray[np.bool_]
    correct: dict[Cell, npt.NDArray[np.bool_]]


def read_tested(reports: Path) -> Tested:
    """Read all cells of a finished `reports/`, whatever params.yaml says now.

    Raises:
        InputError: there is none, one is damaged, or they are of different rows or recipes.
    """
    paths = sorted(reports.glob("classifiers/*/*/predictions.parquet"))
    if not paths:
        raise InputError(
            f"{reports}: holds no classifiers/REGION/NETWORK-SEED/predictions.parquet; give the reports folder of a "
            "finished run"
        )
    correct: dict[Cell, npt.NDArray[np.bool_]] = {}
    first: tuple[str, dict[str, npt.NDArray[Any]]] | None = None
    for path in paths:
        made = read_record(Provenance, path.with_name("metrics.json"))
        found = Predictions.load(path)
        of = found.role == "test"
        same = {name: getattr(found, name)[of] for name in ("row", "labels", "groups", "unique")}
        first = first or (made.recipe, same)
        if made.recipe != first[0] or any(not np.array_equal(same[name], first[1][name]) for name in same):
            raise InputError(
                f"{path}: of other rows or another recipe than {paths[0]}; run `dvc repro`, or remove what is old"
            )
        right = found.probabilities[of].argmax(axis=1) == found.labels[of]
        correct[Cell(made.region, made.network, made.seed)] = right
    assert first is not None
    recipe, same = first
    return Tested(reports, recipe, same["row"], same["labels"], same["groups"], ~same["unique"], correct)


def beside(one: Tested, other: Tested) -> tuple[pd.DataFrame, int, float]:
    """The accuracies of both, and how far they are apart, on the rows that both test.

    The interval draws whole groups: what stands or falls together in either of the two, directly or over others. With
    several seeds it knows the trainings of both too, as if they were independent. Those of one cell begin with the same
    random numbers in both (`Cell.start`), and go apart with the rows that they see; if their luck is alike all the
    same, the interval is wider than it need be.

    Returns:
        region, network (or `MEAN`, the mean over the networks), seeds, one and other (accuracies), difference (one less
        other), low and high of its 95% interval, and p (missing with one seed); how many rows both test; and how many
        groups of equal size these are worth.

    Raises:
        InputError: they test no row or no cell in common, or are of different data sets.
    """
    rows, mine, theirs = np.intersect1d(one.rows, other.rows, return_indices=True)
    if not len(rows) or not np.array_equal(one.labels[mine], other.labels[theirs]):
        what = "the labels of their rows differ" if len(rows) else "they test no row in common"
        raise InputError(f"{other.folder}: of another data set than {one.folder}, {what}; give two runs of one")
    groups = linked(one.groups[mine], other.groups[theirs])
    weights, many = resampling.resample(groups, sample.DRAWS, seed=0), resampling.equal_groups(groups)
    regions, networks, seeds = _in_common(one, other)
    right = np.stack([_right(run, regions, networks, seeds, of) for run, of in ((one, mine), (other, theirs))])
    actual = right.mean(axis=-1, dtype=np.float64)
    totals = weights.sum(axis=1, dtype=np.float64)
    drawn = (weights @ right.reshape(-1, len(rows)).T / totals[:, None]).reshape(-1, *actual.shape)
    found = []
    for i, region in enumerate(regions):
        of_cells = {network: [k] for k, network in enumerate(networks)}
        for network, chosen in {**of_cells, MEAN: [*range(len(networks))]}.items():
            values, draws = actual[:, i, chosen], drawn[:, :, i, chosen]
            share = np.repeat([1.0, -1.0], len(chosen)) / len(chosen)
            flat = values.reshape(-1, len(seeds)), draws.reshape(len(draws), -1, len(seeds))
            gap = estimate(*flat, share, groups=many)
            record = {"region": region, "network": network, "seeds": len(seeds)}
            record |= {"one": values[0].mean(), "other": values[1].mean()}
            found.append(record | {"difference": gap.value, "low": gap.low, "high": gap.high, "p": gap.p})
    return pd.DataFrame(found), len(rows), many


def _right(
    run: Tested, regions: list[str], networks: list[str], seeds: list[int], rows: npt.NDArray[np.intp]
) -> npt.NDArray[np.float32]:
    """Which answers are right, (regions, networks, seeds, n)."""
    cells = [run.correct[Cell(region, network, seed)] for region in regions for network in networks for seed in seeds]
    shape = len(regions), len(networks), len(seeds), len(rows)
    return np.array([right[rows] for right in cells], np.float32).reshape(shape)


def linked(one: npt.NDArray[np.int32], other: npt.NDArray[np.int32]) -> npt.NDArray[np.int64]:
    """The groups that two groupings of the same rows make together: (n,) and (n,) to (n,)."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    first, second = (np.unique(groups, return_inverse=True)[1] for groups in (one, other))
    many = int(first.max()) + 1
    size = many + int(second.max()) + 1
    links = coo_array((np.ones(len(first), np.bool_), (first, many + second)), shape=(size, size))
    found: npt.NDArray[np.int64] = connected_components(links, directed=False)[1][first].astype(np.int64)
    return found


def _in_common(one: Tested, other: Tested) -> tuple[list[str], list[str], list[int]]:
    """The regions, networks and seeds of which both have every cell."""
    both = [cell for cell in one.correct if cell in other.correct]
    regions = list(dict.fromkeys(cell.region for cell in both))
    networks = list(dict.fromkeys(cell.network for cell in both))
    seeds = list(dict.fromkeys(cell.seed for cell in both))
    wanted = {Cell(region, network, seed) for region in regions for network in networks for seed in seeds}
    if not both or wanted != set(both):
        raise InputError(
            f"{other.folder}: has not the same regions, networks and seeds as {one.folder}; train in both what is to "
            "be compared, and nothing else"
        )
    return regions, networks, seeds


def split_rows(table: pd.DataFrame, one: str, other: str) -> Rows:
    """The table as it is read; the names of both in its head."""
    rows = [["region", "network", one, other, "difference", "95% interval"]]
    for row in records(table):
        ends = span(row["low"], row["high"], signed=True)
        accuracies = [percent(row["one"]), percent(row["other"])]
        rows.append([row["region"], row["network"], *accuracies, points(row["difference"], signed=True), ends])
    return rows
