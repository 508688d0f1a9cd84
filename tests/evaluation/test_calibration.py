"""Calibration against bins worked by hand and against probabilities that are true by construction."""

import json
from collections.abc import Callable
from dataclasses import asdict
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from pipeline.evaluation.calibration import (
    Bin,
    apply_temperature,
    check_probabilities,
    expected_calibration_error,
    fit_temperature,
    log_loss,
    reliability,
)

Chances = npt.NDArray[np.float32]
Labels = npt.NDArray[np.uint8]


def with_confidence(*confidences: float) -> Chances:
    """A row for each: that much for class 2, the rest shared by the others."""
    rows = [[(1 - confidence) / 6] * 7 for confidence in confidences]
    for row, confidence in zip(rows, confidences, strict=True):
        row[2] = confidence
    return np.array(rows, np.float32)


def true_probabilities(count: int, seed: int = 0, spread: float = 1.8) -> tuple[Labels, Chances]:
    """Probabilities, and labels that are drawn with them."""
    rng = np.random.default_rng(seed)
    odds = np.exp(rng.normal(0, spread, (count, 7)))
    probabilities = odds / odds.sum(axis=1, keepdims=True)
    labels = (rng.random((count, 1)) > probabilities.cumsum(axis=1)).sum(axis=1).clip(0, 6)
    return labels.astype(np.uint8), probabilities.astype(np.float32)


def test_bins_worked_by_hand() -> None:
    probabilities = with_confidence(0.25, 0.45, 0.75, 0.875, 1.0)
    labels = np.array([2, 2, 2, 0, 2], np.uint8)
    assert reliability(labels, probabilities, bins=4) == [
        Bin(low=0, high=0.25, count=1, confidence=0.25, accuracy=1),  # an edge belongs to the bin below
        Bin(low=0.25, high=0.5, count=1, confidence=float(np.float32(0.45)), accuracy=1),
        Bin(low=0.5, high=0.75, count=1, confidence=0.75, accuracy=1),
        Bin(low=0.75, high=1, count=2, confidence=0.9375, accuracy=0.5),
    ]
    expected = (0.75 + 0.55 + 0.25 + 2 * 0.4375) / 5
    assert expected_calibration_error(labels, probabilities, bins=4) == pytest.approx(expected)


def test_one_bin_compares_the_means() -> None:
    probabilities, labels = with_confidence(0.3, 0.5, 0.9), np.array([2, 1, 2], np.uint8)
    (only,) = reliability(labels, probabilities, bins=1)
    assert (only.low, only.high, only.count) == (0, 1, 3)
    assert only.accuracy == pytest.approx(2 / 3)
    assert expected_calibration_error(labels, probabilities, bins=1) == pytest.approx(2 / 3 - 1.7 / 3)


@pytest.mark.parametrize("bins", [10, 15])
def test_every_edge_belongs_to_the_bin_below(bins: int) -> None:
    """Tenths and fifteenths are no floating-point numbers: the edges must be rounded as the confidences are."""
    confidences = [number / bins for number in range(3, bins + 1)]
    probabilities = with_confidence(*confidences)
    exact = probabilities.astype(np.float64)
    exact[:, 2] = confidences  # to float64's precision, as `apply_temperature` returns them
    for given in (probabilities, exact):
        found = reliability(np.full(len(confidences), 2, np.uint8), given, bins)
        assert [part.high for part in found] == confidences
        assert {part.count for part in found} == {1}


def test_empty_bins_are_left_out_and_the_rest_is_json() -> None:
    parts = reliability(np.array([2, 2], np.uint8), with_confidence(0.5, 0.99))
    assert [part.count for part in parts] == [1, 1]
    assert (parts[0].low, parts[0].high) == (7 / 15, 8 / 15)
    written = [asdict(part) for part in parts]
    assert json.loads(json.dumps(written, allow_nan=False)) == written


def test_all_images_are_counted_once() -> None:
    labels, probabilities = true_probabilities(1000)
    parts = reliability(labels, probabilities)
    assert sum(part.count for part in parts) == 1000
    right = (probabilities.argmax(axis=1) == labels).mean()
    assert sum(part.count * part.accuracy for part in parts) / 1000 == pytest.approx(right)
    assert sum(part.count * part.confidence for part in parts) / 1000 == pytest.approx(probabilities.max(axis=1).mean())
    for part in parts:
        assert part.low < part.confidence <= part.high


