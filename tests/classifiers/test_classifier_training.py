"""The classifiers: they learn what there is to learn, and only from the rows that are meant for it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import pytest
import torch
from classifier_recipes import AUGMENT, make_recipe
from made_up_variants import HAPPY, SURPRISE, Made, make_variant
from torch import nn

from pipeline.classifiers import networks, training
from pipeline.classifiers.applying import probabilities
from pipeline.classifiers.network_settings import NetworkSettings, Shape
from pipeline.classifiers.recipe import ClassifierRecipe
from pipeline.classifiers.targets import Lessons
from pipeline.common.files import InputError
from pipeline.data.roles import Roles
from pipeline.training.checkpoint import Progress


def train(
    made: Made,
    checkpoint: Path,
    recipe: ClassifierRecipe[Any] | None = None,
    seed: int = 0,
    name: str = "cnn1",
    fallback: Literal["whole", "drop"] = "whole",
    lessons: Lessons | None = None,
) -> tuple[nn.Module, Progress]:
    recipe = recipe or make_recipe(name)
    variant, roles = made.variant, made.roles
    return training.train(variant, roles, fallback, name, recipe, seed, {}, checkpoint, lambda *_: None, name, lessons)


def same(one: nn.Module, other: nn.Module) -> bool:
    pairs = zip(one.state_dict().values(), other.state_dict().values(), strict=True)
    return all(torch.equal(a, b) for a, b in pairs)


def test_it_learns_two_classes(tmp_path: Path) -> None:
    made = make_variant()
    variant = made.variant
    network, progress = train(made, tmp_path / "a.pt")
    test = made.role == "test"
    predicted = probabilities(network, variant.images[test], "fp32").argmax(1)
    assert (predicted == variant.labels[test]).mean() > 0.7
    best = progress.history[progress.kept_epoch]
    assert best["validation_accuracy"] == max(metrics["validation_accuracy"] for metrics in progress.history) > 0.7
    assert progress.history[-1]["train_loss"] < progress.history[0]["train_loss"]


def test_validation_metrics_are_those_of_the_validation_rows(tmp_path: Path) -> None:
    made = make_variant()
    variant = made.variant
    network, progress = train(made, tmp_path / "a.pt", make_recipe(epochs=1))
    rows = made.role == "validation"
    found = probabilities(network, variant.images[rows], "fp32")
    labels = variant.labels[rows]
    assert progress.history[0]["validation_accuracy"] == (found.argmax(1) == labels).mean()
    likelihood = found[np.arange(len(labels)), labels]
    assert progress.history[0]["validation_loss"] == pytest.approx(-np.log(likelihood).mean(), rel=1e-5)


def changed(made: Made, **arrays: Any) -> Made:
    """The same with other arrays."""
    return replace(made, variant=replace(made.variant, **arrays))


def test_test_rows_have_no_part_in_training_or_in_choosing_the_epoch(tmp_path: Path) -> None:
    made = make_variant()
    test = made.role == "test"
    images, labels = made.variant.images.copy(), made.variant.labels.copy()
    images[test], labels[test] = 255, 0
    both = (made, changed(made, images=images, labels=labels))
    (one, first), (other, second) = (train(data, tmp_path / f"{n}.pt") for n, data in enumerate(both))
    assert first.history == second.history
    assert first.kept_epoch == second.kept_epoch
    assert same(one, other)


def test_validation_rows_train_nothing(tmp_path: Path) -> None:
    made = make_variant()
    labels = made.variant.labels.copy()
    labels[made.role == "validation"] = 8 - labels[made.role == "validation"]
    both = (made, changed(made, labels=labels))
    (_, first), (_, second) = (train(data, tmp_path / f"{n}.pt") for n, data in enumerate(both))
    losses = [[metrics["train_loss"] for metrics in progress.history] for progress in (first, second)]
    assert losses[0] == losses[1]
    assert [metrics["validation_accuracy"] for metrics in first.history] != [
        metrics["validation_accuracy"] for metrics in second.history
    ]


def test_unused_rows_train_nothing(tmp_path: Path) -> None:
    made = make_variant()
    made.role[:20] = "unused"
    images, labels = made.variant.images.copy(), made.variant.labels.copy()
    images[:20], labels[:20] = 255 - images[:20], 0
    both = (made, changed(made, images=images, labels=labels))
    one, other = (train(data, tmp_path / f"{n}.pt")[0] for n, data in enumerate(both))
    assert same(one, other)
    assert not same(one, train(make_variant(), tmp_path / "all.pt")[0])


@pytest.mark.parametrize("counts", [(0, 4, 4), (4, 0, 4)])
def test_nothing_to_train_on_or_to_choose_by_is_refused(tmp_path: Path, counts: tuple[int, int, int]) -> None:
    with pytest.raises(InputError, match="no row to train on or none to validate on; check the data set"):
        train(make_variant(counts), tmp_path / "a.pt")
    assert list(tmp_path.iterdir()) == []


def test_the_seed_decides_everything(tmp_path: Path) -> None:
    recipe = make_recipe(epochs=2, augment={**AUGMENT, "flip": True, "shift": 0.1, "erase": 0.5})
    one, again, other = (
        train(make_variant(), tmp_path / f"{n}.pt", recipe, seed)[0] for n, seed in enumerate((0, 0, 1))
    )
    assert same(one, again)
    assert not same(one, other)


@pytest.mark.parametrize("change", [{"shift": 0.2}, {"mixup": 1.0}, {"cutmix": 1.0}])
def test_the_augmentation_that_was_asked_for_is_used(tmp_path: Path, change: dict[str, float]) -> None:
    plain, changed = (
        train(make_variant(), tmp_path / f"{n}.pt", make_recipe(epochs=1, augment={**AUGMENT, **changes}))[0]
        for n, changes in enumerate(({}, change))
    )
    assert not same(plain, changed)


def test_label_smoothing_is_used(tmp_path: Path) -> None:
    plain, smooth = (
        train(make_variant(), tmp_path / f"{n}.pt", make_recipe(label_smoothing=smoothing))[1].history[-1]["train_loss"]
        for n, smoothing in enumerate((0.0, 0.3))
    )
    assert smooth > plain + 0.2


def test_an_epoch_sees_each_image_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[torch.Tensor] = []

    def note(images: torch.Tensor, *_: object) -> torch.Tensor:
        seen.append(images.clone())
        return images

    monkeypatch.setattr(training, "augment_batch", note)
    made = make_variant((50, 24, 8))
    train(made, tmp_path / "a.pt", make_recipe(epochs=1))
    shown = torch.cat(seen)[:, 0]
    assert [len(batch) for batch in seen] == [8] + [7] * 6  # of at most 8
    assert (shown.min().item(), shown.max().item()) == (-1, 1)
    grey = ((shown + 1) * 127.5).round().numpy().astype(np.uint8)
    train_images = made.variant.images[made.role == "train"]
    assert not np.array_equal(grey, train_images)  # shuffled
    assert {image.tobytes() for image in grey} == {image.tobytes() for image in train_images}


def test_fewer_images_than_a_batch_are_one_batch(tmp_path: Path) -> None:
    _, progress = train(make_variant((6, 4, 2)), tmp_path / "a.pt", make_recipe(epochs=1, batch=64))
    assert np.isfinite(progress.history[0]["train_loss"])


def test_what_is_learnt_is_what_the_voters_say_as_far_as_they_are_trusted(tmp_path: Path) -> None:
    """They call happy what is labelled surprise, and the other way round."""
    made = make_variant()
    made.variant.votes[made.variant.labels == HAPPY, SURPRISE] = 10
    made.variant.votes[made.variant.labels == SURPRISE, HAPPY] = 10
    accuracies, losses = [], []
    for trust in (0.0, 0.5, 1.0):
        _, progress = train(made, tmp_path / f"{trust}.pt", make_recipe(votes=trust))
        accuracies.append(progress.history[-1]["validation_accuracy"])
        losses.append(progress.history[-1]["train_loss"])
    assert accuracies[0] > 0.7
    assert accuracies[2] < 0.3
    assert losses[1] > np.log(2) - 0.01  # both are as likely: nothing to be told apart


def test_a_student_learns_what_its_teachers_say_as_far_as_it_is_told_to(tmp_path: Path) -> None:
    """They call happy what is labelled surprise, and the other way round."""
    made = make_variant()
    rows = np.flatnonzero(made.role == "train").astype(np.int32)
    swapped = np.where(made.variant.labels == HAPPY, SURPRISE, HAPPY)[rows]
    answers = np.eye(len(made.variant.about.classes), dtype=np.float32)[swapped]
    accuracies = []
    for share in (0.0, 1.0):
        lessons = Lessons(rows, answers, np.full(len(rows), share, np.float32))
        _, progress = train(made, tmp_path / f"{share}.pt", lessons=lessons)
        accuracies.append(progress.history[-1]["validation_accuracy"])
    assert accuracies[0] > 0.7
    assert accuracies[1] < 0.3


def test_labels_are_drawn_anew_in_each_epoch_in_proportion_to_the_votes() -> None:
    made = make_variant((400, 4, 0))
    made.variant.votes[:, HAPPY], made.variant.votes[:, SURPRISE] = 3, 1
    rows = np.flatnonzero(made.role == "train")
    made.variant.images[rows] = np.arange(400, dtype=np.uint16)[:, None, None] // 2  # each is told apart by its level
    recipe = make_recipe(votes=1.0, draw_labels=True, batch=400)
    epochs = epoch_of(made, rows, recipe)

    def answers(epoch: int, share: slice = slice(0, None, 1)) -> torch.Tensor:
        ((images, targets),) = epochs(epoch, share)
        order = images.mean((1, 2, 3)).argsort(stable=True)
        return torch.as_tensor(targets[order])

    first, again, second = answers(0), answers(0), answers(1)
    assert torch.equal(first, again)
    assert set(first.flatten().tolist()) == {0.0, 1.0}
    for drawn in (first, second):
        assert drawn[:, HAPPY].mean().item() == pytest.approx(0.75, abs=0.07)
        assert drawn[:, SURPRISE].mean().item() == pytest.approx(0.25, abs=0.07)
    assert 0.25 < (first != second).any(1).float().mean() < 0.5  # 2 x 0.75 x 0.25 if they are independent
    ((_, whole),), ((_, mine),) = epochs(0, slice(0, None, 1)), epochs(0, slice(1, None, 2))
    assert torch.equal(whole[1::2], mine)  # several processes draw the same


def test_class_weights_make_a_rare_class_as_likely_as_a_frequent_one(tmp_path: Path) -> None:
    """Where the images do not tell them apart."""
    made = make_variant((480, 4, 4))
    made.role[48:480:2] = "unused"  # leaves 24 of happy and 240 of surprise
    made.variant.images[:] = 200
    found = []
    for power in (0.0, 1.0):
        network, _ = train(made, tmp_path / f"{power}.pt", make_recipe(class_weights=power, epochs=1))
        found.append(probabilities(network, made.variant.images[:1], "fp32")[0])
    assert found[0][HAPPY] < 0.2
    assert found[0][SURPRISE] > 0.8
    assert 0.3 < found[1][HAPPY] < 0.7


# Growing images


class Pooled(nn.Module):
    """Takes images of any size, and notes the sides of those that it is trained on and of those that it judges."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.Sequential(nn.AdaptiveAvgPool2d(2), nn.Flatten(), nn.Linear(4, 7))
        self.trained: list[int] = []
        self.judged: list[int] = []
        self.levels: list[float] = []

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        assert images.shape[2] == images.shape[3]
        (self.trained if self.training else self.judged).append(images.shape[3])
        self.levels.append(images.mean().item())
        scores: torch.Tensor = self.layers(images)
        return scores


