"""Every score is measured on the rows its protocol names, and on no others."""

import numpy as np
import pytest

from pipeline.common.files import InputError
from pipeline.data.protocols import PROTOCOLS, PURPOSES, PURPOSES_IN_FOLDS, rows
from pipeline.data.roles import OUTSIDE, ROLES
from pipeline.data.twin_search import find_twins

ROLE = np.array(["train", "test", "validation", "train", "test", "test", "test", "unused", "test"])
# The test images: 1 is a twin of a training image, 4 of a validation image, and 8 of one that is not used; 5 and 6 are
# twins of each other alone.
TWINS = np.array([0, 0, 1, 2, 1, 3, 3, 4, 4], np.int32)


@pytest.mark.parametrize(
    ("protocol", "expected"),
    [
        ("validation", [2]),
        ("test", [1, 4, 5, 6, 8]),
        ("test_unique", [5, 6]),
        ("as_reported", [0, 1, 3, 4, 5, 6, 7, 8]),
    ],
)
def test_rows(protocol: str, expected: list[int]) -> None:
    found = rows(ROLE, TWINS, protocol)
    assert found.dtype == np.bool_
    assert np.flatnonzero(found).tolist() == expected


def test_test_shares_no_row_with_what_training_and_choosing_use() -> None:
    chosen_on = rows(ROLE, TWINS, "validation") | (ROLE == "train")
    assert not (rows(ROLE, TWINS, "test") & chosen_on).any()


def test_test_unique_shares_no_image_identical_or_nearly_so_with_what_training_and_choosing_use() -> None:
    """Test images: a copy and a near twin of a training image, a near twin of a validation image, and one alone."""
    across, down = np.meshgrid(np.linspace(0, 1, 48), np.linspace(0, 1, 48))
    one, two, three = (120 + 90 * np.sin(9 * wave) for wave in (across, down, across * down))
    images = np.stack([one, one, 0.9 * one + 8, two, two[:, ::-1] + 4, three]).round().astype(np.uint8)
    role = np.array(["train", "test", "test", "validation", "test", "test"])
    twins = find_twins(images, 0.94)
    assert np.flatnonzero(rows(role, twins.twins, "test_unique")).tolist() == [5]
    assert np.flatnonzero(rows(role, twins.copies, "test_unique")).tolist() == [2, 4, 5]


def test_test_unique_without_any_row_says_what_to_change() -> None:
    message = r"^params\.yaml: twins\.min_correlation: leaves no image for test_unique; raise it and run `dvc repro`$"
    with pytest.raises(InputError, match=message):
        rows(ROLE, np.zeros(len(ROLE), np.int32), "test_unique")
    assert rows(ROLE, np.zeros(len(ROLE), np.int32), "test").sum() == 5


def test_a_twin_that_is_only_tested_on_is_known_to_nobody() -> None:
    role = np.array(["train", "validation", "unused", "test", "outside", "outside", "outside", "outside", "outside"])
    twins = np.array([0, 1, 2, 3, 0, 1, 2, 3, 4], np.int32)
    assert np.flatnonzero(rows(role, twins, OUTSIDE)).tolist() == [7, 8]
    assert np.flatnonzero(rows(role, twins, "test_unique")).tolist() == [3]
    assert not rows(role, np.zeros(9, np.int32), OUTSIDE).any()


def test_every_protocol_scores_roles_and_says_what_it_is_for() -> None:
    assert PROTOCOLS.keys() == PURPOSES.keys() >= PURPOSES_IN_FOLDS.keys()
    assert {role for roles in PROTOCOLS.values() for role in roles} == {*ROLES, OUTSIDE}


def test_unknown_protocol_is_named() -> None:
    with pytest.raises(ValueError, match="'tset'; there are validation, validation_unique, test"):
        rows(ROLE, TWINS, "tset")
