"""What an image is for: as published, or drawn so that classes keep their shares and groups stay together."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import pytest
from sample_sets import expression_set, refused

from pipeline.common.arrays import save_arrays
from pipeline.data.expressions import Expressions, Role
from pipeline.data.roles import ROLES, Roles, Shares, assign_roles, joined, read_split

Group = Literal["none", "twins", "subject", "both"]
Groups = npt.NDArray[np.int32]


def alone(count: int) -> Groups:
    return np.arange(count, dtype=np.int32)


def shares(*values: float, group: Group = "none", seed: int = 0) -> Shares:
    return Shares.model_validate({"shares": values or (0.6, 0.2, 0.2), "group": group, "seed": seed})


def counts(role: npt.NDArray[np.str_]) -> list[int]:
    return [int((role == name).sum()) for name in ROLES]


# The published split


def test_a_published_split_is_taken_as_it_comes() -> None:
    expressions = expression_set(6, side=4, splits={"big": "train", "b": "validation", "eval": "test"})
    found = assign_roles(expressions, alone(6), "official", True)
    assert found.role.tolist() == ["train", "train", "validation", "validation", "test", "test"]


def test_several_splits_may_be_for_one_role_and_those_for_none_and_rows_in_none_are_unused() -> None:
    splits = {"a": "train", "b": "test", "c": "unused", "d": "validation", "e": "train"}
    expressions = expression_set(5, side=4, splits=splits)  # type: ignore[arg-type]
    expressions = replace(expressions, split=np.array(["e", "b", "c", "d", "a"]))
    assert assign_roles(expressions, alone(5), "official", True).role.tolist() == [
        "train", "test", "unused", "validation", "train",
    ]  # fmt: skip
    expressions = replace(expressions, split=np.array(["e", "b", "", "d", ""]))
    assert assign_roles(expressions, alone(5), "official", True).role.tolist() == [
        "train", "test", "unused", "validation", "unused",
    ]  # fmt: skip


def test_without_a_published_split_it_says_what_to_set_instead() -> None:
    said = refused(assign_roles, expression_set(6, side=4, splits={}), alone(6), "official", True)
    assert said == (
        "params.yaml: split: sample comes without a split of its own; "
        "set split to {shares: [0.6, 0.2, 0.2], group: both}, for example"
    )
    rule = read_split({"shares": [0.6, 0.2, 0.2], "group": "both"})
    assert assign_roles(expression_set(50, side=4, splits={}), alone(50), rule, True)


@pytest.mark.parametrize(
    ("splits", "absent"),
    [
        ({"a": "train", "b": "test"}, "validation"),
        ({"a": "train", "b": "unused"}, "validation or test"),
        ({"a": "unused", "b": "unused"}, "train or validation or test"),
        ({"a": "validation", "b": "test"}, "train"),
    ],
)
def test_a_published_split_without_a_role_is_refused(splits: dict[str, Any], absent: str) -> None:
    said = refused(assign_roles, expression_set(8, side=4, splits=splits), alone(8), "official", True)
    assert said == f"params.yaml: split: leaves no image for {absent}; choose another split"


# Training without what is known of validation and test

TWINS = np.array([0, 1, 2, 3, 3, 1, 2, 4, 2], np.int32)  # of three rows in each role


def test_training_images_with_a_twin_in_validation_or_test_are_unused_if_asked_for() -> None:
    expressions = expression_set(9, side=4)
    with_twins, without = (assign_roles(expressions, TWINS, "official", train_on) for train_on in (True, False))
    assert with_twins.role.tolist() == ["train"] * 3 + ["validation"] * 3 + ["test"] * 3
    assert without.role.tolist() == ["train", "unused", "unused"] + ["validation"] * 3 + ["test"] * 3


def test_if_every_training_image_has_such_a_twin_it_says_what_to_change() -> None:
    twins = np.array([0, 1, 2] * 3, np.int32)
    said = refused(assign_roles, expression_set(9, side=4), twins, "official", False)
    assert said == "params.yaml: split: leaves no image for train; set twins.train_on to true"


# A drawn split


def crowd(count: int = 600, classes: int = 7) -> tuple[Expressions, Groups]:
    """Classes of very different sizes, up to five images a person, and a fifth of the images are pairs of twins."""
    rng = np.random.default_rng(0)
    names = [f"class {code}" for code in range(classes)]
    odds = np.linspace(1, 4, classes)
    person = rng.permutation(count) // 5  # of every third it is not known who it is
    expressions = expression_set(
        count, side=4, classes=names, splits={}, subjects=[f"person {n}" if n % 3 else "" for n in person]
    )
    labels = rng.choice(classes, count, p=odds / odds.sum()).astype(np.uint8)
    twins = np.arange(count, dtype=np.int32)
    first, second = rng.permutation(count)[: count // 5].reshape(2, -1)
    twins[second] = twins[first]
    return replace(expressions, labels=labels), np.unique(twins, return_inverse=True)[1].astype(np.int32)


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("group", ["none", "twins", "subject", "both"])
@pytest.mark.parametrize(("classes", "parts"), [(2, (0.8, 0.1, 0.1)), (7, (0.6, 0.2, 0.2)), (8, (0.5, 0.2, 0.3))])
def test_a_drawn_split_has_the_shares_in_all_and_in_every_class(
    classes: int, parts: tuple[float, ...], group: Group
) -> None:
    expressions, twins = crowd(classes=classes)
    found = assign_roles(expressions, twins, shares(*parts, group=group), True)
    np.testing.assert_allclose(counts(found.role), 600 * np.array([*parts, 0]), atol=25)
    for code in range(classes):
        of_class = found.role[expressions.labels == code]
        np.testing.assert_allclose(counts(of_class), len(of_class) * np.array([*parts, 0]), atol=12)


def straddling(groups: npt.NDArray[Any], role: npt.NDArray[np.str_]) -> int:
    """How many groups are in more than one role."""
    return len(np.unique(np.stack([groups.astype(str), role]), axis=1).T) - len(np.unique(groups))


@pytest.mark.parametrize("group", ["none", "twins", "subject", "both"])
def test_a_drawn_split_keeps_together_what_it_was_asked_to(group: Group) -> None:
    expressions, twins = crowd()
    role = assign_roles(expressions, twins, shares(group=group), True).role
    known = expressions.subject != ""
    assert (straddling(twins, role) == 0) == (group in ("twins", "both"))
    assert (straddling(expressions.subject[known], role[known]) == 0) == (group in ("subject", "both"))


def test_a_drawn_split_follows_from_the_seed() -> None:
    expressions, twins = crowd()
    for group in ("none", "both"):
        one, again, other = (assign_roles(expressions, twins, shares(group=group, seed=n), True) for n in (3, 3, 4))
        assert one.role.tolist() == again.role.tolist()
        assert (one.role != other.role).sum() > 100


def test_a_published_split_does_not_matter_if_one_is_drawn() -> None:
    expressions = expression_set(70, side=4)
    unpublished = expression_set(70, side=4, splits={})
    one, other = (assign_roles(each, alone(70), shares(), True) for each in (expressions, unpublished))
    assert one.role.tolist() == other.role.tolist()


def test_twins_across_a_drawn_split_are_left_out_of_training_if_asked_for() -> None:
    expressions, twins = crowd()
    with_twins, without = (assign_roles(expressions, twins, shares(), train_on).role for train_on in (True, False))
    elsewhere = np.isin(twins, twins[np.isin(with_twins, ["validation", "test"])])
    expected = np.where((with_twins == "train") & elsewhere, "unused", with_twins)
    assert without.tolist() == expected.tolist()
    assert "unused" in without


@pytest.mark.parametrize(
    ("count", "rule"),
    [
        (2, shares()),  # fewer than the parts
        (20, shares(0.9, 0.05, 0.05)),  # no class has twenty images
        (40, shares(0.98, 0.01, 0.01)),  # less than can be drawn
    ],
)
def test_shares_that_are_too_small_for_the_images_are_refused(count: int, rule: Shares) -> None:
    said = refused(assign_roles, expression_set(count, side=4), alone(count), rule, True)
    assert said.startswith("params.yaml: split: cannot be drawn (")
    assert said.endswith("); take larger shares")


@pytest.mark.filterwarnings("error")
def test_a_class_with_fewer_images_than_parts_is_in_some_of_them() -> None:
    expressions = expression_set(100, side=4, classes=("often", "seldom"), splits={})
    labels = (np.arange(100) >= 98).astype(np.uint8)
    role = assign_roles(replace(expressions, labels=labels), alone(100), shares(), True).role
    np.testing.assert_allclose(counts(role), [60, 20, 20, 0], atol=1)


@pytest.mark.parametrize("group", ["subject", "both"])
def test_one_person_cannot_be_split(group: Group) -> None:
    expressions = expression_set(40, side=4, subjects=["ann"] * 40)
    assert refused(assign_roles, expressions, alone(40), shares(group=group), True).startswith("params.yaml: split: ")
    assert assign_roles(expressions, alone(40), shares(group="twins"), True)


# Groups


def parts(groups: npt.NDArray[np.int64]) -> set[frozenset[int]]:
    return {frozenset(np.flatnonzero(groups == group).tolist()) for group in np.unique(groups)}


@pytest.mark.parametrize(
    ("group", "expected"),
    [
        ("none", [{0}, {1}, {2}, {3}, {4}, {5}, {6}]),
        ("twins", [{0, 1}, {2}, {3}, {4, 5}, {6}]),
        ("subject", [{0}, {1, 2, 3}, {4}, {5}, {6}]),
        ("both", [{0, 1, 2, 3}, {4, 5}, {6}]),
    ],
)
def test_who_has_no_name_is_a_person_of_their_own(group: Group, expected: list[set[int]]) -> None:
    subject = np.array(["bob", "ann", "ann", "ann", "", "", ""])
    twins = np.array([0, 0, 1, 2, 3, 3, 4], np.int32)
    assert parts(joined(subject, twins, group)) == {frozenset(part) for part in expected}


# Settings


def test_a_rule_is_official_or_shares() -> None:
    assert read_split("official") == "official"
    assert read_split({"shares": [0.6, 0.2, 0.2]}) == Shares(shares=(0.6, 0.2, 0.2), group="none", seed=0)
    assert read_split({"shares": [0.7, 0.1, 0.2], "group": "twins", "seed": 3}) == shares(
        0.7, 0.1, 0.2, group="twins", seed=3
    )


@pytest.mark.parametrize(
    ("value", "says"),
    [
        ("published", "must be official, "),
        (None, "must be official, "),
        (["official"], "must be official, "),
        ({}, "Field required"),
        ({"shares": [0.6, 0.2, 0.1]}, "must have shares whose sum is 1"),
        ({"shares": [0.6, 0.4]}, "shares"),
        ({"shares": [0.6, 0.4, 0.0]}, "greater than 0"),
        ({"shares": [1.0, 0.1, -0.1]}, "less than 1"),
        ({"shares": ["0.6", 0.2, 0.2]}, "valid number"),
        ({"shares": [0.6, 0.2, 0.2], "group": "person"}, "'none', 'twins', 'subject' or 'both'"),
        ({"shares": [0.6, 0.2, 0.2], "seed": -1}, "greater than or equal to 0"),
        ({"shares": [0.6, 0.2, 0.2], "groups": "both"}, "Extra inputs are not permitted"),
    ],
)
def test_another_rule_is_refused(value: Any, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        read_split(value)


# In folds


def folds(count: int, group: Group = "none", seed: int = 0) -> Any:
    return read_split({"folds": count, "group": group, "seed": seed})


def in_turn(expressions: Expressions, twins: Groups, rule: Any, train_on_twins: bool = True) -> npt.NDArray[np.str_]:
    return np.stack([fold.role for fold in assign_roles(expressions, twins, rule, train_on_twins).folds])


@pytest.mark.parametrize("count", [3, 5])
def test_every_row_is_tested_once_and_validates_once(count: int) -> None:
    roles = assign_roles(expression_set(101, side=4, splits={}), alone(101), folds(count), True)
    assert roles.role.tolist() == ["test"] * 101
    assert [number for number, _ in roles.trainings] == list(range(count))
    by_fold = np.stack([meanwhile.role for _, meanwhile in roles.trainings])
    for name in ("test", "validation"):
        assert (by_fold == name).sum(axis=0).tolist() == [1] * 101
    sizes = (by_fold == "test").sum(axis=1)
    assert sizes.max() - sizes.min() <= 7  # a row a class
    np.testing.assert_array_equal(by_fold[1] == "test", by_fold[0] == "validation")


def test_folds_keep_classes_in_proportion() -> None:
    labels = np.repeat([0, 1, 2], (210, 60, 30)).astype(np.uint8)
    expressions = replace(expression_set(300, side=4, splits={}), labels=labels)
    for role in in_turn(expressions, alone(300), folds(5)):
        assert np.bincount(expressions.labels[role == "test"])[:3].tolist() == [42, 12, 6]


def test_folds_follow_from_rule_and_seed() -> None:
    expressions = expression_set(60, side=4, splits={})
    one, again, other = (in_turn(expressions, alone(60), folds(3, seed=seed)) for seed in (1, 1, 2))
    assert np.array_equal(one, again)
    assert not np.array_equal(one, other)


@pytest.mark.parametrize("group", ["twins", "subject", "both"])
def test_groups_are_in_one_fold(group: Group) -> None:
    rng = np.random.default_rng(0)
    subjects = [f"p{number}" for number in rng.integers(0, 60, 200)]
    twins = alone(200)
    twins[rng.choice(200, 20, replace=False)] = np.repeat(np.arange(10), 2)
    expressions = expression_set(200, side=4, splits={}, subjects=subjects)
    tested = (in_turn(expressions, twins, folds(4, group)) == "test").argmax(axis=0)
    for name, groups in (("twins", twins), ("subject", np.array(subjects))):
        if group in (name, "both"):
            assert all(len(set(tested[groups == one])) == 1 for one in set(groups.tolist()))


def test_with_as_many_folds_as_people_one_person_is_left_out_at_a_time() -> None:
    subjects = [f"p{row % 10}" for row in range(200)]
    by_fold = in_turn(expression_set(200, side=4, splits={}, subjects=subjects), alone(200), folds(10, "subject"))
    people = [set(np.array(subjects)[role == "test"]) for role in by_fold]
    assert sorted(map(len, people)) == [1] * 10
    assert len(set.union(*people)) == 10


def test_twins_of_what_a_fold_tests_are_left_out_of_its_training() -> None:
    twins = alone(60)
    twins[1] = twins[0]
    expressions = expression_set(60, side=4, splits={})
    for role in in_turn(expressions, twins, folds(3), train_on_twins=False):
        if {role[0], role[1]} & {"validation", "test"}:
            assert "train" not in {role[0], role[1]}
        assert (role == "train").sum() >= 18


def test_more_folds_than_there_are_groups_are_refused() -> None:
    expressions = expression_set(20, side=4, splits={}, subjects=["a", "b"] * 10)
    said = refused(assign_roles, expressions, alone(20), folds(4, "subject"), True)
    assert said.startswith("params.yaml: split: ")
    assert said.endswith("take fewer folds") or said.endswith("choose another split")


# The file


def test_saved_is_loaded_and_the_same_bytes(tmp_path: Path) -> None:
    roles = Roles(np.array(["train", "unused", "test", "validation"]), np.arange(4) == 3)
    roles.save(tmp_path / "one.npz")
    roles.save(tmp_path / "two.npz")
    assert (tmp_path / "one.npz").read_bytes() == (tmp_path / "two.npz").read_bytes()
    loaded = Roles.load(tmp_path / "one.npz")
    assert (loaded.role.tolist(), loaded.chooses.tolist()) == (roles.role.tolist(), roles.chooses.tolist())
    assert loaded.folds == ()
    turns = [["test", "validation", "train"], ["train", "test", "validation"], ["validation", "train", "test"]]
    folds = tuple(Roles(np.array(role), np.array(role) == "validation") for role in turns)
    Roles(np.full(3, "test"), np.zeros(3, np.bool_), folds).save(tmp_path / "folds.npz")
    found = Roles.load(tmp_path / "folds.npz").folds
    assert [fold.role.tolist() for fold in found] == turns
    assert [fold.chooses.tolist() for fold in found] == [[name == "validation" for name in role] for role in turns]


def test_another_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "roles.npz"
    assert refused(Roles.load, path) == f"{path}: missing; run `dvc repro` to make it"
    save_arrays(path, roles=np.array(["train"]))
    assert refused(Roles.load, path) == f"{path}: holds no array 'role'; delete it and run `dvc repro`"
    none = {"role_by_fold": np.empty((2, 0), "U5"), "chooses_by_fold": np.empty((2, 0), np.bool_)}
    save_arrays(path, role=np.array([0, 1]), chooses=np.zeros(2, np.bool_), **none)
    assert "array 'role' is int64" in refused(Roles.load, path)
    save_arrays(path, role=np.array(["train"]), chooses=np.zeros(1, np.bool_))
    assert refused(Roles.load, path) == f"{path}: holds no array 'role_by_fold'; delete it and run `dvc repro`"
    save_arrays(path, role=np.array(["train", "tests"]), chooses=np.zeros(2, np.bool_), **none)
    expected = f"{path}: has a role that is not one of train, validation, test, unused; delete it and run `dvc repro`"
    assert refused(Roles.load, path) == expected
    save_arrays(path, role=np.array(["train", "validation"]), chooses=np.array([True, False]), **none)
    assert refused(Roles.load, path).startswith(f"{path}: chooses by rows that are not of validation; ")


# What chooses


def split_into(names: list[str]) -> Expressions:
    splits: dict[str, Role] = {"a": "train", "b": "validation", "c": "test"}
    return replace(expression_set(len(names), side=4, splits=splits), split=np.array(names))


def test_validation_rows_with_a_twin_that_is_trained_on_do_not_choose() -> None:
    expressions = split_into(["a", "a", "b", "b", "b", "c"])
    twins = np.array([0, 1, 0, 2, 3, 3], np.int32)  # the last of validation has its twin in test
    roles = assign_roles(expressions, twins, "official", train_on_twins=True)
    assert roles.chooses.tolist() == [False, False, False, True, True, False]


def test_where_all_of_them_have_one_all_choose() -> None:
    expressions = split_into(["a", "a", "b", "b", "c"])
    roles = assign_roles(expressions, np.array([0, 1, 0, 1, 2], np.int32), "official", train_on_twins=True)
    assert roles.chooses.tolist() == [False, False, True, True, False]