@pytest.mark.parametrize(
    ("name", "settings", "sides"),
    [
        ("googlenet", {"first_side": 24}, [24, 32, 40, 48]),
        ("googlenet", {}, [48, 48, 48, 48]),
        ("cnn1", {}, [48, 48, 48, 48]),
    ],
)
def test_googlenet_learns_from_growing_images_and_judges_whole_ones(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, settings: dict[str, int], sides: list[int]
) -> None:
    network = Pooled()
    monkeypatch.setattr(networks, "build", lambda *_: network)
    made = make_variant()
    made.variant.images[:] = 204
    train(made, tmp_path / "a.pt", make_recipe(name, network=settings), name=name)
    assert network.trained == [side for side in sides for _ in range(6)]
    assert network.judged == [48] * 4
    np.testing.assert_allclose(network.levels, 0.6, atol=1e-6)


def test_smaller_images_show_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """And of pixels that are too fine for them their mean."""
    seen: list[torch.Tensor] = []

    def note(images: torch.Tensor, targets: torch.Tensor, *_: object) -> tuple[torch.Tensor, torch.Tensor]:
        seen.append(images)
        return images, targets

    monkeypatch.setattr(networks, "build", lambda *_: Pooled())
    monkeypatch.setattr(training, "mix_batch", note)
    made = make_variant()
    made.variant.images[:] = 255 * (np.arange(48) % 2)  # stripes of one pixel
    made.variant.images[:, :24] //= 2
    recipe = make_recipe("googlenet", epochs=4, network={"first_side": 32})
    train(made, tmp_path / "a.pt", recipe, name="googlenet")
    small = seen[0]
    assert small.shape == (8, 1, 32, 32)
    stripes = small[:, :, :, 2:-2]
    np.testing.assert_allclose(stripes[:, :, :14].mean(), 127 / 2 / 127.5 - 1, atol=0.01)
    np.testing.assert_allclose(stripes[:, :, -14:].mean(), 0, atol=0.01)
    assert stripes[:, :, -14:].abs().max() < 0.4


