"""Which part of the face carries which expression?"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from pipeline.common.files import InputError
from pipeline.evaluation.uncertainty import SIGNIFICANT
from pipeline.inside.mean_face import mean_faces
from pipeline.inside.part_values import PartValues, read_atlas
from pipeline.inside.people import Agreement, agreement
from pipeline.inside.retrained import VIEWS, beside_retrained, parts_shown
from pipeline.inside.worth import ALL, BOTH, Means, confusions, part_worth
from pipeline.report import sample
from pipeline.report.face_charts import face, painted, poster, ramp, shade
from pipeline.report.section import Block, Section
from pipeline.report.sections.scores import Scores
from pipeline.report.study import Origin, Study
from pipeline.report.tables import Rows, records, where
from pipeline.report.words import p_value, percent, points, span

STYLE = Path(__file__).parents[1] / "templates/page.css"
MOST_CONFUSED = 10  # pairs of expressions are listed

NOTE = (
    "What a part is worth to a network: how many points of probability of the true class it adds to the parts that are "
    "shown already, on average over all orders in which they may be shown (Shapley values; all parts of an image sum "
    "to what the whole of it adds to none of it), mean of two fillings of what is hidden; with its 95% interval over "
    "{chance}."
)


@dataclass(frozen=True)
class Atlas:
    """What is known of the parts.

    Attributes:
        found: the answers behind it, by network, a list over the seeds.
        worth: see `inside.worth.part_worth`, of all networks.
        confused: see `inside.worth.confusions`, of all networks.
        retrained: see `inside.retrained.beside_retrained`, of all networks and regions that show parts alone.
        people: by network, where it can be said.
    """

    found: dict[str, list[PartValues]]
    worth: pd.DataFrame
    confused: pd.DataFrame
    retrained: pd.DataFrame
    people: dict[str, Agreement]


def measure_atlas(study: Study, origin: Origin) -> Atlas:
    """Read what the classifiers say of parts, and measure what these are worth. Raises InputError as `read_atlas`."""
    params, draws = study.params, sample.DRAWS
    worth, confused, retrained, people = [], [], [], {}
    found = read_atlas(origin.reports, params)
    _check_rows(study, found, origin)
    for network, values in found.items():
        table, means = part_worth(values, draws)
        worth.append(table)
        confused.append(confusions(values, draws, MOST_CONFUSED))
        shapley = means["shapley"]
        of_both = Means(shapley.classes, shapley.actual[:, -1], shapley.drawn[:, :, -1])
        agreed = agreement(of_both, values[0].asked.classes, values[0].asked.parts)
        if agreed is not None:
            people[network] = agreed
        retrained += _retrained(study, network, values)
    views = [name + end for name in (*VIEWS, "gap") for end in ("", "_low", "_high")]
    none = pd.DataFrame(columns=["network", "region", "expression", "n", *views])
    beside = pd.concat(retrained, ignore_index=True) if retrained else none
    return Atlas(found, pd.concat(worth, ignore_index=True), pd.concat(confused, ignore_index=True), beside, people)


def _check_rows(study: Study, found: dict[str, list[PartValues]], origin: Origin) -> None:
    """Make sure that the answers are to images of the comparison. Raises InputError if they are not."""
    for values in (each for of_network in found.values() for each in of_network):
        rows, results = values.rows, study.results
        same = rows.max() < len(results.labels) and values.asked.classes == [*results.classes]
        same = same and bool((results.role[rows] == "test").all())
        same = same and np.array_equal(results.labels[rows], values.labels)
        if not (same and np.array_equal(results.groups[rows], values.groups)):
            folder = origin.reports / f"inside/atlas/{values.asked.network}-{values.asked.seed}"
            raise InputError(f"{folder}: of other rows than the predictions; delete it and run `dvc repro`")


def _retrained(study: Study, network: str, values: list[PartValues]) -> list[pd.DataFrame]:
    """Of each region that shows parts alone."""
    regions, networks = study.params.regions, study.params.networks
    tables = []
    for i, (name, region) in enumerate(regions.items()):
        members = parts_shown(region, study.params.parts)
        if members and network in networks:
            trained = study.results.probabilities[i, networks.index(network)][:, values[0].rows]
            tables.append(beside_retrained(values, name, members, trained, sample.DRAWS))
    return tables


def section(study: Study, atlas: Atlas, scores: Scores) -> Section:
    """The section."""
    best = _best(atlas, scores)
    order = [best, *(network for network in atlas.found if network != best)]
    shapley = where(atlas.worth, method="shapley", filling=BOTH)
    most = float(shapley["value"].abs().max())
    first = atlas.found[best][0]
    worth = worth_rows(shapley)
    # One seed says nothing of other trainings.
    chance = "images and seeds" if study.several_seeds else "images alone"
    note = NOTE.format(chance=chance)
    shown = [_pictures(atlas.found[network], where(shapley, network=network), study, most) for network in order]
    context = {
        "note": note,
        "images": len(first.rows),
        "test": first.asked.test,
        "untrusted": first.asked.test - first.asked.trusted,
        "seeds": len(study.params.seeds),
        "best": best,
        "ramp": ramp(100 * most),
        "shown": shown,
        "worth": worth,
        "methods": method_rows(atlas.worth),
        "confused": confusion_rows(atlas.confused),
        "retrained": retrained_rows(atlas.retrained),
        "people": people_rows(atlas.people),
        "agreed": [agreement_sentence(network, agreed, chance) for network, agreed in atlas.people.items()],
    }
    plot = pd.DataFrame(
        {"worth": shapley["value"].round(6), "bar": shapley[["network", "expression", "part"]].agg(" ".join, 1)}
    )
    people = [agreed.table.assign(network=network) for network, agreed in atlas.people.items()]
    tables = {
        "atlas": atlas.worth,
        "atlas_confusions": atlas.confused,
        "atlas_retrained": atlas.retrained,
        **({"atlas_people": pd.concat(people, ignore_index=True)} if people else {}),
    }
    block = Block("Which part carries which expression", note, worth)
    title = "Which part carries which expression"
    pictures = {"atlas": poster(shown[0]["posted"], 100 * most, STYLE.read_text("utf-8"))}
    return Section("atlas", "Parts", title, context, [block], tables, {"part_worth": plot}, pictures=pictures)


def _best(atlas: Atlas, scores: Scores) -> str:
    """The network of the atlas that validation prefers: it is drawn first."""
    region = next(iter(atlas.found.values()))[0].asked.region
    return max(atlas.found, key=lambda network: scores.accuracies.get(("validation", region, network), 0.0))


def _pictures(found: list[PartValues], shapley: pd.DataFrame, study: Study, most: float) -> dict[str, Any]:
    """A network's mean faces, and its matrix of expressions by parts."""
    first, parts = found[0], study.params.parts
    drawn, posted, matrix = [], [], []
    faces = mean_faces(first.points, first.labels)
    means = {first.asked.classes[code]: of for code, of in faces.items()}
    for expression in [*means, ALL]:
        rows = records(where(shapley, expression=expression))
        hints = [f"{row['part']}: {_worth(row)}" for row in rows]
        values = [row["value"] for row in rows]
        if expression in means:
            painting = painted(means[expression], parts, values, hints, most)
            title = f"{expression}: {'; '.join(hints)}"
            drawn.append((f"{expression} ({rows[0]['n']:,})", face(painting, title)))
            carrier = max(rows, key=lambda row: float(row["value"]))
            lines = f"{expression} ({rows[0]['n']:,})", str(carrier["part"]).replace("_", " "), _worth(carrier)
            posted.append((lines, painting))
        cells = [_cell(row["value"], hint, most) for row, hint in zip(rows, hints, strict=True)]
        matrix.append({"name": expression, "cells": cells})
    return {"network": first.asked.network, "faces": drawn, "posted": posted, "parts": list(parts), "matrix": matrix}


