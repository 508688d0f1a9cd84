"""The classifiers: they learn what there is to learn, and only from the splits that are meant for it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import torch
from torch import nn

from pipeline.classifiers import training as classify
from pipeline.classifiers.networks import classifier
from pipeline.classifiers.recipe import ClassifierRecipe, NetworkName
from pipeline.common.files import InputError
from pipeline.common.weights import save_network
from pipeline.data.expressions import CLASSES, SIDE, VOTES
from pipeline.regions.cutting import Variant, whole_boxes
from pipeline.training.loop import Progress

AUGMENT = {"flip": False, "rotate": 0, "shift": 0.0, "scale": 0.0, "erase": 0.0, "mixup": 0.0, "cutmix": 0.0}


def make_recipe(**changes: Any) -> ClassifierRecipe:
    settings = {
        "epochs": 4, "batch": 8, "learning_rate": 1e-3, "weight_decay": 0.01, "optimizer": "adamw",
        "schedule": "constant", "average": 0.0, "patience": 4, "precision": "fp32", "label_smoothing": 0.0,
        "votes": 0.0, "balance": 0.0, "stem": "imagenet", "pretrained": False, "first_side": 48, "augment": AUGMENT,
    }  # fmt: skip
    return ClassifierRecipe.model_validate({**settings, **changes})


def make_variant(counts: tuple[int, int, int] = (48, 24, 8)) -> Variant:
    """Noise, with a brighter upper half for class 3 and a brighter lower half for class 5."""
    count = sum(counts)
    images = np.random.default_rng(0).normal(120, 50, (count, 48, 48))
    labels = np.array([3, 5] * count, np.uint8)[:count]
    images[labels == 3, :24] += 40
    images[labels == 5, 24:] += 40
    split = np.repeat(["Training", "PublicTest", "PrivateTest"], counts)
    return Variant(
        images=images.clip(0, 255).astype(np.uint8),
        labels=labels,
        votes=np.zeros((count, 10), np.uint8),
        split=split,
        for_training=split == "Training",
        boxes=whole_boxes(count, (48, 48)),
        fell_back=np.zeros(count, np.bool_),
    )


def train(
    variant: Variant,
    checkpoint: Path,
    recipe: ClassifierRecipe | None = None,
    seed: int = 0,
    name: NetworkName = "cnn1",
) -> tuple[nn.Module, Progress]:
    recipe = recipe or make_recipe()
    return classify.train(variant, name, recipe, seed, {}, checkpoint, lambda *_: None, f"{name} on whole")


def same(one: nn.Module, other: nn.Module) -> bool:
    pairs = zip(one.state_dict().values(), other.state_dict().values(), strict=True)
    return all(torch.equal(a, b) for a, b in pairs)


def test_it_learns_two_classes(tmp_path: Path) -> None:
    variant = make_variant()
    network, progress = train(variant, tmp_path / "a.pt")
    test = variant.split == "PrivateTest"
    predicted = classify.probabilities(network, variant.images[test], "fp32").argmax(1)
    assert (predicted == variant.labels[test]).mean() > 0.7
    best = progress.history[progress.best_epoch]
    assert best["validation_accuracy"] == max(metrics["validation_accuracy"] for metrics in progress.history) > 0.7
    assert progress.history[-1]["train_loss"] < progress.history[0]["train_loss"]


def test_validation_metrics_are_those_of_the_public_test(tmp_path: Path) -> None:
    variant = make_variant()
    network, progress = train(variant, tmp_path / "a.pt", make_recipe(epochs=1))
    rows = variant.split == "PublicTest"
    chances = classify.probabilities(network, variant.images[rows], "fp32")
    labels = variant.labels[rows]
    assert progress.history[0]["validation_accuracy"] == (chances.argmax(1) == labels).mean()
    likelihood = chances[np.arange(len(labels)), labels]
    assert progress.history[0]["validation_loss"] == pytest.approx(-np.log(likelihood).mean(), rel=1e-5)


def test_the_private_test_has_no_part_in_training_or_in_choosing_the_epoch(tmp_path: Path) -> None:
    variant = make_variant()
    garbage = replace(variant, images=variant.images.copy(), labels=variant.labels.copy())
    garbage.images[garbage.split == "PrivateTest"] = 255
    garbage.labels[garbage.split == "PrivateTest"] = 0
    (one, first), (other, second) = (train(data, tmp_path / f"{n}.pt") for n, data in enumerate((variant, garbage)))
    assert first.history == second.history
    assert first.best_epoch == second.best_epoch
    assert same(one, other)


def test_the_public_test_trains_nothing(tmp_path: Path) -> None:
    variant = make_variant()
    reverse = replace(variant, labels=variant.labels.copy())
    held_out = reverse.split == "PublicTest"
    reverse.labels[held_out] = 8 - reverse.labels[held_out]
    (_, first), (_, second) = (train(data, tmp_path / f"{n}.pt") for n, data in enumerate((variant, reverse)))
    losses = [[metrics["train_loss"] for metrics in progress.history] for progress in (first, second)]
    assert losses[0] == losses[1]
    assert [metrics["validation_accuracy"] for metrics in first.history] != [
        metrics["validation_accuracy"] for metrics in second.history
    ]


def test_rows_that_are_not_for_training_train_nothing(tmp_path: Path) -> None:
    variant = make_variant()
    variant.for_training[:20] = False
    noised = replace(variant, images=variant.images.copy(), labels=variant.labels.copy())
    noised.images[:20] = 255 - noised.images[:20]
    noised.labels[:20] = 0
    one, other = (train(data, tmp_path / f"{n}.pt")[0] for n, data in enumerate((variant, noised)))
    assert same(one, other)
    assert not same(one, train(make_variant(), tmp_path / "all.pt")[0])


def test_without_a_row_for_training_it_is_refused(tmp_path: Path) -> None:
    variant = make_variant()
    with pytest.raises(InputError, match="no rows to train on or no PublicTest rows"):
        train(replace(variant, for_training=np.zeros_like(variant.for_training)), tmp_path / "a.pt")


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

    monkeypatch.setattr(classify, "augment_batch", note)
    variant = make_variant()
    train(variant, tmp_path / "a.pt", make_recipe(epochs=1))
    shown = torch.cat(seen)[:, 0]
    assert [len(batch) for batch in seen] == [8] * 6
    assert (shown.min().item(), shown.max().item()) == (-1, 1)
    grey = ((shown + 1) * 127.5).round().numpy().astype(np.uint8)
    learnt = variant.images[variant.split == "Training"]
    assert not np.array_equal(grey, learnt)  # shuffled
    assert {image.tobytes() for image in grey} == {image.tobytes() for image in learnt}


def test_fewer_images_than_a_batch_are_one_batch(tmp_path: Path) -> None:
    _, progress = train(make_variant((6, 4, 2)), tmp_path / "a.pt", make_recipe(epochs=1, batch=64))
    assert np.isfinite(progress.history[0]["train_loss"])


@pytest.mark.parametrize("counts", [(0, 4, 4), (4, 0, 4)])
def test_an_empty_split_is_refused(tmp_path: Path, counts: tuple[int, int, int]) -> None:
    with pytest.raises(InputError, match="no rows to train on or no PublicTest rows; check it and run `dvc repro`"):
        train(make_variant(counts), tmp_path / "a.pt")
    assert list(tmp_path.iterdir()) == []


def test_what_is_learnt_is_what_the_voters_say_as_far_as_they_are_trusted(tmp_path: Path) -> None:
    """They call happy what is labelled surprise, and the other way round."""
    variant = make_variant()
    variant.votes[variant.labels == 3, VOTES.index("surprise")] = 10
    variant.votes[variant.labels == 5, VOTES.index("happiness")] = 10
    accuracies, losses = [], []
    for trust in (0.0, 0.5, 1.0):
        _, progress = train(variant, tmp_path / f"{trust}.pt", make_recipe(votes=trust))
        accuracies.append(progress.history[-1]["validation_accuracy"])
        losses.append(progress.history[-1]["train_loss"])
    assert accuracies[0] > 0.7
    assert accuracies[2] < 0.3
    assert losses[1] > np.log(2) - 0.01  # both are as likely: nothing to be told apart


def test_balance_makes_a_rare_class_as_likely_as_a_frequent_one(tmp_path: Path) -> None:
    """Where the images do not tell them apart."""
    variant = make_variant((480, 4, 4))
    variant.for_training[48:480:2] = False  # leaves 24 of class 3 and 240 of class 5
    variant.images[:] = 200
    chances = []
    for balance in (0.0, 1.0):
        network, _ = train(variant, tmp_path / f"{balance}.pt", make_recipe(balance=balance, epochs=1))
        chances.append(classify.probabilities(network, variant.images[:1], "fp32")[0])
    assert chances[0][3] < 0.2
    assert chances[0][5] > 0.8
    assert 0.3 < chances[1][3] < 0.7


# Growing images


@pytest.mark.parametrize("first", [24, 32, 40])
@pytest.mark.parametrize("epochs", [4, 8, 20, 40, 100])
def test_images_grow_from_the_first_side_and_the_last_quarter_has_all_pixels(first: int, epochs: int) -> None:
    sides = classify.growing_sides(first, epochs)
    assert len(sides) == epochs
    assert sides[0] == first
    assert sides == sorted(sides)
    assert sides[-(epochs // 4) :] == [SIDE] * (epochs // 4)
    assert all(side % 8 == 0 for side in sides)


def test_images_grow_evenly() -> None:
    assert classify.growing_sides(24, 12) == [24, 24, 24, 32, 32, 32, 40, 40, 40, 48, 48, 48]
    assert classify.growing_sides(32, 8) == [32, 32, 32, 40, 40, 40, 48, 48]


@pytest.mark.parametrize("epochs", [1, 2, 3, 5, 6, 7, 10])
def test_the_last_epoch_has_all_pixels_however_few_there_are(epochs: int) -> None:
    assert classify.growing_sides(24, epochs)[-1] == SIDE


@pytest.mark.parametrize("epochs", [1, 2, 40])
def test_images_that_start_with_all_pixels_do_not_grow(epochs: int) -> None:
    assert classify.growing_sides(SIDE, epochs) == [SIDE] * epochs


class Pooled(nn.Module):
    """Takes images of any size, and notes the sides of those that it is trained on and of those that it judges."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.Sequential(nn.AdaptiveAvgPool2d(2), nn.Flatten(), nn.Linear(4, 7))
        self.learnt: list[int] = []
        self.judged: list[int] = []
        self.levels: list[float] = []

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        assert images.shape[2] == images.shape[3]
        (self.learnt if self.training else self.judged).append(images.shape[3])
        self.levels.append(images.mean().item())
        scores: torch.Tensor = self.layers(images)
        return scores


