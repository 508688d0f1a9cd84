"""Which score does every network reach on every region?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from pipeline.evaluation.scores import classification
from pipeline.evaluation.uncertainty import SIGNIFICANT
from pipeline.report.sample import score
from pipeline.report.section import Block, Section
from pipeline.report.study import HEADLINE, MEAN, SAMPLED, Study
from pipeline.report.tables import Rows, records, where
from pipeline.report.words import percent, points


@dataclass(frozen=True)
class Scores:
    """Scores as fractions; `low` and `high` bound a 95% interval.

    Attributes:
        scores: protocol, region, network (or `MEAN`), seeds, n, accuracy, accuracy_low, accuracy_high, accuracy_sd
            (over seeds, missing with one), macro_f1, macro_f1_low, macro_f1_high, fell_back.
        baseline: protocol, n, label (the commonest class of those trained on, given to every image), accuracy,
            macro_f1.
    """

    scores: pd.DataFrame
    baseline: pd.DataFrame

    def always(self, protocol: str) -> dict[str, Any]:
        """The row of the baseline; its `n` is the number of images that the protocol scores."""
        return records(where(self.baseline, protocol=protocol))[0]

    @property
    def accuracies(self) -> dict[tuple[str, str, str], float]:
        """By protocol, region and network."""
        return {(row["protocol"], row["region"], row["network"]): row["accuracy"] for row in records(self.scores)}


def measure_scores(study: Study) -> Scores:
    """Score every region and network under every protocol, and beside them the commonest class."""
    found = [_of_protocol(study, protocol) for protocol in study.protocols]
    return Scores(pd.concat(found, ignore_index=True), _baseline(study))


def _of_protocol(study: Study, protocol: str) -> pd.DataFrame:
    params, scored = study.params, study.rows(protocol)
    labels, answers = study.results.labels[scored], study.predicted[..., scored]
    actual = score(labels, answers, len(study.results.classes))
    found = []
    for i, region in enumerate(params.regions):
        for k, network in enumerate([*params.networks, MEAN]):
            # Of the mean over the networks, as of one network, a value a seed.
            accuracy, macro_f1 = (
                of[0, i].mean(axis=0) if network == MEAN and k == len(params.networks) else of[0, i, k]
                for of in (actual.accuracy, actual.macro_f1)
            )
            record: dict[str, Any] = {"protocol": protocol, "region": region, "network": network}
            record |= {"seeds": len(params.seeds), "n": len(labels)}
            record |= {"accuracy": accuracy.mean(), "macro_f1": macro_f1.mean()}
            if protocol in study.samples:
                sample = study.samples[protocol]
                share = sample.share(i, k)
                of_accuracy, of_f1 = sample.estimate("accuracy", share), sample.estimate("macro_f1", share)
                for name, of in (("accuracy", of_accuracy), ("macro_f1", of_f1)):
                    # With few seeds and images an interval may reach further than scores do.
                    record[f"{name}_low"], record[f"{name}_high"] = max(0.0, of.low), min(1.0, of.high)
            if study.several_seeds:
                record["accuracy_sd"] = accuracy.std(ddof=1)
            record["fell_back"] = study.results.fell_back[i, scored].mean()
            found.append(record)
    columns = ["protocol", "region", "network", "seeds", "n", "accuracy", "accuracy_low", "accuracy_high"]
    columns += ["accuracy_sd", "macro_f1", "macro_f1_low", "macro_f1_high", "fell_back"]
    return pd.DataFrame(found, columns=columns)


def _baseline(study: Study) -> pd.DataFrame:
    classes, commonest = study.results.classes, study.commonest
    found = []
    for protocol in study.protocols:
        labels = study.results.labels[study.rows(protocol)]
        certain = np.tile(np.eye(len(classes), dtype=np.float32)[commonest], (len(labels), 1))
        scores = classification(labels, certain, study.results.classes)
        shown = {name: scores[name] for name in ("n", "accuracy", "macro_f1")}
        found.append({"protocol": protocol, "label": classes[commonest], **shown})
    return pd.DataFrame(found)


def score_rows(scores: Scores, pairs: pd.DataFrame, protocol: str, study: Study) -> Rows:
    """The accuracies of one protocol: a row a region, a column a network, and their mean.

    In brackets the difference to the reference in points, with a star where it is significant after Holm's
    adjustment, which takes several seeds; with them the standard deviation over them behind a plus-minus sign.

    Args:
        scores: from `measure_scores`.
        pairs: the tests of the differences; see `differences.Differences`.
        protocol: the one that is shown.
        study: what is compared.
    """
    networks, reference = study.params.networks, study.reference
    cells = {(row["region"], row["network"]): row for row in records(where(scores.scores, protocol=protocol))}
    tests = {(row["within"], row["one"], row["other"]): row for row in records(where(pairs, protocol=protocol))}
    rows = [["region", *networks, MEAN, "fell back"]]
    for region in study.params.regions:
        entries = []
        for network in [*networks, MEAN]:
            mine, base = cells[region, network], cells[reference, network]
            text = percent(mine["accuracy"])
            if not np.isnan(mine["accuracy_sd"]):
                text += f" ± {points(mine['accuracy_sd'])}"
            if region != reference:
                pair = tests.get((network, region, reference), {"p_holm": np.nan})
                star = "*" if pair["p_holm"] < SIGNIFICANT and protocol in study.tested else ""
                text += f" ({points(mine['accuracy'] - base['accuracy'], signed=True)}{star})"
            entries.append(text)
        rows.append([region, *entries, percent(cells[region, MEAN]["fell_back"])])
    always, blank = scores.always(protocol), [""] * len(networks)
    return [*rows, [f"always {always['label']}", *blank, percent(always["accuracy"]), ""]]


def interval_rows(scores: Scores) -> Rows:
    """Every score with its interval, where there is one."""
    rows = [["protocol", "region", "network", "n", "accuracy", "its 95% interval", "macro F1", "its 95% interval"]]
    for row in records(scores.scores):
        entries = [percent(row["accuracy"]), "", f"{row['macro_f1']:.3f}", ""]
        if row["protocol"] in SAMPLED:
            entries[1] = f"{percent(row['accuracy_low'])} to {percent(row['accuracy_high'])}"
            entries[3] = f"{row['macro_f1_low']:.3f} to {row['macro_f1_high']:.3f}"
        rows.append([row["protocol"], row["region"], row["network"], f"{row['n']:,}", *entries])
    return rows


def section(study: Study, scores: Scores, pairs: pd.DataFrame) -> Section:
    """The section, with stars from the tests of pairs."""
    shown, blocks = [], []
    accuracy = f"Accuracy, and in brackets its difference to {study.reference} in points"
    star = "; * significant after Holm's adjustment, with images and trainings as samples"
    starred = study.several_seeds and len(study.params.regions) > 1
    for protocol in study.protocols:
        brackets = accuracy + (star if starred and protocol in study.tested else "")
        note, rows = study.note(protocol), score_rows(scores, pairs, protocol, study)
        shown.append({"protocol": protocol, "note": note, "rows": rows})
        blocks.append(Block(f"Protocol {protocol}", f"{note} {brackets}.", rows))
    context = {
        "shown": shown,
        "headline": HEADLINE,
        "brackets": accuracy + (star if starred else ""),
        "several_seeds": study.several_seeds,
        "drawn_by": study.drawn_by,
        "intervals": interval_rows(scores),
    }
    tables = {"scores": scores.scores, "baseline": scores.baseline}
    plots = {"test_accuracy": _bars(scores)}
    return Section("scores", "Scores", "Scores", context, blocks, tables, plots, _metrics(scores, study))


def _bars(scores: Scores) -> pd.DataFrame:
    table = where(scores.scores, protocol=HEADLINE)
    accuracy = table.loc[table["network"] != MEAN, ["region", "network", "accuracy"]]
    # DVC's template stacks bars of the same label, hence the column `bar`.
    return accuracy.assign(bar=accuracy["network"] + " " + accuracy["region"])


def _metrics(scores: Scores, study: Study) -> dict[str, dict[str, float]]:
    found = {}
    for protocol in (study.chosen_on, HEADLINE):
        for network in study.params.networks:
            of = where(scores.scores, protocol=protocol, network=network)
            found[f"{protocol}/{network}"] = dict(zip(of["region"], of["accuracy"].round(4).tolist(), strict=True))
    return found