def test_the_network_is_built_with_the_settings_of_its_recipe(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[str, dict[str, Any], Shape]] = []

    def build(name: str, settings: NetworkSettings, shape: Shape) -> nn.Module:
        asked.append((name, settings.model_dump(exclude_none=True), shape))
        return Pooled()

    monkeypatch.setattr(networks, "build", build)
    made = make_variant((8, 4, 0))
    for name, settings in (("googlenet", {"stem": "small"}), ("googlenet", {"pretrained": True}), ("cnn2", {})):
        train(made, tmp_path / f"{len(asked)}.pt", make_recipe(name, epochs=1, network=settings), name=name)
    shape = Shape(7, 1, 48)
    assert asked == [
        ("googlenet", {"stem": "small", "pretrained": False}, shape),
        ("googlenet", {"stem": "imagenet", "pretrained": True}, shape),
        ("cnn2", {}, shape),
    ]


# Several processes


def epoch_of(
    made: Made, rows: npt.NDArray[np.intp], recipe: ClassifierRecipe[Any]
) -> Callable[[int, slice], Iterator[tuple[torch.Tensor, torch.Tensor]]]:
    """The batches of an epoch, given its number and a share."""
    network = networks.build("cnn1", recipe.network, Shape(7, 1, 48))
    learner = training._whole_network(network, made.variant, rows, rows[:1], recipe)
    return training._batches(learner, training._answers(made.variant, rows, recipe).targets, recipe, seed=0)


