"""What does joining the models of several regions add?"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from markupsafe import Markup

from pipeline.evaluation import fusion
from pipeline.evaluation.uncertainty import estimate
from pipeline.report import charts
from pipeline.report.charts import Line, line_style
from pipeline.report.sample import Floats, Sample, adjust, score
from pipeline.report.section import Block, Section
from pipeline.report.study import ALL, HEADLINE, Study
from pipeline.report.tables import Rows, records, where
from pipeline.report.words import p_value, percent, points, span


@dataclass(frozen=True)
class Joined:
    """What joining reaches. Scores are fractions; `low` and `high` bound a 95% interval.

    Attributes:
        fusion: models of several regions joined: network (or `ALL`), method, members, protocol,
            n, accuracy, low, high, macro_f1, gain (over the best single model's), gain_low, gain_high, p, p_holm
            (both missing with one seed).
        selection: the path of the greedy selection: network, step, added, validation_accuracy, kept.
    """

    fusion: pd.DataFrame
    selection: pd.DataFrame


def measure_joined(study: Study) -> Joined:
    """Join the regions' models of each network, and then the models of all networks."""
    found: list[dict[str, Any]] = []
    path: list[dict[str, Any]] = []
    chosen_on = study.samples[study.chosen_on].rows
    labels = study.results.labels[chosen_on]
    for network, names, probabilities in _pools(study):
        seen = probabilities[:, :, chosen_on]
        steps = fusion.select_forward(seen, labels)
        weights = _weights(seen, labels, steps)
        fused = {method: fusion.fuse(probabilities, share) for method, share in weights.items()}
        for protocol, sample in study.samples.items():
            found += [
                {
                    "network": network,
                    "method": method,
                    "members": _members(names, weights[method]),
                    "protocol": protocol,
                    **record,
                }
                for method, record in _score_fused(fused, sample, protocol in study.tested).items()
            ]
        path += [
            {
                "network": network,
                "step": number,
                "added": names[step.candidate],
                "validation_accuracy": step.accuracy,
                "kept": step.kept,
            }
            for number, step in enumerate(steps, 1)
        ]
    columns = ["network", "method", "members", "protocol", "n", "accuracy", "low", "high", "macro_f1"]
    columns += ["gain", "gain_low", "gain_high", "p"]
    table = adjust(pd.DataFrame(found, columns=columns), "protocol")
    return Joined(table, pd.DataFrame(path, columns=["network", "step", "added", "validation_accuracy", "kept"]))


def _pools(study: Study) -> Iterator[tuple[str, list[str], npt.NDArray[np.float32]]]:
    """What is joined: a name, the candidates' names, and their probabilities (candidates, seeds, N, classes)."""
    regions, networks = list(study.params.regions), list(study.params.networks)
    probabilities = study.results.probabilities
    if len(regions) > 1:
        for k, network in enumerate(networks):
            yield network, regions, probabilities[:, k]
    if len(networks) > 1:
        names = [f"{region} {network}" for region in regions for network in networks]
        yield ALL, names, probabilities.reshape(-1, *probabilities.shape[2:])


def _weights(
    seen: npt.NDArray[np.float32], labels: npt.NDArray[np.uint8], steps: list[fusion.Step]
) -> dict[str, Floats]:
    """How much each candidate counts, by method; the best single model first.

    Args:
        seen: (candidates, seeds, n, classes), on the images that choose.
        labels: (n,).
        steps: of the forward selection.
    """
    many = len(seen)
    selected = [step.candidate for step in steps if step.kept]
    return {
        "best single": np.eye(many)[fusion.best_single(seen, labels)],
        "equal weights": np.full(many, 1 / many),
        "fitted weights": fusion.fit_weights(seen, labels),
        "forward selection": np.isin(np.arange(many), selected) / len(selected),
    }


def _members(names: list[str], weights: Floats) -> str:
    """The candidates with a weight worth telling, the largest first: `face 0.62 + mouth 0.38`."""
    shares = [(name, weight) for name, weight in zip(names, weights.tolist(), strict=True) if weight >= 0.005]
    shares.sort(key=lambda share: -share[1])
    return shares[0][0] if len(shares) == 1 else " + ".join(f"{name} {weight:.2f}" for name, weight in shares)


def _score_fused(fused: dict[str, npt.NDArray[np.float32]], sample: Sample, tested: bool) -> dict[str, dict[str, Any]]:
    """The scores of each method (seeds, N, classes), and where that is tested its gain over the first, the best single.

    What is joined with a seed holds the single model of that seed, so the gain is one value a seed.
    """
    answers = [probabilities[:, sample.rows].argmax(axis=-1).astype(np.uint8) for probabilities in fused.values()]
    predicted = np.stack(answers)
    actual = score(sample.labels, predicted, sample.classes)
    drawn = score(sample.labels, predicted, sample.classes, sample.weights).accuracy
    accuracy, macro_f1 = actual.accuracy[0], actual.macro_f1[0]  # (methods, seeds)
    found: dict[str, dict[str, Any]] = {}
    for m, method in enumerate(fused):
        alone = estimate(accuracy[[m]], drawn[:, [m]], groups=sample.many)
        record: dict[str, Any] = {"n": len(sample.labels), "accuracy": alone.value, "low": alone.low}
        record |= {"high": alone.high, "macro_f1": macro_f1[m].mean()}
        if m and tested:
            gain = accuracy[[m]] - accuracy[[0]], drawn[:, [m]] - drawn[:, [0]]
            more = estimate(*gain, groups=sample.many)
            record |= {"gain": more.value, "gain_low": more.low, "gain_high": more.high, "p": more.p}
        found[method] = record
    return found


def fusion_rows(table: pd.DataFrame, protocol: str) -> Rows:
    """Models of several regions joined, beside the best single one."""
    tests = ["Holm"] if table["p"].notna().any() else []
    head = ["network", "method", "accuracy", "95% interval", "macro F1", "gain", "95% interval of it", *tests]
    rows = [[*head, "members"]]
    for row in records(where(table, protocol=protocol)):
        scores = [percent(row["accuracy"]), span(row["low"], row["high"]), f"{row['macro_f1']:.3f}"]
        gain = [points(row["gain"], signed=True), span(row["gain_low"], row["gain_high"], signed=True)]
        adjusted = [p_value(row["p_holm"])] if tests else []
        rows.append([row["network"], row["method"], *scores, *gain, *adjusted, _shorten(row["members"])])
    return rows


def _shorten(members: str, most: int = 4) -> str:
    """The first members of a mixture, and how many more there are."""
    names = members.split(" + ")
    return members if len(names) <= most else f"{' + '.join(names[:most])} and {len(names) - most} more"


def step_rows(selection: pd.DataFrame) -> Rows:
    """Every step of the forward selection."""
    rows = [["network", "step", "added", "validation accuracy", "selected"]]
    for row in records(selection):
        kept = "yes" if row["kept"] else "no"
        rows.append([row["network"], str(row["step"]), row["added"], percent(row["validation_accuracy"]), kept])
    return rows


def sentence(table: pd.DataFrame) -> str:
    """What joining adds, for the terminal; empty where there is nothing to join."""
    rows = records(where(table, protocol=HEADLINE))
    if not rows:
        return ""
    pool = rows[-1]["network"]  # of all networks where there are several, else of the only one
    mine = {row["method"]: row for row in rows if row["network"] == pool}
    single, joined = mine["best single"], mine["fitted weights"]
    return (
        f"Joined with weights fitted on validation, the models of {pool} reach {percent(joined['accuracy'])} on test, "
        f"{points(joined['gain'], signed=True)} points ({span(joined['gain_low'], joined['gain_high'], signed=True)}) "
        f"beside the best single one, {single['members']}."
    )


def section(study: Study, joined: Joined) -> Section:
    """The section."""
    shown = []
    for protocol in study.samples:
        head, *rows = fusion_rows(joined.fusion, protocol)
        # The last pool is of all networks where there are several, else of the only one.
        pools = [[head, *(row for row in rows if (row[0] == rows[-1][0]) == widest)] for widest in (True, False)]
        shown.append({"protocol": protocol, "rows": [head, *rows], "widest": pools[0], "others": pools[1]})
    lines = _lines(joined.selection, study)
    single = [(network, line) for network, line in lines.items() if network != ALL]
    groups = [("all networks", [lines[ALL]] if ALL in lines else []), ("by network", [line for _, line in single])]
    context = {
        "shown": shown if len(joined.fusion) else [],
        "headline": HEADLINE,
        "charts": [(title, _chart(group, f"Forward selection, {title}")) for title, group in groups if group],
        "names": [(line.style, network) for network, line in single] if len(single) > 1 else [],
        "steps": step_rows(joined.selection),
        "chosen_on": study.chosen_on,
        "several_seeds": study.several_seeds,
    }
    text = f"Chosen on {study.chosen_on}, measured on {HEADLINE}."
    block = Block("Regions joined", text, fusion_rows(joined.fusion, HEADLINE))
    tables = {"fusion": joined.fusion, "selection": joined.selection}
    return Section("joined", "Joined", "Regions joined", context, [block], tables)


def _lines(selection: pd.DataFrame, study: Study) -> dict[str, Line]:
    """The path of the selection of each network and of all."""
    styles: dict[str, str] = {network: line_style(number) for number, network in enumerate(study.params.networks)}
    lines = {}
    for name, part in selection.groupby("network", sort=False):
        network, steps = str(name), records(part)
        lines[network] = Line(
            styles.get(network, line_style(0)),
            [row["step"] for row in steps],
            [100 * row["validation_accuracy"] for row in steps],
            [
                f"{network}, step {row['step']}: with {row['added']} {percent(row['validation_accuracy'])}"
                for row in steps
            ],
            chosen=sum(row["kept"] for row in steps) - 1,  # what is kept comes first
        )
    return lines


def _chart(lines: list[Line], title: str) -> Markup:
    x = charts.axis("models joined", [step for line in lines for step in line.x], whole=True)
    y = charts.axis("validation accuracy, %", [accuracy for line in lines for accuracy in line.y])
    return charts.chart(lines, x, y, title)
