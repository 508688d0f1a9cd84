"""The expected error is what the uncertainty was worth before, and it is tested against scikit-learn."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from sklearn.metrics import roc_auc_score

from pipeline.common.files import InputError
from pipeline.faces import trust
from pipeline.faces.errors import nme
from pipeline.faces.hard_faces import HardFaces
from pipeline.faces.points import COUNT
from pipeline.faces.trust import BAD, LOST, Trust, TrustTest, learn

CURVE = Trust("xception", np.array([0.1, 0.2, 0.4]), np.array([0.02, 0.04, 0.3]))


def uncertainties(count: int = 4000) -> npt.NDArray[np.float32]:
    return np.random.default_rng(0).uniform(0, 1, count).astype(np.float32)


def relation(uncertainty: npt.NDArray[np.float32]) -> npt.NDArray[np.float64]:
    return 0.02 + 0.3 * uncertainty.astype(np.float64) ** 2


def as_float32(*values: float) -> npt.NDArray[np.float32]:
    return np.array(values, np.float32)


# The curve


def test_a_known_relation_is_found_again_in_noise() -> None:
    uncertainty = uncertainties()
    error = relation(uncertainty) * np.random.default_rng(1).gamma(4, 1 / 4, len(uncertainty))
    curve = learn("dlib", uncertainty, error)
    assert curve.provider == "dlib"
    asked = np.linspace(0.05, 0.95, 50).astype(np.float32)
    np.testing.assert_allclose(curve.expected_error(asked), relation(asked), rtol=0.25)
    exact = learn("dlib", uncertainty, relation(uncertainty))
    np.testing.assert_allclose(exact.expected_error(asked), relation(asked), atol=0.002)


def test_more_doubt_never_promises_less_error() -> None:
    uncertainty = uncertainties(300)
    error = 0.1 + 0.2 * uncertainty + 0.05 * np.sin(12 * uncertainty.astype(np.float64))
    curve = learn("xception", uncertainty, error)
    assert (np.diff(curve.uncertainty) > 0).all()
    assert (np.diff(curve.error) >= 0).all()
    assert np.ptp(curve.error) > 0.05
    assert curve.expected_error(uncertainty).mean() == pytest.approx(error.mean(), abs=0.02)


def test_the_curve_goes_through_means_where_the_order_is_wrong() -> None:
    """Few faces: each is a group of its own."""
    curve = learn("xception", as_float32(3, 1, 4, 2), np.array([0.2, 0.1, 0.4, 0.3]))
    np.testing.assert_allclose(curve.uncertainty, [1, 2.5, 4])
    np.testing.assert_allclose(curve.error, [0.1, 0.25, 0.4])


def test_the_order_of_the_faces_does_not_matter() -> None:
    uncertainty, order = uncertainties(500), np.random.default_rng(2).permutation(500)
    one, other = (
        learn("a", uncertainty, relation(uncertainty)),
        learn("a", uncertainty[order], relation(uncertainty)[order]),
    )
    np.testing.assert_array_equal(one.uncertainty, other.uncertainty)
    np.testing.assert_allclose(one.error, other.error)


def test_faces_that_are_lost_and_images_without_a_face_count_alike() -> None:
    uncertainty = np.repeat(as_float32(0.1, 0.9), 400)
    error = np.where(uncertainty < 0.5, 0.05, np.inf)
    error[uncertainty > 0.5] = np.where(np.arange(400) % 2, np.inf, 7.0)
    curve = learn("xception", uncertainty, error)
    np.testing.assert_allclose(curve.expected_error(as_float32(0.1, 0.9)), [0.05, LOST], atol=1e-6)


def test_between_its_points_the_curve_is_straight_and_beyond_them_level() -> None:
    asked = as_float32(0, 0.1, 0.15, 0.3, 0.4, 9, np.inf)
    found = CURVE.expected_error(asked)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, [0.02, 0.02, 0.03, 0.17, 0.3, 0.3, 0.3], rtol=1e-5)


def test_a_curve_comes_back_from_its_file(tmp_path: Path) -> None:
    path = tmp_path / "models/trust.json"
    curve = learn("face_alignment", uncertainties(300), relation(uncertainties(300)))
    curve.save(path)
    again = Trust.load(path, "face_alignment")
    assert again.provider == "face_alignment"
    np.testing.assert_array_equal(again.uncertainty, curve.uncertainty)
    np.testing.assert_array_equal(again.error, curve.error)


@pytest.mark.parametrize(
    "content",
    [
        "",
        "[]",
        "{}",
        '{"provider": "xception", "uncertainty": [1, 2]}',
        '{"provider": "xception", "uncertainty": ["low", "high"], "error": [1, 2]}',
        '{"provider": "xception", "uncertainty": [1, 2], "error": [1]}',
        '{"provider": "xception", "uncertainty": [], "error": []}',
        '{"provider": "xception", "uncertainty": 1, "error": 1}',
    ],
)
def test_a_damaged_curve_is_refused(tmp_path: Path, content: str) -> None:
    path = tmp_path / "trust.json"
    path.write_text(content)
    with pytest.raises(InputError, match="delete it and run `dvc repro`"):
        Trust.load(path, "xception")


def test_a_missing_curve_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"trust\.json: missing; run `dvc repro`"):
        Trust.load(tmp_path / "trust.json", "xception")


# Applied


def test_images_that_show_nothing_are_never_trusted() -> None:
    images = np.random.default_rng(0).integers(0, 256, (4, 48, 48)).astype(np.uint8)
    images[1] = 0
    images[2] = 130 + images[3] // 64  # a little noise
    expected = trust.expected_error(images, as_float32(0.1, 0.1, 0.2, 0.2), CURVE)
    assert expected.dtype == np.float32
    np.testing.assert_allclose(expected, [0.02, np.inf, np.inf, 0.04], rtol=1e-5)


def test_true_errors_are_the_nme_and_infinite_without_a_face() -> None:
    true = np.random.default_rng(0).uniform(0, 48, (4, COUNT, 2)).astype(np.float32)
    found = true + np.random.default_rng(1).normal(0, 2, true.shape).astype(np.float32)
    true[2] = np.nan
    found[3, 5] = np.nan  # missed
    hard = HardFaces(np.zeros((4, 48, 48), np.uint8), true, np.array(["plain"] * 4))
    errors = trust.true_errors(hard, found)
    np.testing.assert_allclose(errors[:2], nme(found[:2], true[:2]))
    assert np.isinf(errors).tolist() == [False, False, True, True]


# Tested


def random_test(count: int = 300) -> TrustTest:
    rng = np.random.default_rng(4)
    error = rng.gamma(2, 0.04, count)
    expected = (error * rng.gamma(3, 1 / 3, count)).astype(np.float32)
    error[::10] = np.inf
    return TrustTest(expected, error, np.where(np.isinf(error), "pattern", "plain"))


def test_scores_on_numbers_that_can_be_counted() -> None:
    test = TrustTest(
        expected=as_float32(0.01, 0.09, 0.02, 0.07, 0.3, 0.01),
        error=np.array([0.02, 0.07, 0.2, 0.09, np.inf, np.inf]),
        kind=np.array(["plain", "plain", "plain", "blurred", "pattern", "pattern"]),
    )
    scores = test.scores(0.08)
    # Bad ones are expected at .02, .07, .3 and .01, good ones at .01 and .09: of 8 pairs 4 and a half are in order.
    assert scores == {
        "n": 6,
        "limit": BAD,
        "bad": 4,
        "auc": pytest.approx(4.5 / 8),
        "caught": 1 / 4,
        "lost": 1 / 2,
        "kinds": {
            "plain": {"n": 3, "median_error": pytest.approx(0.07), "sorted_out": pytest.approx(1 / 3)},
            "blurred": {"n": 1, "median_error": pytest.approx(0.09), "sorted_out": 0.0},
            "pattern": {"n": 2, "median_error": None, "sorted_out": 0.5},
        },
    }


def test_the_area_is_that_of_scikit_learn() -> None:
    test = random_test()
    scores = test.scores(0.1)
    bad = test.error > BAD
    assert scores["auc"] == pytest.approx(roc_auc_score(bad, test.expected))
    assert 0.5 < scores["auc"] < 1
    assert scores["bad"] == bad.sum()
    assert scores["caught"] == pytest.approx((bad & (test.expected > 0.1)).sum() / bad.sum())
    assert scores["lost"] == pytest.approx((~bad & (test.expected > 0.1)).sum() / (~bad).sum())
    assert json.loads(json.dumps(scores, allow_nan=False)) == scores


@pytest.mark.parametrize("error", [0.01, np.inf])
def test_there_is_no_area_where_all_are_good_or_all_are_bad(error: float) -> None:
    scores = TrustTest(as_float32(0.1, 0.01), np.full(2, error), np.array(["plain"] * 2)).scores(0.05)
    assert scores["auc"] is None
    assert (scores["caught"], scores["lost"]) == ((None, 0.5) if error < BAD else (0.5, None))


def test_images_that_show_nothing_are_scored_too() -> None:
    """What is expected of them is infinite: a corner of a photograph may be of one colour."""
    test = TrustTest(as_float32(0.01, np.inf, 0.02, 0.3), np.array([0.02, np.inf, 0.01, 0.1]), np.array(["plain"] * 4))
    scores = test.scores(0.08)
    assert (scores["auc"], scores["caught"], scores["lost"]) == (1, 1, 0)


def test_a_curve_of_another_detector_is_refused(tmp_path: Path) -> None:
    CURVE.save(tmp_path / "trust.json")
    with pytest.raises(InputError, match=r"learnt for the points of xception, but landmarks.provider is dlib; run"):
        Trust.load(tmp_path / "trust.json", "dlib")


@pytest.mark.parametrize("error", [[-0.1, 0.2], [0.3, 0.2], [0.1, 0.9]])
def test_errors_that_cannot_be_are_refused(tmp_path: Path, error: list[float]) -> None:
    path = tmp_path / "trust.json"
    path.write_text(json.dumps({"provider": "xception", "uncertainty": [0.0, 1.0], "error": error}))
    with pytest.raises(InputError, match="no curve of trust; delete it and run `dvc repro`"):
        Trust.load(path, "xception")
