"""What is wrong with a data set is counted as one counts it by hand."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from pipeline.data.audit import audit, conflicts, no_face
from pipeline.data.expressions import About, Expressions
from pipeline.data.roles import Roles
from pipeline.data.twins import Twins

ABOUT = About(
    name="example",
    classes=("angry", "disgust", "happy", "sad", "neutral"),
    votes={"neutral": "neutral", "happiness": "happy", "contempt": None, "nobody": None},
    no_face="nobody",
    splits={"first": "train", "second": "validation", "third": "test", "fourth": "unused"},
)
ANGRY, HAPPY, SAD, NEUTRAL = 0, 2, 3, 4
NO_FACE = 3

# Role, label, group of copies, group of twins, as numbers in order of appearance.
ROWS = [
    ("train", ANGRY, 0, 0),  # 0: group 0 is three copies in two roles, two labels, and two near twins
    ("train", HAPPY, 0, 0),
    ("train", HAPPY, 1, 1),  # 2: group 1 is a copy in each role, all happy
    ("train", SAD, 2, 2),  # 3: group 2 are copies within train, all sad
    ("train", SAD, 2, 2),
    ("train", NEUTRAL, 3, 3),  # 5: alone
    ("validation", HAPPY, 1, 1),
    ("validation", ANGRY, 4, 0),  # 7: a near twin of row 0
    ("validation", NEUTRAL, 5, 4),  # 8: group 4 is a near twin in test, of the same label
    ("test", ANGRY, 0, 0),
    ("test", HAPPY, 1, 1),
    ("test", NEUTRAL, 6, 4),
    ("test", SAD, 7, 5),  # 12: group 5 are copies within test, of two labels
    ("test", HAPPY, 7, 5),
    ("test", HAPPY, 8, 0),  # 14: a near twin of row 0
]


def example() -> tuple[Expressions, npt.NDArray[np.str_], Twins]:
    role, labels, copies, twins = zip(*ROWS, strict=True)
    images = np.random.default_rng(0).integers(0, 256, (len(ROWS), 48, 48)).astype(np.uint8)
    images[5] = 7
    images[12:14] = 200
    images[7, :, :24], images[7, :, 24:] = 100, 107  # a standard deviation of 3.5
    images[8, :, :24], images[8, :, 24:] = 100, 108  # and of 4
    votes = np.zeros((len(ROWS), 4), np.uint16)
    votes[:, 0] = 10
    votes[[3, 9, 13], 0], votes[[3, 9, 13], NO_FACE] = 4, 6
    split = np.array(["first"] * 6 + ["second"] * 3 + ["third"] * 6)
    nobody = np.full(len(ROWS), "")
    expressions = Expressions(ABOUT, images, np.array(labels, np.uint8), votes, split, nobody)
    return expressions, np.array(role), Twins(np.array(copies, np.int32), np.array(twins, np.int32))


def per_role(*counts: int) -> dict[str, int]:
    return dict(zip(("train", "validation", "test"), counts, strict=True))


def of_one(role: npt.NDArray[np.str_]) -> Roles:
    """Of a single training."""
    return Roles(role, role == "validation")


def test_in_folds_what_is_elsewhere_is_so_while_a_fold_is_tested() -> None:
    """Twins in the first two rows are in two folds, and so is the person of rows 2 and 3."""
    expressions, _, _ = example()
    turns = (
        ["test", "validation", "train"] * 5,
        ["train", "test", "validation"] * 5,
        ["validation", "train", "test"] * 5,
    )
    folds = tuple(of_one(np.array(turn)) for turn in turns)
    people = np.array(["", "", "ann", "ann", *[""] * 9, "ben", "cat"])
    twins = np.arange(len(ROWS), dtype=np.int32)
    twins[1] = 0
    roles = Roles(np.full(len(ROWS), "test"), np.zeros(len(ROWS), np.bool_), folds)
    counted = audit(replace(expressions, subject=people), roles, Twins(twins, twins))
    assert counted["images"] == {"test": len(ROWS)}
    assert counted["twins"]["test_rows_known"] == 2
    assert counted["subjects"] == {"known": 3, "rows": 4, "in_several_roles": 1}


def count(role: npt.NDArray[np.str_] | None = None, **changes: Any) -> dict[str, Any]:
    """The audit of the example, with other roles or other arrays in it."""
    expressions, its_own, twins = example()
    return audit(replace(expressions, **changes), of_one(its_own if role is None else role), twins)


def test_counts_images_and_classes() -> None:
    counted = count()
    assert counted["images"] == per_role(6, 3, 6)
    nobody = dict.fromkeys(ABOUT.classes, 0)
    assert counted["classes"] == {
        "train": nobody | {"angry": 1, "happy": 2, "sad": 2, "neutral": 1},
        "validation": nobody | {"happy": 1, "angry": 1, "neutral": 1},
        "test": nobody | {"angry": 1, "happy": 3, "neutral": 1, "sad": 1},
    }


def test_counts_groups_of_copies() -> None:
    assert count()["copies"] == {
        "groups": 4,  # 0, 1, 2 and 7
        "rows": 3 + 3 + 2 + 2,
        "largest": 3,
        "groups_within": per_role(1, 0, 1),
        "groups_across": {
            "train+validation": 0,
            "train+test": 1,
            "validation+test": 0,
            "train+validation+test": 1,
        },
        "rows_per_role": per_role(5, 1, 4),
        "conflicting_groups": 2,
        "conflicting_rows": 3 + 2,
        "test_rows_known": 2,
        "test_rows_known_with_other_label": 1,
        "outside_rows_known": 0,
    }


def test_counts_groups_of_twins() -> None:
    assert count()["twins"] == {
        "groups": 5,  # 0, 1, 2, 4 and 5
        "rows": 5 + 3 + 2 + 2 + 2,
        "largest": 5,
        "groups_within": per_role(1, 0, 1),
        "groups_across": {
            "train+validation": 0,
            "train+test": 0,
            "validation+test": 1,
            "train+validation+test": 2,
        },
        "rows_per_role": per_role(5, 3, 6),
        "conflicting_groups": 2,
        "conflicting_rows": 5 + 2,
        "test_rows_known": 4,
        "test_rows_known_with_other_label": 2,
        "outside_rows_known": 0,
    }


def test_outside_images_are_counted_and_know_what_is_not_only_tested_on() -> None:
    role = np.array([role for role, *_ in ROWS])
    role[[6, 7, 8, 13]] = "outside"  # 6 has copies in train and test, 7 a twin in train, 8 and 13 twins in test alone
    role[5] = "validation"
    counted = count(role)
    assert counted["images"] == {"train": 5, "validation": 1, "test": 5, "outside": 4}
    assert counted["classes"]["outside"]["happy"] == 2
    assert counted["twins"]["groups_across"]["test+outside"] == 2  # groups 4 and 5
    assert (counted["copies"]["outside_rows_known"], counted["twins"]["outside_rows_known"]) == (1, 2)
    # Row 11 lost its twin in validation to the outside set, and rows 9, 10 and 14 have others in train.
    assert (counted["copies"]["test_rows_known"], counted["twins"]["test_rows_known"]) == (2, 3)


def test_a_person_of_an_outside_set_is_nobody_of_the_data_set() -> None:
    role = np.array([role for role, *_ in ROWS])
    role[12:] = "outside"
    people = np.array(["ann" if row in (0, 12) else "" for row in range(len(ROWS))])
    assert count(role, subject=people)["subjects"]["in_several_roles"] == 0


def test_groups_in_training_and_validation_alone_are_counted_as_such() -> None:
    role = np.array([role for role, *_ in ROWS])
    role[9:12], role[14] = "train", "train"
    counted = count(role)["copies"]
    assert counted["groups_within"] == per_role(2, 0, 1)
    assert {name: groups for name, groups in counted["groups_across"].items() if groups} == {"train+validation": 1}


def test_a_role_without_an_image_is_left_out_and_one_with_some_is_not() -> None:
    role = np.array([role for role, *_ in ROWS])
    role[[0, 1]] = "unused"
    counted = count(role)
    assert counted["images"] == {"train": 4, "validation": 3, "test": 6, "unused": 2}
    assert counted["classes"]["unused"] == dict.fromkeys(ABOUT.classes, 0) | {"angry": 1, "happy": 1}
    assert counted["twins"]["groups_across"]["validation+test+unused"] == 1  # group 0, of which none is in train now
    role[role == "validation"] = "train"
    assert "validation" not in str(count(role))


def test_published_splits_are_counted_whatever_their_images_are_for() -> None:
    role = np.array(["test"] * len(ROWS))
    assert count(role)["published"] == {"first": 6, "second": 3, "third": 6, "fourth": 0}
    unpublished = ABOUT.model_copy(update={"splits": {}})
    assert count(about=unpublished, split=np.full(len(ROWS), ""))["published"] == {}


def test_counts_constant_and_nearly_constant_images() -> None:
    counted = count()
    assert counted["constant"] == per_role(1, 0, 2)
    assert counted["nearly_constant"] == per_role(1, 1, 2)  # below 4 grey levels


def test_counts_what_most_voters_call_no_face() -> None:
    assert count()["no_face"] == per_role(1, 0, 2)


def test_without_votes_nobody_says_what_is_no_face() -> None:
    about = About(name="example", classes=ABOUT.classes)
    without: dict[str, Any] = {"about": about, "votes": np.zeros((len(ROWS), 0), np.uint16)}
    assert count(**without)["no_face"] is None
    assert not no_face(replace(example()[0], **without)).any()


def test_no_face_takes_more_than_half_of_the_votes() -> None:
    votes = np.zeros((6, 4), np.uint16)
    votes[0, NO_FACE], votes[0, 0] = 5, 5
    votes[1, NO_FACE], votes[1, 0] = 6, 4
    votes[2, NO_FACE], votes[2, 0] = 3, 2
    votes[3, NO_FACE], votes[3, :3] = 4, 2  # more than any other, and less than half
    votes[4, NO_FACE], votes[4, 0] = 60_000, 30_000  # more than two bytes hold
    assert no_face(replace(example()[0], votes=votes)).tolist() == [False, True, True, False, True, False]


def test_counts_subjects_and_those_in_several_roles() -> None:
    assert count()["subjects"] == {"known": 0, "rows": 0, "in_several_roles": 0}
    subject = np.full(len(ROWS), "", "U4")
    subject[[0, 2]] = "ann"  # in train alone
    subject[[3, 6, 9]] = "bob"  # in each
    subject[[7, 10]] = "carl"  # in validation and test
    assert count(subject=subject)["subjects"] == {"known": 3, "rows": 7, "in_several_roles": 2}
    role = np.array([role for role, *_ in ROWS])
    role[10] = "unused"
    assert count(role, subject=subject)["subjects"] == {"known": 3, "rows": 7, "in_several_roles": 1}


def test_colour_images_are_counted_by_their_grey_levels() -> None:
    grey = example()[0].images
    colour = np.stack([grey] * 3, axis=-1)
    assert count(images=colour) == count()


def test_conflicts_are_groups_whose_labels_are_not_all_the_same() -> None:
    groups = np.array([0, 1, 0, 2, 1, 3, 3, 3], np.int32)
    labels = np.array([5, 6, 5, 0, 2, 1, 1, 4], np.uint8)
    assert conflicts(groups, labels).tolist() == [False, True, False, False, True, True, True, True]


def test_a_data_set_without_twins_has_none() -> None:
    expressions, role, _ = example()
    alone = np.arange(len(ROWS), dtype=np.int32)
    counted = audit(expressions, of_one(role), Twins(alone, alone))["twins"]
    assert counted.pop("largest") == 1
    assert {value for value in counted.values() if isinstance(value, int)} == {0}
    assert {groups for counts in counted.values() if isinstance(counts, dict) for groups in counts.values()} == {0}


def test_it_is_ready_for_json() -> None:
    assert json.loads(json.dumps(count(), allow_nan=False)) == count()
