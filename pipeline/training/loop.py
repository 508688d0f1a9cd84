"""The one training loop, for both kinds of model: precision, schedule, averaging, early stop, resume.

It runs in one process or in several (one a GPU, on one machine or more), started by a launcher such as
`accelerate launch` or `torchrun`: each trains on its share of every batch, and the first alone validates and writes.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import torch
from accelerate import Accelerator
from accelerate.utils import broadcast_object_list
from torch import nn
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LRScheduler, ReduceLROnPlateau
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn
from tqdm import tqdm

from pipeline.common import device
from pipeline.common.files import InputError
from pipeline.training.checkpoint import Progress, key_of, load_checkpoint, save_checkpoint
from pipeline.training.optimisers import optimizers
from pipeline.training.recipe import FitRecipe
from pipeline.training.schedules import plateaus, schedules

Batch = tuple[torch.Tensor, torch.Tensor]
Log = Callable[[int, dict[str, float]], None]

# The state is written after an epoch if that takes at most this share of the time since it was last written: the state
# of a large network takes longer to write than a small data set takes to train on.
SAVING = 0.05


@dataclass(frozen=True)
class Task:
    """What is to be learnt.

    Attributes:
        steps: batches an epoch.
        batches: the (inputs, targets) of an epoch, given its number from 0 and which rows of each batch this process
            takes; the same for the same arguments.
        loss: of (outputs, targets), a scalar.
        validate: the validation metrics of a model, by name.
        score: which of these chooses the epoch; higher is better.
        identity: what the result depends on beside the recipe, such as the digest of the data; a checkpoint with
            another identity is not resumed.
        code: a digest of the code that the result depends on, see `common.code`; likewise.
    """

    steps: int
    batches: Callable[[int, slice], Iterable[Batch]]
    loss: Callable[[torch.Tensor, torch.Tensor], torch.Tensor]
    validate: Callable[[nn.Module], dict[str, float]]
    score: str
    identity: dict[str, Any]
    code: str = ""


@dataclass(frozen=True)
class Parts:
    """All that changes in a training.

    Attributes:
        network: the weights, and how they are reached in several processes (`model`).
        ema: their exponential moving average, if there is one.
        optimizers: what moves them, by name.
        schedules, plateaus: what changes the learning rate after a step, and after an epoch.
    """

    network: nn.Module
    model: nn.Module
    ema: AveragedModel | None
    optimizers: Mapping[str, Optimizer]
    schedules: Mapping[str, LRScheduler]
    plateaus: Mapping[str, ReduceLROnPlateau]

    @property
    def judged(self) -> nn.Module:
        """The weights that are validated and kept."""
        return self.ema.module if self.ema else self.network

    @property
    def learning_rate(self) -> float:
        """The same of every optimizer."""
        return float(next(iter(self.optimizers.values())).param_groups[0]["lr"])

    def saved(self) -> dict[str, Any]:
        """What a checkpoint holds."""
        averaged = {"averaged": self.ema} if self.ema else {}
        return {"network": self.network, **self.optimizers, **self.schedules, **self.plateaus, **averaged}


def fit(
    network: nn.Module, task: Task, recipe: FitRecipe, seed: int, checkpoint: Path, log: Log, title: str
) -> Progress:
    """Train a network, and leave in it the weights of the epoch that the recipe keeps.

    Now and then the whole state goes to `checkpoint`; called again with the same arguments, the training goes on from
    there and ends as if it had not been interrupted (bit for bit on a CPU). The caller deletes the checkpoint once it
    has saved the result.

    Args:
        network: with its starting weights, the same in every process.
        log: called in the first process with every epoch's number and metrics, those of a resumed run's earlier epochs
            first.
        title: for the progress bar.

    Raises:
        InputError: the checkpoint is damaged, a batch has fewer rows than there are processes, or the loss or a
            validation metric is not finite.
    """
    accelerator = device.pick(recipe.precision)
    if recipe.batch < accelerator.num_processes:
        raise InputError(
            f"params.yaml: launcher: {accelerator.num_processes} processes cannot share a batch of {recipe.batch}"
        )
    parts = _prepare(network, recipe, recipe.epochs * task.steps, accelerator)
    key = key_of({"recipe": recipe.model_dump(), "seed": seed, **task.identity})
    progress = load_checkpoint(checkpoint, key, task.code, parts.saved())
    first = accelerator.is_main_process
    if first:
        for epoch, metrics in enumerate(progress.history):
            log(epoch, metrics)
    bar = _bar(task, recipe, progress, title, shown=first)
    saved, took = time.monotonic(), 0.0
    while not _has_ended(progress, recipe):
        epoch = len(progress.history)
        loss = _train_epoch(epoch, parts, task, seed, accelerator, bar)
        metrics = {
            "train_loss": loss,
            **_from_first(accelerator, lambda: task.validate(parts.judged)),
            "learning_rate": parts.learning_rate,
        }
        _check_finite(metrics, f"{title}, epoch {epoch + 1}", checkpoint)
        _note(progress, metrics, task.score, recipe, parts.judged)
        for plateau in parts.plateaus.values():
            plateau.step(metrics[task.score])
        if not first:
            continue
        now = time.monotonic()
        if took <= SAVING * (now - saved) or _has_ended(progress, recipe):
            save_checkpoint(checkpoint, key, task.code, parts.saved(), progress)
            saved, took = time.monotonic(), time.monotonic() - now
        log(epoch, metrics)
        _tell(metrics, f"{title}: epoch {epoch + 1} of {recipe.epochs}", bar)
    bar.close()
    network.load_state_dict(progress.kept)
    return progress


def _prepare(network: nn.Module, recipe: FitRecipe, steps: int, accelerator: Accelerator) -> Parts:
    """All that changes in a training of this many steps, on the device."""
    network.to(accelerator.device, memory_format=torch.channels_last)  # type: ignore[call-overload]
    moving = optimizers(network, recipe)
    scheduling = schedules(moving, recipe, steps)
    ema = None
    if recipe.ema_decay:
        blend = get_ema_multi_avg_fn(recipe.ema_decay)  # type: ignore[no-untyped-call]
        ema = AveragedModel(network, multi_avg_fn=blend, use_buffers=True)
    return Parts(network, accelerator.prepare_model(network), ema, moving, scheduling, plateaus(moving, recipe))


def _bar(task: Task, recipe: FitRecipe, progress: Progress, title: str, shown: bool) -> tqdm[Any]:
    done, steps = len(progress.history) * task.steps, recipe.epochs * task.steps
    return tqdm(total=steps, initial=done, desc=title, unit="batch", disable=None if shown else True)


def _has_ended(progress: Progress, recipe: FitRecipe) -> bool:
    """Whether all epochs are done, or too many since the one that is kept, which is the last if the last is kept."""
    done = len(progress.history)
    return done >= recipe.epochs or (bool(progress.kept) and done - progress.kept_epoch > recipe.patience)


def _train_epoch(epoch: int, parts: Parts, task: Task, seed: int, accelerator: Accelerator, bar: tqdm[Any]) -> float:
    """Train for an epoch; the mean loss of its batches, over all processes."""
    index, count = accelerator.process_index, accelerator.num_processes
    # Dropout: each epoch starts alike, resumed or not, and each process in its own way.
    torch.manual_seed(seed * 10_000 + epoch + 1_000_000_000 * index)
    parts.model.train()
    total = torch.zeros((), device=accelerator.device)
    for inputs, targets in task.batches(epoch, slice(index, None, count)):
        with accelerator.autocast():
            outputs = parts.model(inputs.to(accelerator.device, memory_format=torch.channels_last))
        loss = task.loss(outputs.float(), targets.to(accelerator.device))
        parts.network.zero_grad(set_to_none=True)
        accelerator.backward(loss)
        for optimizer in parts.optimizers.values():
            optimizer.step()
        for schedule in parts.schedules.values():
            schedule.step()
        if parts.ema:
            parts.ema.update_parameters(parts.network)
        total += loss.detach()
        bar.update()
    return float(accelerator.reduce(total, "mean").item()) / task.steps


def _from_first(accelerator: Accelerator, compute: Callable[[], dict[str, float]]) -> dict[str, float]:
    """What the first process computes, handed to all: each has statistics of its own, and they must stop together."""
    found: list[dict[str, float]] = [compute() if accelerator.is_main_process else {}]
    return cast(list[dict[str, float]], broadcast_object_list(found))[0]


def _check_finite(metrics: dict[str, float], epoch: str, checkpoint: Path) -> None:
    """Raise InputError if a training has diverged: it never comes back, and its weights are worth nothing."""
    for name, value in metrics.items():
        if not math.isfinite(value):
            raise InputError(
                f"recipes.yaml: {epoch}: {name} is {value}, the training has diverged; lower its learning_rate "
                f"(or, if nothing was changed, delete {checkpoint}) and run again"
            )


def _note(progress: Progress, metrics: dict[str, float], score: str, recipe: FitRecipe, judged: nn.Module) -> None:
    """Add an epoch to the progress, and keep its weights if the recipe asks for that."""
    keep = recipe.keep == "last" or not progress.kept
    if keep or metrics[score] > progress.history[progress.kept_epoch][score]:
        progress.kept_epoch = len(progress.history)
        progress.kept = {name: value.detach().cpu().clone() for name, value in judged.state_dict().items()}
    progress.history.append(metrics)


def _tell(metrics: dict[str, float], epoch: str, bar: tqdm[Any]) -> None:
    shown = ", ".join(f"{name} {value:.4g}" for name, value in metrics.items() if name != "learning_rate")
    if bar.disable:  # no terminal: a line an epoch instead of a moving bar
        print(f"{epoch}: {shown}", flush=True)
    else:
        bar.set_postfix_str(shown)