def _cell(value: float, hint: str, most: float) -> dict[str, Any]:
    return {"colour": shade(value, most), "hint": hint, "text": points(value, signed=True)}


def _worth(row: Mapping[str, Any]) -> str:
    return f"{points(row['value'], signed=True)} ({span(row['low'], row['high'], signed=True)})"


def worth_rows(shapley: pd.DataFrame) -> Rows:
    """By network and expression what every part is worth, in points, with intervals; the parts in columns."""
    parts = list(dict.fromkeys(shapley["part"]))
    rows = [["network", "expression", "images", *parts]]
    for (network, expression), table in shapley.groupby(["network", "expression"], sort=False):
        entries = records(table)
        rows.append([str(network), str(expression), f"{entries[0]['n']:,}", *map(_worth, entries)])
    return rows


def method_rows(worth: pd.DataFrame) -> Rows:
    """Over all expressions what every part is worth by each way to measure it."""
    rows = [["network", "part", "Shapley", "with blur", "with noise", "lost where hidden", "gained where alone"]]
    of_all = where(worth, expression=ALL)
    ways = [("shapley", BOTH), ("shapley", "blur"), ("shapley", "noise"), ("hidden", BOTH), ("alone", BOTH)]
    for (network, part), table in of_all.groupby(["network", "part"], sort=False):
        entries = [records(where(table, method=method, filling=filling))[0] for method, filling in ways]
        rows.append([str(network), str(part), *map(_worth, entries)])
    return rows