def batches_of(process: int, count: int, **augment: Any) -> list[tuple[torch.Tensor, torch.Tensor]]:
    """What one of several processes is given in the first epoch."""
    made = make_variant()
    rows = np.flatnonzero(made.role == "train")
    recipe = make_recipe(augment={**AUGMENT, **augment})
    return list(epoch_of(made, rows, recipe)(0, slice(process, None, count)))


def test_processes_share_the_rows_of_each_batch() -> None:
    whole, first, second = batches_of(0, 1), batches_of(0, 2), batches_of(1, 2)
    for (images, targets), (mine, my_targets), (others, other_targets) in zip(whole, first, second, strict=True):
        assert torch.equal(images[0::2], mine)
        assert torch.equal(images[1::2], others)
        assert torch.equal(targets[0::2], my_targets)
        assert torch.equal(targets[1::2], other_targets)


def test_processes_change_their_shares_in_ways_of_their_own() -> None:
    """Seen on images that are all the same."""

    def moved(process: int) -> list[float]:
        made = make_variant()
        made.variant.images[:] = np.arange(48, dtype=np.uint8) * 5
        rows = np.flatnonzero(made.role == "train")
        recipe = make_recipe(augment={**AUGMENT, "shift": 0.2})
        batches = epoch_of(made, rows, recipe)
        images, _ = next(batches(0, slice(process, None, 2)))
        return [image.mean().item() for image in images]

    first, second = moved(0), moved(1)
    assert len(set(first) & set(second)) == 0
    assert first == moved(0)


def test_images_that_were_not_cut_are_trained_on_unless_they_are_to_be_dropped(tmp_path: Path) -> None:
    """Dropping them is training without them."""
    made, without = make_variant(), make_variant()
    made.variant.fell_back[:20] = True
    made.variant.fell_back[-8:] = True  # of test: nothing is asked of them here
    without.role[:20] = "unused"
    whole = train(made, tmp_path / "whole.pt")[0]
    dropped = train(made, tmp_path / "dropped.pt", fallback="drop")[0]
    assert same(dropped, train(without, tmp_path / "without.pt")[0])
    assert not same(dropped, whole)


def test_if_none_was_cut_none_is_left_to_train_on(tmp_path: Path) -> None:
    made = make_variant()
    made.variant.fell_back[:] = True
    with pytest.raises(InputError, match="no row to train on .* fallback in params.yaml"):
        train(made, tmp_path / "a.pt", fallback="drop")


def test_the_epoch_is_chosen_by_the_rows_that_choose(tmp_path: Path) -> None:
    made = make_variant()
    chooses = (made.role == "validation") & (np.cumsum(made.role == "validation") <= 5)
    recipe, network = make_recipe(epochs=2), "cnn1"
    roles, path = Roles(made.role, chooses), tmp_path / "a.pt"
    model, progress = training.train(
        made.variant, roles, "whole", network, recipe, 0, {}, path, lambda *_: None, network
    )
    found = probabilities(model, made.variant.images[chooses], recipe.precision)
    accuracy = (found.argmax(axis=1) == made.variant.labels[chooses]).mean()
    assert progress.history[progress.kept_epoch]["validation_accuracy"] == pytest.approx(accuracy)