@pytest.mark.parametrize(
    ("name", "first", "sides"),
    [
        ("googlenet", 24, [24, 32, 40, 48]),
        ("googlenet", 48, [48, 48, 48, 48]),
        ("cnn1", 24, [48, 48, 48, 48]),
    ],
)
def test_googlenet_learns_from_growing_images_and_judges_whole_ones(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: NetworkName, first: int, sides: list[int]
) -> None:
    network = Pooled()
    monkeypatch.setattr(classify, "classifier", lambda *_, **__: network)
    variant = make_variant()
    variant.images[:] = 204
    train(variant, tmp_path / "a.pt", make_recipe(first_side=first), name=name)
    assert network.learnt == [side for side in sides for _ in range(6)]
    assert network.judged == [48] * 4
    np.testing.assert_allclose(network.levels, 0.6, atol=1e-6)


def test_smaller_images_show_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """And of pixels that are too fine for them their mean."""
    seen: list[torch.Tensor] = []

    def note(images: torch.Tensor, targets: torch.Tensor, *_: object) -> tuple[torch.Tensor, torch.Tensor]:
        seen.append(images)
        return images, targets

    monkeypatch.setattr(classify, "classifier", lambda *_, **__: Pooled())
    monkeypatch.setattr(classify, "mix_batch", note)
    variant = make_variant()
    variant.images[:] = 255 * (np.arange(48) % 2)  # stripes of one pixel
    variant.images[:, :24] //= 2
    train(variant, tmp_path / "a.pt", make_recipe(epochs=4, first_side=32), name="googlenet")
    small = seen[0]
    assert small.shape == (8, 1, 32, 32)
    stripes = small[:, :, :, 2:-2]
    np.testing.assert_allclose(stripes[:, :, :14].mean(), 127 / 2 / 127.5 - 1, atol=0.01)
    np.testing.assert_allclose(stripes[:, :, -14:].mean(), 0, atol=0.01)
    assert stripes[:, :, -14:].abs().max() < 0.4


