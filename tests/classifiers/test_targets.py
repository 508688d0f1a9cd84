"""Targets: the label, the votes or something between; and how much an image of each class counts."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest

from pipeline.classifiers.targets import class_weights, soft_targets
from pipeline.data.expressions import CLASSES, VOTES

EVERY_VOTE = [1, 2, 3, 4, 5, 6, 7, 80, 90, 100]  # in the order of VOTES
EVERY_SHARE = [5 / 28, 6 / 28, 7 / 28, 2 / 28, 4 / 28, 3 / 28, 1 / 28]  # of angry, disgust, fear, happy, sad, ...


def soft(label: str, votes: list[int], trust: float) -> list[float]:
    """The target of one image."""
    labels = np.array([CLASSES.index(label)], np.uint8)
    found = soft_targets(labels, np.array([votes], np.uint8), trust)
    assert found.dtype == np.float32
    assert found.shape == (1, 7)
    return [float(share) for share in found[0]]


def only(label: str) -> list[float]:
    return [float(name == label) for name in CLASSES]


def test_votes_that_are_not_trusted_leave_the_label() -> None:
    assert soft("sad", EVERY_VOTE, trust=0.0) == only("sad")


def test_votes_alone_are_shares_of_the_classes_without_those_for_anything_else() -> None:
    assert soft("sad", EVERY_VOTE, trust=1.0) == pytest.approx(EVERY_SHARE)


@pytest.mark.parametrize("trust", [0.25, 0.5])
def test_votes_that_are_trusted_in_part_take_that_part_of_the_label(trust: float) -> None:
    expected = [(1 - trust) * label + trust * vote for label, vote in zip(only("happy"), EVERY_SHARE, strict=True)]
    assert soft("happy", EVERY_VOTE, trust) == pytest.approx(expected)


@pytest.mark.parametrize("votes", [[0] * 10, [0] * 7 + [10, 0, 0], [0] * 7 + [1, 2, 7]])
def test_without_votes_for_a_class_the_label_stays(votes: list[int]) -> None:
    assert soft("fear", votes, trust=1.0) == only("fear")


@pytest.mark.parametrize(
    ("vote", "label"),
    [
        ("anger", "angry"),
        ("disgust", "disgust"),
        ("fear", "fear"),
        ("happiness", "happy"),
        ("sadness", "sad"),
        ("surprise", "surprise"),
        ("neutral", "neutral"),
    ],
)
def test_each_vote_is_for_the_class_of_its_expression(vote: str, label: str) -> None:
    assert soft("sad", [10 * (name == vote) for name in VOTES], trust=1.0) == only(label)


@pytest.mark.parametrize("trust", [0.0, 0.3, 1.0])
def test_each_image_has_its_own_votes_and_its_shares_sum_to_1(trust: float) -> None:
    draws = np.random.default_rng(0)
    labels, votes = draws.integers(0, 7, 20).astype(np.uint8), draws.integers(0, 100, (20, 10)).astype(np.uint8)
    votes[::3] = 0
    before = votes.copy()
    found = soft_targets(labels, votes, trust)
    np.testing.assert_allclose(found.sum(1), 1, rtol=1e-6)
    for row, label, own in zip(found, labels, votes, strict=True):
        assert row.tolist() == soft(CLASSES[label], own.tolist(), trust)
    np.testing.assert_array_equal(votes, before)


def weighed(labels: npt.ArrayLike, balance: float) -> npt.NDArray[np.float32]:
    return class_weights(np.asarray(labels, np.uint8), balance)


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
