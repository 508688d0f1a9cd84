"""Targets: the label, the votes or something between; and how much an image of each class counts."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest
import torch
from sample_sets import CLASSES

from pipeline.classifiers.targets import class_weights, drawn_targets, soft_targets

EVERY_VOTE = [5, 6, 7, 2, 4, 3, 1]  # in the order of CLASSES
EVERY_SHARE = [vote / 28 for vote in EVERY_VOTE]


def soft(label: str, votes: list[int], trust: float) -> list[float]:
    """The target of one image."""
    labels = np.array([CLASSES.index(label)], np.uint8)
    found = soft_targets(labels, np.array([votes], np.uint16), trust)
    assert found.dtype == np.float32
    assert found.shape == (1, 7)
    return [float(share) for share in found[0]]


def only(label: str) -> list[float]:
    return [float(name == label) for name in CLASSES]


def test_votes_that_are_not_trusted_leave_the_label() -> None:
    assert soft("sad", EVERY_VOTE, trust=0.0) == only("sad")


def test_votes_alone_are_shares_of_the_classes() -> None:
    assert soft("sad", EVERY_VOTE, trust=1.0) == pytest.approx(EVERY_SHARE)


@pytest.mark.parametrize("trust", [0.25, 0.5])
def test_votes_that_are_trusted_in_part_take_that_part_of_the_label(trust: float) -> None:
    expected = [(1 - trust) * label + trust * vote for label, vote in zip(only("happy"), EVERY_SHARE, strict=True)]
    assert soft("happy", EVERY_VOTE, trust) == pytest.approx(expected)


@pytest.mark.parametrize("trust", [0.0, 0.5, 1.0])
def test_without_votes_for_a_class_the_label_stays(trust: float) -> None:
    assert soft("fear", [0] * 7, trust) == only("fear")


def test_more_votes_than_a_byte_holds_are_shares_too() -> None:
    assert soft("fear", [60_000, 0, 0, 20_000, 0, 0, 0], trust=1.0) == pytest.approx([0.75, 0, 0, 0.25, 0, 0, 0])


@pytest.mark.parametrize("trust", [0.0, 0.3, 1.0])
@pytest.mark.parametrize("classes", [2, 7, 8])
def test_each_image_has_its_own_votes_and_its_shares_sum_to_1(classes: int, trust: float) -> None:
    draws = np.random.default_rng(0)
    labels = draws.integers(0, classes, 20).astype(np.uint8)
    votes = draws.integers(0, 100, (20, classes)).astype(np.uint16)
    votes[::3] = 0
    before = votes.copy()
    found = soft_targets(labels, votes, trust)
    assert found.shape == (20, classes)
    np.testing.assert_allclose(found.sum(1), 1, rtol=1e-6)
    for row in range(20):
        alone = soft_targets(labels[row : row + 1], votes[row : row + 1], trust)
        np.testing.assert_array_equal(found[row], alone[0])
    np.testing.assert_array_equal(found[::3], np.eye(classes)[labels[::3]])
    np.testing.assert_array_equal(votes, before)


def weighed(labels: npt.ArrayLike, balance: float, classes: int = 7) -> npt.NDArray[np.float32]:
    return class_weights(np.asarray(labels, np.uint8), classes, balance)


UNBALANCED = np.repeat(np.arange(7), [40, 4, 41, 72, 48, 32, 50])


def test_without_balance_all_images_count_alike() -> None:
    found = weighed(UNBALANCED, 0.0)
    assert found.dtype == np.float32
    assert found.tolist() == [1] * 7


def test_with_full_balance_all_classes_count_alike() -> None:
    of_class = weighed(UNBALANCED, 1.0) * np.bincount(UNBALANCED)
    np.testing.assert_allclose(of_class, len(UNBALANCED) / 7, rtol=1e-6)


def test_half_a_balance_is_the_root_of_the_frequency() -> None:
    found = weighed(UNBALANCED, 0.5)
    assert found[1] / found[0] == pytest.approx(np.sqrt(10))
    assert found[1] / found[3] == pytest.approx(np.sqrt(18))


@pytest.mark.parametrize("balance", [0.0, 0.3, 1.0])
@pytest.mark.parametrize("labels", [UNBALANCED, [3, 3, 3, 3, 5], [6]])
def test_the_mean_over_the_images_stays_1(labels: npt.ArrayLike, balance: float) -> None:
    assert weighed(labels, balance)[np.asarray(labels)].mean() == pytest.approx(1)


def test_a_class_without_an_image_counts_like_the_rarest() -> None:
    found = weighed([3, 3, 3, 3, 5, 5], 1.0)
    assert found[3] == pytest.approx(0.75)
    np.testing.assert_allclose(found[[0, 1, 2, 4, 5, 6]], 1.5)


@pytest.mark.parametrize("balance", [0.0, 0.3, 1.0])
@pytest.mark.parametrize("classes", [2, 8, 256])
def test_there_is_a_weight_for_every_class(classes: int, balance: float) -> None:
    found = weighed([0, 0, 0, 1], balance, classes)
    assert found.shape == (classes,)
    assert found[[0, 0, 0, 1]].mean() == pytest.approx(1)
    assert (found[1:] == found[1]).all()
    assert found[1] / found[0] == pytest.approx(3**balance)


def test_drawn_targets_are_one_class_each_as_often_as_its_share() -> None:
    shares = torch.tensor([[0.7, 0.3, 0.0], [0.0, 0.0, 1.0]]).repeat(2000, 1)
    drawn = drawn_targets(shares, torch.Generator().manual_seed(0))
    assert drawn.shape == shares.shape
    assert set(drawn.flatten().tolist()) == {0.0, 1.0}
    assert torch.equal(drawn.sum(1), torch.ones(4000))
    assert torch.equal(drawn[1::2], shares[1::2])
    assert drawn[::2].mean(0).tolist() == pytest.approx([0.7, 0.3, 0.0], abs=0.03)
