"""Several processes train like one: here two on the CPU, started as `launcher` in params.yaml would start them."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn
from torch.nn import functional

from pipeline.common.files import InputError
from pipeline.training.loop import Batch, Task, fit
from pipeline.training.recipe import FitRecipe

ROOT = Path(__file__).parents[2]
STEPS, EPOCHS = 6, 4


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
    number = torch.distributed.get_rank() if torch.distributed.is_initialized() else 0
    record = {
        "history": progress.history, "weights": [value.tolist() for value in network.state_dict().values()],
        "seen": seen, "judged": len(judged), "logged": logged,
    }  # fmt: skip
    (Path(folder) / f"{number}.json").write_text(json.dumps(record))


def launch(processes: int, folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    launcher = [sys.executable, "-m", "torch.distributed.run", "--standalone", f"--nproc-per-node={processes}"]
    command = [*launcher, "-m", "tests.training.test_parallel", str(folder), *words]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)


@pytest.fixture(scope="module")
def two(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    folder = tmp_path_factory.mktemp("two")
    ended = launch(2, folder)
    assert ended.returncode == 0, ended.stderr
    assert ended.stdout.count(f"line: epoch {EPOCHS} of {EPOCHS}") == 1  # told once
    return [json.loads((folder / f"{number}.json").read_text()) for number in range(2)]


def test_two_processes_learn_what_one_does(two: list[dict[str, Any]], tmp_path: Path) -> None:
    learn(str(tmp_path))
    one = json.loads((tmp_path / "0.json").read_text())
    for mine, others in zip(one["weights"], two[0]["weights"], strict=True):
        assert torch.allclose(torch.tensor(mine), torch.tensor(others), atol=1e-5)
    for mine, others in zip(one["history"], two[0]["history"], strict=True):
        assert mine == pytest.approx(others, rel=1e-3)


def test_each_process_takes_its_share_and_all_end_alike(two: list[dict[str, Any]]) -> None:
    first, second = two
    assert first["seen"] == second["seen"] == [4] * STEPS * EPOCHS
    assert first["weights"] == second["weights"]
    assert first["history"] == second["history"]


def test_only_the_first_process_validates_and_reports(two: list[dict[str, Any]]) -> None:
    first, second = two
    assert (first["judged"], first["logged"]) == (EPOCHS, list(range(EPOCHS)))
    assert (second["judged"], second["logged"]) == (0, [])


def test_a_batch_that_is_too_small_to_share_is_refused(tmp_path: Path) -> None:
    ended = launch(2, tmp_path, "1")
    assert ended.returncode != 0
    assert "params.yaml: launcher: 2 processes cannot share a batch of 1" in ended.stderr


if __name__ == "__main__":
    try:
        learn(*sys.argv[1:])
    except InputError as error:
        sys.exit(str(error))
