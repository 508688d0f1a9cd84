"""Fusion and selection against toys worked by hand, and against what the best weights must fulfil."""

import itertools
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from pipeline.evaluation import fusion
from pipeline.evaluation.fusion import Step, best_single, fit_weights, fuse, select_forward

Chances = npt.NDArray[np.float32]
Labels = npt.NDArray[np.uint8]


def as_probabilities(odds: npt.NDArray[np.float64]) -> Chances:
    odds = np.exp(odds - odds.max(axis=-1, keepdims=True))
    probabilities: Chances = (odds / odds.sum(axis=-1, keepdims=True)).astype(np.float32)
    return probabilities


def simulated(skills: list[float], seeds: int = 2, count: int = 400) -> tuple[Chances, Labels]:
    """Candidates with errors of their own; the higher the skill, the fewer. Skill 0 is noise."""
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 7, count).astype(np.uint8)
    odds = rng.normal(0, 1, (len(skills), seeds, count, 7))
    odds[:, :, np.arange(count), labels] += np.array(skills)[:, None, None]
    return as_probabilities(odds), labels


def toy(*candidates: str) -> Chances:
    """Candidates with one seed that are sure of a class each time, such as `0012`."""
    return np.eye(7, dtype=np.float32)[[[[int(name) for name in candidate]] for candidate in candidates]]


def blend(probabilities: Chances, weights: npt.ArrayLike) -> npt.NDArray[np.float64]:
    average: npt.NDArray[np.float64] = np.einsum("k,ksnc->snc", np.asarray(weights), probabilities.astype(np.float64))
    return average


def likelihood(probabilities: Chances, labels: Labels, weights: npt.ArrayLike) -> float:
    """Mean log likelihood, by another way than the code's."""
    average = blend(probabilities, weights)
    return float(np.mean([np.log(average[seed, row, labels[row]]) for seed, row in np.ndindex(average.shape[:2])]))


def accuracy(probabilities: npt.NDArray[np.floating[Any]], labels: Labels) -> float:
    return float((probabilities.argmax(axis=-1) == labels).mean())


def test_weights_of_a_mixture_with_a_known_answer() -> None:
    """The true class has 0.8 and 0.2 from one candidate, 0.2 and 0.8 from the other, the first three times of four:
    the derivative of 3 log(0.2 + 0.6 w) + log(0.8 - 0.6 w) is 0 at w = 11/12."""
    first, second = [0.8, 0.2, 0, 0, 0, 0, 0], [0.2, 0.8, 0, 0, 0, 0, 0]
    probabilities = np.array([[[first] * 4], [[second] * 4]], np.float32)
    weights = fit_weights(probabilities, np.array([0, 0, 0, 1], np.uint8))
    np.testing.assert_allclose(weights, [11 / 12, 1 / 12], atol=2e-3)


def test_no_weights_are_better() -> None:
    probabilities, labels = simulated([1.0, 0.8, 0.6, 0.3, 0.0])
    weights = fit_weights(probabilities, labels)
    assert weights.dtype == np.float64
    assert (weights >= 0).all()
    assert weights.sum() == pytest.approx(1, abs=1e-12)
    best = likelihood(probabilities, labels, weights)
    assert best > likelihood(probabilities, labels, np.full(5, 0.2)) + 1e-3
    assert best > max(likelihood(probabilities, labels, corner) for corner in np.eye(5)) + 1e-3
    for one, other in itertools.permutations(range(5), 2):
        for step in (0.3, 0.03, 0.003):
            near = weights.copy()
            near[one] += min(step, near[other])
            near[other] -= min(step, near[other])
            assert likelihood(probabilities, labels, near) <= best + 2e-6


def test_noise_and_constants_get_no_weight() -> None:
    probabilities, labels = simulated([2.0, 2.0, 0.0])
    constant = np.zeros_like(probabilities[:1])
    constant[..., 3] = 1
    weights = fit_weights(np.concatenate([probabilities, constant]), labels)
    assert weights[:2].min() > 0.3
    assert weights[2:].max() < 1e-3


