"""How far does another start of the training move a score, and how many seeds would show a difference?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from pipeline.evaluation.uncertainty import POWER, seeds_needed, spread_of
from pipeline.report.sample import Floats
from pipeline.report.section import Block, Section
from pipeline.report.study import ALL, HEADLINE, MEAN, Study
from pipeline.report.tables import Rows, records, where
from pipeline.report.words import points, span

# The true differences that one would like to see, as fractions.
WANTED = (0.01, 0.005)


@dataclass(frozen=True)
class Luck:
    """Of `HEADLINE`; without rows where there is one seed. Scores are fractions.

    Attributes:
        spread: network (or `ALL`), cells (how many it is pooled over), deviation (the standard deviation of the
            accuracy over seeds), low and high of its 95% interval, beyond (what is left of it on infinitely many
            images).
        needed: region, network (or `MEAN`), difference (to the reference, a true one), seeds (how many would show it
            in 80% of all cases; missing where none would).
    """

    spread: pd.DataFrame
    needed: pd.DataFrame


def measure_luck(study: Study) -> Luck:
    """Pool the spread of each network over the regions, and of all."""
    spread: list[dict[str, Any]] = []
    needed: list[dict[str, Any]] = []
    if study.several_seeds:
        sample, networks = study.samples[HEADLINE], study.params.networks
        actual, drawn = sample.actual.accuracy[0], sample.drawn.accuracy
        pools: dict[str, tuple[Floats, Floats]] = {
            network: (actual[:, k], drawn[:, :, k]) for k, network in enumerate(networks)
        }
        pools[ALL] = actual.reshape(-1, actual.shape[-1]), drawn.reshape(len(drawn), -1, actual.shape[-1])
        for network, pool in pools.items():
            found = spread_of(*pool)
            ends = {"deviation": found.deviation, "low": found.low, "high": found.high, "beyond": found.beyond}
            spread.append({"network": network, "cells": len(pool[0]), **ends})
        base = list(study.params.regions).index(study.reference)
        for i, region in enumerate(study.params.regions):
            for k, network in enumerate([*networks, MEAN]):
                if region == study.reference:
                    continue
                share = sample.share(i, k) - sample.share(base, k)
                gap, cells = sample.estimate("accuracy", share), int((share != 0).sum())
                for wanted in WANTED:
                    many = seeds_needed(gap, len(study.params.seeds), cells, wanted)
                    record = {"region": region, "network": network, "difference": wanted}
                    needed.append({**record, "seeds": np.nan if many is None else many})
    return Luck(
        pd.DataFrame(spread, columns=["network", "cells", "deviation", "low", "high", "beyond"]),
        pd.DataFrame(needed, columns=["region", "network", "difference", "seeds"]),
    )


def spread_rows(spread: pd.DataFrame) -> Rows:
    """The standard deviation over seeds of each network."""
    rows = [["network", "standard deviation", "95% interval", "beyond these images", "pooled over"]]
    for row in records(spread):
        ends, cells = span(row["low"], row["high"]), f"{row['cells']} cells"
        rows.append([row["network"], points(row["deviation"]), ends, points(row["beyond"]), cells])
    return rows


def needed_rows(needed: pd.DataFrame) -> Rows:
    """How many seeds would show each of the `WANTED` differences."""
    rows = [["region", "network", *(f"to see {points(wanted)} points" for wanted in WANTED)]]
    for (region, network), part in needed.groupby(["region", "network"], sort=False):
        many = [row["seeds"] for row in records(part)]
        rows.append([str(region), str(network), *("never" if pd.isna(of) else f"{of:.0f}" for of in many)])
    return rows


def section(study: Study, luck: Luck) -> Section:
    """The section."""
    spread = spread_rows(luck.spread)
    context = {
        "spread": spread,
        "needed": needed_rows(luck.needed),
        "means": needed_rows(where(luck.needed, network=MEAN)),
        "seeds": len(study.params.seeds),
        "power": f"{POWER:.0%}",
        "reference": study.reference,
    }
    text = f"Standard deviation over {len(study.params.seeds)} seeds of the accuracy on {HEADLINE}, in points."
    block = Block("The luck of training", text, spread)
    tables = {"luck": luck.spread, "seeds_needed": luck.needed}
    return Section("luck", "Luck", "The luck of training", context, [block], tables)
