"""What did the original report print, and what do its networks and ours come to on the test images alone?

The report scored Training + PrivateTest (32,298 images, by the support that it prints), so nine tenths of its test set
was its training set. What it printed is beside this module, as fractions and with its own digits:
`reported_accuracy.csv` has its tables 1 and 3 (an empty balanced accuracy was not printed), `reported_per_class.csv`
its tables 4 to 6.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from pipeline.classifiers.cells import Cell
from pipeline.report.section import Block, Section
from pipeline.report.sections.scores import Scores
from pipeline.report.study import HEADLINE, Study
from pipeline.report.tables import Rows, records, where
from pipeline.report.words import percent

ACCURACIES = Path(__file__).with_name("reported_accuracy.csv")
BY_CLASS = Path(__file__).with_name("reported_per_class.csv")

# The accuracies of the authors' published predictions on PrivateTest; none were published of the others.
RECOMPUTED = {
    ("vanilla", "cnn1"): 0.482,
    ("vanilla", "cnn2"): 0.497,
    ("vanilla", "cnn3"): 0.480,
    ("vanilla", "googlenet"): 0.535,
}

OURS = ("as_reported", HEADLINE, "test_unique")

PRINTED = "printed"  # stands beside the protocols of our own scores
BESIDE = (PRINTED, "as_reported", HEADLINE)
MEASURES = ("precision", "recall", "f1")
MACRO, WEIGHTED = "macro avg", "weighted avg"  # the means over the classes, as the report calls them

BY_CLASS_NOTE = (
    "By class, as printed in the report and of our networks, scored as_reported and on test; means over the seeds. "
    f"{MACRO}: mean over the classes. {WEIGHTED}: the same, each class with the weight of its images."
)


def compare_classes(study: Study) -> pd.DataFrame:
    """The report's scores by class beside ours, of the networks and regions that it tabulated and we have too.

    Returns:
        region, network, label (a class of both, or `MACRO` and `WEIGHTED` where both have the same classes), scored
        (printed, as_reported or test), precision, recall, f1, and support (images of the class; missing as printed).
    """
    found: list[dict[str, Any]] = []
    printed = pd.read_csv(BY_CLASS)
    for region, network in printed[["region", "network"]].drop_duplicates().itertuples(index=False):
        if region not in study.params.regions or network not in study.params.networks:
            continue
        theirs = where(printed, region=region, network=network).set_index("class")[[*MEASURES]]
        # In folds nobody is asked of what it was trained on.
        scored_as = [protocol for protocol in BESIDE if protocol in study.protocols]
        ours = {protocol: _by_class(study, region, network, protocol) for protocol in scored_as}
        same = {*theirs.index} == {*study.results.classes, MACRO, WEIGHTED}
        for label in theirs.index:
            if label in study.results.classes or (same and label in (MACRO, WEIGHTED)):
                for scored, table in {PRINTED: theirs, **ours}.items():
                    of = {"region": region, "network": network, "label": label, "scored": scored}
                    found.append({**of, **table.loc[label].to_dict()})
    return pd.DataFrame(found, columns=["region", "network", "label", "scored", *MEASURES, "support"])


def _by_class(study: Study, region: str, network: str, protocol: str) -> pd.DataFrame:
    """Our scores by class and their two means: precision, recall, f1 and support, means over the seeds."""
    of_seeds = [
        pd.DataFrame(study.classification(Cell(region, network, seed), protocol)["per_class"]).T
        for seed in study.params.seeds
    ]
    table = pd.concat(of_seeds).groupby(level=0, sort=False).mean()
    total = table["support"].sum()
    means = {MACRO: table.mean(), WEIGHTED: table.mul(table["support"] / total, axis=0).sum()}
    return pd.concat([table, pd.DataFrame(means).T.assign(support=total)])


def class_rows(by_class: pd.DataFrame) -> Rows:
    """Of one network on one region: a row a class, a column a measure and way to score."""
    shown = [scored for scored in BESIDE if scored in set(by_class["scored"])]
    rows = [["class", *(f"{name.replace('f1', 'F1')}, {scored}" for name in MEASURES for scored in shown)]]
    for label, part in by_class.groupby("label", sort=False):
        scores = {row["scored"]: row for row in records(part)}
        rows.append([str(label), *(_written(scores[of][name], of) for name in MEASURES for of in shown)])
    return rows


def _written(score: float, scored: str) -> str:
    """With three digits, but as printed where the report has two."""
    return f"{score:.2f}" if scored == PRINTED and score == round(score, 2) else f"{score:.3f}"


def why() -> str:
    """The difference between the report's numbers and those on the test images, in two sentences."""
    gaps = [
        100 * (row["accuracy"] - RECOMPUTED[row["region"], row["network"]])
        for row in records(pd.read_csv(ACCURACIES))
        if (row["region"], row["network"]) in RECOMPUTED
    ]
    return (
        "The report measured its classifiers on Training and PrivateTest together, so nine of ten images that it "
        "scored were images that it had trained on, and a network that remembers them is rewarded for it. On "
        f"PrivateTest alone the authors' own predictions come out {min(gaps):.0f} to {max(gaps):.0f} points lower; "
        "the columns as_reported and test are our networks, scored in these same two ways."
    )


def reported_rows(scores: Scores) -> Rows:
    """The original report's table beside ours, where we have the same region and network."""
    accuracies = scores.accuracies
    rows = [["region", "network", "report, as printed", "its predictions on test", *(f"ours, {p}" for p in OURS)]]
    for line in records(pd.read_csv(ACCURACIES)):
        cell = line["region"], line["network"]
        ours = [accuracies.get((protocol, *cell), np.nan) for protocol in OURS]
        rows.append([*cell, f"{line['accuracy']:.0%}", *map(percent, [RECOMPUTED.get(cell, np.nan), *ours])])
    return rows


def section(scores: Scores, by_class: pd.DataFrame) -> Section:
    """The section."""
    rows, text = reported_rows(scores), why()
    classes = [
        (f"{region}, {network}, by class", class_rows(part))
        for (region, network), part in by_class.groupby(["region", "network"], sort=False)
    ]
    blocks = [Block("Beside the original report", text, rows)]
    blocks += [Block(f"Beside the original report: {title}", BY_CLASS_NOTE, shown) for title, shown in classes]
    context = {"why": text, "rows": rows, "classes": classes, "note": BY_CLASS_NOTE}
    tables = {"reported_per_class": by_class}
    return Section("reported", "Report", "Beside the original report", context, blocks, tables)
