"""What stages hand to each other, and the settings: YAML, JSON, arrays, weights, checkpoints, predictions."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import torch
from classifier_recipes import make_recipe
from projects import ROOT
from torch import nn

from fuzz.changes import BYTES, FILES, TEXT, on_json
from fuzz.family import Family
from pipeline.classifiers.embeddings import Embeddings, describe, load_embeddings, save_embeddings
from pipeline.classifiers.recipe import ClassifierRecipe
from pipeline.common.weights import load_network, save_network
from pipeline.data.roles import ROLES, Roles
from pipeline.evaluation.predictions import Predictions
from pipeline.faces.located import Located
from pipeline.faces.trust import Trust
from pipeline.params import Params, load_params
from pipeline.studies.study_file import StudyFile, read_study
from pipeline.training.checkpoint import Progress, load_checkpoint, save_checkpoint

ROWS = 12
CHECKPOINT = "training.pt"
FROZEN = "resnet50"


def _write_settings(folder: Path) -> None:
    for name in ("params.yaml", "recipes.yaml"):
        shutil.copy(ROOT / name, folder)


def _check_settings(folder: Path, value: object) -> None:
    assert isinstance(value, Params)
    assert value.recipe in value.recipes
    assert all(0 <= seed <= 10**9 for seed in value.seeds)
    assert all(value.classifier_recipe(name).epochs >= 1 for name in value.networks)


def _write_study(folder: Path) -> None:
    _write_settings(folder)
    (folder / "studies").mkdir()
    for name in ("_base", "hkust"):
        shutil.copy(ROOT / f"studies/{name}.yaml", folder / "studies")


def _check_study(folder: Path, value: object) -> None:
    assert isinstance(value, StudyFile)
    _check_settings(folder, value.params)
    assert value.header.reproduces
    shown = [printed.ours for printed in value.header.printed if printed.ours is not None]
    assert {ours.network for ours in shown} <= set(value.params.networks)


def _write_trust(folder: Path) -> None:
    Trust("xception", np.array([0.1, 0.2, 0.4]), np.array([0.02, 0.05, 0.3])).save(folder / "trust.json")


def _check_trust(folder: Path, value: object) -> None:
    assert isinstance(value, Trust)
    found = value.expected_error(np.linspace(-1, 2, 50, dtype=np.float32))
    assert ((found >= 0) & (found <= 0.5)).all()
    assert (np.diff(found) >= 0).all()


def _write_roles(folder: Path) -> None:
    role = np.repeat(ROLES, 3)
    Roles(role, role == "validation").save(folder / "roles.npz")


def _check_roles(folder: Path, value: object) -> None:
    assert isinstance(value, Roles)
    assert set(value.role.tolist()) <= set(ROLES)
    assert set(value.role[value.chooses].tolist()) <= {"validation"}


def _write_located(folder: Path) -> None:
    points = np.arange(ROWS * 136, dtype=np.float32).reshape(ROWS, 68, 2)
    Located(points, np.linspace(0, 1, ROWS, dtype=np.float32)).save(folder / "landmarks.npz")


def _check_located(folder: Path, value: object) -> None:
    assert isinstance(value, Located)
    assert value.points.shape == (ROWS, 68, 2)
    assert np.isfinite(value.points).all()
    assert (value.expected_error >= 0).all()


def _write_embeddings(folder: Path) -> None:
    values = np.linspace(-1, 1, ROWS * 8, dtype=np.float32).reshape(ROWS, 8)
    described = describe(FROZEN, _frozen())
    save_embeddings(Embeddings(values, "of images", described, "of weights", folder / "resnet50.npz"))


def _read_embeddings(folder: Path) -> Embeddings | None:
    return load_embeddings(folder / "resnet50.npz", FROZEN, _frozen(), "of images", ROWS)


def _check_embeddings(folder: Path, value: object) -> None:
    assert isinstance(value, Embeddings)
    assert len(value.values) == ROWS
    assert np.isfinite(value.values).all()


def _frozen() -> ClassifierRecipe[Any]:
    return make_recipe(FROZEN, network={"pretrained": True, "frozen": True})


def _network() -> nn.Module:
    torch.manual_seed(0)
    return nn.Linear(8, 4)


def _write_weights(folder: Path) -> None:
    save_network(folder / "a.safetensors", _network(), {"network": "tiny", "seed": 0})


def _check_weights(folder: Path, value: object) -> None:
    assert isinstance(value, tuple)
    state, header = value
    assert header == {"network": "tiny", "seed": 0}
    assert all(torch.equal(state[name], tensor) for name, tensor in _network().state_dict().items())


def _write_checkpoint(folder: Path) -> None:
    progress = Progress([{"loss": 0.5}], 0, _network().state_dict())
    save_checkpoint(folder / CHECKPOINT, "key", "code", {"network": _network()}, progress)


def _read_checkpoint(folder: Path) -> Progress:
    return load_checkpoint(folder / CHECKPOINT, "key", "code", {"network": _network()})


def _check_checkpoint(folder: Path, value: object) -> None:
    assert isinstance(value, Progress)
    assert value.history in ([], [{"loss": 0.5}])  # of one that is away, the training starts anew


def _write_predictions(folder: Path) -> None:
    probabilities = np.random.default_rng(0).dirichlet(np.ones(3), ROWS).astype(np.float32)
    labels = (np.arange(ROWS) % 3).astype(np.uint8)
    twins = np.arange(ROWS, dtype=np.int32)
    role = np.repeat(ROLES, 3)
    row, fold = np.arange(ROWS, dtype=np.int32), np.full(ROWS, -1, np.int32)
    names = "calm", "angry", "happy"
    Predictions(names, row, role, fold, twins, twins, labels > 0, labels, labels == 1, probabilities).save(
        folder / "predictions.parquet"
    )


def _check_predictions(folder: Path, value: object) -> None:
    assert isinstance(value, Predictions)
    assert len(value.labels) == len(value.role) == len(value.probabilities) > 0
    assert np.allclose(value.probabilities.sum(1), 1, atol=1e-3)
    assert value.labels.max() < len(value.classes)


_TRUST = on_json("trust.json")

FAMILIES = (
    Family(
        "settings",
        _write_settings,
        lambda folder: load_params(folder / "params.yaml"),
        _check_settings,
        (*TEXT, *TEXT, *BYTES, *FILES),
    ),
    Family(
        "study",
        _write_study,
        lambda folder: read_study("hkust", False, folder),
        _check_study,
        (*TEXT, *TEXT, *BYTES, *FILES),
    ),
    Family(
        "trust",
        _write_trust,
        lambda folder: Trust.load(folder / "trust.json", "xception"),
        _check_trust,
        (*BYTES, *TEXT, *FILES, *[_TRUST] * 8),
    ),
    Family("roles", _write_roles, lambda folder: Roles.load(folder / "roles.npz"), _check_roles, (*BYTES, *FILES)),
    Family(
        "located",
        _write_located,
        lambda folder: Located.load(folder / "landmarks.npz", ROWS),
        _check_located,
        (*BYTES, *FILES),
    ),
    Family("embeddings", _write_embeddings, _read_embeddings, _check_embeddings, (*BYTES, *FILES)),
    Family(
        "weights",
        _write_weights,
        lambda folder: load_network(folder / "a.safetensors"),
        _check_weights,
        (*BYTES, *TEXT, *FILES),
    ),
    Family("checkpoint", _write_checkpoint, _read_checkpoint, _check_checkpoint, (*BYTES, *FILES)),
    Family(
        "predictions",
        _write_predictions,
        lambda folder: Predictions.load(folder / "predictions.parquet"),
        _check_predictions,
        (*BYTES, *FILES),
    ),
)
