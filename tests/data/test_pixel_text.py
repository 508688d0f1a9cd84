"""Pixels as text: read as Python's own `int` reads them, or not at all."""

from __future__ import annotations

import numpy as np
import pytest

from pipeline.data.pixel_text import parse_rows


def test_every_pixel_at_every_place() -> None:
    rows = np.array([np.roll(np.arange(256), shift) for shift in range(256)])
    found = parse_rows([" ".join(map(str, row)).encode() for row in rows], 256)
    assert found is not None
    assert found.dtype == np.uint8
    assert np.array_equal(found, rows)


def test_blanks_around_and_leading_zeros() -> None:
    found = parse_rows([b"  1  02 ", b"003 255", b"0 0"], 2)
    assert found is not None
    assert found.tolist() == [[1, 2], [3, 255], [0, 0]]


@pytest.mark.parametrize("place", range(3))
@pytest.mark.parametrize(
    "row",
    [b"", b" ", b"1", b"1 2 3", b"1 256", b"1 260", b"1 300", b"1 999", b"1 1000", b"0001 2", b"256 1", b"1 -2"]
    + [b"1 2.5", b"1\t2", b"1,2", b"1 2\n", b"1 \xb2", b"1 \0", b"1 /", b"1 :", b"a b"],
)
def test_a_row_that_is_anything_else(row: bytes, place: int) -> None:
    rows = [b"25 5"] * 3
    assert parse_rows(rows, 2) is not None
    rows[place] = row
    assert parse_rows(rows, 2) is None


def test_one_row_may_not_lend_a_number_to_the_next() -> None:
    assert parse_rows([b"1 2 3", b"4"], 2) is None
