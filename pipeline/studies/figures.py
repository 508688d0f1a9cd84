"""What a study came to: every score of its networks, with an interval where the rows are known, and those printed."""

from __future__ import annotations

from itertools import product
from pathlib import Path
from statistics import mean
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from pipeline.classifiers.cells import Cell
from pipeline.common.records import Record, read_record
from pipeline.data import protocols
from pipeline.data.expressions import Expressions
from pipeline.evaluation.predictions import Predictions
from pipeline.evaluation.resampling import equal_groups
from pipeline.evaluation.results import SAME, Answers
from pipeline.evaluation.uncertainty import Estimate, of_a_score
from pipeline.params import Params
from pipeline.report.sample import Sample, draw, weigh
from pipeline.report.study import HEADLINE, SAMPLED, commonest
from pipeline.report.tables import Rows, records, where
from pipeline.report.words import percent, span
from pipeline.studies.study_file import Ours, Printed
from pipeline.studies.votes import Votes

COLUMNS = ["region", "network", "protocol", "of_class", "score", "value", "low", "high", "n", "groups"]


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

    A figure is the mean over the seeds. Accuracy, macro F1 and recall have the interval that the comparison gives them,
    where a protocol is a sample of unseen images.

    Returns:
        region, network, protocol, of_class (empty for all), score, value, low and high (missing where there is no
        interval), n (rows) and groups (of equal size, that they are worth; missing without an interval).

    Raises:
        InputError: a file is missing or damaged.
    """
    paths = {cell: metrics_path(project / "reports", cell) for cell in cells(params)}
    metrics = {cell: read_record(Metrics, path) for cell, path in paths.items()}
    answers = _answers([Predictions.load(path.with_name("predictions.parquet")) for path in paths.values()], params)
    predicted, guess = answers.probabilities.argmax(axis=-1).astype(np.uint8), commonest(answers)
    samples = {
        protocol: draw(answers, predicted, protocols.scored(answers.role, answers.unique, protocol))
        for protocol in next(iter(metrics.values())).protocols
        if protocol in SAMPLED
    }
    votes = Votes.of(Expressions.load(project / "data/expressions"), answers)
    found: list[dict[str, Any]] = []
    for (i, region), (k, network) in product(enumerate(params.regions), enumerate(params.networks)):
        rows = _of_metrics([metrics[Cell(region, network, seed)] for seed in params.seeds], answers.classes[guess])
        ends = {
            (protocol, *of): interval
            for protocol, sample in samples.items()
            for of, interval in _intervals(sample, i, k, answers.classes).items()
        }
        rows = [{**row, **ends.get((row["protocol"], row["of_class"], row["score"]), {})} for row in rows]
        rows += _of_votes(votes, predicted[i, k], guess) if votes else []
        found += [{"region": region, "network": network, **row} for row in rows]
    return pd.DataFrame(found, columns=COLUMNS)


def _answers(said: list[Predictions], params: Params) -> Answers:
    """What all cells answer, in the order of `cells`."""
    same: dict[str, Any] = {name: getattr(said[0], name) for name in SAME}
    shape = len(params.regions), len(params.networks), len(params.seeds)
    probabilities = np.stack([one.probabilities for one in said])
    fell_back = np.stack([one.fell_back for one in said[:: shape[1] * shape[2]]])
    return Answers(**same, fell_back=fell_back, probabilities=probabilities.reshape(*shape, *probabilities.shape[1:]))


def _of_metrics(of_seeds: list[Metrics], guess: str) -> list[dict[str, Any]]:
    """Means over the seeds of what the cells' files say, and what always naming the class `guess` comes to."""
    found = []
    for protocol, first in of_seeds[0].protocols.items():
        every = [seed.protocols[protocol] for seed in of_seeds]
        share = first.per_class[guess].support / first.n
        values = {
            ("", name): mean(getattr(one, name) for one in every)
            for name in ("accuracy", "balanced_accuracy", "macro_f1")
        }
        values["", "always_commonest"] = share
        values["", "always_commonest_f1"] = 2 * share / (1 + share) / len(first.per_class)
        for name, of_class in first.per_class.items():
            for score in ("precision", "recall", "f1"):
                values[name, score] = mean(getattr(one.per_class[name], score) for one in every)
            values[name, "share"] = of_class.support / first.n
        for (name, score), value in values.items():
            n = first.per_class[name].support if name and score != "share" else first.n
            found.append({"protocol": protocol, "of_class": name, "score": score, "value": value, "n": n})
    return found


def _of_votes(votes: Votes, named: npt.NDArray[np.uint8], guess: int) -> list[dict[str, Any]]:
    """The same where labels are drawn by the votes."""
    accuracy, always = votes.accuracy(named), np.full_like(named[:1], guess)
    values: dict[str, dict[str, float]] = {
        "expected_accuracy": {"value": accuracy.value, **_ends(accuracy)},
        "expected_macro_f1": {"value": votes.macro_f1(named)},
        "expected_always_commonest": {"value": votes.accuracy(always).value},
        "expected_always_commonest_f1": {"value": votes.macro_f1(always)},
    }
    of = {"protocol": HEADLINE, "of_class": "", "n": len(votes.rows)}
    return [{**of, "score": score, **row} for score, row in values.items()]


def _intervals(
    sample: Sample, region: int, network: int, classes: tuple[str, ...]
) -> dict[tuple[str, str], dict[str, float]]:
    """Those of accuracy, macro F1 and recall, by class (empty for all) and score; see `Sample.estimate`."""
    share = sample.share(region, network)
    found = {
        ("", "accuracy"): sample.estimate("accuracy", share),
        ("", "macro_f1"): sample.estimate("macro_f1", share),
    }
    for code, name in enumerate(classes):
        groups = sample.groups[sample.labels == code]
        if len(groups):
            actual, drawn = sample.actual.recall[0, ..., code], sample.drawn.recall[..., code]
            drawn = drawn[np.isfinite(drawn).all(axis=(1, 2, 3))]  # a draw may hold no image of a rare class
            found[name, "recall"] = of_a_score(weigh(actual, drawn, share, equal_groups(groups)))
    return {of: _ends(each) for of, each in found.items()}


def _ends(found: Estimate) -> dict[str, float]:
    return {"low": found.low, "high": found.high, "groups": found.groups}


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
    groups = f" in {figure['groups']:,.0f} groups" if not np.isnan(figure["groups"]) else ""
    on = f"{figure['protocol']}, {figure['n']:,} images{groups}"
    return [percent(figure["value"]), span(figure["low"], figure["high"]), on]


def printed_rows(printed: list[Printed], figures: pd.DataFrame, drawn: bool) -> Rows:
    """The printed figures, ours beside them; drawn: whether ours are of drawn data."""
    rows = [["figure", "printed", "scored on", "ours (drawn)" if drawn else "ours", "95% interval", "ours scored on"]]
    for one in printed:
        figure = one_figure(figures, one.ours)
        ours = ["not run", "", ""] if one.ours and figure is None else written(figure)
        rows.append([one.what, one.value, one.on, *ours])
    return rows


def unknown_classes(printed: list[Printed], figures: pd.DataFrame) -> list[str]:
    """A line for each printed figure that asks for a class which the data have not."""
    known = [name for name in figures["of_class"].unique() if name]
    return [
        f"study.printed.{number}.ours: the data have no class {one.ours.of_class!r}, only {', '.join(known)}"
        for number, one in enumerate(printed)
        if one.ours and one.ours.of_class and one.ours.of_class not in known
    ]


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
