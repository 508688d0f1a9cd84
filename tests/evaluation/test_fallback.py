"""How much an image that fell back gives away, by hand and against scikit-learn."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import mutual_info_score

from pipeline.evaluation.fallback import giveaway


def test_by_hand() -> None:
    """Of class 0 half fall back, of class 1 one in four, of class 2 there is none."""
    labels = np.array([0, 0, 0, 0, 1, 1, 1, 1], np.uint8)
    fell_back = np.array([1, 1, 0, 0, 1, 0, 0, 0], np.bool_)
    found = giveaway(labels, fell_back, 3)
    np.testing.assert_allclose(found.shares, [0.5, 0.25, np.nan])
    assert found.information == pytest.approx(mutual_info_score(labels, fell_back) / np.log(2))
    assert found.accuracy == 5 / 8  # 2 of 3 that fell back, 3 of 5 that did not
    assert found.always == 0.5


def test_what_falls_back_for_no_reason_says_nothing() -> None:
    labels = np.tile(np.arange(4), 10).astype(np.uint8)
    found = giveaway(labels, np.repeat([True, False], 20), 4)
    assert found.information == pytest.approx(0, abs=1e-12)
    assert found.accuracy == found.always == 0.25


def test_what_falls_back_by_class_says_all() -> None:
    labels = np.repeat([0, 1], 8).astype(np.uint8)
    found = giveaway(labels, labels == 1, 2)
    assert (found.information, found.accuracy) == (1, 1)


@pytest.mark.parametrize("count", [0, 3])
def test_other_shapes_are_refused(count: int) -> None:
    with pytest.raises(ValueError, match=r"\(N,\)"):
        giveaway(np.zeros(count, np.uint8), np.zeros(0, np.bool_), 2)
