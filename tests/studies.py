"""Studies of made-up results, and numbers worked out by hand or by direct calls to hold them against."""

from __future__ import annotations

from collections import Counter
from functools import cache
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd
import pytest
from made_up import FACE, MOUTH, TWINS, make_params, make_results, probabilities_right, quickly
from scipy import stats
from scipy.stats import binomtest

from pipeline.evaluation.resampling import resample
from pipeline.evaluation.results import Answers, Results
from pipeline.params import Params
from pipeline.report.sections.differences import Differences, measure_differences
from pipeline.report.sections.joined import Joined, measure_joined
from pipeline.report.sections.scores import Scores, measure_scores
from pipeline.report.study import Study
from pipeline.report.tables import Rows

# Worked out by hand, from SPLIT and TWINS.
ROWS = {
    "test": list(range(30, 40)),
    "validation": list(range(20, 30)),
    "validation_unique": list(range(20, 30)),
    "test_cut": list(range(32, 40)),
    "test_unique": [31, 32, 34, 35, 36, 37, 38, 39],
    "as_reported": [*range(20), *range(30, 40)],
}
KNOWN = [30, 33]

# Right answers of the ten validation and of the ten test images: by region and network, one entry a seed.
CORRECT = np.array([[(5, 7), (6, 6)], [(8, 8), (5, 6)]])

THREE = {"mouth": MOUTH, "vanilla": "whole", "face": FACE}


class Found(NamedTuple):
    """A study, what it is made of, and what its answer follows from."""

    results: Results
    study: Study
    scored: Scores
    tested: Differences
    fused: Joined


def find(results: Results, params: Params) -> Found:
    with quickly():
        study = Study.of(results, params)
        return Found(results, study, measure_scores(study), measure_differences(study), measure_joined(study))


def find_right(params: Params, public: Any, private: Any) -> Found:
    """Of cells that are right on so many images; see `probabilities_right`."""
    return find(make_results(params, probabilities_right(public, private)), params)


@cache
def by_hand() -> Found:
    """Vanilla and face, two networks, two seeds; validation is as right as test."""
    return find_right(make_params(), CORRECT, CORRECT)


@cache
def three_regions() -> Found:
    """Three regions of which the reference is the second, two networks, two seeds."""
    params = make_params(regions=THREE)
    return find(make_results(params), params)


@cache
def one_seed() -> Found:
    """The same with one seed, of other results."""
    params = make_params(regions=THREE, seeds=[4])
    return find(make_results(params), params)


def predicted_by(results: Answers, rows: list[int]) -> npt.NDArray[np.int64]:
    """(regions, networks, seeds, n)."""
    return np.asarray(results.probabilities[..., rows, :].argmax(axis=-1))


def correct_on(results: Answers, rows: list[int]) -> npt.NDArray[np.bool_]:
    return np.asarray(predicted_by(results, rows) == results.labels[rows])


def drawn(rows: list[int]) -> npt.NDArray[np.float32]:
    return resample(TWINS[rows], 200, seed=0)


def with_mean(scores: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """(..., networks) to (..., networks + 1)."""
    return np.concatenate([scores, scores.mean(axis=-1, keepdims=True)], axis=-1)


def drawn_accuracies(results: Answers, rows: list[int]) -> npt.NDArray[np.float64]:
    """(draws, regions, networks + 1), each network the mean of its seeds, from a plain weighted mean."""
    weights = drawn(rows).astype(np.float64)
    shares = weights / weights.sum(axis=1, keepdims=True)
    return with_mean(np.einsum("bn,rksn->brks", shares, correct_on(results, rows).astype(np.float64)).mean(axis=-1))


def cell_accuracies(results: Answers, rows: list[int]) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Those of all cells, (regions, networks, seeds), and the same in each draw, from a plain weighted mean."""
    correct = correct_on(results, rows).astype(np.float64)
    weights = drawn(rows).astype(np.float64)
    return correct.mean(axis=-1), np.einsum("bn,rksn->brks", weights / weights.sum(axis=1, keepdims=True), correct)


def worth(rows: list[int]) -> float:
    """How many groups of one size the twins among rows come to."""
    squares = [size**2 for size in Counter(TWINS[rows].tolist()).values()]
    return float(sum(squares) ** 2 / sum(square**2 for square in squares))


def ends(samples: npt.NDArray[np.float64], rows: list[int]) -> list[float]:
    """The 95% percentile interval, wider as so few groups ask for."""
    many, middle = worth(rows), samples.mean()
    wider = (many / (many - 1)) ** 0.5 * stats.t.ppf(0.975, many - 1) / stats.norm.ppf(0.975)
    return [float(middle + wider * (np.quantile(samples, of) - middle)) for of in (0.025, 0.975)]


def exact_mcnemar(one: npt.NDArray[np.bool_], other: npt.NDArray[np.bool_]) -> float:
    only_one, only_other = int((one & ~other).sum()), int((~one & other).sum())
    return float(binomtest(only_one, only_one + only_other).pvalue) if only_one + only_other else 1.0


def approx(value: Any) -> Any:
    return pytest.approx(value, abs=1e-6, nan_ok=True)


def row_of(table: pd.DataFrame, **wanted: Any) -> dict[str, Any]:
    """The one row that has these values."""
    for column, value in wanted.items():
        table = table[table[column] == value]
    assert len(table) == 1
    return {str(column): value for column, value in table.iloc[0].items()}


def altered(table: pd.DataFrame, where: dict[str, Any], **values: Any) -> pd.DataFrame:
    """A copy in which the rows that have these values get others."""
    table = table.copy()
    wanted = np.logical_and.reduce([table[column] == value for column, value in where.items()])
    assert wanted.any()
    for column, value in values.items():
        table.loc[wanted, column] = value
    return table


def as_lines(rows: Rows) -> list[str]:
    return ["; ".join(row) for row in rows]
