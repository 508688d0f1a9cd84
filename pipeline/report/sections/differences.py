"""How sure are the differences between regions, and between networks?"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations
from typing import Any, NamedTuple

import pandas as pd

from pipeline.evaluation import significance
from pipeline.report import charts
from pipeline.report.charts import Axis, line_style
from pipeline.report.sample import LEVEL, POWER, SIGNIFICANT, Sample, adjust, interval, paired_test
from pipeline.report.section import Block, Section
from pipeline.report.study import HEADLINE, MEAN, TESTED, Study
from pipeline.report.tables import Rows, records, where
from pipeline.report.words import p_value, points, span

NOTE = (
    "Difference: accuracy of the first less the second, in points, with its 95% interval from a bootstrap of twin "
    "groups. McNemar: exact p value (the largest over the seeds). Over seeds: p value that takes images and seeds as "
    "samples. Holm: the p value that counts, adjusted for all pairs of this table. Detectable: the true difference "
    f"that these images would show as significant in {POWER:.0%} of all cases, between networks as trained and before "
    "the adjustment."
)

KINDS = ("region", "network")


@dataclass(frozen=True)
class Differences:
    """Tests on each protocol of `TESTED`. Differences are fractions; `low` and `high` bound a 95% interval.

    Attributes:
        pairs: of two regions with one network, or two networks on one region: protocol, kind (region or network),
            within, one, other, difference (accuracy of one less other), low, high, macro_f1_difference,
            macro_f1_low, macro_f1_high, mcnemar (exact p; the largest over the seeds), over_seeds (p; missing with
            one seed), p (the one of the two that counts: over_seeds if there is one), detectable (the true
            difference that would be found with a probability of 80%) and p_holm (p adjusted for all pairs of the
            protocol and kind). Of the mean over the networks there are no p values.
        omnibus: Cochran's Q over all regions (or networks): protocol, kind, within, seed, p, p_holm.
    """

    pairs: pd.DataFrame
    omnibus: pd.DataFrame


class Pair(NamedTuple):
    """Two that are compared: a row of `Differences.pairs`, and where both lie among (regions, networks + 1)."""

    kind: str
    within: str
    one: str
    other: str
    first: tuple[int, int]
    second: tuple[int, int]


def measure_differences(study: Study) -> Differences:
    """Test every pair, and all regions of a network (or networks on a region) together."""
    pairs = [_test_pairs(study, study.samples[protocol], protocol) for protocol in TESTED]
    omnibus = [_test_all(study, study.samples[protocol], protocol) for protocol in TESTED]
    return Differences(pd.concat(pairs, ignore_index=True), pd.concat(omnibus, ignore_index=True))


def _test_pairs(study: Study, sample: Sample, protocol: str) -> pd.DataFrame:
    found = []
    for pair in _pairs(study):
        a, b, drawn, actual = pair.first, pair.second, sample.drawn, sample.actual
        record: dict[str, Any] = {"protocol": protocol, "kind": pair.kind, "within": pair.within}
        record |= {"one": pair.one, "other": pair.other}
        record["difference"] = (actual.accuracy[0][a] - actual.accuracy[0][b]).item()
        draws = drawn.accuracy[:, *a] - drawn.accuracy[:, *b]
        record["low"], record["high"] = interval(draws)
        record["macro_f1_difference"] = (actual.macro_f1[0][a] - actual.macro_f1[0][b]).item()
        record["macro_f1_low"], record["macro_f1_high"] = interval(drawn.macro_f1[:, *a] - drawn.macro_f1[:, *b])
        if (pair.kind, pair.within) != ("region", MEAN):  # a region may be called that
            record |= paired_test(sample.correct[a], sample.correct[b], sample.groups)
        found.append({**record, "detectable": significance.detectable(draws, 1 - LEVEL, POWER)})
    columns = ["protocol", "kind", "within", "one", "other", "difference", "low", "high", "macro_f1_difference"]
    columns += ["macro_f1_low", "macro_f1_high", "mcnemar", "over_seeds", "p", "detectable"]
    return adjust(pd.DataFrame(found, columns=columns), "kind")


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


def _test_all(study: Study, sample: Sample, protocol: str) -> pd.DataFrame:
    regions, networks = list(study.params.regions), list(study.params.networks)
    found: list[dict[str, Any]] = []
    for s, seed in enumerate(study.params.seeds):
        of = {"protocol": protocol, "seed": seed}
        correct = sample.correct[:, :, s]
        if len(regions) > 1:
            for k, network in enumerate(networks):
                p = significance.cochran_q(correct[:, k].T)
                found.append({**of, "kind": "region", "within": network, "p": p})
        if len(networks) > 1:
            for i, region in enumerate(regions):
                p = significance.cochran_q(correct[i].T)
                found.append({**of, "kind": "network", "within": region, "p": p})
    return adjust(pd.DataFrame(found, columns=["protocol", "kind", "within", "seed", "p"]), "kind", "seed")


def pair_rows(pairs: pd.DataFrame, protocol: str, kind: str) -> Rows:
    """Every paired difference of one protocol; kind is region or network."""
    part = where(pairs, protocol=protocol, kind=kind)
    seeds = part["over_seeds"].notna().any()
    within = "network" if kind == "region" else "region"
    tests = ["McNemar", *(["over seeds"] if seeds else []), "Holm"]
    rows = [[within, "pair", "difference", "95% interval", *tests, "detectable"]]
    for row in records(part):
        tests = [p_value(row["mcnemar"]), *([p_value(row["over_seeds"])] if seeds else []), p_value(row["p_holm"])]
        ends = span(row["low"], row["high"], signed=True)
        pair = f"{row['one']} - {row['other']}"
        difference = points(row["difference"], signed=True)
        rows.append([row["within"], pair, difference, ends, *tests, points(row["detectable"])])
    return rows


def omnibus_rows(omnibus: pd.DataFrame, protocol: str) -> Rows:
    """Cochran's Q: are all regions of a network, or all networks on a region, right equally often?"""
    rows = [["within", "of all", "seed", "p", "Holm"]]
    for row in records(where(omnibus, protocol=protocol)):
        rows.append([row["within"], f"{row['kind']}s", str(row["seed"]), p_value(row["p"]), p_value(row["p_holm"])])
    return rows


