"""Apply one classifier to every row of its region, and score it under each protocol."""

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from pipeline.classifiers.classifier_file import Classifier, load_cell
from pipeline.common.files import InputError, whole_folder, write_json
from pipeline.data import protocols
from pipeline.data.roles import OUTSIDE, Roles
from pipeline.data.twins import Twins
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
    path = Path(f"models/classifiers/{cell.path}.safetensors")
    model = load_cell(path, cell, variant)
    if model.header.folds != len(roles.folds):
        raise InputError(f"{path}: was trained with another split than data/roles.npz; delete it and run `dvc repro`")
    augmentation = params.chosen.test_time_augmentation
    own = roles.role != OUTSIDE  # the first rows
    # That an outside image has a twin takes nothing from the data set's own test.
    twins = np.where(own, twins, len(own) + np.arange(len(own), dtype=np.int32))
    if not roles.folds:
        probabilities = _probabilities(model, variant, roles.role, augmentation)
        every = {name: protocols.rows(roles.role, twins, name) for name in protocols.PROTOCOLS}
        scores = {"protocols": _score_all(variant, every, probabilities)}
    else:
        probabilities, scores = _in_folds(model, variant, [fold.role for fold in roles.folds], twins, augmentation)
    if not own.all():
        scores["protocols"][OUTSIDE] = _score(variant, ~own, probabilities)
    made = {"data": params.data.source, "recipe": params.recipe}
    with whole_folder(Path(f"reports/classifiers/{region}/{network}-{seed}")) as part:
        predictions = Predictions(
            variant.about.classes,
            roles.role[own],
            twins[own],
            variant.labels[own],
            variant.fell_back[own],
            probabilities[own],
        )
        predictions.save(part / "predictions.parquet")
        write_json(part / "metrics.json", {**cell._asdict(), **made, **scores})


def _score(variant: Variant, rows: npt.NDArray[Any], probabilities: npt.NDArray[np.float32]) -> dict[str, Any]:
    return classification(variant.labels[rows], probabilities[rows], variant.about.classes)


def _score_all(
    variant: Variant, every: dict[str, npt.NDArray[np.bool_]], probabilities: npt.NDArray[np.float32]
) -> dict[str, Any]:
    """By protocol; one without rows is left out."""
    return {name: _score(variant, rows, probabilities) for name, rows in every.items() if rows.any()}


def _probabilities(
    model: Classifier, variant: Variant, role: npt.NDArray[np.str_], augmentation: str
) -> npt.NDArray[np.float32]:
    """What a network says of every row, (N, classes)."""
    probabilities = np.empty((len(variant), len(variant.about.classes)), np.float32)
    scored = np.isin(role, ["validation", "test", OUTSIDE])
    # The others, four rows of five, only `as_reported` scores: without test-time augmentation.
    for rows, how in ((~scored, "none"), (scored, augmentation)):
        if rows.any():
            probabilities[rows] = model.probabilities(variant.images[rows], how)
    return probabilities


def _in_folds(
    model: Classifier,
    variant: Variant,
    by_fold: list[npt.NDArray[np.str_]],
    twins: npt.NDArray[np.int32],
    augmentation: str,
) -> tuple[npt.NDArray[np.float32], dict[str, Any]]:
    """What of each row that network says that did not see it, (N, classes); scores by fold, and of all rows together.

    Of a row that is tested in no fold, from outside or added to train on, all networks together are asked.
    """
    shape = (len(variant), len(variant.about.classes))
    said = {"validation": np.empty(shape, np.float32), "test": np.empty(shape, np.float32)}
    every: dict[str, list[npt.NDArray[np.bool_]]] = {name: [] for name in BY_FOLD}
    folds = []
    for fold, role in enumerate(by_fold):
        for name, probabilities in said.items():
            probabilities[role == name] = model.of_fold(fold).probabilities(variant.images[role == name], augmentation)
        for name in BY_FOLD:
            every[name].append(protocols.rows(role, twins, name))
        of_fold = {name: every[name][-1] for name in BY_FOLD}
        folds.append({name: _score(variant, of, said[_said_as(name)]) for name, of in of_fold.items() if of.any()})
    together = {name: np.any(rows, axis=0) for name, rows in every.items()}
    pooled = {name: _score(variant, of, said[_said_as(name)]) for name, of in together.items() if of.any()}
    left = ~np.any([role == "test" for role in by_fold], axis=0)
    if left.any():
        said["test"][left] = model.probabilities(variant.images[left], augmentation)
    return said["test"], {"protocols": pooled, "folds": folds}


def _said_as(protocol: str) -> str:
    """Each row is validated in one fold and tested in another: in which role a protocol asks of it."""
    return "validation" if protocol.startswith("validation") else "test"


if __name__ == "__main__":
    run(main)
