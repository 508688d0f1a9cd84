"""Several processes train like one: here two on the CPU, started as `launcher` in params.yaml would start them."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from classifier_recipes import AUGMENT, make_recipe
from made_up_variants import make_variant
from torch import nn
from torch.nn import functional

from pipeline.classifiers import training
from pipeline.classifiers.augmentation import augment_batch
from pipeline.classifiers.recipe import Augment
from pipeline.common.files import InputError
from pipeline.training.loop import Batch, Task, fit
from pipeline.training.recipe import FitRecipe

pytestmark = pytest.mark.slow


ROOT = Path(__file__).parents[2]
Record = dict[str, Any]
STEPS, EPOCHS = 6, 4
RECIPES = {"plain": AUGMENT, "changed": {**AUGMENT, "flip": True, "shift": 0.05}}


def learn(folder: str, batch: str = "8") -> None:
    """What each process runs: fit a line through noise, and write down what came of it under the process's number."""
    torch.manual_seed(0)
    network = nn.Sequential(nn.Flatten(), nn.Linear(16, 4), nn.Tanh(), nn.Linear(4, 1))
    seen: list[int] = []

    def batches(epoch: int, share: slice) -> Iterator[Batch]:
        generator = torch.Generator().manual_seed(epoch)
        for _ in range(STEPS):
            images = torch.randn(8, 1, 4, 4, generator=generator)[share]
            seen.append(len(images))
            yield images, images.mean((1, 2, 3))[:, None]

    judged: list[int] = []

    def validate(model: nn.Module) -> dict[str, float]:
        judged.append(1)
        images = torch.randn(64, 1, 4, 4, generator=torch.Generator().manual_seed(1000))
        with torch.inference_mode():
            return {"score": -functional.mse_loss(model(images), images.mean((1, 2, 3))[:, None]).item()}

    logged: list[int] = []
    settings: dict[str, Any] = {
        "epochs": EPOCHS, "batch": int(batch), "learning_rate": 0.01, "weight_decay": 0.0, "optimizer": "adamw",
        "schedule": "one_cycle", "ema_decay": 0.5, "patience": EPOCHS, "precision": "fp32",
    }  # fmt: skip
    task = Task(STEPS, batches, functional.mse_loss, validate, "score", {})
    checkpoint = Path(folder) / "checkpoint.pt"
    recipe = FitRecipe.model_validate(settings)
    progress = fit(network, task, recipe, 0, checkpoint, lambda epoch, _: logged.append(epoch), "line")
    record = {
        "history": progress.history, "weights": [value.tolist() for value in network.state_dict().values()],
        "seen": seen, "judged": len(judged), "logged": logged,
    }  # fmt: skip
    (Path(folder) / f"line-{number()}.json").write_text(json.dumps(record))


def classify(folder: str) -> None:
    """What each process runs: train a small CNN, without random changes and with; write down what each batch was."""
    shown: list[str] = []
    drawn: list[float] = []

    def note(images: torch.Tensor, how: Augment, generator: torch.Generator) -> torch.Tensor:
        shown.extend(hashlib.sha256(image.numpy().tobytes()).hexdigest() for image in images)
        drawn.append(torch.rand((), generator=generator.clone_state()).item())
        return augment_batch(images, how, generator)

    for name, augment in RECIPES.items():
        shown.clear()
        drawn.clear()
        recipe, checkpoint = make_recipe(epochs=EPOCHS, augment=augment), Path(folder) / f"{name}.pt"
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(training, "augment_batch", note)
            made = make_variant()
            network, progress = training.train(
                made.variant, made.roles, "whole", "cnn1", recipe, 0, {}, checkpoint, lambda *_: None, name
            )
        weights = b"".join(value.numpy().tobytes() for value in network.state_dict().values())
        record = {
            "history": progress.history, "weights": hashlib.sha256(weights).hexdigest(), "shown": shown, "drawn": drawn,
        }  # fmt: skip
        (Path(folder) / f"{name}-{number()}.json").write_text(json.dumps(record))


def number() -> int:
    """This process's, as the launcher counts."""
    return int(os.environ.get("RANK", "0"))


