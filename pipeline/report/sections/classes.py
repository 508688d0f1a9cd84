"""How well is each expression recognised: precision, recall, F1 and support by class, and in folds by fold?"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from pipeline.evaluation.scores import classification
from pipeline.report.section import Block, Section
from pipeline.report.study import HEADLINE, MEAN, Study
from pipeline.report.tables import Rows, records, where

POOLED = "all"  # stands for all folds together, and for what is not in folds

MEASURES = ("precision", "recall", "f1")


def measure_classes(study: Study) -> pd.DataFrame:
    """Score every class on test, means over the seeds.

    Returns:
        region, network (or `MEAN`, the mean over the networks), fold (a number, or `POOLED`), expression, precision,
        recall, f1 and support (images of the class). As in `evaluation.scores` a class without images, or that is never
        called, counts 0.
    """
    found = []
    for fold, of in _folds(study).items():
        for i, region in enumerate(study.params.regions):
            tables = [_of_network(study, i, k, of) for k in range(len(study.params.networks))]
            tables.append(sum(tables[1:], tables[0]) / len(tables))
            for network, table in zip([*study.params.networks, MEAN], tables, strict=True):
                named = table.rename_axis("expression").reset_index().astype({"support": int})
                found.append(named.assign(region=region, network=network, fold=fold))
    columns = ["region", "network", "fold", "expression", *MEASURES, "support"]
    return pd.concat(found, ignore_index=True)[columns]


def _folds(study: Study) -> dict[str, Any]:
    """The test answers of each fold, and of all together first."""
    rows, fold = study.rows(HEADLINE), study.results.fold
    return {POOLED: rows} | {str(number): rows & (fold == number) for number in range(study.results.folds)}


def _of_network(study: Study, region: int, network: int, of: Any) -> pd.DataFrame:
    """The mean over the seeds, a row a class."""
    results = study.results
    by_seed = [
        pd.DataFrame(classification(results.labels[of], each[of], results.classes)["per_class"]).T
        for each in results.probabilities[region, network]
    ]
    return sum(by_seed[1:], by_seed[0]) / len(by_seed)


def class_rows(classes: pd.DataFrame, *names: str) -> Rows:
    """A row a class of a part of `measure_classes`, with the columns of these names in front."""
    rows = [[*names, "precision", "recall", "F1", "images"]]
    for row in records(classes):
        scores = [f"{row[name]:.3f}" for name in MEASURES]
        rows.append([*(str(row[name]) for name in names), *scores, f"{row['support']:,}"])
    return rows


def section(study: Study, classes: pd.DataFrame) -> Section:
    """The section."""
    pooled, names = where(classes, fold=POOLED), ("region", "expression")
    means = class_rows(where(pooled, network=MEAN), *names)
    networks = study.params.networks if len(study.params.networks) > 1 else []
    by_fold = classes[classes["fold"] != POOLED]
    context = {
        "means": means,
        "networks": [(network, class_rows(where(pooled, network=network), *names)) for network in networks],
        "folds": [
            (region, class_rows(where(by_fold, region=region, network=MEAN), "fold", "expression"))
            for region in study.params.regions
        ],
        "in_folds": study.results.folds,
        "seeds": len(study.params.seeds),
        "absent": _absent(pooled),
    }
    block = Block("Precision and recall by class", f"On {HEADLINE}, mean over the networks and seeds.", means)
    title = "Precision and recall by class"
    return Section("classes", "Classes", title, context, [block], {"by_class": classes})


def _absent(pooled: pd.DataFrame) -> list[str]:
    """The classes without an image."""
    return list(np.unique(pooled.loc[pooled["support"] == 0, "expression"]))