def confusion_rows(confused: pd.DataFrame) -> Rows:
    """Which expression becomes which other when a part is hidden."""
    rows = [["network", "hidden", "expression", "called", "before", "after", "points", "95% interval"]]
    for row in records(confused):
        shares = percent(row["before"]), percent(row["after"]), points(row["gain"], signed=True)
        names = [row[name] for name in ("network", "part", "expression", "called")]
        rows.append([*names, *shares, span(row["low"], row["high"], signed=True)])
    return rows


def retrained_rows(retrained: pd.DataFrame) -> Rows:
    """The probability of the true class by what is shown, in percent."""
    head = ["network", "region", "expression", "whole image", "without it", "only it", "retrained on it", "gap"]
    rows = [[*head, "95% interval"]]
    for row in records(retrained):
        views = [f"{percent(row[view])} ({span(row[f'{view}_low'], row[f'{view}_high'])})" for view in VIEWS]
        gap = points(row["gap"], signed=True), span(row["gap_low"], row["gap_high"], signed=True)
        rows.append([row["network"], row["region"], row["expression"], *views, *gap])
    return rows


def people_rows(people: dict[str, Agreement]) -> Rows:
    """By expression how far eyes and brows outweigh the mouth, in points of the positive weight."""
    rows = [["expression", "people", *people]]
    tables = [agreed.table for agreed in people.values()]
    for entries in zip(*(records(table) for table in tables), strict=True):
        own = [
            f"{points(row['classifier'], signed=True)} ({span(row['low'], row['high'], signed=True)})"
            for row in entries
        ]
        rows.append([entries[0]["expression"], points(entries[0]["people"], signed=True), *own])
    return rows


def agreement_sentence(network: str, agreed: Agreement, chance: str) -> str:
    """How alike a network's order of the expressions is to that of people, and how sure that is.

    Args:
        chance: what the interval takes as samples, in words.
    """
    verdict = "more than chance" if agreed.p < SIGNIFICANT else "which chance alone may bring about"
    return (
        f"{network}: rank correlation {agreed.rho:+.2f} over {len(agreed.table)} expressions, 95% interval over "
        f"{chance} {agreed.low:+.2f} to {agreed.high:+.2f}; a random order agrees as well with p = "
        f"{p_value(agreed.p)}, {verdict}."
    )
