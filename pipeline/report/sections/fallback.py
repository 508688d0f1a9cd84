"""What of the regions' scores comes from images that were not cut?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from pipeline.evaluation.fallback import giveaway
from pipeline.report.sample import score
from pipeline.report.section import Block, Section
from pipeline.report.study import HEADLINE, MEAN, Study
from pipeline.report.tables import Rows, records, where
from pipeline.report.words import percent


@dataclass(frozen=True)
class Fallback:
    """Of test images; accuracies are means over the seeds, as fractions.

    Attributes:
        scores: region, network (or `MEAN`), n_cut, n_whole (how many fell back), cut and whole (the accuracy on each,
            missing where there is none), reference_cut and reference_whole (the reference's on the same images).
        giveaway: region, information (bits), accuracy and always (see `evaluation.fallback`), and share_CLASS, the
            share of each class that fell back.
    """

    scores: pd.DataFrame
    giveaway: pd.DataFrame


def measure_fallback(study: Study) -> Fallback:
    """Of every region that kept some test image whole."""
    sample, regions = study.samples[HEADLINE], list(study.params.regions)
    base, scores, told = regions.index(study.reference), [], []
    for i, region in enumerate(regions):
        fell_back = study.results.fell_back[i, sample.rows]
        if not fell_back.any():
            continue
        parts = {"cut": ~fell_back, "whole": fell_back}
        accuracy = {
            name: score(sample.labels[of], sample.predicted[..., of], sample.classes).accuracy[0].mean(axis=-1)
            for name, of in parts.items()
            if of.any()
        }
        for k, network in enumerate([*study.params.networks, MEAN]):
            record: dict[str, Any] = {"region": region, "network": network}
            record |= {f"n_{name}": int(of.sum()) for name, of in parts.items()}
            for name, found in accuracy.items():
                with_mean = np.column_stack([found, found.mean(axis=1)])
                record |= {name: with_mean[i, k], f"reference_{name}": with_mean[base, k]}
            scores.append(record)
        found = giveaway(sample.labels, fell_back, sample.classes)
        shares = {f"share_{name}": of for name, of in zip(study.results.classes, found.shares.tolist(), strict=True)}
        facts = {"information": found.information, "accuracy": found.accuracy, "always": found.always}
        told.append({"region": region, **facts, **shares})
    columns = ["region", "network", "n_cut", "n_whole", "cut", "whole", "reference_cut", "reference_whole"]
    facts_of = ["region", "information", "accuracy", "always", *(f"share_{name}" for name in study.results.classes)]
    return Fallback(pd.DataFrame(scores, columns=columns), pd.DataFrame(told, columns=facts_of))


def fallback_rows(scores: pd.DataFrame, reference: str) -> Rows:
    """The accuracies on images that were cut and on those that were not, beside the reference's on the same."""
    rows = [["region", "network", "cut", "accuracy", reference, "kept whole", "accuracy", reference]]
    for row in records(scores):
        entries = [row["region"], row["network"]]
        for name in ("cut", "whole"):
            entries += [f"{row[f'n_{name}']:,}", percent(row[name]), percent(row[f"reference_{name}"])]
        rows.append(entries)
    return rows


def giveaway_rows(table: pd.DataFrame, classes: tuple[str, ...]) -> Rows:
    """How well it tells the class that an image fell back."""
    rows = [["region", "bits", "guessed right by it", "guessed right without", *classes]]
    for row in records(table):
        shares = [percent(row[f"share_{name}"]) for name in classes]
        guesses = [percent(row["accuracy"]), percent(row["always"])]
        rows.append([row["region"], f"{row['information']:.3f}", *guesses, *shares])
    return rows


def section(study: Study, fallback: Fallback) -> Section:
    """The section."""
    means = fallback_rows(where(fallback.scores, network=MEAN), study.reference)
    context = {
        "means": means,
        "networks": fallback_rows(fallback.scores[fallback.scores["network"] != MEAN], study.reference),
        "several": len(study.params.networks) > 1,
        "giveaway": giveaway_rows(fallback.giveaway, study.results.classes),
        "reference": study.reference,
        "training": study.params.fallback,
        "most": f"{np.log2(len(study.results.classes)):.2f}",
    }
    block = Block("Images that were not cut", f"Accuracy on {HEADLINE}, mean over the networks.", means)
    tables = {"fallback": fallback.scores, "giveaway": fallback.giveaway}
    return Section("fallback", "Fallback", "Images that were not cut", context, [block], tables)
