"""Train a classifier on a region's images."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Literal, NamedTuple

import numpy as np
import numpy.typing as npt
import torch
from torch import nn
from torch.nn import functional

from pipeline.classifiers import networks
from pipeline.classifiers.applying import probabilities
from pipeline.classifiers.augmentation import augment_batch, mix_batch
from pipeline.classifiers.embeddings import Embeddings, digest_body
from pipeline.classifiers.network_settings import Shape
from pipeline.classifiers.pixels import channels_first, normalise, resize
from pipeline.classifiers.recipe import ClassifierRecipe
from pipeline.classifiers.targets import Lessons, add_lessons, class_weights, drawn_targets, soft_targets
from pipeline.common import device
from pipeline.common.code import code_digest
from pipeline.common.files import InputError
from pipeline.data.roles import Roles
from pipeline.regions.variants import Variant
from pipeline.training.batches import count_batches, split_batches
from pipeline.training.checkpoint import Progress
from pipeline.training.loop import Batch, Log, Task, fit

Rows = npt.NDArray[np.intp]
Recipe = ClassifierRecipe[Any]


class Learner(NamedTuple):
    """What of a network is trained, and how images come to it.

    Attributes:
        trained: the network, or its last layer.
        show: some of the train rows as `trained` takes them, given the epoch and a generator for what is random.
        judge: what `trained` makes of the validation rows: how likely each class is, (m, classes).
    """

    trained: nn.Module
    show: Callable[[torch.Tensor, int, torch.Generator], torch.Tensor]
    judge: Callable[[nn.Module], npt.NDArray[np.float32]]


class Answers(NamedTuple):
    """What shall be learnt of the train rows, on the device.

    Attributes:
        targets: (n, classes), the share of each class.
        weights: (classes,), how much an image of each class counts.
    """

    targets: torch.Tensor
    weights: torch.Tensor


def train(
    variant: Variant,
    roles: Roles,
    fallback: Literal["whole", "drop"],
    name: str,
    recipe: Recipe,
    seed: int,
    identity: dict[str, Any],
    checkpoint: Path,
    log: Log,
    title: str,
    lessons: Lessons | None = None,
    embeddings: Embeddings | None = None,
) -> tuple[nn.Module, Progress]:
    """Train one network on the train rows; the epoch is chosen by its accuracy on the validation rows that choose.

    Args:
        variant: of N images.
        roles: of N rows.
        fallback: what becomes of images that were not cut: they stay whole, or neither train nor choose.
        name: of the network, see `networks`.
        identity: see `loop.Task`.
        lessons: what a student hears from its teachers.
        embeddings: of a frozen network, what its body makes of the N images.

    Raises:
        InputError: there is nothing to train on or to choose by, weights were asked for that cannot be had, or they
            are not those that the embeddings were computed with.
    """
    wanted = ~(variant.fell_back & (fallback == "drop"))
    train_rows = np.flatnonzero((roles.role == "train") & wanted)
    validation_rows = np.flatnonzero(roles.chooses & wanted)
    if not len(train_rows) or not len(validation_rows):
        raise InputError(
            "data/roles.npz: no row to train on or none to validate on; check the data set, and fallback in params.yaml"
        )
    torch.manual_seed(seed)
    network = networks.build(name, recipe.network, Shape.of(variant))
    if recipe.network.last_only:
        assert embeddings is not None, f"{name} is frozen: its embeddings are computed before"
        learner = _last_layer(network, embeddings, train_rows, validation_rows, recipe)
    else:
        learner = _whole_network(network, variant, train_rows, validation_rows, recipe)
    answers = _answers(variant, train_rows, recipe, lessons)
    task = Task(
        steps=count_batches(len(train_rows), recipe.batch),
        batches=_batches(learner, answers.targets, recipe, seed),
        loss=_loss(answers.weights, recipe),
        validate=_validation(learner, variant.labels[validation_rows]),
        score="validation_accuracy",
        identity={"network": name, "weights": embeddings and embeddings.weights, **identity},
        code=code_digest(__name__, f"{networks.__name__}.{name}"),
    )
    return network, fit(learner.trained, task, recipe, seed, checkpoint, log, title)


def _whole_network(network: nn.Module, variant: Variant, rows: Rows, validation_rows: Rows, recipe: Recipe) -> Learner:
    """Images lie as bytes on the device (FER2013 is 83 MB, and no worker process has to feed it), changed each time."""
    images = variant.images[validation_rows]
    inputs = channels_first(torch.from_numpy(variant.images[rows]).to(device.pick(recipe.precision).device))
    sides = recipe.network.sides(variant.side, recipe.epochs)

    def show(shown: torch.Tensor, epoch: int, generator: torch.Generator) -> torch.Tensor:
        return resize(augment_batch(normalise(inputs[shown]), recipe.augment, generator), sides[epoch])

    return Learner(network, show, lambda model: probabilities(model, images, recipe.precision))


def _last_layer(
    network: nn.Module, embeddings: Embeddings, rows: Rows, validation_rows: Rows, recipe: Recipe
) -> Learner:
    """What all that stays as it is makes of each image was computed before, and is learnt from."""
    trained = network.get_submodule("last")
    _check_origin(network, embeddings)
    found = torch.from_numpy(embeddings.values)[:, :, None, None]  # as maps of one place, which the loop takes
    inputs, held_out = (found[some].to(device.pick(recipe.precision).device) for some in (rows, validation_rows))

    def judge(model: nn.Module) -> npt.NDArray[np.float32]:
        with torch.inference_mode():
            found: npt.NDArray[np.float32] = model.to(held_out.device).eval()(held_out).softmax(1).cpu().numpy()
        return found

    return Learner(trained, lambda shown, *_: inputs[shown], judge)


def _check_origin(network: nn.Module, embeddings: Embeddings) -> None:
    """Raise InputError if they are of another body than this network's, or its last layer does not take them."""
    path = embeddings.path
    if embeddings.weights != digest_body(network.get_submodule("body")):
        anew = f"dvc repro -f -s embed@{path.parent.name}-{path.stem}"  # DVC would take the same from its cache
        raise InputError(f"{path}: was computed with other weights than there are now; run `{anew}`, then `dvc repro`")
    try:
        with torch.inference_mode():
            network.get_submodule("last")(torch.from_numpy(embeddings.values[:1]))
    except RuntimeError:
        count = embeddings.values.shape[1]
        raise InputError(
            f"{path}: has {count} features, not as many as the network; delete it and run `dvc repro`"
        ) from None


