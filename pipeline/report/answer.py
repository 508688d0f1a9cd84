"""The answer in words, and what it rests on."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from pipeline.evaluation.uncertainty import SIGNIFICANT, spread_of
from pipeline.report.sections.scores import Scores
from pipeline.report.study import HEADLINE, MEAN, Study
from pipeline.report.tables import records, where
from pipeline.report.words import percent, points, span

AUGMENTED = {"mirror": "itself and its mirror image", "ten": "itself, four shifts of it, and the mirror images of all"}

# Seeds with which tests do not quite hold their level: docs/statistics.md has how often.
FEW = 2

# Of fewer groups than these intervals are notably wider, which is said.
FEW_GROUPS = 30

ONE_SEED = (
    "With one seed no difference between regions can be called significant: another start of the training would move "
    "each of them."
)


def answer(study: Study, scores: Scores, pairs: pd.DataFrame) -> str:
    """The answer in a few sentences: which region validation prefers, how surely, and what it is worth on test."""
    params, reference = study.params, study.reference
    over = f"over {len(params.networks)} networks" if len(params.networks) > 1 else f"with {params.networks[0]}"
    names = [reference, *(name for name in params.regions if name != reference)]
    chosen_by, tested_by = _means(scores, study.chosen_on), _means(scores, HEADLINE)
    # Rounded, so that equal means summed in another order stay equal; the reference wins a tie.
    order = sorted(names, key=lambda name: -round(chosen_by[name]["accuracy"], 12))
    leader, tested = order[0], tested_by[order[0]]
    reached = (
        f"On test the accuracy of {leader} {over} is {percent(tested['accuracy'])} "
        f"({_kind(study)} {span(tested['accuracy_low'], tested['accuracy_high'])})."
    )
    if len(order) == 1:
        return f"There is only one region. {reached}"
    rival = order[1] if leader == reference else leader
    warning = [] if study.several_seeds else [ONE_SEED]
    return " ".join([*warning, _preference(study, pairs, rival, leader), reached, _gap(study, pairs, rival)])


def _means(scores: Scores, protocol: str) -> dict[str, dict[str, Any]]:
    """The scores of the mean over the networks, by region."""
    return {row["region"]: row for row in records(where(scores.scores, protocol=protocol, network=MEAN))}


def _to_reference(study: Study, pairs: pd.DataFrame, protocol: str, region: str) -> list[dict[str, Any]]:
    """How a region differs from the reference: a row a network, the last that of their mean."""
    return records(where(pairs, protocol=protocol, kind="region", one=region, other=study.reference))


def _preference(study: Study, pairs: pd.DataFrame, rival: str, leader: str) -> str:
    """A sentence on what validation says of the leader and the reference (or of the reference and the next one)."""
    mean = _to_reference(study, pairs, study.chosen_on, rival)[-1]
    ends = f"({_kind(study)} {span(mean['low'], mean['high'], signed=True)})"
    apart = f"{points(abs(mean['difference']))} points"
    reference = study.reference
    surely = mean["p_holm"] < SIGNIFICANT if study.several_seeds else not mean["low"] <= 0 <= mean["high"]
    side = "above" if mean["difference"] >= 0 else "below"
    if not surely:
        return f"Validation cannot tell {rival} and {reference} apart: {rival} lies {apart} {side} {ends}."
    if not study.several_seeds:
        return f"On validation {rival} lies {apart} {side} {reference} {ends}."
    if leader == reference:
        return f"Validation prefers {reference}, {apart} above {rival}, the next best {ends}."
    return f"Validation prefers {leader}, {apart} above {reference} {ends}."


def _gap(study: Study, pairs: pd.DataFrame, region: str) -> str:
    """A sentence on how a region differs from the reference on test, and how surely."""
    *networks, mean = _to_reference(study, pairs, HEADLINE, region)
    side = "above" if mean["difference"] >= 0 else "below"
    text = (
        f"That of {region} lies {points(abs(mean['difference']))} points {side} that of {study.reference} "
        f"({_kind(study)} {span(mean['low'], mean['high'], signed=True)})"
    )
    if not study.several_seeds:
        return f"{text}."
    # Only those that differ to the same side as the mean.
    agreeing = [row for row in networks if np.sign(row["difference"]) == np.sign(mean["difference"])]
    significant = sum(row["p_holm"] < SIGNIFICANT for row in agreeing)
    verdict = "a significant difference" if mean["p_holm"] < SIGNIFICANT else "which cannot be told from none"
    return f"{text}, {verdict}; with {significant} of {len(networks)} networks by itself it is significant."


def _kind(study: Study) -> str:
    return "95% interval" if study.several_seeds else "95% interval of the images alone"


def caveat(study: Study, scores: Scores) -> str:
    """What the answer rests on, and what it could not have seen."""
    params, seeds = study.params, len(study.params.seeds)
    text = (
        f"Measured on {scores.always(HEADLINE)['n']:,} test images of the data {params.data.source!r}, recipe "
        f"{params.recipe!r}, {seeds} seed{'s' if seeds > 1 else ''}."
    )
    text += _folds(study) + _few(study)
    if study.several_seeds:
        sample, seeds = study.samples[HEADLINE], len(params.seeds)
        actual, drawn = sample.actual.accuracy[0], sample.drawn.accuracy
        luck = spread_of(actual.reshape(-1, seeds), drawn.reshape(len(drawn), -1, seeds))
        text += (
            f" Another start of the training moves an accuracy by {points(luck.deviation)} points (standard deviation; "
            f"95% interval {span(luck.low, luck.high)})."
        )
    if len(params.seeds) == FEW:
        text += (
            " Two seeds are few: where trainings differ much, one of ten such comparisons calls some network different "
            "that is not."
        )
    if params.fallback == "drop":
        text += (
            " Images that a region could not cut neither trained nor chose its networks, so that others had more to "
            "learn from."
        )
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


def _folds(study: Study) -> str:
    """How folds were made, where there are any."""
    rule = study.params.split_rule
    if rule == "official" or not study.results.folds:
        return ""
    apart = {
        "none": "at random: twins, and images of one person, may be in several",
        "twins": "twins together",
        "subject": "the images of a person together",
        "both": "twins, and the images of a person, together",
    }[rule.group]
    return (
        f" Each image was tested once, in one of {study.results.folds} folds ({apart}), by a network that neither "
        "learnt from it nor was chosen by it; what is chosen for all of them is chosen by the images as each was "
        "validated in another fold, by another network. A seed is one training of all folds."
    )


def _few(study: Study) -> str:
    """That few people or groups stand behind the test images, where that is so."""
    sample = study.samples[HEADLINE]
    many = sample.many
    if many >= min(FEW_GROUPS, len(sample.labels) / 2):
        return ""
    return (
        f" The test images are worth {many:.0f} independent ones, taken {study.drawn_by}: intervals are as wide as "
        "follows from so few."
    )