def test_the_stem_and_the_start_are_those_of_the_recipe(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[dict[str, object]] = []

    def build(name: str, **settings: object) -> nn.Module:
        asked.append({"name": name, **settings})
        return Pooled()

    monkeypatch.setattr(classify, "classifier", build)
    variant = make_variant((8, 4, 0))
    train(variant, tmp_path / "a.pt", make_recipe(epochs=1, stem="small"), name="googlenet")
    train(variant, tmp_path / "b.pt", make_recipe(epochs=1, pretrained=True), name="googlenet")
    train(variant, tmp_path / "c.pt", make_recipe(epochs=1, pretrained=True), name="cnn2")
    assert asked == [
        {"name": "googlenet", "outputs": 7, "stem": "small", "pretrained": False},
        {"name": "googlenet", "outputs": 7, "stem": "imagenet", "pretrained": True},
        {"name": "cnn2", "outputs": 7, "stem": "imagenet", "pretrained": False},
    ]


# Answers


def noise(count: int) -> npt.NDArray[np.uint8]:
    return np.random.default_rng(1).integers(0, 256, (count, 48, 48)).astype(np.uint8)


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_probabilities_sum_to_1_in_every_row(precision: str) -> None:
    chances = classify.probabilities(classifier("cnn1", outputs=7), noise(10), precision)
    assert chances.shape == (10, len(CLASSES))
    assert chances.dtype == np.float32
    np.testing.assert_allclose(chances.sum(1), 1, atol=1e-5)
    assert (chances > 0).all()


def test_rows_keep_their_order_whatever_the_batch() -> None:
    torch.manual_seed(0)
    network = classifier("cnn4", outputs=7)
    one, other = (classify.probabilities(network, noise(10), "fp32", batch=batch) for batch in (3, 512))
    np.testing.assert_allclose(one, other, atol=1e-5)
    assert np.ptp(one, axis=0).max() > 1e-4
    assert not network.training


def every_pixel() -> nn.Sequential:
    """Each pixel has weights of its own, and no two views look alike."""
    torch.manual_seed(1)
    return nn.Sequential(nn.Flatten(), nn.Linear(48 * 48, 7))


def judge(images: npt.NDArray[np.uint8], views: str) -> npt.NDArray[np.float32]:
    return classify.probabilities(every_pixel(), images, "fp32", views)


def moved(images: npt.NDArray[np.uint8], right: int, down: int) -> npt.NDArray[np.uint8]:
    """A window of the image's size that lies further right and down, over an image with its edge repeated."""
    padded = np.pad(images, ((0, 0), (2, 2), (2, 2)), mode="edge")
    return padded[:, 2 + down : 50 + down, 2 + right : 50 + right]


def test_one_view_is_what_the_network_says_of_the_image() -> None:
    images = noise(5)
    with torch.no_grad():
        expected = every_pixel()(torch.from_numpy(images).float()[:, None] / 127.5 - 1).softmax(1)
    np.testing.assert_allclose(judge(images, "one"), expected, atol=1e-6)
    np.testing.assert_array_equal(classify.probabilities(every_pixel(), images, "fp32"), judge(images, "one"))


def test_the_mirror_view_is_the_mean_of_an_image_and_its_mirror_image() -> None:
    images = noise(5)
    one, other = judge(images, "one"), judge(images[:, :, ::-1].copy(), "one")
    np.testing.assert_allclose(judge(images, "mirror"), (one + other) / 2, atol=1e-6)
    assert np.abs(one - other).max() > 0.05


def test_ten_views_are_the_image_and_its_diagonal_shifts_and_the_mirror_images_of_all() -> None:
    images = noise(5)
    shown = [moved(images, *shift) for shift in [(0, 0), (2, 2), (2, -2), (-2, 2), (-2, -2)]]
    shown += [view[:, :, ::-1] for view in shown]
    expected = np.mean([judge(view.copy(), "one") for view in shown], axis=0)
    np.testing.assert_allclose(judge(images, "ten"), expected, atol=1e-6)


@pytest.mark.parametrize(("views", "alike"), [("one", False), ("mirror", True), ("ten", True)])
def test_a_mirror_image_is_judged_alike_if_mirror_images_are_looked_at(views: str, alike: bool) -> None:
    images = noise(5)
    one, other = judge(images, views), judge(images[:, :, ::-1].copy(), views)
    assert np.allclose(one, other, atol=1e-6) == alike
    np.testing.assert_allclose(one.sum(1), 1, atol=1e-5)


@pytest.mark.parametrize("views", ["mirror", "ten"])
def test_several_views_keep_the_order_of_the_images_whatever_the_batch(views: str) -> None:
    one, other = (classify.probabilities(every_pixel(), noise(10), "fp32", views, batch) for batch in (3, 512))
    np.testing.assert_allclose(one, other, atol=1e-6)


@pytest.mark.parametrize("name", ["cnn1", "cnn2"])
def test_a_saved_classifier_says_the_same(tmp_path: Path, name: Any) -> None:
    network = classifier(name, outputs=7)
    save_network(tmp_path / "a.safetensors", network, {"network": name})
    again = classify.load(tmp_path / "a.safetensors")
    np.testing.assert_allclose(
        classify.probabilities(again, noise(4), "fp32"), classify.probabilities(network, noise(4), "fp32"), atol=1e-6
    )


@pytest.mark.parametrize("recipe", [{"recipe": {"stem": "small"}}, {"recipe": {"stem": "imagenet"}}, {}])
def test_a_saved_googlenet_is_built_again_with_its_stem(tmp_path: Path, recipe: dict[str, dict[str, str]]) -> None:
    """That of the paper, if its file says nothing of a stem."""
    network = classifier("googlenet", outputs=7, **recipe.get("recipe", {}))  # type: ignore[arg-type]
    save_network(tmp_path / "a.safetensors", network, {"network": "googlenet", **recipe})
    again = classify.load(tmp_path / "a.safetensors")
    assert same(again, network)


def test_a_missing_classifier_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"a\.safetensors: missing; run `dvc repro` to make it"):
        classify.load(tmp_path / "a.safetensors")