def _answers(variant: Variant, rows: Rows, recipe: Recipe, lessons: Lessons | None = None) -> Answers:
    """What shall be learnt of the train rows."""
    target_device = device.pick(recipe.precision).device
    labels = variant.labels[rows]
    targets = soft_targets(labels, variant.class_votes[rows], recipe.votes)
    if lessons:
        targets = add_lessons(targets, rows, lessons)
    weights = class_weights(labels, len(variant.about.classes), recipe.class_weights)
    return Answers(torch.from_numpy(targets).to(target_device), torch.from_numpy(weights).to(target_device))


def _batches(
    learner: Learner, targets: torch.Tensor, recipe: Recipe, seed: int
) -> Callable[[int, slice], Iterator[Batch]]:
    """The batches of an epoch: all processes take the rows in the same order, and change theirs in their own way."""

    def batches(epoch: int, share: slice) -> Iterator[Batch]:
        generator = torch.Generator().manual_seed(seed * 10_000 + epoch)
        order = torch.randperm(len(targets), generator=generator)
        answers = drawn_targets(targets, generator) if recipe.draw_labels else targets
        process = share.start or 0
        if process:
            generator.manual_seed(seed * 10_000 + epoch + 1_000_000_000 * process)
        for rows in split_batches(device.send(order, targets.device), recipe.batch, share):
            yield mix_batch(learner.show(rows, epoch, generator), answers[rows], recipe.augment, generator)

    return batches


def _loss(weights: torch.Tensor, recipe: Recipe) -> Callable[[torch.Tensor, torch.Tensor], torch.Tensor]:
    def loss(outputs: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        return functional.cross_entropy(outputs, targets, weights, label_smoothing=recipe.label_smoothing)

    return loss


def _validation(learner: Learner, labels: npt.NDArray[np.uint8]) -> Callable[[nn.Module], dict[str, float]]:
    """Log loss and accuracy on the validation rows, without test-time augmentation, which takes ten times as long."""

    def validate(model: nn.Module) -> dict[str, float]:
        found = learner.judge(model)
        likelihood = np.maximum(found[np.arange(len(labels)), labels], 1e-12)
        return {
            "validation_loss": float(-np.log(likelihood).mean()),
            "validation_accuracy": float((found.argmax(1) == labels).mean()),
        }

    return validate
