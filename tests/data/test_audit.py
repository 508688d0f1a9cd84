"""What is wrong with a data set is counted as one counts it by hand."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import numpy as np

from pipeline.data.audit import audit, conflicts, no_face
from pipeline.data.expressions import CLASSES, SPLITS, VOTES, Expressions, contrast
from pipeline.data.twins import Twins

ANGRY, HAPPY, SAD, NEUTRAL = 0, 3, 4, 6
NO_FACE = VOTES.index("NF")

# Split, label, group of copies, group of twins, as numbers in order of appearance.
ROWS = [
    ("Training", ANGRY, 0, 0),  # 0: group 0 is three copies in two splits, two labels, and two near twins
    ("Training", HAPPY, 0, 0),
    ("Training", HAPPY, 1, 1),  # 2: group 1 is a copy in each split, all happy
    ("Training", SAD, 2, 2),  # 3: group 2 are copies within Training, all sad
    ("Training", SAD, 2, 2),
    ("Training", NEUTRAL, 3, 3),  # 5: alone
    ("PublicTest", HAPPY, 1, 1),
    ("PublicTest", ANGRY, 4, 0),  # 7: a near twin of row 0
    ("PublicTest", NEUTRAL, 5, 4),  # 8: group 4 is a near twin in PrivateTest, of the same label
    ("PrivateTest", ANGRY, 0, 0),
    ("PrivateTest", HAPPY, 1, 1),
    ("PrivateTest", NEUTRAL, 6, 4),
    ("PrivateTest", SAD, 7, 5),  # 12: group 5 are copies within PrivateTest, of two labels
    ("PrivateTest", HAPPY, 7, 5),
    ("PrivateTest", HAPPY, 8, 0),  # 14: a near twin of row 0
]


def example() -> tuple[Expressions, Twins]:
    split, labels, copies, twins = zip(*ROWS, strict=True)
    images = np.random.default_rng(0).integers(0, 256, (len(ROWS), 48, 48)).astype(np.uint8)
    images[5] = 7
    images[12:14] = 200
    images[7, :, :24], images[7, :, 24:] = 100, 107  # a standard deviation of 3.5
    images[8, :, :24], images[8, :, 24:] = 100, 108  # and of 4
    votes = np.zeros((len(ROWS), 10), np.uint8)
    votes[:, 0] = 10
    votes[[3, 9, 13], 0], votes[[3, 9, 13], NO_FACE] = 4, 6
    expressions = Expressions(images, np.array(labels, np.uint8), votes, np.array(split), np.array(split) == "Training")
    return expressions, Twins(np.array(copies, np.int32), np.array(twins, np.int32))


def per_split(*counts: int) -> dict[str, int]:
    return dict(zip(SPLITS, counts, strict=True))


def count(**changes: Any) -> dict[str, Any]:
    """The audit of the example, with other arrays in it."""
    expressions, twins = example()
    return audit(replace(expressions, **changes), twins)


def test_counts_images_and_classes() -> None:
    counted = count()
    assert counted["images"] == per_split(6, 3, 6)
    nobody = dict.fromkeys(CLASSES, 0)
    assert counted["classes"] == {
        "Training": nobody | {"angry": 1, "happy": 2, "sad": 2, "neutral": 1},
        "PublicTest": nobody | {"happy": 1, "angry": 1, "neutral": 1},
        "PrivateTest": nobody | {"angry": 1, "happy": 3, "neutral": 1, "sad": 1},
    }


def test_counts_groups_of_copies() -> None:
    assert count()["copies"] == {
        "groups": 4,  # 0, 1, 2 and 7
        "rows": 3 + 3 + 2 + 2,
        "largest": 3,
        "groups_within": per_split(1, 0, 1),
        "groups_across": {
            "Training+PublicTest": 0,
            "Training+PrivateTest": 1,
            "PublicTest+PrivateTest": 0,
            "Training+PublicTest+PrivateTest": 1,
        },
        "rows_per_split": per_split(5, 1, 4),
        "conflicting_groups": 2,
        "conflicting_rows": 3 + 2,
        "test_rows_known": 2,
        "test_rows_known_with_other_label": 1,
    }


def test_counts_groups_of_twins() -> None:
    assert count()["twins"] == {
        "groups": 5,  # 0, 1, 2, 4 and 5
        "rows": 5 + 3 + 2 + 2 + 2,
        "largest": 5,
        "groups_within": per_split(1, 0, 1),
        "groups_across": {
            "Training+PublicTest": 0,
            "Training+PrivateTest": 0,
            "PublicTest+PrivateTest": 1,
            "Training+PublicTest+PrivateTest": 2,
        },
        "rows_per_split": per_split(5, 3, 6),
        "conflicting_groups": 2,
        "conflicting_rows": 5 + 2,
        "test_rows_known": 4,
        "test_rows_known_with_other_label": 2,
    }


def test_groups_in_training_and_validation_alone_are_counted_as_such() -> None:
    split = np.array([split for split, *_ in ROWS])
    split[9:] = "Training"
    counted = count(split=split)["copies"]
    assert counted["groups_within"] == per_split(3, 0, 0)
    assert {name: groups for name, groups in counted["groups_across"].items() if groups} == {"Training+PublicTest": 1}


def test_counts_constant_and_nearly_constant_images() -> None:
    counted = count()
    assert counted["constant"] == per_split(1, 0, 2)
    assert counted["nearly_constant"] == per_split(1, 1, 2)  # below 4 grey levels


def test_contrast_is_the_standard_deviation() -> None:
    images = np.random.default_rng(0).integers(0, 256, (20, 48, 48)).astype(np.uint8)
    images[0] = 255
    np.testing.assert_allclose(contrast(images), images.reshape(20, -1).std(axis=1), atol=1e-9)
    assert contrast(images)[0] == 0


def test_counts_what_most_voters_call_no_face() -> None:
    assert count()["no_face"] == per_split(1, 0, 2)


def test_without_votes_nobody_says_what_is_no_face() -> None:
    assert count(votes=np.zeros((len(ROWS), 10), np.uint8))["no_face"] is None


def test_no_face_takes_more_than_half_of_the_votes() -> None:
    votes = np.zeros((6, 10), np.uint8)
    votes[0, NO_FACE], votes[0, 0] = 5, 5
    votes[1, NO_FACE], votes[1, 0] = 6, 4
    votes[2, NO_FACE], votes[2, 0] = 3, 2
    votes[3, NO_FACE], votes[3, :5] = 4, 1  # more than any other, and less than half
    votes[4, NO_FACE], votes[4, 0] = 200, 100  # more than a byte holds
    assert no_face(votes).tolist() == [False, True, True, False, True, False]


def test_counts_what_is_left_out_of_training() -> None:
    assert count()["left_out_of_training"] == per_split(0, 0, 0)
    only = np.zeros(len(ROWS), np.bool_)
    only[:2] = True
    assert count(for_training=only)["left_out_of_training"] == per_split(4, 0, 0)


def test_conflicts_are_groups_whose_labels_are_not_all_the_same() -> None:
    groups = np.array([0, 1, 0, 2, 1, 3, 3, 3], np.int32)
    labels = np.array([5, 6, 5, 0, 2, 1, 1, 4], np.uint8)
    assert conflicts(groups, labels).tolist() == [False, True, False, False, True, True, True, True]


def test_a_data_set_without_twins_has_none() -> None:
    expressions, _ = example()
    alone = np.arange(len(ROWS), dtype=np.int32)
    counted = audit(expressions, Twins(alone, alone))["twins"]
    assert counted.pop("largest") == 1
    assert {value for value in counted.values() if isinstance(value, int)} == {0}
    assert {groups for counts in counted.values() if isinstance(counts, dict) for groups in counts.values()} == {0}


def test_it_is_ready_for_json() -> None:
    assert json.loads(json.dumps(count(), allow_nan=False)) == count()
