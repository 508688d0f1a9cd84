"""Apply one cell's network, or those of its folds, to every row of its region, and score it under each protocol."""

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from pipeline.classifiers.classifier_file import Classifier, load_cell
from pipeline.common.files import whole_folder, write_json
from pipeline.data.protocols import PROTOCOLS, scored
from pipeline.data.roles import NO_FOLD, OUTSIDE, Roles
from pipeline.data.twins import Twins
from pipeline.evaluation.answer_rows import AnswerRows, chance_groups
from pipeline.evaluation.predictions import Predictions
from pipeline.evaluation.scores import classification
from pipeline.params import load_params
from pipeline.regions.variants import Variant
from stages import run

# What is scored of a split in folds: the rows that a network was trained on are never looked at.
BY_FOLD = ("validation", "validation_unique", "test", "test_unique")


def main(region: str, network: str, seed: str) -> None:
    params = load_params()
    cell = params.cell(region, network, seed)
    variant = Variant.load(Path(f"data/variants/{region}"))
    roles = Roles.load(Path("data/roles.npz"), len(variant))
    twins = Twins.load(Path("data/twins.npz"), len(variant)).twins
    model = load_cell(Path(f"models/classifiers/{cell.path}.safetensors"), cell, variant)
    asked = AnswerRows.of(roles, twins)
    groups = chance_groups(roles.role, variant.subject, twins, params.split_rule)
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
        _probabilities(model, variant, asked, params.chosen.test_time_augmentation),
    )
    made = {"data": params.data.source, "recipe": params.recipe}
    with whole_folder(Path(f"reports/classifiers/{region}/{network}-{seed}")) as part:
        answers.save(part / "predictions.parquet")
        write_json(part / "metrics.json", {**cell._asdict(), **made, **_scores(answers, len(roles.folds))})


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


if __name__ == "__main__":
    run(main)
