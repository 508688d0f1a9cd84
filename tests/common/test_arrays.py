"""Rows that are too many for the memory are an array like any other."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from pipeline.common.arrays import mapped


def test_rows_come_alone_and_in_blocks_and_leave_no_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    rows = np.random.default_rng(0).integers(0, 256, (7, 5, 4), np.uint8)
    found = mapped([rows[:3], rows[3], rows[4:, ::-1][:, ::-1]], (5, 4))
    np.testing.assert_array_equal(found, rows)
    assert [*tmp_path.iterdir()] == []
    found[0] = 9  # a copy of this page; torch asks for it
    assert (found[0] == 9).all()