def complementary() -> tuple[Chances, Labels]:
    """One is sure of the first half of the images and does not know the second, the other the reverse; and noise."""
    rng = np.random.default_rng(1)
    labels = rng.integers(0, 7, 200).astype(np.uint8)
    odds = rng.normal(0, 0.1, (3, 2, 200, 7))
    odds[0, :, np.arange(100), labels[:100]] += 5
    odds[1, :, np.arange(100, 200), labels[100:]] += 5
    return as_probabilities(odds), labels


def test_candidates_that_complete_each_other_are_both_chosen() -> None:
    probabilities, labels = complementary()
    np.testing.assert_allclose(fit_weights(probabilities, labels), [0.5, 0.5, 0], atol=0.02)
    steps = select_forward(probabilities, labels)
    assert {step.candidate for step in steps if step.kept} == {0, 1}
    assert steps[1].accuracy > 0.99 > 0.7 > steps[0].accuracy
    assert [step.kept for step in steps] == [True, True, False]


def test_weights_move_with_their_candidates() -> None:
    probabilities, labels = simulated([1.0, 0.8, 0.6, 0.3])
    order = [2, 0, 3, 1]
    np.testing.assert_allclose(
        fit_weights(probabilities[order], labels), fit_weights(probabilities, labels)[order], atol=1e-9
    )


def test_equal_candidates_share_their_weight() -> None:
    probabilities, labels = simulated([1.0, 0.5])
    alone = fit_weights(probabilities, labels)
    weights = fit_weights(probabilities[[0, 0, 1, 0]], labels)
    assert weights[[1, 3]] == pytest.approx(weights[0], abs=1e-12)
    assert weights[2] == pytest.approx(alone[1], abs=0.01)


def test_seeds_share_the_weights() -> None:
    """The candidates are the same two in both seeds but change places, so neither is better over both."""
    probabilities, labels = simulated([2.0, 0.0], seeds=1)
    both = np.stack(
        [np.concatenate([probabilities[0], probabilities[1]]), np.concatenate([probabilities[1], probabilities[0]])]
    )
    np.testing.assert_allclose(fit_weights(both, labels), [0.5, 0.5])


def test_an_image_that_none_knows_does_not_matter() -> None:
    probabilities, labels = simulated([1.0, 0.6])
    nobody = np.concatenate([probabilities, np.broadcast_to(np.eye(7, dtype=np.float32)[0], (2, 2, 5, 7))], axis=2)
    weights = fit_weights(nobody, np.append(labels, np.full(5, 3, np.uint8)))
    np.testing.assert_allclose(weights, fit_weights(probabilities, labels), atol=1e-2)


def test_an_image_that_only_one_knows_keeps_its_weight() -> None:
    """In one of 100 images the better candidate gives the true class 0: it may not have all of the weight."""
    probabilities = np.zeros((2, 1, 100, 7), np.float32)
    probabilities[0, :, :, 0], probabilities[1, :, :, 1] = 1, 1
    labels = np.zeros(100, np.uint8)
    labels[7] = 1
    np.testing.assert_allclose(fit_weights(probabilities, labels), [0.99, 0.01], atol=1e-4)


def test_fusing_is_the_weighted_average() -> None:
    probabilities, _ = simulated([1.0, 0.5, 0.0])
    weights = np.array([0.5, 0.2, 0.3])
    fused = fuse(probabilities, weights)
    assert (fused.shape, fused.dtype) == ((2, 400, 7), np.dtype(np.float32))
    np.testing.assert_allclose(fused, blend(probabilities, weights), rtol=1e-6)
    np.testing.assert_allclose(fused.sum(axis=-1), 1, rtol=1e-6)
    assert (fuse(probabilities, np.array([0.0, 1.0, 0.0])) == probabilities[1]).all()


