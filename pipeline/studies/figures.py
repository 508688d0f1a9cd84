"""What a study came to: every score of its networks, with an interval where the rows are known, and those printed."""

from __future__ import annotations

from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from pipeline.classifiers.cells import Cell
from pipeline.common.records import Record, read_record
from pipeline.data import protocols
from pipeline.data.expressions import Expressions
from pipeline.data.roles import joined
from pipeline.evaluation.predictions import Predictions
from pipeline.params import Params
from pipeline.report.tables import Rows, records, where
from pipeline.report.words import percent, span
from pipeline.studies.study_file import CLASS_SCORES, Ours, Printed

Numbers = npt.NDArray[np.float64]

COLUMNS = ["region", "network", "protocol", "of_class", "score", "value", "low", "high", "n", "groups"]
LEVEL = 0.95


class OfClass(Record):
    """Scores of one class, see `evaluation.scores.classification`."""

    precision: float
    recall: float
    f1: float
    support: int


class Scores(Record):
    """Scores under one protocol."""

    n: int
    accuracy: float
    balanced_accuracy: float
    macro_f1: float
    per_class: dict[str, OfClass]


class Metrics(Record):
    """`metrics.json` of a cell, as the stage evaluate wrote it."""

    protocols: dict[str, Scores]
    folds: list[dict[str, Scores]] = []


def metrics_path(reports: Path, cell: Cell) -> Path:
    """Where the scores of a cell are."""
    return reports / f"classifiers/{cell.path}/metrics.json"


def measure(project: Path, params: Params) -> pd.DataFrame:
    """All scores of a project whose cells are evaluated, a row a score.

    A figure is the mean over the seeds. Its interval, of accuracies and recalls on rows whose predictions are kept,
    takes groups of rows as samples: those that twins or a person link, whatever the split says of them.

    Returns:
        region, network, protocol, of_class (empty for all), score, value, low and high (missing where there is no
        interval), n (rows) and groups (of them; missing without an interval).

    Raises:
        InputError: a file is missing or damaged.
    """
    expressions = Expressions.load(project / "data/expressions")
    found: list[dict[str, Any]] = []
    for region in params.regions:
        for network in params.networks:
            cells = [Cell(region, network, seed) for seed in params.seeds]
            rows = _of_metrics([read_record(Metrics, metrics_path(project / "reports", cell)) for cell in cells])
            said = [
                Predictions.load(metrics_path(project / "reports", cell).with_name("predictions.parquet"))
                for cell in cells
            ]
            rows = [{"region": region, "network": network, **row} for row in rows]
            found += [{**row, **_interval_of(row, said, expressions)} for row in rows]
            found += [{"region": region, "network": network, **row} for row in _expected(said, expressions)]
    return pd.DataFrame(found, columns=COLUMNS)


def _of_metrics(of_seeds: list[Metrics]) -> list[dict[str, Any]]:
    """Means over the seeds of what the cells' files say."""
    found = []
    for protocol, first in of_seeds[0].protocols.items():
        every = [seed.protocols[protocol] for seed in of_seeds]
        rows = {("", name): [getattr(one, name) for one in every] for name in ("accuracy", "balanced_accuracy")}
        rows["", "macro_f1"] = [one.macro_f1 for one in every]
        supports = {name: one.support for name, one in first.per_class.items()}
        rows["", "always_commonest"] = [max(supports.values()) / first.n]
        for name in supports:
            for score in CLASS_SCORES:
                rows[name, score] = [getattr(one.per_class[name], score) for one in every]
        for (of_class, score), values in rows.items():
            n = supports.get(of_class, first.n)
            row = {"protocol": protocol, "of_class": of_class, "score": score, "value": float(np.mean(values)), "n": n}
            found.append(row)
    return found


def _interval_of(row: dict[str, Any], said: list[Predictions], expressions: Expressions) -> dict[str, float]:
    """The interval of an accuracy or a recall; nothing for other scores, and for rows that are not known here."""
    first = said[0]
    if row["score"] not in ("accuracy", "recall") or row["protocol"] not in protocols.PROTOCOLS:
        return {}
    rows = protocols.scored(first.role, first.unique, row["protocol"])
    if row["of_class"]:
        rows &= first.labels == first.classes.index(row["of_class"])
    if rows.sum() != row["n"]:
        return {}
    right = np.mean([one.probabilities.argmax(1) == one.labels for one in said], axis=0)
    return _interval(right[rows], _groups(first, expressions)[rows])


def _expected(said: list[Predictions], expressions: Expressions) -> list[dict[str, Any]]:
    """The accuracy to be expected on test rows if the label of each is drawn in proportion to its votes."""
    first = said[0]
    votes = expressions.class_votes[first.row].astype(np.float64)
    rows = (first.role == "test") & (votes.sum(1) > 0)
    if not rows.any():
        return []
    shares = votes[rows] / votes[rows].sum(1, keepdims=True)
    each = np.mean([shares[np.arange(len(shares)), one.probabilities[rows].argmax(1)] for one in said], axis=0)
    row = {"protocol": "test", "of_class": "", "score": "expected_accuracy", "value": float(each.mean())}
    return [{**row, "n": len(each), **_interval(each, _groups(first, expressions)[rows])}]


