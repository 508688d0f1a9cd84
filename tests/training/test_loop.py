"""The training loop: it learns, keeps the best epoch, and goes on after any interruption as if there had been none."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from io import FileIO
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn
from torch.nn import functional

from pipeline.common.files import InputError, whole_file
from pipeline.training import checkpoint as checkpoint_file
from pipeline.training import loop
from pipeline.training.checkpoint import Progress, key_of
from pipeline.training.loop import Batch, Task, fit
from pipeline.training.recipe import FitRecipe

STEPS = 3
SEED = 5

CONSTANT = {"schedule": "constant", "ema_decay": 0.0}
AVERAGED = {"schedule": "one_cycle", "ema_decay": 0.9}
MUON = {"optimizer": "muon", "schedule": "one_cycle", "ema_decay": 0.9}
ADAM = {"optimizer": "adam", "ema_decay": 0.9}
SGD = {"optimizer": "sgd", "schedule": "one_cycle"}
PLATEAU = {"optimizer": "sgd", "schedule": "plateau", "plateau_patience": 1, "plateau_factor": 0.5}


def make_recipe(**settings: Any) -> FitRecipe:
    usual = {
        "epochs": 5, "batch": 8, "learning_rate": 0.01, "weight_decay": 0.1, "optimizer": "adamw", "patience": 9,
        "precision": "fp32",
    }  # fmt: skip
    return FitRecipe.model_validate({**usual, **CONSTANT, **settings})


def tiny() -> nn.Sequential:
    """With batch normalisation and dropout, which have a state and draws of their own."""
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.Flatten(), nn.Dropout(0.2), nn.Linear(4 * 4, 2)
    )


class Interrupted(Exception):
    pass


class Run:
    """A task that notes what is asked of it, and may be interrupted: find the mean and the slope of an image."""

    def __init__(
        self,
        stop_in: tuple[int, int] | None = None,
        stop_at_log: int | None = None,
        pause: float = 0,
        code: str = "this",
    ):
        self.stop_in, self.stop_at_log, self.pause, self.code = stop_in, stop_at_log, pause, code
        self.trained: list[int] = []
        self.logged: list[int] = []
        self.judged: list[dict[str, torch.Tensor]] = []
        self.scores: list[float] | None = None  # what validation says, in place of the truth
        self.identity: dict[str, Any] = {"data": "abc"}

    def batches(self, epoch: int, share: slice) -> Iterator[Batch]:
        self.trained.append(epoch)
        generator = torch.Generator().manual_seed(epoch)
        for step in range(STEPS):
            if (epoch, step) == self.stop_in:
                raise Interrupted
            time.sleep(self.pause)
            inputs, targets = self.draw(generator)
            yield inputs[share], targets[share]

    @staticmethod
    def draw(generator: torch.Generator) -> Batch:
        images = torch.randn(8, 1, 4, 4, generator=generator) + torch.randn(8, 1, 1, 1, generator=generator)
        return images, torch.stack([images.mean((1, 2, 3)), images[:, 0, 0].mean(1)], 1)

    def validate(self, model: nn.Module) -> dict[str, float]:
        self.judged.append({name: value.clone() for name, value in model.state_dict().items()})
        if self.scores is not None:
            return {"score": self.scores[len(self.judged) - 1]}
        images, targets = self.draw(torch.Generator().manual_seed(1000))
        with torch.inference_mode():
            return {"score": -functional.mse_loss(model.eval()(images), targets).item()}

    def log(self, epoch: int, metrics: dict[str, float]) -> None:
        self.logged.append(epoch)
        if epoch == self.stop_at_log:
            raise Interrupted

    def train(
        self, checkpoint: Path, recipe: FitRecipe, network: nn.Module | None = None, seed: int = SEED
    ) -> tuple[nn.Module, Progress]:
        network = network or tiny()
        task = Task(STEPS, self.batches, functional.mse_loss, self.validate, "score", self.identity, self.code)
        return network, fit(network, task, recipe, seed, checkpoint, self.log, "tiny")


def check_same(one: dict[str, torch.Tensor], other: dict[str, torch.Tensor]) -> None:
    assert one.keys() == other.keys()
    for name, value in one.items():
        assert torch.equal(value, other[name]), name


def train_slowly(checkpoint: str) -> None:
    """What the process runs that is killed below."""
    loop.SAVING = float("inf")
    Run(pause=0.1).train(Path(checkpoint), make_recipe(**AVERAGED))


@pytest.fixture(autouse=True)
def save_after_every_epoch(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loop, "SAVING", float("inf"))


@pytest.fixture
def checkpoint(tmp_path: Path) -> Path:
    return tmp_path / ".checkpoints/tiny.pt"


@pytest.mark.parametrize("settings", [CONSTANT, AVERAGED, MUON, ADAM, SGD, PLATEAU])
def test_it_learns(checkpoint: Path, settings: dict[str, Any]) -> None:
    run = Run()
    _, progress = run.train(checkpoint, make_recipe(epochs=25, **settings, patience=25))
    scores = [metrics["score"] for metrics in progress.history]
    assert max(scores) > scores[0] / 2
    assert progress.history[-1]["train_loss"] < progress.history[0]["train_loss"] / 2
    assert run.logged == run.trained == list(range(25))


def test_the_same_arguments_give_the_same_weights_and_another_seed_others(tmp_path: Path) -> None:
    networks = [Run().train(tmp_path / f"{i}.pt", make_recipe(), seed=seed)[0] for i, seed in enumerate((5, 5, 6))]
    check_same(networks[0].state_dict(), networks[1].state_dict())
    assert not torch.equal(networks[0][-1].weight, networks[2][-1].weight)  # type: ignore[index]


# Interrupted and resumed


@pytest.mark.parametrize("settings", [CONSTANT, AVERAGED, MUON, {"optimizer": "muon"}, ADAM, SGD, PLATEAU])
@pytest.mark.parametrize(
    ("stop", "resumed_at"),
    [
        ({"stop_in": (0, 1)}, 0),
        ({"stop_in": (3, 2)}, 3),  # in the middle of an epoch
        ({"stop_at_log": 2}, 3),  # behind an epoch
        ({"stop_at_log": 4}, 5),  # behind the last
    ],
)
def test_an_interrupted_training_ends_as_if_it_had_not_been(
    tmp_path: Path, checkpoint: Path, settings: dict[str, Any], stop: dict[str, Any], resumed_at: int
) -> None:
    recipe = make_recipe(**settings)
    whole, expected = Run().train(tmp_path / "other.pt", recipe)
    with pytest.raises(Interrupted):
        Run(**stop).train(checkpoint, recipe)
    assert checkpoint.exists() == (resumed_at > 0)
    run = Run()
    network, progress = run.train(checkpoint, recipe)
    assert run.trained == list(range(resumed_at, recipe.epochs))
    assert run.logged == list(range(recipe.epochs))  # the earlier epochs' curves are written once more
    assert progress.history == expected.history
    assert progress.kept_epoch == expected.kept_epoch
    check_same(network.state_dict(), whole.state_dict())
    assert [path.name for path in checkpoint.parent.iterdir()] == ["tiny.pt"]


def test_it_may_be_interrupted_again_and_again(tmp_path: Path, checkpoint: Path) -> None:
    recipe = make_recipe(**AVERAGED)
    whole, expected = Run().train(tmp_path / "other.pt", recipe)
    for epoch in range(recipe.epochs):
        with pytest.raises(Interrupted):
            Run(stop_in=(epoch, 1)).train(checkpoint, recipe)
    network, progress = Run().train(checkpoint, recipe)
    assert progress.history == expected.history
    check_same(network.state_dict(), whole.state_dict())


def test_kill_9_costs_at_most_one_epoch(tmp_path: Path, checkpoint: Path) -> None:
    here = Path(__file__).parent
    command = [sys.executable, "-c", f"import test_loop; test_loop.train_slowly({str(checkpoint)!r})"]
    environment = {**os.environ, "PYTHONPATH": f"{here.parents[1]}{os.pathsep}{here}"}
    process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    for line in process.stdout:
        if "epoch 2 of 5" in line:
            break
    time.sleep(0.15)  # into the third epoch, which takes 0.3 s
    process.send_signal(signal.SIGKILL)
    process.stdout.close()
    assert process.wait() == -signal.SIGKILL

    recipe = make_recipe(**AVERAGED)
    run = Run()
    network, progress = run.train(checkpoint, recipe)
    assert run.trained == [2, 3, 4]
    whole, expected = Run().train(tmp_path / "other.pt", recipe)
    assert progress.history == expected.history
    check_same(network.state_dict(), whole.state_dict())


@pytest.mark.parametrize(
    "change",
    [{"learning_rate": 0.02}, {"epochs": 6}, {"optimizer": "muon"}, {"seed": 6}, {"identity": {"data": "abd"}}],
)
def test_a_checkpoint_of_other_settings_is_not_resumed(checkpoint: Path, change: dict[str, Any]) -> None:
    with pytest.raises(Interrupted):
        Run(stop_in=(3, 0)).train(checkpoint, make_recipe())
    run = Run()
    run.identity = change.get("identity", run.identity)
    recipe = make_recipe(**{name: value for name, value in change.items() if name in FitRecipe.model_fields})
    run.train(checkpoint, recipe, seed=change.get("seed", SEED))
    assert run.trained == list(range(recipe.epochs))


@pytest.mark.parametrize("content", [b"", b"garbage", None])
def test_a_damaged_checkpoint_is_one_line(checkpoint: Path, content: bytes | None) -> None:
    Run().train(checkpoint, make_recipe(epochs=1))
    checkpoint.write_bytes(checkpoint.read_bytes()[:-100] if content is None else content)
    with pytest.raises(
        InputError,
        match=r"tiny\.pt: damaged, or of an earlier version; delete it and run again, the training starts anew$",
    ):
        Run().train(checkpoint, make_recipe(epochs=1))


def test_a_full_disk_keeps_the_checkpoint_before(checkpoint: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(Interrupted):
        Run(stop_at_log=1).train(checkpoint, make_recipe())
    before = checkpoint.read_bytes()

    @contextmanager
    def full(path: Path) -> Iterator[FileIO]:
        with whole_file(path), open("/dev/full", "wb", buffering=0) as file:  # noqa: PTH123
            yield file

    monkeypatch.setattr(checkpoint_file, "whole_file", full)
    with pytest.raises(OSError, match="No space left"):
        Run().train(checkpoint, make_recipe())
    assert checkpoint.read_bytes() == before
    assert len(list(checkpoint.parent.iterdir())) == 1


# Which epoch is kept


def test_the_kept_epochs_weights_are_left_in_the_network(checkpoint: Path) -> None:
    run = Run()
    run.scores = [0.1, 0.3, 0.5, 0.5, 0.2]  # of two equal ones the first
    network, progress = run.train(checkpoint, make_recipe())
    assert progress.kept_epoch == 2
    check_same(network.state_dict(), run.judged[2])
    assert not torch.equal(run.judged[2]["5.weight"], run.judged[4]["5.weight"])


def test_the_last_epochs_weights_are_left_if_the_last_is_kept(checkpoint: Path) -> None:
    run = Run()
    run.scores = [0.1, 0.5, 0.4, 0.3, 0.2]
    network, progress = run.train(checkpoint, make_recipe(epochs=5, patience=1, keep="last"))
    assert progress.kept_epoch == 4
    check_same(network.state_dict(), run.judged[4])


@pytest.mark.parametrize(("patience", "epochs", "best"), [(1, 3, 1), (2, 4, 1), (3, 8, 4), (4, 9, 4), (9, 9, 4)])
def test_it_stops_after_so_many_epochs_without_a_better_one(
    checkpoint: Path, patience: int, epochs: int, best: int
) -> None:
    run = Run()
    run.scores = [0.1, 0.5, 0.4, 0.3, 0.6, 0.1, 0.2, 0.3, 0.4]
    _, progress = run.train(checkpoint, make_recipe(epochs=9, patience=patience))
    assert len(progress.history) == len(run.trained) == epochs
    assert progress.kept_epoch == best


def test_a_training_that_had_stopped_early_is_not_gone_on_with(checkpoint: Path) -> None:
    run = Run(stop_at_log=2)
    run.scores = [0.5, 0.4, 0.3]
    with pytest.raises(Interrupted):
        run.train(checkpoint, make_recipe(patience=2))
    again = Run()
    network, progress = again.train(checkpoint, make_recipe(patience=2))
    assert again.trained == []
    assert progress.kept_epoch == 0
    check_same(network.state_dict(), run.judged[0])


# What a step does


def test_averaged_weights_are_the_moving_average_of_every_step(checkpoint: Path) -> None:
    network = tiny()
    seen: list[torch.Tensor] = []
    run = Run()

    def batches(epoch: int, share: slice) -> Iterator[Batch]:
        for batch in run.batches(epoch, share):
            yield batch
            seen.append(network.state_dict()["5.weight"].clone())  # after the step

    task = Task(STEPS, batches, functional.mse_loss, run.validate, "score", {})
    fit(network, task, make_recipe(epochs=2, **AVERAGED), SEED, checkpoint, run.log, "tiny")
    average = seen[0]
    for weights in seen[1:]:
        average = 0.9 * average + 0.1 * weights
    assert len(seen) == 2 * STEPS
    assert torch.allclose(run.judged[-1]["5.weight"], average, atol=1e-6)
    assert not torch.allclose(run.judged[-1]["5.weight"], seen[-1], atol=1e-6)


def test_without_averaging_the_weights_are_judged_as_they_are(checkpoint: Path) -> None:
    network = tiny()
    run = Run()
    run.scores = [0.1, 0.2]
    run.train(checkpoint, make_recipe(epochs=2), network)
    check_same(network.state_dict(), run.judged[-1])


@pytest.mark.parametrize("optimizer", ["adamw", "muon"])
def test_weights_decay_and_biases_and_scales_do_not(checkpoint: Path, optimizer: str) -> None:
    network, run = tiny(), Run()
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.fill_(1.0)
    task = Task(STEPS, run.batches, lambda outputs, _: outputs.sum() * 0, run.validate, "score", {})
    recipe = make_recipe(epochs=1, learning_rate=0.1, weight_decay=0.5, optimizer=optimizer)
    fit(network, task, recipe, SEED, checkpoint, run.log, "tiny")
    for parameter in network.parameters():
        expected = (1 - 0.1 * 0.5) ** STEPS if parameter.ndim > 1 else 1.0
        assert torch.allclose(parameter, torch.full_like(parameter, expected))


def test_the_learning_rate_follows_its_schedule(tmp_path: Path) -> None:
    rates = {}
    for schedule in ("constant", "one_cycle"):
        recipe = make_recipe(schedule=schedule, epochs=10, learning_rate=0.01, patience=10)
        _, progress = Run().train(tmp_path / schedule, recipe)
        rates[schedule] = [metrics["learning_rate"] for metrics in progress.history]
    assert rates["constant"] == [0.01] * 10
    cycle = rates["one_cycle"]
    assert max(cycle) == cycle[1]  # a fifth of the time warming up
    assert 0.009 < cycle[1] <= 0.01
    assert sorted(cycle[1:], reverse=True) == cycle[1:]
    assert cycle[-1] < 1e-4


def test_the_rate_is_cut_after_so_many_epochs_without_a_better_one(tmp_path: Path) -> None:
    run = Run()
    run.scores = [0.1, 0.5, 0.5, 0.4, 0.6, 0.1, 0.2, 0.6, 0.5]
    recipe = make_recipe(**{**PLATEAU, "plateau_patience": 2}, epochs=9)
    _, progress = run.train(tmp_path / "whole.pt", recipe)
    rates = [metrics["learning_rate"] for metrics in progress.history]
    assert rates == [0.01] * 4 + [0.005] * 3 + [0.0025] * 2  # an equal score is not a better one


def test_a_plateau_that_was_interrupted_is_counted_on(tmp_path: Path) -> None:
    """Stopped within it and after the cut."""
    scores = [0.5, 0.4, 0.3, 0.2, 0.1, 0.0]
    recipe = make_recipe(**{**PLATEAU, "plateau_patience": 2}, epochs=6)
    for stop in (1, 2):
        first, second = Run(stop_at_log=stop), Run()
        first.scores, second.scores = scores, scores[stop + 1 :]
        with pytest.raises(Interrupted):
            first.train(tmp_path / f"{stop}.pt", recipe)
        _, progress = second.train(tmp_path / f"{stop}.pt", recipe)
        assert [metrics["learning_rate"] for metrics in progress.history] == [0.01] * 3 + [0.005] * 2 + [0.0025]


def test_a_line_an_epoch_where_there_is_no_terminal(checkpoint: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Run().train(checkpoint, make_recipe(epochs=2))
    lines = capsys.readouterr().out.splitlines()
    assert [line.split(":")[1].strip() for line in lines] == ["epoch 1 of 2", "epoch 2 of 2"]
    assert "train_loss" in lines[0]
    Run().train(checkpoint, make_recipe(epochs=2))
    assert f"{checkpoint}: going on after epoch 2" in capsys.readouterr().out


def test_the_key_does_not_depend_on_the_order_of_what_it_names() -> None:
    assert key_of({"a": 1, "b": 2}) == key_of({"b": 2, "a": 1}) != key_of({"a": 1, "b": 3})


# Of other code


def test_a_checkpoint_of_other_code_is_told_in_a_line_and_the_training_starts_anew(
    checkpoint: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(Interrupted):
        Run(stop_in=(3, 0), code="one").train(checkpoint, make_recipe())
    run = Run(code="other")
    run.train(checkpoint, make_recipe())
    assert run.trained == list(range(5))
    assert f"{checkpoint}: of other code, or another version of torch: the training starts anew" in (
        capsys.readouterr().out.splitlines()
    )


def test_a_checkpoint_of_another_version_of_torch_is_not_gone_on_from(
    checkpoint: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(Interrupted):
        Run(stop_in=(3, 0)).train(checkpoint, make_recipe())
    monkeypatch.setattr(torch, "__version__", "0.0")
    run = Run()
    run.train(checkpoint, make_recipe())
    assert run.trained == list(range(5))


def test_a_checkpoint_whose_weights_do_not_fit_is_one_line(checkpoint: Path) -> None:
    with pytest.raises(Interrupted):
        Run(stop_in=(3, 0)).train(checkpoint, make_recipe())
    other = nn.Sequential(nn.Conv2d(1, 4, 3), nn.Flatten(), nn.Linear(4 * 4, 2))
    with pytest.raises(InputError, match=r"tiny\.pt: of another network; delete it and run again"):
        Run().train(checkpoint, make_recipe(), other)


# How often the state is written


def test_the_state_is_written_after_the_last_epoch_whatever_the_time(
    checkpoint: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(loop, "SAVING", 0)
    written: list[int] = []
    save = checkpoint_file.save_checkpoint

    def note(path: Path, *rest: Any) -> None:
        written.append(len(rest[-1].history))
        save(path, *rest)

    monkeypatch.setattr(loop, "save_checkpoint", note)
    Run().train(checkpoint, make_recipe())
    assert written == [1, 5]  # how long it takes is known only after the first time
    stopped = Run()
    stopped.scores = [0.5, 0.1, 0.1]
    stopped.train(checkpoint.with_name("other.pt"), make_recipe(patience=2))
    assert written == [1, 5, 1, 3]


# Trainings of a few steps


@pytest.mark.parametrize("steps", range(1, 13))
def test_a_cycle_may_have_any_number_of_steps(checkpoint: Path, steps: int) -> None:
    task = Task(
        steps,
        lambda *_: (Run.draw(torch.Generator()) for _ in range(steps)),
        functional.mse_loss,
        Run().validate,
        "score",
        {},
    )
    progress = fit(tiny(), task, make_recipe(epochs=1, **AVERAGED), SEED, checkpoint, lambda *_: None, "tiny")
    assert 0 <= progress.history[0]["learning_rate"] <= 0.01


# What is wrong is not gone on from


def test_a_flipped_bit_in_a_checkpoint_is_one_line(checkpoint: Path) -> None:
    with pytest.raises(Interrupted):
        Run(stop_at_log=1).train(checkpoint, make_recipe())
    content = bytearray(checkpoint.read_bytes())
    content[len(content) // 2] ^= 1
    checkpoint.write_bytes(content)
    with pytest.raises(InputError, match="damaged, or of an earlier version; delete it and run again"):
        Run().train(checkpoint, make_recipe())


@pytest.mark.parametrize("kind", ["folder", "empty", "nowhere"])
def test_what_is_no_checkpoint_is_one_line(checkpoint: Path, kind: str) -> None:
    checkpoint.parent.mkdir(parents=True, exist_ok=True)
    if kind == "folder":
        checkpoint.mkdir()
    elif kind == "nowhere":
        checkpoint.symlink_to("nowhere")
    else:
        torch.save({}, checkpoint)
    with pytest.raises(InputError, match="delete it and run again, the training starts anew"):
        Run().train(checkpoint, make_recipe())


@pytest.mark.parametrize("name", ["score", "train_loss"])
def test_a_training_that_diverges_stops_with_one_line(
    checkpoint: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = Run()
    if name == "score":
        run.scores = [0.1, float("nan"), 0.2]
    else:
        monkeypatch.setattr(loop, "_train_epoch", lambda *_: float("inf"))
    with pytest.raises(InputError, match="the training has diverged; lower its learning_rate"):
        run.train(checkpoint, make_recipe())
