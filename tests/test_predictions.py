"""Predictions come back as they were saved, and any other table is refused."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from pipeline.files import InputError
from pipeline.predictions import CHANCES, COLUMNS, load_predictions, save_predictions

SPLIT = np.array(["Training", "PublicTest", "PrivateTest"])
LABELS = np.array([0, 6, 3], np.uint8)
ROWS = np.random.default_rng(0).dirichlet(np.ones(7), 3).astype(np.float32)


def refuse(path: Path) -> str:
    with pytest.raises(InputError) as caught:
        load_predictions(path)
    message = str(caught.value)
    assert "\n" not in message
    assert message.startswith(f"{path}: ")
    return message


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "cell/predictions.parquet"
    save_predictions(path, SPLIT, LABELS, ROWS)
    return path


def test_every_row_comes_back(path: Path) -> None:
    table = load_predictions(path)
    assert list(table.columns) == COLUMNS
    assert table["row"].tolist() == [0, 1, 2]
    assert table["split"].tolist() == SPLIT.tolist()
    assert table["label"].tolist() == LABELS.tolist()
    assert table["predicted"].tolist() == ROWS.argmax(1).tolist()
    np.testing.assert_array_equal(table[CHANCES].to_numpy(), ROWS)
    assert [path.name for path in path.parent.iterdir()] == ["predictions.parquet"]


def test_the_same_predictions_are_the_same_bytes(path: Path) -> None:
    before = path.read_bytes()
    save_predictions(path, SPLIT, LABELS, ROWS)
    assert path.read_bytes() == before


def test_a_missing_table_is_named(tmp_path: Path) -> None:
    assert refuse(tmp_path / "x.parquet").endswith("missing; run `dvc repro` to make it")


@pytest.mark.parametrize("content", [b"", b"row,split\n", b"PAR1PAR1"])
def test_something_else_is_refused(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    assert refuse(path).endswith("; delete it and run `dvc repro`")


def test_a_truncated_table_is_refused(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-20])
    assert "no table of predictions" in refuse(path)


@pytest.mark.parametrize("column", COLUMNS)
def test_a_table_without_one_of_its_columns_is_refused(path: Path, column: str) -> None:
    pd.read_parquet(path).drop(columns=column).to_parquet(path)
    assert column in refuse(path)
