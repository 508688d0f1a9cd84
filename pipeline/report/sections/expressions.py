"""Which expressions are recognised on which region, and what are they taken for?"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from pipeline.classifiers.cells import Cell
from pipeline.report.section import Section
from pipeline.report.study import ALL, HEADLINE, MEAN, Study
from pipeline.report.tables import Rows
from pipeline.report.words import percent, points

Counts = npt.NDArray[np.int64]  # a confusion matrix (classes, classes), a row a true class


def count_confusion(study: Study) -> dict[Cell, Counts]:
    """The confusion matrix of each cell on test."""
    return {cell: np.array(study.classification(cell, HEADLINE)["confusion"]) for cell in study.cells}


def section(study: Study, confusion: dict[Cell, Counts]) -> Section:
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
    images = counts[study.reference, ALL].sum(axis=1) // (len(networks) * len(study.params.seeds))
    fewest = min((many, name) for many, name in zip(images.tolist(), study.results.classes, strict=True) if many)
    context = {
        "recall": recall_rows({region: counts[region, ALL] for region in regions}, images, study),
        "fewest": {"images": fewest[0], "name": fewest[1], "points": points(1 / fewest[0])},
        "reference": study.reference,
        "classes": study.results.classes,
        "shown": shown,
    }
    plots = {
        f"confusion_test/{cell.name.replace(' ', '-')}": _images(matrix, study) for cell, matrix in confusion.items()
    }
    return Section("expressions", "Expressions", "Expression by expression", context, plots=plots)


def recall_rows(counts: dict[str, Counts], images: Counts, study: Study) -> Rows:
    """The share of each expression that is recognised, and in brackets its difference to the reference in points.

    Args:
        counts: by region, of all networks and seeds together.
        images: (classes,), the images of each expression.
        study: what is compared.
    """
    shares = {
        region: [row[code] / row.sum() if row.sum() else np.nan for code, row in enumerate(matrix)]
        for region, matrix in counts.items()
    }
    many = images.tolist()
    columns = [["expression", *study.results.classes, MEAN], ["images", *(f"{n:,}" for n in [*many, sum(many)])]]
    for region in counts:
        mean, base = [[*of, float(np.nanmean(of))] for of in (shares[region], shares[study.reference])]
        gains = [f" ({points(one - other, signed=True)})" for one, other in zip(mean, base, strict=True)]
        entries = [
            percent(share) + ("" if region == study.reference or np.isnan(share) else gain)
            for share, gain in zip(mean, gains, strict=True)
        ]
        columns.append([region, *entries])
    return [list(row) for row in zip(*columns, strict=True)]


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
