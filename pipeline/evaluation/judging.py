"""A classifier, or those of all folds, asked of every row of its region, and scored under each protocol."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from pipeline.classifiers.classifier_file import Classifier
from pipeline.data.protocols import PROTOCOLS, scored
from pipeline.data.roles import NO_FOLD, OUTSIDE, Roles, SplitRule
from pipeline.evaluation.answer_rows import AnswerRows, chance_groups
from pipeline.evaluation.predictions import Predictions
from pipeline.evaluation.scores import classification
from pipeline.regions.variants import Variant

# What is scored of a split in folds: the rows that a network was trained on are never looked at.
BY_FOLD = ("validation", "validation_unique", "test", "test_unique")


def judge(
    model: Classifier,
    variant: Variant,
    roles: Roles,
    twins: npt.NDArray[np.int32],
    rule: SplitRule,
    augmentation: str,
) -> tuple[Predictions, dict[str, Any]]:
    """What a classifier says of every row of the data set, and its scores, ready for JSON.

    Args:
        variant: the images (N) that it sees.
        roles, twins: of N rows.
        rule: how they were split.
        augmentation: at test time; rows that are neither validated nor tested are looked at once.
    """
    asked = AnswerRows.of(roles, twins)
    groups = chance_groups(roles.role, variant.subject, twins, rule)
    answers = Predictions(
        variant.about.classes,
        asked.row,
        asked.role,
        asked.fold,
        twins[asked.row],
        groups[asked.row],
        asked.unique,
        variant.labels[asked.row],
        variant.fell_back[asked.row],
        _probabilities(model, variant, asked, augmentation),
    )
    return answers, _scores(answers, len(roles.folds))


def _probabilities(
    model: Classifier, variant: Variant, asked: AnswerRows, augmentation: str
) -> npt.NDArray[np.float32]:
    """What each network that is asked says of each row that it is asked of, (M, classes)."""
    probabilities = np.empty((len(asked.row), len(variant.about.classes)), np.float32)
    looked_at = np.isin(asked.role, ["validation", "test", OUTSIDE])
    for fold in np.unique(asked.fold).tolist():
        network = model if fold == NO_FOLD else model.of_fold(fold)
        # The others, four rows of five, only `as_reported` scores: without test-time augmentation.
        for of, how in ((~looked_at, "none"), (looked_at, augmentation)):
            rows = of & (asked.fold == fold)
            if rows.any():
                probabilities[rows] = network.probabilities(variant.images[asked.row[rows]], how)
    return probabilities


def _scores(answers: Predictions, folds: int) -> dict[str, Any]:
    """By protocol, and with folds the same by fold; a protocol without rows is left out."""
    wanted = (*BY_FOLD, OUTSIDE) if folds else tuple(PROTOCOLS)
    every = {name: scored(answers.role, answers.unique, name) for name in wanted}
    found: dict[str, Any] = {"protocols": _score_all(answers, every)}
    if folds:
        found["folds"] = [
            _score_all(answers, {name: every[name] & (answers.fold == fold) for name in BY_FOLD})
            for fold in range(folds)
        ]
    return found


def _score_all(answers: Predictions, every: dict[str, npt.NDArray[np.bool_]]) -> dict[str, Any]:
    return {
        name: classification(answers.labels[rows], answers.probabilities[rows], answers.classes)
        for name, rows in every.items()
        if rows.any()
    }
