"""Which answers are scored, and which of them count as one."""

from __future__ import annotations

import numpy as np
import pytest

from pipeline.data.roles import NO_FOLD, Roles, read_split
from pipeline.evaluation.answer_rows import AnswerRows, chance_groups


def roles_of(*role: list[str]) -> Roles:
    """Of one training, or of several folds in turn, of which each row is tested in one."""
    every = [Roles(np.array(each), np.array(each) == "validation") for each in role]
    if len(every) == 1:
        return every[0]
    own = ["test" if any(each[row] == "test" for each in role) else role[0][row] for row in range(len(role[0]))]
    return Roles(np.array(own), np.zeros(len(own), np.bool_), tuple(every))


TURNS = (
    ["test", "test", "validation", "validation", "train", "train", "train", "outside"],
    ["train", "train", "test", "test", "validation", "validation", "train", "outside"],
    ["validation", "validation", "train", "train", "test", "test", "unused", "outside"],
)


def test_without_folds_each_row_is_asked_of_once() -> None:
    roles = roles_of(["train", "train", "validation", "validation", "test", "test", "outside", "outside"])
    asked = AnswerRows.of(roles, np.array([0, 1, 0, 2, 2, 3, 3, 1], np.int32))
    assert asked.row.tolist() == [0, 1, 2, 3, 4, 5, 6, 7]
    assert asked.role.tolist() == roles.role.tolist()
    assert set(asked.fold.tolist()) == {NO_FOLD}
    # Rows 2 and 7 have a twin that was trained on, and row 4 one that chose; 5 and 6 are only tested on.
    assert asked.unique[2:].tolist() == [False, True, False, True, True, False]


def test_in_folds_each_row_is_asked_of_as_it_is_tested_and_as_it_is_validated() -> None:
    asked = AnswerRows.of(roles_of(*TURNS), np.arange(8, dtype=np.int32))
    assert asked.row.tolist() == [*range(8), *range(6)]
    assert asked.role.tolist() == ["test"] * 6 + ["train", "outside"] + ["validation"] * 6
    assert asked.fold.tolist() == [0, 0, 1, 1, 2, 2, NO_FOLD, NO_FOLD, 2, 2, 0, 0, 1, 1]
    assert asked.unique.all()
    for row, role, fold in zip(asked.row, asked.role, asked.fold, strict=True):
        assert fold == NO_FOLD or TURNS[fold][row] == role


def test_in_folds_a_twin_elsewhere_is_known_to_the_network_that_is_asked() -> None:
    """Rows 0 and 1 are twins in one fold; 2 and 4 in two; 5 of the row that only trains."""
    asked = AnswerRows.of(roles_of(*TURNS), np.array([0, 0, 1, 2, 1, 3, 3, 3], np.int32))
    test, validation = asked.unique[:6], asked.unique[8:]
    assert test.tolist() == [True, True, False, True, False, False]
    # Row 2 is validated while 4 trains; 4 while 2 is tested, which the network never saw; 5 while its twin trains.
    assert validation.tolist() == [True, True, False, True, True, False]
    # Row 7, from outside, is asked of all networks, and some were trained on its twins, rows 5 and 6.
    assert asked.unique[6:8].tolist() == [True, False]


PEOPLE = np.array(["a", "a", "b", "", "", "b"])
TWINS = np.array([0, 1, 2, 2, 3, 4], np.int32)


@pytest.mark.parametrize(
    ("split", "expected"),
    [
        ("official", [0, 1, 2, 2, 3, 4]),
        ({"folds": 3, "group": "none"}, [0, 1, 2, 2, 3, 4]),
        ({"folds": 3, "group": "twins"}, [0, 1, 2, 2, 3, 4]),
        ({"folds": 3, "group": "subject"}, [0, 0, 1, 1, 2, 1]),
        ({"shares": [0.6, 0.2, 0.2], "group": "both"}, [0, 0, 1, 1, 2, 1]),
    ],
)
def test_twins_count_as_one_and_people_where_the_split_keeps_them_together(split: object, expected: list[int]) -> None:
    groups = chance_groups(np.full(6, "test"), PEOPLE, TWINS, read_split(split))
    assert np.unique(groups, return_inverse=True)[1].tolist() == expected


def test_people_of_an_outside_set_count_as_one_whatever_the_split() -> None:
    role = np.array(["test", "test", "outside", "outside", "outside", "outside"])
    groups = chance_groups(role, np.array(["a", "a", "a", "b", "b", ""]), np.array([0, 1, 0, 2, 3, 4]), "official")
    assert len(set(groups[:2])) == 2
    assert groups[3] == groups[4]
    assert len(set(groups[2:])) == 3
    assert not set(groups[:2]) & set(groups[2:])
