"""Draws of images and their scores, against scikit-learn and values worked by hand."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt
import pytest
from sample_sets import CLASSES
from scipy import stats
from sklearn.metrics import accuracy_score, f1_score, recall_score

from pipeline.evaluation.resampling import bootstrap, equal_groups, interval, resample
from pipeline.evaluation.scores import classification

GROUPS = np.array([7, 3, 7, 0, 9, 3, 7, 5])


def test_a_group_travels_together() -> None:
    weights = resample(GROUPS, 300, seed=0)
    assert weights.shape == (300, 8)
    assert weights.dtype == np.float32
    for group in np.unique(GROUPS):
        of_group = weights[:, np.isin(GROUPS, group)]
        assert (of_group == of_group[:, :1]).all()
    first_of_each = weights[:, [3, 1, 7, 0, 4]]
    assert (first_of_each.sum(axis=1) == 5).all()  # as many groups as there are
    assert not (weights.sum(axis=1) == 8).all()  # and so not always as many rows
    assert len(np.unique(first_of_each, axis=0)) > 50


def test_every_group_is_drawn_alike() -> None:
    counts = resample(np.arange(5), 20_000, seed=0)
    expected = stats.binom(5, 1 / 5).pmf(range(6))
    for column in counts.T:
        np.testing.assert_allclose(np.bincount(column.astype(int), minlength=6) / 20_000, expected, atol=0.01)


def test_draws_follow_from_the_seed_and_not_from_the_numbering() -> None:
    weights = resample(GROUPS, 20, seed=4)
    assert (resample(GROUPS, 20, seed=4) == weights).all()
    assert (resample(10 * GROUPS + 1, 20, seed=4) == weights).all()
    assert (resample(GROUPS, 20, seed=5) != weights).any()


def test_resample_refuses_to_draw_nothing() -> None:
    with pytest.raises(ValueError, match="nothing to draw"):
        resample(GROUPS[:0], 20, seed=0)
    with pytest.raises(ValueError, match="nothing to draw"):
        resample(GROUPS, 0, seed=0)


def test_groups_count_by_the_square_of_their_size() -> None:
    assert equal_groups(np.repeat(np.arange(10), 21)) == pytest.approx(10)
    assert equal_groups(np.arange(500)) == pytest.approx(500)
    # Ten people with twenty images each, and a thousand of whom there is one each.
    several = np.concatenate([np.repeat(np.arange(10), 20), np.arange(10, 1010)])
    assert equal_groups(several) == pytest.approx(5000**2 / 1_601_000)
    with pytest.raises(ValueError, match="no rows"):
        equal_groups(GROUPS[:0])


def random_answers() -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.uint8]]:
    """Labels (150,) of which none is 4, and answers (3, 150) of which none is 5, and of the last model none 4."""
    rng = np.random.default_rng(2)
    labels = rng.choice([0, 1, 2, 3, 5, 6], 150, p=[0.2, 0.02, 0.2, 0.2, 0.2, 0.18]).astype(np.uint8)
    predicted = np.where(rng.random((3, 150)) < 0.6, labels, rng.choice([0, 1, 2, 3, 4, 6], (3, 150)))
    return labels, np.where(predicted >= 4, [[4], [6], [6]], predicted).astype(np.uint8)


def test_scores_of_every_draw_are_those_of_scikit_learn() -> None:
    labels, predicted = random_answers()
    weights = resample(np.random.default_rng(0).integers(0, 90, 150), 40, seed=0)
    draws = bootstrap(labels, predicted, weights, 7)
    assert draws.accuracy.shape == draws.macro_f1.shape == (40, 3)
    for draw, weight in enumerate(weights):
        for model, answers in enumerate(predicted):
            accuracy = accuracy_score(labels, answers, sample_weight=weight)
            macro_f1 = f1_score(
                labels, answers, labels=range(7), average="macro", sample_weight=weight, zero_division=0
            )
            assert draws.accuracy[draw, model] == pytest.approx(accuracy)
            assert draws.macro_f1[draw, model] == pytest.approx(macro_f1)
            recall = recall_score(
                labels, answers, labels=range(7), average=None, sample_weight=weight, zero_division=np.nan
            )
            assert draws.recall[draw, model] == pytest.approx(recall, nan_ok=True)


def test_the_images_as_they_are_score_what_the_tables_say() -> None:
    labels, predicted = random_answers()
    draws = bootstrap(labels, predicted, np.ones((1, 150), np.float32), 7)
    for model, answers in enumerate(predicted):
        scores = classification(labels, np.eye(7, dtype=np.float32)[answers], CLASSES)
        assert draws.accuracy[0, model] == scores["accuracy"]
        assert draws.macro_f1[0, model] == pytest.approx(scores["macro_f1"], rel=1e-12)


def test_models_share_the_draws() -> None:
    labels, predicted = random_answers()
    weights = resample(np.arange(150), 30, seed=0)
    twice = bootstrap(labels, predicted[[0, 1, 0]], weights, 7)
    assert (twice.accuracy[:, 0] == twice.accuracy[:, 2]).all()
    assert (twice.macro_f1[:, 0] == twice.macro_f1[:, 2]).all()
    assert (twice.accuracy[:, 1] == bootstrap(labels, predicted[1:2], weights, 7).accuracy[:, 0]).all()


def test_other_numbers_of_classes() -> None:
    labels, predicted = np.array([0, 0, 1], np.uint8), np.array([[0, 1, 1]], np.uint8)
    draws = bootstrap(labels, predicted, np.array([[1, 1, 1], [0, 3, 0]], np.float32), classes=2)
    assert draws.accuracy.tolist() == [[pytest.approx(2 / 3)], [0]]
    assert draws.macro_f1.tolist() == [[pytest.approx(2 / 3)], [0]]


def test_bootstrap_refuses_what_it_cannot_score() -> None:
    labels, predicted = random_answers()
    weights = np.ones((2, 150), np.float32)
    for wrong in [(labels[1:], predicted, weights), (labels, predicted[0], weights), (labels, predicted, weights[0])]:
        with pytest.raises(ValueError, match="expected labels"):
            bootstrap(*wrong, 7)
    with pytest.raises(ValueError, match="outside 0 to 5"):
        bootstrap(labels, predicted, weights, classes=6)
    with pytest.raises(ValueError, match="outside 0 to 6"):
        bootstrap(labels, predicted + np.uint8(1), weights, 7)
    weights[1] = 0
    with pytest.raises(ValueError, match="no row"):
        bootstrap(labels, predicted, weights, 7)


def test_interval_leaves_out_as_much_on_either_side() -> None:
    samples = np.random.default_rng(0).permutation(np.arange(101.0))
    assert interval(samples, level=0.9) == pytest.approx((5, 95))
    assert interval(samples) == pytest.approx((2.5, 97.5))


def test_interval_takes_each_column_by_itself() -> None:
    samples = np.random.default_rng(0).normal(size=(500, 3, 2))
    low, high = interval(samples, level=0.8)
    assert low.shape == high.shape == (3, 2)
    assert (low[1, 0], high[1, 0]) == pytest.approx(interval(samples[:, 1, 0], level=0.8))


def test_interval_refuses_what_has_no_ends() -> None:
    for wrong in (np.empty((0, 3)), np.array([0.5, math.nan])):
        with pytest.raises(ValueError, match="no interval"):
            interval(wrong)
    for level in (0, 1, 95):
        with pytest.raises(ValueError, match="no interval"):
            interval(np.arange(5.0), level=level)
