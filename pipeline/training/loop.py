"""The one training loop, for both kinds of model: precision, schedule, averaging, early stop, resume.

It runs in one process or in several (one a GPU, on one machine or more), started by a launcher such as
`accelerate launch` or `torchrun`: each trains on its share of every batch, and the first alone validates and writes.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import torch
from accelerate import Accelerator
from accelerate.utils import broadcast_object_list
from torch import nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn
from tqdm import tqdm

from pipeline.common import device
from pipeline.common.files import InputError, whole_file
from pipeline.training.optimisers import optimizers, schedules
from pipeline.training.recipe import FitRecipe

Batch = tuple[torch.Tensor, torch.Tensor]
Log = Callable[[int, dict[str, float]], None]


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
    """

    steps: int
    batches: Callable[[int, slice], Iterable[Batch]]
    loss: Callable[[torch.Tensor, torch.Tensor], torch.Tensor]
    validate: Callable[[nn.Module], dict[str, float]]
    score: str
    identity: dict[str, Any]


@dataclass
class Progress:
    """How far the training has come: for each epoch its metrics, and the best epoch with its weights."""

    history: list[dict[str, float]] = field(default_factory=list)
    best_epoch: int = -1
    best: dict[str, torch.Tensor] = field(default_factory=dict)


def fit(
    network: nn.Module, task: Task, recipe: FitRecipe, seed: int, checkpoint: Path, log: Log, title: str
) -> Progress:
    """Train a network, and leave in it the weights of its best epoch.

    After every epoch the whole state goes to `checkpoint`; called again with the same arguments, the training goes on
    from there and ends as if it had not been interrupted (bit for bit on a CPU). The caller deletes the checkpoint
    once it has saved the result.

    Args:
        network: with its starting weights, the same in every process.
        log: called in the first process with every epoch's number and metrics, those of a resumed run's earlier epochs
            first.
        title: for the progress bar.

    Raises:
        InputError: the checkpoint is damaged, or a batch has fewer rows than there are processes.
    """
    accelerator = device.pick(recipe.precision)
    if recipe.batch < accelerator.num_processes:
        raise InputError(
            f"params.yaml: launcher: {accelerator.num_processes} processes cannot share a batch of {recipe.batch}"
        )
    share = slice(accelerator.process_index, None, accelerator.num_processes)
    network.to(accelerator.device, memory_format=torch.channels_last)  # type: ignore[call-overload]
    moving = optimizers(network, recipe)
    scheduling = schedules(moving, recipe, recipe.epochs * task.steps)
    averaged = None
    if recipe.average:
        blend = get_ema_multi_avg_fn(recipe.average)  # type: ignore[no-untyped-call]
        averaged = AveragedModel(network, multi_avg_fn=blend, use_buffers=True)
    model = accelerator.prepare_model(network)
    parts: dict[str, Any] = {"network": network, **moving, **scheduling}
    if averaged:
        parts["averaged"] = averaged
    key = _key(task, recipe, seed)
    progress = _resume(checkpoint, key, parts)
    first = accelerator.is_main_process
    if first:
        for epoch, metrics in enumerate(progress.history):
            log(epoch, metrics)

    done = len(progress.history)
    hidden = None if first else True
    bar = tqdm(total=recipe.epochs * task.steps, initial=done * task.steps, desc=title, unit="batch", disable=hidden)
    for epoch in range(done, recipe.epochs):
        if epoch - progress.best_epoch > recipe.patience and progress.best:
            break
        # Dropout: each epoch starts alike, resumed or not, and each process in its own way.
        torch.manual_seed(seed * 10_000 + epoch + 1_000_000_000 * accelerator.process_index)
        model.train()
        total = torch.zeros((), device=accelerator.device)
        for inputs, targets in task.batches(epoch, share):
            with accelerator.autocast():
                outputs = model(inputs.to(accelerator.device, memory_format=torch.channels_last))
            loss = task.loss(outputs.float(), targets.to(accelerator.device))
            network.zero_grad(set_to_none=True)
            accelerator.backward(loss)
            for optimizer in moving.values():
                optimizer.step()
            for schedule in scheduling.values():
                schedule.step()
            if averaged:
                averaged.update_parameters(network)
            total += loss.detach()
            bar.update()
        judged = averaged.module if averaged else network
        loss_of_all = accelerator.reduce(total, "mean").item() / task.steps
        metrics = {
            "train_loss": loss_of_all,
            **_from_first(accelerator, lambda: task.validate(judged)),  # noqa: B023 (called at once)
            "learning_rate": moving["adamw"].param_groups[0]["lr"],
        }
        if not progress.best or metrics[task.score] > progress.history[progress.best_epoch][task.score]:
            progress.best_epoch = epoch
            progress.best = {name: value.detach().cpu().clone() for name, value in judged.state_dict().items()}
        progress.history.append(metrics)
        if not first:
            continue
        _save(checkpoint, key, parts, progress)
        log(epoch, metrics)
        shown = ", ".join(f"{name} {value:.4g}" for name, value in metrics.items() if name != "learning_rate")
        if bar.disable:  # no terminal: a line an epoch instead of a moving bar
            print(f"{title}: epoch {epoch + 1} of {recipe.epochs}: {shown}", flush=True)
        else:
            bar.set_postfix_str(shown)
    bar.close()
    network.load_state_dict(progress.best)
    return progress


def _from_first(accelerator: Accelerator, compute: Callable[[], dict[str, float]]) -> dict[str, float]:
    """What the first process computes, handed to all: each has statistics of its own, and they must stop together."""
    found: list[dict[str, float]] = [compute() if accelerator.is_main_process else {}]
    return cast(list[dict[str, float]], broadcast_object_list(found))[0]


def _key(task: Task, recipe: FitRecipe, seed: int) -> str:
    """What a checkpoint must agree in to be resumed."""
    content = {"recipe": recipe.model_dump(), "seed": seed, **task.identity}
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def _save(checkpoint: Path, key: str, parts: dict[str, Any], progress: Progress) -> None:
    states = {name: part.state_dict() for name, part in parts.items()}
    with whole_file(checkpoint) as part, part.open("wb") as file:
        try:
            torch.save({"key": key, "parts": states, "progress": vars(progress)}, file)
        except RuntimeError as error:
            if isinstance(error.__context__, OSError):  # torch hides a full disk behind an error of its own
                raise error.__context__ from None
            raise


def _resume(checkpoint: Path, key: str, parts: dict[str, Any]) -> Progress:
    """Take up what `_save` left, if it belongs to this training; else start anew."""
    if not checkpoint.exists():
        return Progress()
    try:
        saved = torch.load(checkpoint, map_location="cpu", weights_only=True)
    except (PermissionError, MemoryError):
        raise
    except Exception:  # each place of the damage has its own error
        raise InputError(f"{checkpoint}: damaged; delete it and run again, the training starts anew") from None
    if saved["key"] != key:
        return Progress()
    for name, part in parts.items():
        part.load_state_dict(saved["parts"][name])
    progress = Progress(**saved["progress"])
    print(f"{checkpoint}: going on after epoch {len(progress.history)}", flush=True)
    return progress
