"""How do the networks do on another data set?"""

from __future__ import annotations

import numpy as np
import pandas as pd

from pipeline.common.records import read_record
from pipeline.data.outside import Taken
from pipeline.data.roles import OUTSIDE
from pipeline.report.section import Block, Section
from pipeline.report.sections.scores import Scores
from pipeline.report.study import HEADLINE, MEAN, Origin, Study
from pipeline.report.tables import Rows, records, where
from pipeline.report.words import percent, span


def measure_outside(study: Study) -> pd.DataFrame:
    """The recall of each class on the outside test set.

    Returns:
        region, network (or `MEAN`), expression, images and recall (mean over the seeds); no row for a class without an
        image there, and none at all without an outside test set.
    """
    found = []
    if OUTSIDE in study.samples:
        sample = study.samples[OUTSIDE]
        images = np.bincount(sample.labels, minlength=sample.classes)
        recall = sample.actual.recall[0].mean(axis=2)  # over the seeds
        with_mean = np.concatenate([recall, recall.mean(axis=1, keepdims=True)], axis=1)
        for i, region in enumerate(study.params.regions):
            for k, network in enumerate([*study.params.networks, MEAN]):
                for code in np.flatnonzero(images):
                    of = {"region": region, "network": network, "expression": study.results.classes[code]}
                    found.append({**of, "images": int(images[code]), "recall": float(with_mean[i, k, code])})
    return pd.DataFrame(found, columns=["region", "network", "expression", "images", "recall"])


def score_rows(scores: Scores) -> Rows:
    """The accuracy of every network and region there, beside that on the data set's own test images."""
    rows = [["network", "region", "accuracy", "95% interval", "macro F1", f"accuracy on {HEADLINE}"]]
    own = scores.accuracies
    for row in records(where(scores.scores, protocol=OUTSIDE)):
        of = row["region"], row["network"]
        shown = [percent(row["accuracy"]), span(row["accuracy_low"], row["accuracy_high"]), f"{row['macro_f1']:.3f}"]
        rows.append([row["network"], row["region"], *shown, percent(own[HEADLINE, *of])])
    return rows


def recall_rows(recall: pd.DataFrame) -> Rows:
    """A row a class, a column a region."""
    regions = list(dict.fromkeys(recall["region"]))
    rows = [["expression", "images", *regions]]
    for expression, part in recall.groupby("expression", sort=False):
        rows.append([str(expression), f"{part['images'].iloc[0]:,}", *map(percent, part["recall"])])
    return rows


def taken_rows(taken: Taken) -> Rows:
    """What its classes are scored as."""
    rows = [["its class", "images", "scored as"]]
    rows += [[name, f"{many:,}", taken.scored_as[name] or "left out"] for name, many in taken.images.items()]
    return rows


def section(study: Study, recall: pd.DataFrame, scores: Scores, origin: Origin) -> Section:
    """The section. Raises InputError if the account of the outside test set is missing or damaged."""
    known = int(((study.results.role == OUTSIDE) & ~study.results.unique).sum())
    if OUTSIDE not in study.samples:
        return Section("outside", "Outside", "On another data set", {"n": 0, "known": known})
    taken = read_record(Taken, origin.reports / "expressions/outside.json")
    rows = score_rows(scores)
    head, *others = rows
    seen = set(recall["expression"])
    context = {
        "n": scores.always(OUTSIDE)["n"],
        "known": known,
        "name": taken.name,
        "note": study.note(OUTSIDE),
        "always": scores.always(OUTSIDE)["label"],
        "reached": percent(scores.always(OUTSIDE)["accuracy"]),
        "several_seeds": study.several_seeds,
        "means": [head, *(row for row in others if row[0] == MEAN)],
        # Of one network the mean says it all.
        "networks": [head, *(row for row in others if row[0] != MEAN and len(study.params.networks) > 1)],
        "recall": recall_rows(where(recall, network=MEAN)),
        "taken": taken_rows(taken),
        "left_out": [(name, taken.images[name]) for name, of in taken.scored_as.items() if of is None],
        "absent": [name for name in study.results.classes if name not in seen],
    }
    blocks = [
        Block(f"On another data set: {taken.name}", study.note(OUTSIDE), rows),
        Block("On another data set, by class", "Recall, mean over the networks and seeds.", context["recall"]),
    ]
    return Section("outside", "Outside", f"On another data set: {taken.name}", context, blocks, {"outside": recall})
