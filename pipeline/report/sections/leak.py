"""How far do test images with a twin in what was trained on or chosen by move the scores?"""

from __future__ import annotations

import pandas as pd

from pipeline.report.sample import score, weigh
from pipeline.report.section import Block, Section
from pipeline.report.sections.scores import Scores
from pipeline.report.study import HEADLINE, MEAN, Study
from pipeline.report.tables import Rows, records
from pipeline.report.words import percent, points, span


def measure_leak(study: Study) -> pd.DataFrame:
    """How far the test rows that have a twin elsewhere move each accuracy.

    Returns:
        region, network (or `MEAN`), known (accuracy on test rows with a twin elsewhere; missing without such
        rows), unknown (on the others), shift (test less test_unique) with low and high of its 95% interval.
    """
    sample = study.samples[HEADLINE]
    known = ~study.results.unique[sample.rows]
    parts = {
        name: score(sample.labels[of], sample.predicted[..., of], sample.classes).accuracy[0]
        for name, of in (("known", known), ("unknown", ~known))
        if of.any()
    }
    # A draw may hold no unknown row only where hardly any is there.
    weights = sample.weights[:, ~known]
    usable = weights.any(axis=1)
    drawn = score(sample.labels[~known], sample.predicted[..., ~known], sample.classes, weights[usable]).accuracy
    shifts = sample.actual.accuracy[0] - parts["unknown"], sample.drawn.accuracy[usable] - drawn
    found = []
    for i, region in enumerate(study.params.regions):
        for k, network in enumerate([*study.params.networks, MEAN]):
            share = sample.share(i, k)
            shift = weigh(*shifts, share, sample.many)
            accuracies = {name: float((share * part.mean(axis=-1)).sum()) for name, part in parts.items()}
            ends = {"shift": shift.value, "low": shift.low, "high": shift.high}
            found.append({"region": region, "network": network, **accuracies, **ends})
    return pd.DataFrame(found, columns=["region", "network", "known", "unknown", "shift", "low", "high"])


def leak_rows(leak: pd.DataFrame, scores: Scores) -> Rows:
    """The accuracies with and without known images, and how far they are apart."""
    rows = [["network", "region", "test", "with a twin", "without (test_unique)", "shift", "95% interval"]]
    accuracies = scores.accuracies
    for row in records(leak):
        entries = [accuracies[HEADLINE, row["region"], row["network"]], row["known"], row["unknown"]]
        shift = points(row["shift"], signed=True)
        ends = span(row["low"], row["high"], signed=True)
        rows.append([row["network"], row["region"], *map(percent, entries), shift, ends])
    return rows


def section(study: Study, leak: pd.DataFrame, scores: Scores) -> Section:
    """The section."""
    head, *rows = leak_rows(leak, scores)
    n, unique = (scores.always(protocol)["n"] for protocol in (HEADLINE, "test_unique"))
    context = {
        "n": n,
        "known": n - unique,
        "in_folds": study.results.folds > 0,
        "trained_on_twins": study.params.twins.train_on,
        "means": [head, *(row for row in rows if row[0] == MEAN)],
        # Of one network the mean says it all.
        "networks": [head, *(row for row in rows if row[0] != MEAN and len(study.params.networks) > 1)],
    }
    text = f"Test images with a twin in {' or '.join(study.elsewhere)}."
    block = Block("What leaks", text, [head, *rows])
    return Section("leak", "Leak", "What leaks from training into test", context, [block], {"leak": leak})
