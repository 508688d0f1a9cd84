"""Which expressions are recognised on which region, and what are they taken for?"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from pipeline.classifiers.cells import Cell
from pipeline.evaluation.resampling import equal_groups
from pipeline.evaluation.uncertainty import SIGNIFICANT
from pipeline.report import charts
from pipeline.report.charts import Axis, line_style
from pipeline.report.sample import adjust, weigh
from pipeline.report.section import Block, Section
from pipeline.report.study import ALL, HEADLINE, Study
from pipeline.report.tables import Rows, records, where
from pipeline.report.words import percent, points, span

FEWEST = 3  # images of an expression: of fewer nothing follows for others

Counts = npt.NDArray[np.int64]  # a confusion matrix (classes, classes), a row a true class


def count_confusion(study: Study) -> dict[Cell, Counts]:
    """The confusion matrix of each cell on test."""
    return {cell: np.array(study.classification(cell, HEADLINE)["confusion"]) for cell in study.cells}


def measure_recall(study: Study) -> pd.DataFrame:
    """What each region adds to the recall of each expression on test, in the mean over the networks.

    Returns:
        region, expression, images, recall, difference (to the reference), low and high of its interval, p and p_holm
        (adjusted for all expressions and regions). The intervals are simultaneous: all of them together hold the truth
        in 95% of all cases (Bonferroni). No row for an expression without images; of one with fewer than `FEWEST`,
        what stands or falls together counted once, there is no more than the recall.
    """
    sample, regions = study.samples[HEADLINE], list(study.params.regions)
    images = np.bincount(sample.labels, minlength=sample.classes)
    base, networks = regions.index(study.reference), len(study.params.networks)
    seen = [code for code in range(sample.classes) if images[code]]
    many = max(1, len(seen) * (len(regions) - 1))
    found = []
    for i, region in enumerate(regions):
        own = sample.share(i, networks)
        for code in seen:
            actual, drawn = sample.actual.recall[0, ..., code], sample.drawn.recall[..., code]
            drawn = drawn[np.isfinite(drawn).all(axis=(1, 2, 3))]  # a draw may hold no image of a rare expression
            record = {"region": region, "expression": study.results.classes[code], "images": images[code]}
            groups = sample.groups[sample.labels == code]
            worth = equal_groups(groups)
            record["recall"] = weigh(actual, drawn, own, worth).value
            if i != base and len(np.unique(groups)) >= FEWEST:
                more = weigh(actual, drawn, own - sample.share(base, networks), worth, 1 - SIGNIFICANT / many)
                record |= {"difference": more.value, "low": more.low, "high": more.high, "p": more.p}
            found.append(record)
    columns = ["region", "expression", "images", "recall", "difference", "low", "high", "p"]
    table = pd.DataFrame(found, columns=columns)
    return adjust(table.assign(of="all"), "of").drop(columns="of")


def section(study: Study, confusion: dict[Cell, Counts], recall: pd.DataFrame) -> Section:
    """The section."""
    regions, networks = list(study.params.regions), list(study.params.networks)
    counts: dict[tuple[str, str], Counts] = {}
    for cell, matrix in confusion.items():
        for network in (cell.network, ALL):
            counts[cell.region, network] = counts.get((cell.region, network), np.zeros_like(matrix)) + matrix
    several = len(networks) > 1
    shown = [
        {
            "network": network,
            "open": not several or network == ALL,
            "accuracies": ", ".join(f"{region} {_accuracy(counts[region, network])}" for region in regions),
            "matrices": [(region, _shares(counts[region, network])) for region in regions],
        }
        for network in ([ALL, *networks] if several else networks)
    ]
    # The axis is the same for all regions.
    scale = charts.axis("points", [0.0, *(100 * recall["low"]), *(100 * recall["high"])])
    context = {
        "recall": recall_rows(recall, study),
        "forest": _forest(recall, scale, study),
        "scale": charts.scale(scale),
        "several_seeds": study.several_seeds,
        "reference": study.reference,
        "classes": study.results.classes,
        "shown": shown,
    }
    plots = {
        f"confusion_test/{cell.name.replace(' ', '-')}": _images(matrix, study) for cell, matrix in confusion.items()
    }
    block = Block("Expression by expression", f"Recall on {HEADLINE}.", recall_rows(recall, study))
    title, tables = "Expression by expression", {"recall": recall}
    return Section("expressions", "Expressions", title, context, [block], tables, plots)


def recall_rows(recall: pd.DataFrame, study: Study) -> Rows:
    """The share of each expression that is recognised, in brackets its difference to the reference in points."""
    columns = [["expression", *(where(recall, region=study.reference)["expression"])]]
    columns.append(["images", *(f"{many:,}" for many in where(recall, region=study.reference)["images"])])
    for region in study.params.regions:
        entries = []
        for row in records(where(recall, region=region)):
            star = "*" if row["p_holm"] < SIGNIFICANT else ""
            more = (
                f" ({points(row['difference'], signed=True)}{star})" if row["difference"] == row["difference"] else ""
            )
            entries.append(percent(row["recall"]) + more)
        columns.append([region, *entries])
    return [list(row) for row in zip(*columns, strict=True)]


def _forest(recall: pd.DataFrame, scale: Axis, study: Study) -> list[dict[str, Any]]:
    """What each region adds to each expression: a group a region, a row an expression."""
    groups = []
    for number, region in enumerate(study.params.regions):
        rows = []
        for row in records(where(recall, region=region)):
            if np.isnan(row["difference"]):
                continue
            low, value, high = (100 * row[name] for name in ("low", "difference", "high"))
            filled = row["p_holm"] < SIGNIFICANT
            rows.append(
                {
                    "expression": row["expression"],
                    "strip": charts.interval(line_style(number), low, value, high, scale, filled, summary=False),
                    "points": points(row["difference"], signed=True),
                    "interval": span(row["low"], row["high"], signed=True),
                }
            )
        if rows:
            groups.append({"region": region, "rows": rows})
    return groups


def _accuracy(matrix: Counts) -> str:
    return percent(np.trace(matrix) / matrix.sum())


def _shares(matrix: Counts) -> list[list[dict[str, Any]]]:
    """The cells of a matrix: the count, that of the whole row, and the share of it in percent."""
    return [
        [
            {"count": count, "total": sum(row), "share": f"{100 * count / sum(row) if sum(row) else 0:.0f}"}
            for count in row
        ]
        for row in matrix.tolist()
    ]


def _images(matrix: Counts, study: Study) -> pd.DataFrame:
    """A row a test image: DVC's template counts the rows of a file into one confusion matrix."""
    names = np.array(study.results.classes)
    actual, predicted = np.repeat(np.argwhere(matrix >= 0), matrix.ravel(), axis=0).T
    return pd.DataFrame({"actual": names[actual], "predicted": names[predicted]})