def section(study: Study, differences: Differences) -> Section:
    """The section."""
    pairs = differences.pairs
    to_reference = where(pairs, kind="region", other=study.reference)
    # The axis is the same for all protocols.
    scale = charts.axis("points", [0.0, *(100 * to_reference["low"]), *(100 * to_reference["high"])])
    shown = [
        {
            "protocol": protocol,
            "groups": _forest(where(to_reference, protocol=protocol), scale, study),
            "tests": [_counted(pairs, protocol, kind) for kind in KINDS] if len(pairs) else [],
            "omnibus": omnibus_rows(differences.omnibus, protocol),
        }
        for protocol in TESTED
    ]
    context = {
        "shown": shown,
        "scale": charts.scale(scale),
        "reference": study.reference,
        "several_seeds": len(study.params.seeds) > 1,
        "headline": HEADLINE,
        "note": NOTE,
    }
    block = Block("Differences between regions", NOTE, pair_rows(pairs, HEADLINE, "region"))
    tables = {"pairs": pairs, "omnibus": differences.omnibus}
    return Section("differences", "Differences", "How sure the differences are", context, [block], tables)


def _forest(pairs: pd.DataFrame, scale: Axis, study: Study) -> list[dict[str, Any]]:
    """The differences of each region to the reference: a group of rows a region, one row a network and their mean."""
    groups = []
    for number, region in enumerate(study.params.regions):
        rows = []
        for row in records(where(pairs, one=region)):
            summary = row["within"] == MEAN
            if summary and len(study.params.networks) == 1:
                continue  # it would say the same again
            filled = row["p_holm"] < SIGNIFICANT or (summary and not row["low"] <= 0 <= row["high"])
            low, value, high = (100 * row[name] for name in ("low", "difference", "high"))
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
