"""Is it the regions that joining adds, or only the number of models?"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from pipeline.evaluation.ensembles import add_greedily, best_repeated, gain, joined_correct
from pipeline.evaluation.uncertainty import SIGNIFICANT
from pipeline.report.sample import adjust
from pipeline.report.section import Block, Section
from pipeline.report.study import HEADLINE, Study
from pipeline.report.tables import Rows, records, where
from pipeline.report.words import p_value, percent, points, span

# So many models are joined at most: the ways to choose their seeds are as many as seeds to the power of members.
MOST = 3


def measure_ensembles(study: Study) -> pd.DataFrame:
    """Join regions, and beside them as many trainings of one region; which ones is chosen by `Study.chosen_on`.

    Returns:
        protocol, network, members (how many), regions (joined), region (of the control), joined and control (their
        accuracies, means over all choices of seeds), gain (joined less control), low and high of its 95% interval,
        p and p_holm (adjusted for all of the protocol). No rows with one region or fewer than three seeds: two
        trainings of a region are one pair, of which nothing says how another pair would do.
    """
    sizes = range(2, min(MOST, len(study.params.regions), len(study.params.seeds) - 1) + 1)
    chosen_on = study.samples[study.chosen_on]
    found: list[dict[str, Any]] = []
    for k, network in enumerate(study.params.networks):
        probabilities = study.results.probabilities[:, k]
        seen = probabilities[:, :, chosen_on.rows]
        for size in sizes:
            members = add_greedily(seen, chosen_on.labels, size)
            repeated = best_repeated(seen, chosen_on.labels, size)
            names = [list(study.params.regions)[region] for region in (*members, repeated[0])]
            for protocol in study.tested:
                sample = study.samples[protocol]
                shown = probabilities[:, :, sample.rows]
                joined, control = (joined_correct(shown, sample.labels, of) for of in (members, repeated))
                more = gain(joined, control, sample.weights, sample.many)
                accuracies = {"joined": np.mean(list(joined.values())), "control": np.mean(list(control.values()))}
                record: dict[str, Any] = {"protocol": protocol, "network": network, "members": size}
                record |= {"regions": " + ".join(names[:-1]), "region": names[-1], **accuracies}
                found.append(record | {"gain": more.value, "low": more.low, "high": more.high, "p": more.p})
    columns = ["protocol", "network", "members", "regions", "region", "joined", "control", "gain", "low", "high", "p"]
    return adjust(pd.DataFrame(found, columns=columns), "protocol")


def ensemble_rows(table: pd.DataFrame, protocol: str) -> Rows:
    """The gains of one protocol."""
    rows = [["network", "regions joined", "accuracy", "trainings joined", "accuracy", "gain", "95% interval", "Holm"]]
    for row in records(where(table, protocol=protocol)):
        of_one = f"{row['members']} of {row['region']}"
        ends = span(row["low"], row["high"], signed=True)
        star = "*" if row["p_holm"] < SIGNIFICANT else ""
        scores = [row["regions"], percent(row["joined"]), of_one, percent(row["control"])]
        rows.append([row["network"], *scores, points(row["gain"], signed=True) + star, ends, p_value(row["p_holm"])])
    return rows


def section(study: Study, ensembles: pd.DataFrame) -> Section:
    """The section."""
    head, *others = study.tested
    context = {
        "rows": ensemble_rows(ensembles, head),
        "others": [(protocol, ensemble_rows(ensembles, protocol)) for protocol in others],
        "chosen_on": study.chosen_on,
        "protocol": head,
        "enough_seeds": len(study.params.seeds) > 2,
        "several_regions": len(study.params.regions) > 1,
    }
    text = f"Regions joined, less as many trainings of one region joined; chosen on {study.chosen_on}."
    block = Block("Regions against trainings", text, ensemble_rows(ensembles, HEADLINE))
    title = "Regions joined against trainings joined"
    return Section("ensembles", "Ensembles", title, context, [block], {"ensembles": ensembles})
