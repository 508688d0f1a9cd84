"""How sure are the differences between regions, and between networks?"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations
from typing import Any, NamedTuple

import pandas as pd

from pipeline.evaluation.significance import mcnemar
from pipeline.evaluation.uncertainty import POWER, SIGNIFICANT
from pipeline.report import charts
from pipeline.report.charts import Axis, line_style
from pipeline.report.sample import Sample, adjust
from pipeline.report.section import Block, Section
from pipeline.report.study import HEADLINE, MEAN, Study
from pipeline.report.tables import Rows, records, where
from pipeline.report.words import p_value, points, span

SEVERAL = (
    "Difference: accuracy of the first less the second, in points. Its 95% interval and p take images, {drawn_by}, "
    "and trainings as samples. Holm: the p value that counts, adjusted for all pairs of a network each, and "
    f"apart from them for those of the mean. Detectable: the true difference that would be found in {POWER:.0%} of all "
    "cases, before the adjustment. As trained: McNemar's exact test of the networks at hand (the largest p over the "
    "seeds), which knows nothing of other trainings."
)
ONE = (
    "Difference: accuracy of the first less the second, in points. Its 95% interval takes the images alone, "
    "{drawn_by}, as a sample. There is one seed, so that nothing is known of other trainings, and no difference can be "
    "called significant. As trained: McNemar's exact test of the two networks at hand, which nearly always differ."
)

KINDS = ("region", "network")


@dataclass(frozen=True)
class Differences:
    """Estimates on each protocol that tests, and on the one that chooses.

    Differences are fractions; `low` and `high` bound a 95% interval.

    Attributes:
        pairs: of two regions with one network (or the mean of all), or two networks on one region: protocol, kind
            (region or network), within, one, other, difference (accuracy of one less other), low, high,
            macro_f1_difference, macro_f1_low, macro_f1_high, images and trainings (the standard errors that come from
            each), p, detectable, as_trained (McNemar's exact p; the largest over the seeds; not of the mean) and p_holm
            (p adjusted for all pairs of the protocol and kind, those of the mean apart). With one seed trainings, p,
            detectable and p_holm are missing.
    """

    pairs: pd.DataFrame


class Pair(NamedTuple):
    """Two that are compared: a row of `Differences.pairs`, and where both lie among (regions, networks + 1)."""

    kind: str
    within: str
    one: str
    other: str
    first: tuple[int, int]
    second: tuple[int, int]


def measure_differences(study: Study) -> Differences:
    """Estimate the difference of every pair."""
    protocols = dict.fromkeys((*study.tested, study.chosen_on))
    pairs = [_of_protocol(study, study.samples[protocol], protocol) for protocol in protocols]
    return Differences(pd.concat(pairs, ignore_index=True))


def _of_protocol(study: Study, sample: Sample, protocol: str) -> pd.DataFrame:
    networks, found = len(study.params.networks), []
    for pair in _pairs(study):
        share = sample.share(*pair.first) - sample.share(*pair.second)
        accuracy, macro_f1 = sample.estimate("accuracy", share), sample.estimate("macro_f1", share)
        record: dict[str, Any] = {"protocol": protocol, "kind": pair.kind, "within": pair.within}
        record |= {"one": pair.one, "other": pair.other}
        record |= {"difference": accuracy.value, "low": accuracy.low, "high": accuracy.high}
        record["macro_f1_difference"] = macro_f1.value
        record |= {"macro_f1_low": macro_f1.low, "macro_f1_high": macro_f1.high}
        record |= {"images": accuracy.images, "trainings": accuracy.trainings, "p": accuracy.p}
        record |= {"detectable": accuracy.detectable, "of_mean": pair.first[1] == networks}
        if pair.first[1] < networks:
            seeds = zip(sample.correct[pair.first], sample.correct[pair.second], strict=True)
            record["as_trained"] = max(mcnemar(a, b) for a, b in seeds)
        found.append(record)
    columns = ["protocol", "kind", "within", "one", "other", "difference", "low", "high", "macro_f1_difference"]
    columns += ["macro_f1_low", "macro_f1_high", "images", "trainings", "p", "detectable", "as_trained", "of_mean"]
    return adjust(pd.DataFrame(found, columns=columns), "kind", "of_mean").drop(columns="of_mean")


def _pairs(study: Study) -> Iterator[Pair]:
    """Every pair. The reference region is the other of its pairs, so that their differences say what a region adds."""
    regions, networks = list(study.params.regions), list(study.params.networks)
    ordered = sorted(range(len(regions)), key=lambda i: regions[i] != study.reference)
    for k, network in enumerate([*networks, MEAN]):
        for j, i in combinations(ordered, 2):
            yield Pair("region", network, regions[i], regions[j], (i, k), (j, k))
    for i, region in enumerate(regions):
        for m, k in combinations(range(len(networks)), 2):
            yield Pair("network", region, networks[k], networks[m], (i, k), (i, m))


def pair_rows(pairs: pd.DataFrame, protocol: str, kind: str) -> Rows:
    """Every paired difference of one protocol; kind is region or network."""
    part = where(pairs, protocol=protocol, kind=kind)
    seeds = part["p"].notna().any()
    within = "network" if kind == "region" else "region"
    tests = ["p", "Holm", "detectable"] if seeds else []
    rows = [[within, "pair", "difference", "95% interval" if seeds else "images only", *tests, "as trained"]]
    for row in records(part):
        tests = [p_value(row["p"]), p_value(row["p_holm"]), points(row["detectable"])] if seeds else []
        ends = span(row["low"], row["high"], signed=True)
        pair = f"{row['one']} - {row['other']}"
        difference = points(row["difference"], signed=True)
        rows.append([row["within"], pair, difference, ends, *tests, p_value(row["as_trained"])])
    return rows


def section(study: Study, differences: Differences) -> Section:
    """The section."""
    pairs, several = differences.pairs, study.several_seeds
    to_reference = where(pairs, kind="region", other=study.reference)
    # The axis is the same for all protocols.
    scale = charts.axis("points", [0.0, *(100 * to_reference["low"]), *(100 * to_reference["high"])])
    shown = [
        {
            "protocol": protocol,
            "groups": _forest(where(to_reference, protocol=protocol), scale, study),
            "tests": [_counted(pairs, protocol, kind) for kind in KINDS] if len(pairs) else [],
        }
        for protocol in study.tested
    ]
    note = (SEVERAL if several else ONE).format(drawn_by=study.drawn_by)
    context = {
        "shown": shown,
        "scale": charts.scale(scale),
        "reference": study.reference,
        "several_seeds": several,
        "headline": HEADLINE,
        "note": note,
    }
    block = Block("Differences between regions", note, pair_rows(pairs, HEADLINE, "region"))
    return Section("differences", "Differences", "How sure the differences are", context, [block], {"pairs": pairs})


def _forest(pairs: pd.DataFrame, scale: Axis, study: Study) -> list[dict[str, Any]]:
    """The differences of each region to the reference: a group of rows a region, one row a network and their mean."""
    groups = []
    for number, region in enumerate(study.params.regions):
        rows = []
        for row in records(where(pairs, one=region)):
            summary = row["within"] == MEAN
            if summary and len(study.params.networks) == 1:
                continue  # it would say the same again
            low, value, high = (100 * row[name] for name in ("low", "difference", "high"))
            filled = row["p_holm"] < SIGNIFICANT  # never with one seed, where there is no p value
            rows.append(
                {
                    "network": row["within"],
                    "strip": charts.interval(line_style(number), low, value, high, scale, filled, summary),
                    "points": points(row["difference"], signed=True),
                    "interval": span(row["low"], row["high"], signed=True),
                }
            )
        if rows:
            groups.append({"region": region, "rows": rows})
    return groups


def _counted(pairs: pd.DataFrame, protocol: str, kind: str) -> dict[str, Any]:
    """The rows of one kind, and how many of them are significant."""
    adjusted = where(pairs, protocol=protocol, kind=kind)["p_holm"]
    return {
        "kind": kind,
        "rows": pair_rows(pairs, protocol, kind),
        "tested": int(adjusted.notna().sum()),
        "significant": int((adjusted < SIGNIFICANT).sum()),
    }
