"""Classifiers are asked of parts: what is planted in one of them is found there, and what is not there is not found."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import torch
from made_up import frontal_face
from made_up_variants import make_variant
from tiny_networks import classifier_of, tiny_network
from torch import nn
from torch.nn import functional

from pipeline.classifiers.cells import Cell
from pipeline.classifiers.ensemble import Ensemble
from pipeline.common.files import InputError
from pipeline.data.roles import NO_FOLD
from pipeline.inside.asking import ask, choose_rows
from pipeline.inside.coalitions import METHODS
from pipeline.inside.part_values import PartValues
from pipeline.inside.worth import ALL, BOTH, part_worth
from pipeline.params import load_params
from pipeline.regions.parts import label_parts
from pipeline.regions.variants import Variant

PARTS = load_params().parts
MOUTH = list(PARTS).index("mouth")
CELL = Cell("vanilla", "cnn1", 0)
COUNT = 120


def planted() -> Variant:
    """Noise all over, the same in kind for all classes; in the mouth of class 0 a light mark, of class 1 a dark one."""
    variant = make_variant((COUNT, 0, 0)).variant
    labels = (np.arange(COUNT) % 2).astype(np.uint8)
    images = np.random.default_rng(0).normal(128, 30, (COUNT, 48, 48))
    mouth = np.round(frontal_face()[48:68].mean(axis=0)).astype(int)
    mark = (slice(None), slice(mouth[1] - 1, mouth[1] + 2), slice(mouth[0] - 4, mouth[0] + 5))
    images[mark] += np.where(labels, -60, 60)[:, None, None]
    about = variant.about.model_copy(update={"classes": ("light", "dark"), "votes": {}})
    return replace(variant, about=about, labels=labels, images=images.clip(0, 255).astype(np.uint8))


def taught(variant: Variant) -> nn.Module:
    """A network that has learnt the first half of the images, by heart as far as it goes."""
    network = tiny_network(side=48, classes=2)
    half = COUNT // 2
    images = torch.from_numpy(variant.images[:half].astype(np.float32))[:, None] / 127.5 - 1
    labels = torch.from_numpy(variant.labels[:half].astype(np.int64))
    optimizer = torch.optim.AdamW(network.parameters(), 3e-3, weight_decay=1.0)
    for _ in range(60):
        optimizer.zero_grad()
        noisy = images + 0.3 * torch.randn(images.shape, generator=torch.Generator().manual_seed(_))
        functional.cross_entropy(network(noisy), labels).backward()  # type: ignore[no-untyped-call]
        optimizer.step()
    return network.eval()


def asked_of(network: nn.Module, variant: Variant, rows: npt.NDArray[np.int32]) -> PartValues:
    points = np.repeat(frontal_face()[None], len(rows), axis=0)
    classifier = classifier_of(network, variant.about.classes, 48)
    fold = np.full(len(rows), NO_FOLD, np.int32)
    return ask(classifier, CELL, variant, rows, fold, points, rows, PARTS, COUNT, COUNT)


def test_in_folds_each_image_is_shown_to_the_network_that_it_is_tested_by() -> None:
    variant, rows = planted(), np.arange(12, dtype=np.int32)
    members = [tiny_network(seed=seed, side=48, classes=2) for seed in range(3)]
    each = [asked_of(member, variant, rows) for member in members]
    fold = (rows * 7 % 3).astype(np.int32)
    several = classifier_of(Ensemble(members), variant.about.classes, 48)
    points = np.repeat(frontal_face()[None], len(rows), axis=0)
    found = ask(several, CELL, variant, rows, fold, points, rows, PARTS, COUNT, COUNT)
    for row, number in enumerate(fold):
        np.testing.assert_allclose(found.values[row], each[number].values[row], atol=1e-5)
        np.testing.assert_array_equal(found.called[row], each[number].called[row])


@pytest.fixture(scope="module")
def marked() -> PartValues:
    variant = planted()
    return asked_of(taught(variant), variant, np.arange(COUNT // 2, COUNT, dtype=np.int32))


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("filling", ["blur", "noise", BOTH])
def test_a_mark_in_the_mouth_gives_it_all_of_the_credit(marked: PartValues, method: str, filling: str) -> None:
    table, _ = part_worth([marked], 500)
    worth = table[(table.method == method) & (table.filling == filling) & (table.expression == ALL)].set_index("part")
    value = worth["value"].to_numpy()
    assert worth["low"].to_numpy()[MOUTH] > 0.2
    assert np.abs(np.delete(value, MOUTH)).max() < 0.1 * value[MOUTH]


def test_values_sum_to_the_image_less_nothing(marked: PartValues) -> None:
    sums = METHODS["shapley"](marked.values).sum(axis=-1)
    np.testing.assert_allclose(sums, marked.values[..., -1] - marked.values[..., 0], atol=1e-4)


def test_random_weights_give_no_part_any_credit() -> None:
    """Over the classes: what they make of a part does not depend on what it shows."""
    variant = planted()
    found = asked_of(tiny_network(seed=5, side=48, classes=2), variant, np.arange(COUNT, dtype=np.int32))
    labels = np.random.default_rng(0).permutation(variant.labels)
    values = np.where((labels == variant.labels)[:, None, None], found.values, 1 - found.values)
    table, _ = part_worth([replace(found, labels=labels, values=values.astype(np.float32))], 500)
    worth = table[(table.method == "shapley") & (table.filling == BOTH) & (table.expression == ALL)]
    assert (worth["value"].abs() < 0.02).all()
    assert ((worth["low"] <= 0) & (worth["high"] >= 0)).sum() >= len(PARTS) - 1  # one of seven may miss by chance


def test_what_is_asked_is_the_probability_of_the_true_class(marked: PartValues) -> None:
    """The image as it is, and the plain filling, against the network itself."""
    variant = planted()
    classifier = classifier_of(taught(variant), variant.about.classes, 48)
    said = classifier.probabilities(np.asarray(variant.images[marked.rows]))
    np.testing.assert_allclose(marked.values[:, 0, -1], said[np.arange(len(said)), marked.labels], atol=1e-5)
    np.testing.assert_array_equal(marked.called[:, 1, 0], said.argmax(axis=1))
    assert (marked.called[:, :, 1 + MOUTH] != marked.called[:, :, 0]).mean() > 0.2  # without the mouth it guesses
    assert (marked.called[:, :, 1] == marked.called[:, :, 0]).mean() > 0.9


def test_what_is_saved_is_read_again_and_checked(marked: PartValues, tmp_path: Path) -> None:
    folder = tmp_path / "cnn1-0"
    marked.save(folder)
    again = PartValues.load(folder)
    assert again.asked == marked.asked
    assert again.cell == CELL
    np.testing.assert_array_equal(again.values, marked.values)
    for name, change in (
        ("values", marked.values + 1),
        ("labels", marked.labels + 2),
        ("points", marked.points * np.nan),
    ):
        replace(marked, **{name: change}).save(folder)  # type: ignore[arg-type]
        with pytest.raises(InputError, match=r"values\.npz: has a .*; delete it and run `dvc repro`"):
            PartValues.load(folder)


@pytest.mark.parametrize(("images", "counts"), [(2, [2, 2, 1]), (50, [30, 9, 1]), ("all", [30, 9, 1])])
def test_so_many_usable_images_of_each_class_are_chosen(images: Any, counts: list[int]) -> None:
    labels = np.repeat([0, 1, 2, 1], [30, 9, 1, 20]).astype(np.uint8)
    usable = np.arange(60) < 40
    rows = choose_rows(labels, usable, images)
    assert usable[rows].all()
    assert (np.diff(rows) > 0).all()
    assert np.bincount(labels[rows]).tolist() == counts


def test_a_mouth_is_where_the_mark_is() -> None:
    """The premise of the planted case."""
    labels = label_parts(frontal_face()[None], PARTS, 48)[0]
    mouth = np.round(frontal_face()[48:68].mean(axis=0)).astype(int)
    assert (labels[mouth[1] - 1 : mouth[1] + 2, mouth[0] - 4 : mouth[0] + 5] == MOUTH).all()
