"""Estimates against statsmodels' two-way clusters and values worked by hand; test_simulation.py has their rates."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest
from scipy import stats
from statsmodels.regression.linear_model import OLS
from statsmodels.stats.sandwich_covariance import cov_cluster_2groups

from pipeline.evaluation.resampling import equal_groups, resample
from pipeline.evaluation.uncertainty import (
    Estimate,
    combine,
    estimate,
    of_a_score,
    of_images_alone,
    reach,
    seeds_needed,
    spread_of,
)

Floats = npt.NDArray[np.float64]

GROUPS = np.repeat(np.arange(250), np.tile([1, 1, 1, 2, 3], 50))


def correct_answers(cells: int, seeds: int, luck: float = 0.1, seed: int = 0) -> Floats:
    """(cells, seeds, N): twins get the same answers, and some images are easier for all."""
    rng = np.random.default_rng(seed)
    ease = rng.normal(size=250)
    pull = rng.normal(0, luck, (cells, seeds, 1)) + rng.normal(0, 0.6, (cells, seeds, 250))
    return (ease + pull > -0.3)[..., GROUPS].astype(np.float64)


def estimate_of(correct: Floats, weights: tuple[float, ...], draws: int = 4000, level: float = 0.95) -> Estimate:
    drawn = resample(GROUPS, draws, seed=0).astype(np.float64)
    scores = np.einsum("bn,csn->bcs", drawn / drawn.sum(axis=1, keepdims=True), correct)
    return estimate(correct.mean(axis=2), scores, weights, level)


def test_the_standard_error_of_one_cell_is_that_of_two_way_clusters() -> None:
    seeds = 40  # that the formula there divides by the seeds, and not by one less, does not matter then
    correct = correct_answers(1, seeds, luck=0.3)
    found = estimate_of(correct, (1.0,))
    answers = correct[0].ravel()
    clusters = np.column_stack([np.tile(GROUPS, seeds), np.repeat(np.arange(seeds), len(GROUPS))])
    fit = OLS(answers, np.ones_like(answers)).fit()
    expected = float(cov_cluster_2groups(fit, clusters)[0].item()) ** 0.5
    assert np.hypot(found.images, found.trainings) == pytest.approx(expected, rel=0.03)
    assert found.trainings > 0.3 * found.images  # both matter here


def test_the_trainings_of_two_cells_are_independent() -> None:
    """That of a difference is the sum of both, whatever the order of the seeds."""
    correct = correct_answers(2, 4, luck=0.5)
    difference = estimate_of(correct, (1.0, -1.0))
    each = [estimate_of(correct[[cell]], (1.0,)).trainings for cell in range(2)]
    assert difference.trainings**2 == pytest.approx(each[0] ** 2 + each[1] ** 2)
    turned = correct.copy()
    turned[1] = turned[1, ::-1]
    assert estimate_of(turned, (1.0, -1.0)).p == pytest.approx(difference.p, rel=1e-9)


def test_the_mean_of_cells_has_a_fraction_of_their_luck() -> None:
    correct = correct_answers(4, 3, luck=0.5)
    mean = estimate_of(correct, (0.25,) * 4)
    each = [estimate_of(correct[[cell]], (1.0,)) for cell in range(4)]
    assert mean.value == pytest.approx(np.mean([one.value for one in each]))
    assert mean.trainings**2 == pytest.approx(sum(one.trainings**2 for one in each) / 16)


def test_p_and_interval_say_the_same_of_0() -> None:
    """With many images the interval is next to symmetric, so that its edge lies where p is 5%."""
    for seed in range(8):
        correct = correct_answers(2, 3, luck=0.3, seed=seed)
        found = estimate_of(correct, (1.0, -1.0))
        half = float(stats.t.ppf(0.975, found.freedom)) * np.hypot(found.images, found.trainings)
        assert [found.low, found.high] == pytest.approx([found.value - half, found.value + half], abs=0.04 * half)
        t = found.value / np.hypot(found.images, found.trainings)
        assert found.p == pytest.approx(2 * stats.t.sf(abs(t), found.freedom))


def test_freedom_by_hand() -> None:
    """One cell of three seeds, where the images say nothing, has two; where these say all, infinitely many."""
    only_trainings = estimate(np.array([[0.4, 0.5, 0.6]]), np.tile([[[0.4, 0.5, 0.6]]], (10, 1, 1)))
    assert only_trainings.freedom == 2
    assert only_trainings.images == pytest.approx(0)
    assert only_trainings.trainings == pytest.approx(0.1 / 3**0.5)
    half = float(stats.t.ppf(0.975, 2)) * 0.1 / 3**0.5
    assert [only_trainings.low, only_trainings.high] == pytest.approx([0.5 - half, 0.5 + half])
    same = np.tile(np.linspace(0.4, 0.6, 10)[:, None, None], (1, 1, 3))
    only_images = estimate(np.full((1, 3), 0.5), same)
    assert (only_images.freedom, only_images.trainings) == (np.inf, 0)
    assert [only_images.low, only_images.high] == pytest.approx(np.quantile(same[:, 0, 0], [0.025, 0.975]).tolist())


def test_with_one_seed_there_is_no_test() -> None:
    correct = correct_answers(2, 1)
    found = estimate_of(correct, (1.0, -1.0))
    assert np.isnan([found.p, found.trainings, found.freedom, found.detectable]).all()
    drawn = resample(GROUPS, 4000, seed=0).astype(np.float64)
    sums = (drawn * (correct[0, 0] - correct[1, 0])).sum(axis=1) / drawn.sum(axis=1)
    assert [found.low, found.high] == pytest.approx(np.quantile(sums, [0.025, 0.975]).tolist())
    assert of_images_alone(found.value, sums).images == pytest.approx(found.images)


def test_where_nothing_varies_a_difference_is_certain() -> None:
    same = np.full((2, 3), 0.5)
    assert estimate(same, np.full((5, 2, 3), 0.5), (1.0, -1.0)).p == 1
    apart = np.array([[0.7] * 3, [0.5] * 3])
    found = estimate(apart, np.tile(apart, (5, 1, 1)), (1.0, -1.0))
    assert found.p == 0
    assert [found.low, found.high] == pytest.approx([0.2, 0.2])


def test_a_score_that_never_varies_is_not_certain() -> None:
    """All of ten people right: the truth may be as low as what gives that in one case of forty."""
    for value in (0.0, 0.5, 1.0):
        found = of_a_score(estimate(np.full((1, 1), value), np.full((20, 1, 1), value), groups=10))
        expected = stats.binomtest(round(10 * value), 10).proportion_ci(method="exact")
        assert [found.low, found.high] == pytest.approx([expected.low, expected.high])
    assert found.low**10 == pytest.approx(0.025)


def test_a_score_stays_within_0_and_1_and_is_what_it_was() -> None:
    wide = of_a_score(estimate(np.array([[0.9, 0.5]]), np.tile([[[0.9, 0.5]]], (10, 1, 1)), groups=10))
    assert (wide.low, wide.high) == (0, 1)
    correct = correct_answers(1, 3)
    assert of_a_score(estimate_of(correct, (1.0,))) == estimate_of(correct, (1.0,))
    one_group = of_a_score(estimate(np.ones((1, 1)), np.ones((20, 1, 1)), groups=1))
    assert (one_group.low, one_group.high) == (0, 1)


def test_a_wider_level_has_a_wider_interval() -> None:
    correct = correct_answers(2, 3)
    narrow, wide = (estimate_of(correct, (1.0, -1.0), level=level) for level in (0.95, 0.99))
    assert wide.low < narrow.low < narrow.high < wide.high
    assert wide.p == narrow.p


def test_detectable_by_hand() -> None:
    sure = combine(0.0, np.random.default_rng(0).normal(0, 0.01, 100_000), 0.0, 0.0)
    assert sure.detectable == pytest.approx((1.959964 + 0.841621) * 0.01, rel=0.01)


def test_estimate_refuses_what_does_not_fit_together() -> None:
    for values, drawn, weights in (
        (np.ones((2, 3)), np.ones((5, 2, 2)), (1.0, 1.0)),
        (np.ones((2, 3)), np.ones((5, 2, 3)), (1.0,)),
        (np.ones(3), np.ones((5, 3)), (1.0,)),
        (np.ones((1, 3)), np.ones((1, 1, 3)), (1.0,)),
    ):
        with pytest.raises(ValueError, match=r"\(cells, seeds\)"):
            estimate(values, drawn, weights)
    with pytest.raises(ValueError, match="finite"):
        estimate(np.full((1, 2), np.nan), np.ones((5, 1, 2)))


# The spread over seeds


def still(values: Floats) -> Floats:
    """Draws of images that change nothing."""
    return np.tile(values, (5, 1, 1))


def test_spread_is_pooled_over_cells() -> None:
    values = np.array([[0.4, 0.6], [0.5, 0.5]])
    found = spread_of(values, still(values))
    assert found.deviation == found.beyond == pytest.approx(0.01**0.5)  # variances 0.02 and 0
    assert [found.low, found.high] == pytest.approx(
        [(0.02 / stats.chi2.ppf(0.975, 2)) ** 0.5, (0.02 / stats.chi2.ppf(0.025, 2)) ** 0.5]
    )


def test_the_interval_of_a_spread_holds_the_truth_in_95_percent() -> None:
    rng = np.random.default_rng(0)
    draws = rng.normal(0.6, 0.013, (2000, 5, 3))
    held = [(found := spread_of(values, still(values))).low <= 0.013 <= found.high for values in draws]
    assert 0.935 < np.mean(held) < 0.965


def test_what_images_and_trainings_have_to_do_with_each_other_is_not_beyond_these_images() -> None:
    """Answers that are tossed anew for each training, without luck of the training as a whole."""
    rng = np.random.default_rng(0)
    correct = (rng.random((1, 40, len(GROUPS))) < 0.6).astype(np.float64)
    drawn = resample(np.arange(len(GROUPS)), 1000, seed=0).astype(np.float64)
    scores = np.einsum("bn,csn->bcs", drawn / drawn.sum(axis=1, keepdims=True), correct)
    found = spread_of(correct.mean(axis=2), scores)
    assert found.deviation == pytest.approx((0.24 / len(GROUPS)) ** 0.5, rel=0.25)
    assert found.beyond < 0.5 * found.deviation


def test_spread_needs_two_seeds() -> None:
    with pytest.raises(ValueError, match="from 2"):
        spread_of(np.ones((3, 1)), np.ones((5, 3, 1)))


def test_so_many_seeds_are_needed() -> None:
    """Images add 0.2 points, a training 1.2: n of a cell give 1.2 / sqrt(n)."""
    found = combine(0.0, np.random.default_rng(0).normal(0, 0.002, 100_000), 0.012**2 / 3, 0.012**4 / 9 / 2)
    many = seeds_needed(found, seeds=3, cells=1, difference=0.01)
    assert many is not None
    for seeds, enough in ((many - 1, False), (many, True)):
        variance = 0.002**2 + 0.012**2 / seeds
        freedom = variance**2 / ((0.012**2 / seeds) ** 2 / (seeds - 1))
        power = stats.nct.sf(stats.t.ppf(0.975, freedom), freedom, 0.01 / variance**0.5)
        assert (power >= 0.8) == enough
    assert seeds_needed(found, seeds=3, cells=1, difference=0.0055) is None  # the images alone need 0.56 points


def test_more_seeds_divide_what_images_and_trainings_have_to_do_with_each_other() -> None:
    """Of 0.3 points that the images add with 3 seeds all but 0.1 go away, and so 0.5 points can be seen."""
    sums = np.random.default_rng(0).normal(0, 0.003, 100_000)
    together = combine(0.0, sums, 0.0, 0.0, both=0.003**2 - 0.001**2)
    assert seeds_needed(combine(0.0, sums, 0.0, 0.0), seeds=3, cells=1, difference=0.005) is None
    many = seeds_needed(together, seeds=3, cells=1, difference=0.005)
    assert many is not None
    assert 5 < many < 20


def test_what_is_detectable_is_found_in_80_percent() -> None:
    for freedom in (2.0, 4.0, 11.0, 1000.0):
        off = reach(freedom)
        assert stats.nct.sf(stats.t.ppf(0.975, freedom), freedom, off) == pytest.approx(0.8, abs=1e-6)
    assert reach(np.inf) == pytest.approx(1.959964 + 0.841621)
    assert reach(1e5) == pytest.approx(reach(np.inf), rel=1e-3)


def test_trainings_widen_the_interval_around_the_value_though_draws_are_off_it() -> None:
    """As of macro F1, of which draws are too low on average: that must not grow with the width."""
    sums = np.random.default_rng(0).normal(0.49, 0.01, 20_000)
    found = combine(0.5, sums, 0.03**2, 0.03**4 / 2)
    assert found.high - 0.5 == pytest.approx(0.5 - found.low, rel=0.05)


# Few groups


def of_people(rng: np.random.Generator, people: int, classifiers: int) -> tuple[Floats, Floats]:
    """Right answers (classifiers, people, 21): people differ from each other, and by classifier too."""
    ease = rng.normal(0, 0.8, people) + rng.normal(0, 0.5, (classifiers, people))
    right = 0.4 + ease[..., None] + rng.normal(0, 1, (classifiers, people, 21)) > 0
    return right.astype(np.float64), np.full(classifiers, stats.norm.cdf(0.4 / (1 + 0.8**2 + 0.5**2) ** 0.5))


@pytest.mark.parametrize("share", [(1.0, 0.0), (1.0, -1.0)])
def test_an_interval_of_ten_people_holds_the_truth_in_95_percent(share: tuple[float, float]) -> None:
    """As JAFFE by person. That of the plain bootstrap holds in 90%: it takes ten people for all there could be."""
    people, rng = 10, np.random.default_rng(1)
    groups = np.repeat(np.arange(people), 21)
    weights = resample(groups, 1000, seed=0).astype(np.float64)
    weights /= weights.sum(axis=1, keepdims=True)
    held: dict[float, list[bool]] = {equal_groups(groups): [], np.inf: []}
    for _ in range(2000):
        correct, truth = of_people(rng, people, 2)
        flat = correct.reshape(2, 1, -1)
        scores = np.einsum("bn,csn->bcs", weights, flat)
        for many, found in held.items():
            said = estimate(flat.mean(axis=2), scores, share, groups=many)
            found.append(bool(said.low <= truth @ np.array(share) <= said.high))
    few, plain = (float(np.mean(found)) for found in held.values())
    assert few == pytest.approx(0.95, abs=0.02)
    assert plain < 0.92


def test_of_thousands_of_images_the_number_of_groups_changes_next_to_nothing() -> None:
    correct = correct_answers(2, 3)
    plain = estimate_of(correct, (1.0, -1.0))
    drawn = resample(GROUPS, 4000, seed=0).astype(np.float64)
    scores = np.einsum("bn,csn->bcs", drawn / drawn.sum(axis=1, keepdims=True), correct)
    many = estimate(correct.mean(axis=2), scores, (1.0, -1.0), groups=3000)
    assert [many.low, many.high, many.p] == pytest.approx([plain.low, plain.high, plain.p], rel=2e-3)


def test_few_groups_leave_few_degrees_of_freedom() -> None:
    sums = np.random.default_rng(0).normal(0.1, 0.02, 100_000)
    found = combine(0.1, sums, 0.0, 0.0, groups=5)
    assert found.freedom == pytest.approx(4)
    assert found.groups == 5
    assert found.images == pytest.approx(0.02 * (5 / 4) ** 0.5, rel=0.01)
    assert found.p == pytest.approx(2 * stats.t.sf(0.1 / found.images, 4))
    alone = of_images_alone(0.1, sums, groups=5)
    half = stats.t.ppf(0.975, 4) * found.images
    assert [alone.low, alone.high] == pytest.approx([0.1 - half, 0.1 + half], abs=0.001)


def test_of_one_person_nothing_follows_for_others() -> None:
    sums = np.full(100, 0.6)
    for found in (of_images_alone(0.6, sums, groups=1), combine(0.6, sums, 0.01**2, 0.01**4, groups=1)):
        assert (found.low, found.high) == (-1, 1)
        assert np.isnan(found.p) or found.p == 1


def test_seeds_do_not_make_up_for_people() -> None:
    """Ten groups have wider quantiles with any number of seeds."""
    sums = np.random.default_rng(0).normal(0, 0.003, 100_000)
    of = {"of_trainings": 0.004**2, "squares": 0.004**4 / 4}
    many, few = (seeds_needed(combine(0.0, sums, **of, groups=g), 3, 1, 0.0105) for g in (np.inf, 10))
    assert many is not None
    assert few is None or few > many
    assert seeds_needed(combine(0.0, sums, **of, groups=1), 3, 1, 0.5) is None