def test_the_best_single_candidate() -> None:
    probabilities, labels = simulated([0.5, 2.0, 1.0])
    assert best_single(probabilities, labels) == 1
    zero = np.zeros(4, np.uint8)
    assert best_single(toy("0111", "0001", "0011"), zero) == 1
    # Over two seeds 3 + 3 beat 4 + 1.
    seeds = np.concatenate([toy("0000", "0001"), toy("0111", "0001")], axis=1)
    assert best_single(seeds, zero) == 1
    # Right twice, and never quite wrong, has the lower loss than right three times.
    unsure = np.full((1, 4, 7), 0.1, np.float32)
    unsure[0, [0, 1, 2, 3], [0, 0, 1, 1]] = 0.4
    assert best_single(np.stack([unsure, toy("0001")[0]]), zero) == 1


def test_of_equally_accurate_candidates_the_lower_loss_then_the_first() -> None:
    zero = np.zeros(2, np.uint8)
    sure, unsure = toy("00")[0], np.full((1, 2, 7), 0.1, np.float32)
    unsure[..., 0] = 0.4
    assert best_single(np.stack([unsure, sure, sure]), zero) == 1
    assert best_single(np.stack([unsure, unsure]), zero) == 0
    assert select_forward(np.stack([unsure, sure, sure]), zero)[0].candidate == 1


def test_a_path_worked_by_hand() -> None:
    """All six images are of class 1. Sure candidates vote, and of equal counts the lower class wins: 1 and 6 make 1.

    candidate 0    6 6 6 1 1 0    2 right
    candidate 1    1 1 6 6 0 0    2 right
    candidate 2    1 1 1 0 6 6    3 right, so it is the first
    candidate 3    0 0 0 0 0 0    none
    2, 0           1 1 1 0 1 0    4 right, against 3 of 2, 1 (1 1 1 0 0 0) and none of 2, 3
    2, 0, 1        1 1 6 0 0 0    2 right, against none of 2, 0, 3: it ends before this step
    2, 0, 1, 3     1 1 6 0 0 0    2 right
    """
    probabilities = toy("666110", "116600", "111066", "000000")
    steps = select_forward(probabilities, np.ones(6, np.uint8))
    assert steps == [
        Step(candidate=2, accuracy=3 / 6, kept=True),
        Step(candidate=0, accuracy=4 / 6, kept=True),
        Step(candidate=1, accuracy=2 / 6, kept=False),
        Step(candidate=3, accuracy=2 / 6, kept=False),
    ]


def test_a_later_rise_is_shown_but_not_selected() -> None:
    """Each is wrong twice, on other images: two of them are right together on two images, three on all six."""
    steps = select_forward(toy("001111", "110011", "111100"), np.ones(6, np.uint8))
    assert steps == [Step(0, 4 / 6, True), Step(1, 2 / 6, False), Step(2, 1, False)]


def test_ties_go_to_the_earlier_candidate_and_end_the_selection() -> None:
    probabilities, labels = simulated([1.0])
    steps = select_forward(probabilities[[0, 0, 0, 0]], labels)
    assert [step.candidate for step in steps] == [0, 1, 2, 3]
    assert [step.kept for step in steps] == [True, False, False, False]
    assert len({step.accuracy for step in steps}) == 1


def test_a_path_against_trying_everything() -> None:
    probabilities, labels = simulated([1.0, 0.2, 0.9, 0.5, 0.0, 0.7], seeds=3, count=150)
    steps = select_forward(probabilities, labels)
    chosen: list[int] = []
    for step in steps:
        tried = {
            one: accuracy(probabilities[[*chosen, one]].mean(axis=0), labels) for one in range(6) if one not in chosen
        }
        assert tried[step.candidate] == max(tried.values()) == pytest.approx(step.accuracy)
        chosen.append(step.candidate)
    assert sorted(chosen) == list(range(6))
    kept = [step.kept for step in steps]
    first_stop = next(place for place in range(1, 6) if steps[place].accuracy <= steps[place - 1].accuracy)
    assert kept == [True] * first_stop + [False] * (6 - first_stop)
    equal = np.zeros(6)
    equal[chosen[:first_stop]] = 1 / first_stop
    assert accuracy(fuse(probabilities, equal), labels) == pytest.approx(steps[first_stop - 1].accuracy)