def test_of_equal_probabilities_the_first_is_predicted() -> None:
    tie = np.array([[0, 0.5, 0, 0.5, 0, 0, 0]], np.float32)
    assert reliability(np.array([1], np.uint8), tie)[0].accuracy == 1
    assert reliability(np.array([3], np.uint8), tie)[0].accuracy == 0


def test_one_image_that_is_certain() -> None:
    certain = np.eye(7, dtype=np.float32)[[4]]
    assert reliability(np.array([4], np.uint8), certain) == [Bin(14 / 15, 1, 1, 1, 1)]
    assert expected_calibration_error(np.array([4], np.uint8), certain) == 0
    assert expected_calibration_error(np.array([5], np.uint8), certain) == 1
    assert log_loss(np.array([4], np.uint8), certain) == 0
    assert np.isfinite(log_loss(np.array([5], np.uint8), certain))


def test_a_confidence_rounded_to_above_one_is_in_the_last_bin() -> None:
    probabilities = np.eye(7, dtype=np.float32)[[0]] * np.float32(1.000001)
    assert reliability(np.array([0], np.uint8), probabilities)[0].high == 1


def test_true_probabilities_have_hardly_an_error() -> None:
    assert expected_calibration_error(*true_probabilities(20_000)) < 0.015
    labels, probabilities = true_probabilities(20_000)
    swapped = probabilities[:, [1, 0, 2, 3, 4, 5, 6]]
    assert expected_calibration_error(labels, swapped) > 0.05


def test_the_error_of_true_probabilities_is_what_the_documentation_says() -> None:
    for count, expected in ((3589, 0.02), (300, 0.07)):
        errors = [expected_calibration_error(*true_probabilities(count, seed)) for seed in range(40)]
        assert np.mean(errors) == pytest.approx(expected, abs=0.003)


def test_log_loss_is_the_mean_over_images_and_classifiers() -> None:
    labels, first = true_probabilities(50)
    second = true_probabilities(50, seed=1)[1]
    by_hand = [
        -np.log(float(probabilities[row, labels[row]])) for probabilities in (first, second) for row in range(50)
    ]
    assert log_loss(labels, first) == pytest.approx(np.mean(by_hand[:50]))
    assert log_loss(labels, np.stack([first, second])) == pytest.approx(np.mean(by_hand))
    assert log_loss(labels, np.full((50, 7), 1 / 7)) == pytest.approx(np.log(7))


@pytest.mark.parametrize("temperature", [0.4, 1.0, 2.5])
def test_the_temperature_that_was_taken_away_is_found(temperature: float) -> None:
    labels, probabilities = true_probabilities(20_000)
    changed = apply_temperature(probabilities, 1 / temperature)
    assert fit_temperature(labels, changed) == pytest.approx(temperature, rel=0.03)


def test_scaling_repairs_a_classifier_that_is_too_sure() -> None:
    labels, probabilities = true_probabilities(20_000)
    sharp = apply_temperature(probabilities, 0.4)
    repaired = apply_temperature(sharp, fit_temperature(labels, sharp))
    assert expected_calibration_error(labels, sharp) > 0.15
    assert expected_calibration_error(labels, repaired) < 0.015
    assert log_loss(labels, repaired) < log_loss(labels, sharp) - 0.1


def test_no_other_temperature_has_a_lower_loss() -> None:
    labels, probabilities = true_probabilities(300, spread=4)
    probabilities[::3] = np.eye(7, dtype=np.float32)[labels[::3]]  # probabilities of 0
    probabilities[:2] = np.eye(7, dtype=np.float32)[(labels[:2] + 1) % 7]  # even of the true class
    found = fit_temperature(labels, probabilities)
    best = log_loss(labels, apply_temperature(probabilities, found))
    others = np.exp(np.linspace(np.log(0.05), np.log(20), 400))
    losses = [
        log_loss(labels, apply_temperature(probabilities, other)) for other in [*others, found * 1.001, found / 1.001]
    ]
    assert best <= min(losses) + 1e-9
    assert 0.1 < found < 19  # not at a bound


def test_probabilities_of_zero_give_no_infinities() -> None:
    labels = np.array([0, 1, 2, 3], np.uint8)
    certain = np.eye(7, dtype=np.float32)[[0, 1, 2, 4]]
    with np.errstate(all="raise", under="ignore"):
        assert 0.05 < fit_temperature(labels, certain) <= 20
        for temperature in (0.05, 1, 20):
            assert np.isfinite(apply_temperature(certain, temperature)).all()


