"""The answer in words, and what it rests on."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from pipeline.report.sample import POWER, SIGNIFICANT
from pipeline.report.sections.scores import Scores
from pipeline.report.study import HEADLINE, MEAN, Study
from pipeline.report.tables import records, where
from pipeline.report.words import percent, points, span

AUGMENTED = {"mirror": "itself and its mirror image", "ten": "itself, four shifts of it, and the mirror images of all"}


def answer(study: Study, scores: Scores, pairs: pd.DataFrame) -> str:
    """The answer in a sentence: the region that validation chooses, and what it is worth on test."""
    params, reference = study.params, study.reference
    over = f"over {len(params.networks)} networks" if len(params.networks) > 1 else f"with {params.networks[0]}"
    names = [reference, *(name for name in params.regions if name != reference)]
    chosen_by, tested_by = _means(scores, "validation"), _means(scores, HEADLINE)
    # Rounded, so that equal means summed in another order stay equal; the reference wins a tie.
    order = sorted(names, key=lambda name: -round(chosen_by[name]["accuracy"], 12))
    chosen, tested = order[0], tested_by[order[0]]
    reached = (
        f"its test accuracy {over} is {percent(tested['accuracy'])} "
        f"(95% interval {span(tested['accuracy_low'], tested['accuracy_high'])})"
    )
    if len(order) == 1:
        return f"There is only one region, {chosen}: {reached}."
    if chosen == reference:
        return f"Validation chooses no region over {reference}: {reached}. {_gap(pairs, order[1], reference)}"
    return f"Validation chooses {chosen}: {reached}. {_gap(pairs, chosen, reference)}"


def _means(scores: Scores, protocol: str) -> dict[str, dict[str, Any]]:
    """The scores of the mean over the networks, by region."""
    return {row["region"]: row for row in records(where(scores.scores, protocol=protocol, network=MEAN))}


def _gap(pairs: pd.DataFrame, region: str, reference: str) -> str:
    """A sentence on how a region differs from the reference on test, and for how many networks significantly."""
    of = records(where(pairs, protocol=HEADLINE, kind="region", one=region, other=reference))
    mean = next(row for row in of if row["within"] == MEAN)
    networks = [row for row in of if row["within"] != MEAN]
    # Only those that differ to the same side as the mean.
    agreeing = [row for row in networks if np.sign(row["difference"]) == np.sign(mean["difference"])]
    significant = sum(row["p_holm"] < SIGNIFICANT for row in agreeing)
    if mean["low"] <= 0 <= mean["high"]:
        verdict = "a difference that this test set cannot tell from none"
    elif not significant:
        verdict = "significant with none of the networks alone"
    else:
        verdict = f"significant with {significant} of {len(networks)} networks"
    side = "above" if mean["difference"] >= 0 else "below"
    return (
        f"That of {region} lies {points(abs(mean['difference']))} points {side} that of {reference} "
        f"(95% interval {span(mean['low'], mean['high'], signed=True)}), {verdict}."
    )


def caveat(study: Study, scores: Scores, pairs: pd.DataFrame) -> str:
    """What the answer rests on, and what it could not have seen."""
    params, seeds = study.params, len(study.params.seeds)
    text = (
        f"Measured on {scores.always(HEADLINE)['n']:,} test images of the data {params.data.source!r}, recipe "
        f"{params.recipe!r}, {seeds} seed{'s' if seeds > 1 else ''}."
    )
    smallest = [
        row["detectable"] for row in records(where(pairs, protocol=HEADLINE, kind="region")) if row["within"] != MEAN
    ]
    if smallest and seeds == 1:
        text += (
            f" Between two trained networks this test set shows a difference of {points(float(np.median(smallest)))} "
            f"points in {POWER:.0%} of all cases, smaller ones less often."
        )
    if seeds == 1:
        text += " One seed: how much another start of the training would change is not known."
    if params.chosen.test_time_augmentation != "none":
        text += (
            f" Test-time augmentation: each validation and test image was judged by "
            f"{AUGMENTED[params.chosen.test_time_augmentation]}."
        )
    recipes = {name: params.classifier_recipe(name) for name in params.networks}
    voted = [f"{name} {recipe.votes:.0%}" for name, recipe in recipes.items() if recipe.votes]
    if voted:
        text += f" Votes stood in for a part of the labels learnt from: {', '.join(voted)}."
    if params.data.source == "demo":
        text += " The demo's images are drawn: they show that the pipeline works and say nothing about faces."
    return text