def test_noise_is_not_selected() -> None:
    probabilities, labels = simulated([2.5, 2.5, 0.0])
    constant = np.zeros_like(probabilities[:1])
    constant[..., 3] = 1
    steps = select_forward(np.concatenate([constant, probabilities]), labels)
    assert {step.candidate for step in steps if step.kept} == {1, 2}


def test_one_candidate() -> None:
    probabilities, labels = simulated([1.0])
    assert fit_weights(probabilities, labels).tolist() == [1]
    assert (fuse(probabilities, np.ones(1)) == probabilities[0]).all()
    assert best_single(probabilities, labels) == 0
    assert select_forward(probabilities, labels) == [Step(0, accuracy(probabilities[0], labels), True)]


def test_nothing_is_changed_in_place() -> None:
    probabilities, labels = simulated([1.0, 0.5])
    before = probabilities.copy()
    for function in (fit_weights, best_single, select_forward):
        function(probabilities, labels)
    fuse(probabilities, np.array([0.5, 0.5]))
    assert (probabilities == before).all()


def test_twenty_five_candidates_take_no_time() -> None:
    probabilities, labels = simulated([place / 12 for place in range(25)], seeds=3, count=3589)
    start = time.perf_counter()
    fit_weights(probabilities, labels)
    select_forward(probabilities, labels)
    assert time.perf_counter() - start < 10  # about 0.3 s on one core


@pytest.mark.parametrize("function", [fit_weights, best_single, select_forward])
def test_other_shapes_and_values_are_refused(function: Callable[[Chances, Labels], object]) -> None:
    probabilities, labels = simulated([1.0, 0.5], count=10)
    for wrong in (probabilities[0], probabilities[..., 0]):
        with pytest.raises(ValueError, match=r"expected probabilities \(K, S, N, classes\)"):
            function(wrong, labels)
    for wrong in (probabilities[:0], probabilities[:, :0], probabilities[:, :, :9]):
        with pytest.raises(ValueError, match="expected labels"):
            function(wrong, labels)
    with pytest.raises(ValueError, match="a label is no class"):
        function(probabilities, np.full(10, 7, np.uint8))
    with pytest.raises(ValueError, match="negative or not finite"):
        function(np.full_like(probabilities, np.nan), labels)
    with pytest.raises(ValueError, match="sum to 1"):
        function(probabilities / np.float32(2), labels)


def test_what_are_no_weights_is_refused() -> None:
    probabilities, _ = simulated([1.0, 0.5], count=10)
    for wrong in (np.ones(1), np.full((2, 1), 0.5), np.full(3, 1 / 3)):
        with pytest.raises(ValueError, match="expected probabilities"):
            fuse(probabilities, wrong)
    with pytest.raises(ValueError, match="expected probabilities"):
        fuse(probabilities[0], np.full(2, 0.5))
    for values in ([0.5, 0.6], [-0.5, 1.5], [np.nan, 1]):
        with pytest.raises(ValueError, match="a weight is negative"):
            fuse(probabilities, np.array(values))


def test_the_search_ends_though_candidates_hardly_differ(monkeypatch: pytest.MonkeyPatch) -> None:
    probabilities, labels = simulated([1.0, 0.5])
    monkeypatch.setattr(fusion, "ROUNDS", 3)
    assert fit_weights(probabilities, labels).sum() == pytest.approx(1, abs=1e-12)
