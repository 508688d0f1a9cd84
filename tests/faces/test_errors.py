"""Errors of points against independent computations, and at their edges."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import pytest

from pipeline.faces.errors import auc, failure_rate, nme


def random_points(count: int, seed: int = 0) -> npt.NDArray[np.float32]:
    return np.random.default_rng(seed).uniform(0, 48, (count, 68, 2)).astype(np.float32)


def test_nme_is_the_mean_distance_over_the_distance_of_the_outer_eye_corners() -> None:
    true, predicted = random_points(3), random_points(3, seed=1)
    expected = []
    for face in range(3):
        distances = [float(np.hypot(*(predicted[face, point] - true[face, point]).tolist())) for point in range(68)]
        eyes = float(np.hypot(*(true[face, 45] - true[face, 36]).tolist()))  # points 46 and 37
        expected.append(sum(distances) / 68 / eyes)
    np.testing.assert_allclose(nme(predicted, true), expected, rtol=1e-5)


def test_nme_has_no_unit_and_no_place() -> None:
    true, predicted = random_points(4), random_points(4, seed=1)
    np.testing.assert_allclose(nme(3 * predicted + 7, 3 * true + 7), nme(predicted, true), rtol=1e-4)
    assert (nme(true, true) == 0).all()


def test_a_face_that_was_not_found_counts_as_a_failure() -> None:
    true = random_points(2)
    predicted = true.copy()
    predicted[1, 5, 0] = np.nan
    errors = nme(predicted, true)
    assert errors.tolist() == [0, np.inf]
    assert failure_rate(errors) == 0.5
    assert auc(errors) == 0.5


def test_nme_refuses_what_cannot_be_normalised() -> None:
    true = random_points(2)
    with pytest.raises(ValueError, match="differ in shape"):
        nme(true[:1], true)
    coinciding = true.copy()
    coinciding[0, 45] = coinciding[0, 36]
    with pytest.raises(ValueError, match="coincide"):
        nme(true, coinciding)


def test_auc_is_the_integral_of_the_cumulative_curve() -> None:
    errors = np.random.default_rng(0).gamma(4, 0.015, 200)
    x = np.linspace(0, 0.08, 100_001)
    curve = np.searchsorted(np.sort(errors), x, side="right") / len(errors)
    assert auc(errors, limit=0.08) == pytest.approx(np.trapezoid(curve, x) / 0.08, abs=1e-5)


def test_auc_and_failure_rate_at_their_ends() -> None:
    assert auc(np.zeros(3)) == 1
    assert auc(np.array([0.1, 0.2, np.inf])) == 0
    assert auc(np.array([0.05])) == pytest.approx(0.5)
    assert failure_rate(np.array([0.05, 0.1, 0.11, np.inf])) == 0.5  # at the limit is no failure


@pytest.mark.parametrize("summary", [auc, failure_rate])
@pytest.mark.parametrize("errors", [[], [0.1, np.nan], [-0.1]])
def test_no_summary_of_nothing_or_of_nonsense(
    summary: Callable[[npt.NDArray[np.float64]], float], errors: list[float]
) -> None:
    with pytest.raises(ValueError, match="error"):
        summary(np.array(errors))
