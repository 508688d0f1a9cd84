"""Tests of trained classifiers, against scipy and values worked by hand."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt
import pytest
from scipy import stats

from pipeline.evaluation.significance import holm, mcnemar

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
