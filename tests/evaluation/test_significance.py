"""Tests and intervals against scipy, scikit-learn and values worked by hand; test_simulation.py has their rates."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt
import pytest
from sample_sets import CLASSES
from scipy import stats
from sklearn.metrics import accuracy_score, f1_score

from pipeline.evaluation.scores import classification
from pipeline.evaluation.significance import (
    bootstrap,
    cochran_q,
    detectable,
    holm,
    interval,
    mcnemar,
    over_seeds,
    resample,
)

Flags = npt.NDArray[np.bool_]


def flags(digits: str) -> Flags:
    return np.array([digit == "1" for digit in digits])


def random_flags(*shape: int, seed: int = 0, share: float = 0.6) -> Flags:
    return np.random.default_rng(seed).random(shape) < share


def test_mcnemar_counts_the_rows_on_which_just_one_is_right() -> None:
    # One row for B and six for A: twice the chance of at most one head in seven tosses.
    assert mcnemar(flags("1111110" + "1100"), flags("0000001" + "1100")) == pytest.approx(2 * (1 + 7) / 2**7)


def test_mcnemar_is_the_binomial_test_of_these_rows() -> None:
    a, b = random_flags(200), random_flags(200, seed=1, share=0.5)
    only_a, only_b = int((a & ~b).sum()), int((b & ~a).sum())
    assert mcnemar(a, b) == pytest.approx(stats.binomtest(only_a, only_a + only_b).pvalue)
    assert mcnemar(b, a) == mcnemar(a, b)


def test_mcnemar_has_nothing_to_say_of_equal_answers() -> None:
    assert mcnemar(flags("1100"), flags("1100")) == 1
    assert mcnemar(flags("10"), flags("01")) == 1


def test_mcnemar_refuses_other_shapes() -> None:
    with pytest.raises(ValueError, match=r"\(N,\)"):
        mcnemar(flags("110"), flags("11"))
    with pytest.raises(ValueError, match=r"\(N,\)"):
        mcnemar(flags(""), flags(""))
    with pytest.raises(ValueError, match=r"\(N,\)"):
        mcnemar(random_flags(2, 3), random_flags(2, 3))


def test_cochran_q_is_friedmans_test_of_two_ranks() -> None:
    correct = random_flags(80, 4) & random_flags(80, 4, seed=1, share=0.9) | random_flags(80, 1, seed=2, share=0.3)
    assert cochran_q(correct) == pytest.approx(stats.friedmanchisquare(*correct.astype(int).T).pvalue)


def test_cochran_q_by_hand() -> None:
    # Columns right 3, 1 and 0 times; rows 2, 1 and 1: Q = 2 (3 (9 + 1) - 16) / (3 * 4 - (4 + 1 + 1)) = 28 / 6.
    correct = np.array([[1, 1, 0], [1, 0, 0], [1, 0, 0]], bool)
    assert cochran_q(correct) == pytest.approx(math.exp(-28 / 6 / 2))  # chi-squared with two degrees of freedom


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("column", ["1100", "1111", "0000"])
def test_cochran_q_has_nothing_to_say_of_equal_answers(column: str) -> None:
    assert cochran_q(np.stack([flags(column)] * 3, axis=1)) == 1


@pytest.mark.parametrize("shape", [(5, 1), (0, 3), (5,)])
def test_cochran_q_refuses_other_shapes(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match=r"\(N, K\)"):
        cochran_q(np.ones(shape, bool))


def test_holm_by_hand() -> None:
    # The smallest times 3, the next times 2, and none below the one before it.
    assert holm([0.04, 0.01, 0.03]) == pytest.approx([0.06, 0.03, 0.06])
    assert holm([0.9, 0.8]) == [1, 1]
    assert holm([0.2]) == [0.2]
    assert holm([]) == []


@pytest.mark.parametrize("wrong", [math.nan, -0.1, 1.1])
def test_holm_refuses_what_is_no_p_value(wrong: float) -> None:
    with pytest.raises(ValueError, match="between 0 and 1"):
        holm([0.5, wrong])


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


def by_counting(correct_a: Flags, correct_b: Flags, groups: npt.NDArray[np.int64]) -> tuple[float, float]:
    """The mean difference and its two-way variance, from sums over clusters that are counted one by one."""
    difference = correct_a.astype(float) - correct_b
    rest = difference - difference.mean()
    numbers = list(np.unique(groups))
    of_groups = [rest[:, groups == group].sum() for group in numbers]
    of_seeds = [row.sum() for row in rest]
    of_both = [row[groups == group].sum() for row in rest for group in numbers]
    by_group, by_seed, by_both = (
        sum(value**2 for value in sums) / rest.size**2 * len(sums) / (len(sums) - 1)
        for sums in (of_groups, of_seeds, of_both)
    )
    return float(difference.mean()), float(by_group + by_seed - by_both)


def test_over_seeds_against_counting() -> None:
    groups = np.arange(60) // 3 * 3 % 41
    ease = random_flags(1, 60, seed=5, share=0.4)
    a, b = ease | random_flags(4, 60, seed=6, share=0.5), ease | random_flags(4, 60, seed=7, share=0.3)
    mean, variance = by_counting(a, b, groups)
    assert variance > 0
    expected = 2 * stats.t(df=3).sf(abs(mean) / math.sqrt(variance))
    assert 0.001 < expected < 0.5
    assert over_seeds(a, b, groups) == pytest.approx(expected)
    assert over_seeds(b, a, groups) == pytest.approx(expected)


def test_over_seeds_takes_the_degrees_of_freedom_of_what_there_is_less_of() -> None:
    groups = np.repeat([0, 1, 2], 20)  # fewer than the six seeds
    a, b = random_flags(6, 60, share=0.65), random_flags(6, 60, seed=1, share=0.5)
    mean, variance = by_counting(a, b, groups)
    assert variance > 0
    assert over_seeds(a, b, groups) == pytest.approx(2 * stats.t(df=2).sf(abs(mean) / math.sqrt(variance)))


def test_second_copies_do_not_make_it_surer() -> None:
    groups = np.arange(50)
    a, b = random_flags(3, 50, share=0.75), random_flags(3, 50, seed=1)
    alone = over_seeds(a, b, groups)
    twice_a, twice_b = np.repeat(a, 2, axis=1), np.repeat(b, 2, axis=1)
    assert over_seeds(twice_a, twice_b, np.repeat(groups, 2)) == pytest.approx(alone)
    assert over_seeds(twice_a, twice_b, np.arange(100)) != pytest.approx(alone, rel=0.01)


def test_a_variance_that_is_not_positive_gives_way_to_one_that_is() -> None:
    a = np.stack([flags("111000"), flags("000111")])  # once for every image, and alike for the seeds
    b = np.zeros_like(a)
    mean, variance = by_counting(a, b, np.arange(6))
    assert mean == 0.5
    assert variance == pytest.approx(-0.25 / 11)
    independent = stats.ttest_1samp(a.ravel().astype(float), 0)  # twelve answers, but one degree of freedom
    assert over_seeds(a, b, np.arange(6)) == pytest.approx(2 * stats.t(df=1).sf(independent.statistic))


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize(("seeds", "rows"), [(2, 4), (2, 5), (3, 7)])
def test_over_seeds_where_nothing_varies(seeds: int, rows: int) -> None:
    right, wrong = np.ones((seeds, rows), bool), np.zeros((seeds, rows), bool)
    assert over_seeds(right, right, np.arange(rows)) == 1
    assert over_seeds(right, wrong, np.arange(rows)) == 0


def test_over_seeds_where_differences_cancel() -> None:
    there_and_back = np.stack([flags("10"), flags("01")])  # for every image and for every seed
    assert over_seeds(there_and_back, ~there_and_back, np.arange(2)) == pytest.approx(1)
    a = random_flags(4, 30)
    assert over_seeds(a, a[::-1], np.arange(30)) == pytest.approx(1)


def test_over_seeds_refuses_what_it_cannot_judge() -> None:
    a = random_flags(3, 8)
    with pytest.raises(ValueError, match="two seeds"):
        over_seeds(a[:1], a[:1], np.arange(8))
    with pytest.raises(ValueError, match="two groups"):
        over_seeds(a, a, np.zeros(8, int))
    for wrong in [(a[0], a[0], np.arange(8)), (a, a[:2], np.arange(8)), (a, a, np.arange(7))]:
        with pytest.raises(ValueError, match="expected two arrays"):
            over_seeds(*wrong)


@pytest.mark.parametrize(("level", "power"), [(0.05, 0.8), (0.01, 0.95), (0.2, 0.3)])
def test_a_detectable_difference_has_the_power_asked_for(level: float, power: float) -> None:
    samples = np.random.default_rng(0).normal(0.01, 0.02, 400)
    errors = detectable(samples, level, power) / samples.std(ddof=1)
    limit = stats.norm.isf(level / 2)
    assert stats.norm.sf(limit - errors) + stats.norm.cdf(-limit - errors) == pytest.approx(power)


def test_detectable_by_hand() -> None:
    assert detectable(np.array([-1.0, 0.0, 1.0])) == pytest.approx(1.95996 + 0.84162, abs=1e-4)
    assert detectable(np.full(9, 0.3)) == pytest.approx(0)


def test_detectable_refuses_nonsense() -> None:
    for wrong in (np.array([0.1]), np.array([0.1, math.inf]), np.ones((4, 2))):
        with pytest.raises(ValueError, match="samples"):
            detectable(wrong)
    for level, power in [(0.05, 0.05), (0.05, 1.0), (0.0, 0.8)]:
        with pytest.raises(ValueError, match="level < power"):
            detectable(np.arange(4.0), level, power)
