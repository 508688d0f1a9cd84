"""Every score is measured on the rows its protocol names, and on no others."""

import numpy as np
import pytest

from pipeline.expressions import SPLITS
from pipeline.protocols import PROTOCOLS, PURPOSES, rows

SPLIT = np.array(["Training", "PrivateTest", "PublicTest", "Training", "PrivateTest"])


@pytest.mark.parametrize(
    ("protocol", "expected"),
    [
        ("validation", [False, False, True, False, False]),
        ("test", [False, True, False, False, True]),
        ("as_reported", [True, True, False, True, True]),
    ],
)
def test_rows(protocol: str, expected: list[bool]) -> None:
    assert rows(SPLIT, protocol).tolist() == expected


def test_test_shares_no_row_with_what_training_and_choosing_use() -> None:
    chosen_on = rows(SPLIT, "validation") | (SPLIT == "Training")
    assert not (rows(SPLIT, "test") & chosen_on).any()


def test_every_protocol_scores_known_splits_and_says_what_it_is_for() -> None:
    assert PROTOCOLS.keys() == PURPOSES.keys()
    assert {split for splits in PROTOCOLS.values() for split in splits} <= set(SPLITS)


def test_unknown_protocol_is_named() -> None:
    with pytest.raises(ValueError, match="'tset'; there are validation, test"):
        rows(SPLIT, "tset")