def launch(processes: int, folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    launcher = [sys.executable, "-m", "torch.distributed.run", "--standalone", f"--nproc-per-node={processes}"]
    command = [*launcher, "-m", "tests.training.test_parallel", str(folder), *words]
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "tests")}
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=120, check=False)


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder where two processes wrote down what came of all."""
    folder = tmp_path_factory.mktemp("two")
    ended = launch(2, folder)
    assert ended.returncode == 0, ended.stderr
    for name in ("line", *RECIPES):
        assert ended.stdout.count(f"{name}: epoch {EPOCHS} of {EPOCHS}") == 1  # told once
    return folder


@pytest.fixture(scope="module")
def two(both: Path) -> list[Record]:
    return [read(both, "line", rank) for rank in range(2)]


def read(folder: Path, name: str, rank: int) -> Record:
    record: Record = json.loads((folder / f"{name}-{rank}.json").read_text())
    return record


def test_two_processes_learn_what_one_does(two: list[Record], tmp_path: Path) -> None:
    learn(str(tmp_path))
    one = read(tmp_path, "line", 0)
    for mine, others in zip(one["weights"], two[0]["weights"], strict=True):
        assert torch.allclose(torch.tensor(mine), torch.tensor(others), atol=1e-5)
    for mine, others in zip(one["history"], two[0]["history"], strict=True):
        assert mine == pytest.approx(others, rel=1e-3)


def test_each_process_takes_its_share_and_all_end_alike(two: list[Record]) -> None:
    first, second = two
    assert first["seen"] == second["seen"] == [4] * STEPS * EPOCHS
    assert first["weights"] == second["weights"]
    assert first["history"] == second["history"]


def test_only_the_first_process_validates_and_reports(two: list[Record]) -> None:
    first, second = two
    assert (first["judged"], first["logged"]) == (EPOCHS, list(range(EPOCHS)))
    assert (second["judged"], second["logged"]) == (0, [])


def test_a_batch_that_is_too_small_to_share_is_refused(tmp_path: Path) -> None:
    ended = launch(2, tmp_path, "1")
    assert ended.returncode != 0
    assert "params.yaml: launcher: 2 processes cannot share a batch of 1" in ended.stderr


# A classifier


@pytest.fixture(scope="module")
def classified(both: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[Record]]:
    """For each recipe what the two processes wrote down, and what a single one does."""
    alone = tmp_path_factory.mktemp("alone")
    classify(str(alone))
    return {name: [read(both, name, 0), read(both, name, 1), read(alone, name, 0)] for name in RECIPES}


@pytest.mark.parametrize(("name", "apart"), [("plain", 1e-3), ("changed", 0.1)])
def test_processes_train_one_classifier(classified: dict[str, list[Record]], name: str, apart: float) -> None:
    first, second, alone = classified[name]
    assert first["weights"] == second["weights"]
    assert first["history"] == second["history"]
    for mine, others in zip(first["history"], alone["history"], strict=True):
        assert mine["train_loss"] == pytest.approx(others["train_loss"], abs=apart)


@pytest.mark.parametrize("name", RECIPES)
def test_processes_show_each_image_once_an_epoch(classified: dict[str, list[Record]], name: str) -> None:
    first, second, alone = classified[name]
    rows = len(alone["shown"]) // EPOCHS
    assert len(first["shown"]) == len(second["shown"]) == rows * EPOCHS / 2
    for epoch in range(EPOCHS):
        mine, others = (record["shown"][epoch * rows // 2 :][: rows // 2] for record in (first, second))
        assert {*mine, *others} == set(alone["shown"][epoch * rows :][:rows])
        assert len({*mine, *others}) == rows


def test_processes_draw_changes_of_their_own(classified: dict[str, list[Record]]) -> None:
    first, second, _ = classified["changed"]
    assert len(first["drawn"]) == len(second["drawn"]) > 0
    assert not set(first["drawn"]) & set(second["drawn"])


if __name__ == "__main__":
    try:
        learn(*sys.argv[1:])
        classify(sys.argv[1])
    except InputError as error:
        sys.exit(str(error))