def test_temperatures_without_a_minimum_stay_within_bounds() -> None:
    labels = np.arange(7, dtype=np.uint8)
    probabilities = with_confidence(*[0.7] * 7)
    assert 0.05 < fit_temperature(np.full(7, 2, np.uint8), probabilities) < 0.1  # always right; the loss is soon all 0
    assert fit_temperature(np.zeros(7, np.uint8), probabilities) == pytest.approx(20, rel=1e-3)  # never
    assert fit_temperature(labels, np.full((7, 7), 1 / 7, np.float32)) == 1  # all are equally good


def test_temperature_one_changes_nothing() -> None:
    probabilities = np.concatenate([true_probabilities(500)[1], np.eye(7, dtype=np.float32)])
    np.testing.assert_allclose(apply_temperature(probabilities, 1), probabilities, rtol=1e-6, atol=1e-30)


def test_scaled_probabilities_against_powers() -> None:
    probabilities = true_probabilities(100)[1].astype(np.float64)
    powers = probabilities ** (1 / 2.5)
    expected = powers / powers.sum(axis=1, keepdims=True)
    np.testing.assert_allclose(apply_temperature(probabilities, 2.5), expected, rtol=1e-9)
    several = np.stack([probabilities, probabilities[::-1]])
    np.testing.assert_allclose(apply_temperature(several, 2.5), np.stack([expected, expected[::-1]]), rtol=1e-9)


@pytest.mark.parametrize("temperature", [0.05, 0.7, 3, 20])
def test_scaling_keeps_sums_and_predictions(temperature: float) -> None:
    probabilities = true_probabilities(2000, spread=3)[1]
    # Two classes of the least difference that float32 can tell, and two of none.
    close = np.array([0.3, np.nextafter(np.float32(0.3), np.float32(1)), *[0.08] * 5], np.float32)
    tie = np.array([0.1, 0.3, 0.3, *[0.075] * 4], np.float32)
    probabilities = np.concatenate([probabilities, [close, tie]])
    scaled = apply_temperature(probabilities, temperature)
    np.testing.assert_allclose(scaled.sum(axis=1), 1, rtol=1e-12)
    assert (scaled.argmax(axis=1) == probabilities.argmax(axis=1)).all()


def test_a_higher_temperature_is_less_sure() -> None:
    probabilities = true_probabilities(50)[1]
    confidence = [apply_temperature(probabilities, temperature).max(axis=1) for temperature in (0.5, 1, 2, 4)]
    assert (np.diff(confidence, axis=0) < 0).all()


@pytest.mark.parametrize("temperature", [0, -1, np.nan, np.inf])
def test_what_is_no_temperature_is_refused(temperature: float) -> None:
    with pytest.raises(ValueError, match="temperature above 0"):
        apply_temperature(true_probabilities(3)[1], temperature)


@pytest.mark.parametrize(
    "function", [check_probabilities, reliability, expected_calibration_error, log_loss, fit_temperature]
)
def test_what_is_no_probability_is_refused(function: Callable[[Labels, Any], object]) -> None:
    labels, probabilities = true_probabilities(5)
    function(labels, probabilities)
    for wrong_labels, wrong in (
        (labels[:0], probabilities[:0]),
        (labels[:4], probabilities),
        (labels, probabilities[0]),
        (labels[:, None], probabilities),
    ):
        with pytest.raises(ValueError, match="expected labels"):
            function(wrong_labels, wrong)
    with pytest.raises(ValueError, match="a label is no class"):
        function(np.full(5, 7, np.uint8), probabilities)
    for value in (-0.1, np.nan, np.inf):
        wrong = probabilities.copy()
        wrong[4, 2] = value
        with pytest.raises(ValueError, match="negative or not finite"):
            function(labels, wrong)
    with pytest.raises(ValueError, match="sum to 1"):
        function(labels, probabilities * np.float32(1.01))


@pytest.mark.parametrize("function", [reliability, expected_calibration_error, fit_temperature])
def test_one_classifier_at_a_time(function: Callable[[Labels, Any], object]) -> None:
    labels, probabilities = true_probabilities(5)
    with pytest.raises(ValueError, match="of one classifier"):
        function(labels, probabilities[None])


def test_no_bins_are_refused() -> None:
    with pytest.raises(ValueError, match="at least 1 bin"):
        reliability(*true_probabilities(5), bins=0)
