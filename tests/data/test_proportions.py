"""What a split does to the proportions of the classes, and what it takes apart."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from sample_sets import expression_set

from pipeline.data.proportions import proportions
from pipeline.data.roles import Roles

SET = replace(
    expression_set(8, side=4, classes=("calm", "happy"), splits={}, subjects=["a", "a", "b", "b", "c", "c", "", ""]),
    labels=np.array([0, 0, 0, 1, 1, 1, 0, 1], np.uint8),
)
TWINS = np.array([0, 1, 1, 2, 3, 3, 4, 0], np.int32)


def test_by_role() -> None:
    role = np.array(["train", "train", "train", "train", "validation", "test", "test", "unused"])
    found = proportions(SET, TWINS, Roles(role, role == "validation"))
    assert found["parts"] == {
        "train": {"calm": 3, "happy": 1},
        "validation": {"calm": 0, "happy": 1},
        "test": {"calm": 1, "happy": 1},
    }
    assert found["loss"] == pytest.approx(100 * 4 / 7)  # all of validation are happy, of all three sevenths
    assert (found["part"], found["class"]) == ("validation", "calm")
    assert found["twins_apart"] == 1  # 3; of 0 one row is unused
    assert found["subjects_apart"] == 1  # c


def test_by_fold() -> None:
    tested = np.array([0, 0, 1, 1, 2, 2, 0, 1])
    by_fold = np.where(tested == np.arange(3)[:, None], "test", "train")
    none = np.zeros(8, np.bool_)
    found = proportions(SET, TWINS, Roles(np.full(8, "test"), none, tuple(Roles(role, none) for role in by_fold)))
    assert list(found["parts"]) == ["fold 0", "fold 1", "fold 2"]
    assert found["parts"]["fold 1"] == {"calm": 1, "happy": 2}
    assert found["loss"] == pytest.approx(50)
    assert found["twins_apart"] == 2  # 0 and 1
    assert found["subjects_apart"] == 0