def _groups(said: Predictions, expressions: Expressions) -> npt.NDArray[np.int64]:
    return joined(expressions.subject[said.row], said.twins, "both")


def _interval(right: Numbers, groups: npt.NDArray[np.int64]) -> dict[str, float]:
    """95% for the mean of `right` (n,), where groups of rows (n,) are the samples.

    The mean is the ratio of two sums over the groups. Its variance is that of such a ratio (Cochran, "Sampling
    Techniques", 1977, section 6.4), and few groups, ten people say, widen it by Student's t.
    """
    from scipy.stats import t

    group = np.unique(groups, return_inverse=True)[1]
    count = int(group.max(initial=-1)) + 1
    if count < 2:
        return {}
    sums, sizes = np.bincount(group, right), np.bincount(group)
    mean = sums.sum() / sizes.sum()
    variance = count / (count - 1) * ((sums - mean * sizes) ** 2).sum() / sizes.sum() ** 2
    half = float(t.ppf((1 + LEVEL) / 2, count - 1)) * variance**0.5
    return {"low": max(0.0, mean - half), "high": min(1.0, mean + half), "groups": count}


def by_fold(project: Path, params: Params) -> pd.DataFrame:
    """Accuracy and macro F1 on what each fold tests: region, network, seed, fold, n; no rows without folds."""
    found = []
    for cell in cells(params):
        folds = read_record(Metrics, metrics_path(project / "reports", cell)).folds
        for fold, scores in enumerate(folds):
            of = {"region": cell.region, "network": cell.network, "seed": cell.seed, "fold": fold}
            test = scores["test"]
            found.append({**of, "n": test.n, "accuracy": test.accuracy, "macro_f1": test.macro_f1})
    return pd.DataFrame(found, columns=["region", "network", "seed", "fold", "n", "accuracy", "macro_f1"])


def cells(params: Params) -> list[Cell]:
    """All cells."""
    return [Cell(*of) for of in product(params.regions, params.networks, params.seeds)]


# As a reader sees them


def one_figure(figures: pd.DataFrame, ours: Ours | None) -> dict[str, Any] | None:
    """The row of one of our figures, if there is one."""
    found = [] if ours is None else records(where(figures, **{**ours._asdict(), "of_class": ours.of_class or ""}))
    return found[0] if found else None


def written(figure: dict[str, Any] | None) -> list[str]:
    """Ours, its interval, and what it was scored on."""
    if figure is None:
        return ["", "", ""]
    groups = f" in {int(figure['groups']):,} groups" if not np.isnan(figure["groups"]) else ""
    on = f"{figure['protocol']}, {figure['n']:,} images{groups}"
    return [percent(figure["value"]), span(figure["low"], figure["high"]), on]


def printed_rows(printed: list[Printed], figures: pd.DataFrame) -> Rows:
    """The printed figures, ours beside them."""
    rows = [["figure", "printed", "scored on", "ours", "95% interval", "ours scored on"]]
    return rows + [[one.what, one.value, one.on, *written(one_figure(figures, one.ours))] for one in printed]


def score_rows(figures: pd.DataFrame) -> Rows:
    """Every network on every region under every protocol."""
    rows = [["region", "network", "scored on", "accuracy", "95% interval", "macro F1", "by votes", "always commonest"]]
    of_all = where(figures, of_class="")
    for (region, network, _), part in of_all.groupby(["region", "network", "protocol"], sort=False):
        of = {row["score"]: row for row in records(part)}
        value, interval, on = written(of["accuracy"])
        others = [percent(of[name]["value"]) if name in of else "" for name in ("macro_f1", "expected_accuracy")]
        rows.append([str(region), str(network), on, value, interval, *others, percent(of["always_commonest"]["value"])])
    return rows


def class_rows(figures: pd.DataFrame) -> Rows:
    """By class, on test."""
    rows = [["region", "network", "class", "precision", "recall", "95% interval", "F1", "images"]]
    of_classes = where(figures, protocol="test")
    of_classes = of_classes[of_classes["of_class"] != ""]
    for (region, network, name), part in of_classes.groupby(["region", "network", "of_class"], sort=False):
        of = {row["score"]: row for row in records(part)}
        value, interval, _ = written(of["recall"])
        precision, f1 = percent(of["precision"]["value"]), percent(of["f1"]["value"])
        rows.append([str(region), str(network), str(name), precision, value, interval, f1, f"{of['recall']['n']:,}"])
    return rows


def fold_rows(folds: pd.DataFrame) -> Rows:
    """By fold."""
    rows = [["region", "network", "seed", "fold", "images", "accuracy", "macro F1"]]
    for row in records(folds):
        of = [row["region"], row["network"], str(row["seed"]), str(row["fold"]), f"{row['n']:,}"]
        rows.append([*of, percent(row["accuracy"]), percent(row["macro_f1"])])
    return rows
