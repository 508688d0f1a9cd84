"""Predictions come back as they were saved, and any other table is refused."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sample_sets import CLASSES

from pipeline.common.files import InputError
from pipeline.evaluation.predictions import TYPES, Predictions

PROBABILITIES = [f"p_{name}" for name in CLASSES]
COLUMNS = [*TYPES, *PROBABILITIES]

SAVED = Predictions(
    classes=CLASSES,
    row=np.arange(3, dtype=np.int32),
    role=np.array(["train", "validation", "test"]),
    fold=np.full(3, -1, np.int32),
    twins=np.array([0, 1, 0], np.int32),
    groups=np.array([3, 4, 3], np.int32),
    unique=np.array([False, True, False]),
    labels=np.array([0, 6, 3], np.uint8),
    fell_back=np.array([False, True, False]),
    probabilities=np.random.default_rng(0).dirichlet(np.ones(7), 3).astype(np.float32),
)


def arrays(predictions: Predictions) -> dict[str, Any]:
    return {name: array for name, array in vars(predictions).items() if name != "classes"}


def refuse(path: Path) -> str:
    with pytest.raises(InputError) as caught:
        Predictions.load(path)
    message = str(caught.value)
    assert "\n" not in message
    assert message.startswith(f"{path}: ")
    return message


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "cell/predictions.parquet"
    SAVED.save(path)
    return path


def test_every_row_comes_back(path: Path) -> None:
    loaded = Predictions.load(path)
    assert loaded.classes == CLASSES
    for name, array in arrays(SAVED).items():
        np.testing.assert_array_equal(getattr(loaded, name), array)
        assert getattr(loaded, name).dtype == array.dtype
    assert [path.name for path in path.parent.iterdir()] == ["predictions.parquet"]


def test_any_tool_reads_the_table(path: Path) -> None:
    table = pd.read_parquet(path)
    assert list(table.columns) == COLUMNS
    assert table["row"].tolist() == [0, 1, 2]
    assert table["role"].tolist() == SAVED.role.tolist()
    assert table["twin"].tolist() == SAVED.twins.tolist()
    assert table["label"].tolist() == SAVED.labels.tolist()
    assert table["predicted"].tolist() == SAVED.probabilities.argmax(1).tolist()
    np.testing.assert_array_equal(table[PROBABILITIES].to_numpy(), SAVED.probabilities)


def test_the_same_predictions_are_the_same_bytes(path: Path) -> None:
    before = path.read_bytes()
    SAVED.save(path)
    assert path.read_bytes() == before


def test_a_folder_of_that_name_is_refused(path: Path) -> None:
    path.rename(path.with_name("part"))
    path.mkdir()
    path.with_name("part").rename(path / "part.parquet")
    assert "is a folder" in refuse(path)


def test_the_names_of_its_folders_mean_nothing(tmp_path: Path) -> None:
    path = tmp_path / "row=7/role=train/predictions.parquet"
    SAVED.save(path)
    assert Predictions.load(path).role.tolist() == SAVED.role.tolist()


def twice() -> Predictions:
    """Rows 0 and 2 are tested in one fold and validated in another; row 1 only trains."""
    order = [0, 1, 2, 0, 2]
    rows = {name: array[order] for name, array in arrays(SAVED).items()}
    roles = np.array(["test", "train", "test", "validation", "validation"])
    return replace(SAVED, **rows | {"role": roles, "fold": np.array([0, -1, 1, 1, 0], np.int32)})


def test_in_folds_a_row_is_tested_and_validated(path: Path) -> None:
    twice().save(path)
    loaded = Predictions.load(path)
    assert loaded.row.tolist() == [0, 1, 2, 0, 2]
    assert loaded.fold.tolist() == [0, -1, 1, 1, 0]


@pytest.mark.parametrize(
    ("column", "values", "says"),
    [
        ("row", [0, 1, 2, 2, 0], "row 4 is numbered otherwise"),
        ("row", [0, 1, 2, 2, 2], "row 4 is numbered otherwise"),
        ("row", [0, 2, 1, 0, 2], "row 1 is numbered otherwise"),
        ("row", [0, 1, 2, -1, 2], "row 3 is numbered otherwise"),
        ("role", ["test", "train", "test", "test", "validation"], "row 3 stands twice and is not of validation"),
    ],
)
def test_what_stands_twice_stands_behind_and_is_of_validation(
    path: Path, column: str, values: list[Any], says: str
) -> None:
    twice().save(path)
    pd.read_parquet(path).assign(**{column: values}).to_parquet(path)
    assert says in refuse(path)


def test_a_missing_table_is_named(tmp_path: Path) -> None:
    assert refuse(tmp_path / "x.parquet").endswith("missing; run `dvc repro` to make it")


@pytest.mark.parametrize("content", [b"", b"row,split\n", b"PAR1PAR1"])
def test_something_else_is_refused(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    assert refuse(path).endswith("; delete it and run `dvc repro`")


def test_a_truncated_table_is_refused(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-20])
    assert "no table of predictions" in refuse(path)


@pytest.mark.parametrize("column", TYPES)
def test_a_table_without_one_of_its_columns_is_refused(path: Path, column: str) -> None:
    pd.read_parquet(path).drop(columns=column).to_parquet(path)
    assert column in refuse(path)


def test_a_table_without_probabilities_is_refused(path: Path) -> None:
    pd.read_parquet(path).drop(columns=PROBABILITIES[1:]).to_parquet(path)
    assert "has the probabilities of 1 classes" in refuse(path)


@pytest.mark.parametrize("classes", [("no", "yes"), tuple("abcdefgh")])
def test_there_may_be_any_number_of_classes(tmp_path: Path, classes: tuple[str, ...]) -> None:
    probabilities = np.random.default_rng(0).dirichlet(np.ones(len(classes)), 3).astype(np.float32)
    labels = np.array([0, 1, 1], np.uint8)
    replace(SAVED, classes=classes, labels=labels, probabilities=probabilities).save(tmp_path / "a.parquet")
    loaded = Predictions.load(tmp_path / "a.parquet")
    assert loaded.classes == classes
    np.testing.assert_array_equal(loaded.probabilities, probabilities)


def test_a_table_of_an_earlier_version_is_told_as_such(path: Path) -> None:
    pd.read_parquet(path).rename(columns={"role": "split"}).drop(columns="fell_back").to_parquet(path)
    assert "of an earlier version (see CHANGELOG.md); delete it and run `dvc repro`" in refuse(path)


def test_a_table_without_rows_is_refused(path: Path) -> None:
    pd.read_parquet(path).iloc[:0].to_parquet(path)
    assert "holds no rows; delete it and run `dvc repro`" in refuse(path)


@pytest.mark.parametrize(
    ("column", "value", "says"),
    [
        ("row", 2, "row 1 is numbered otherwise"),
        ("role", "testing", "row 1 has a role that is not one of train, validation, test, unused, outside"),
        ("label", 7, "row 1 has a label outside 0 to 6"),
        ("label", -1, "row 1 has a label outside 0 to 6"),
        ("p_fear", np.nan, "row 1 has a probability that is negative or no number"),
        ("p_fear", -0.1, "row 1 has a probability that is negative or no number"),
        ("p_fear", 1.5, "row 1 has probabilities that do not sum to 1"),
        ("p_fear", np.inf, "row 1 has a probability that is negative or no number"),
        ("p_fear", None, "row 1 has a probability that is negative or no number"),
        ("twin", -1, "row 1 has a negative twin group"),
        ("group", -1, "row 1 has a negative group"),
        ("fold", -2, "row 1 has a negative fold"),
    ],
)
def test_a_row_that_no_classifier_can_have_given_is_refused(path: Path, column: str, value: Any, says: str) -> None:
    table = pd.read_parquet(path)
    values = table[column].tolist()
    values[1] = value
    table.assign(**{column: values}).to_parquet(path)
    assert says in refuse(path)


@pytest.mark.parametrize("column", ["row", "role", "fold", "twin", "group", "unique", "label", "fell_back"])
def test_a_missing_entry_is_refused(path: Path, column: str) -> None:
    table = pd.read_parquet(path)
    table[column] = table[column].astype(object)
    table.loc[1, column] = None
    table.to_parquet(path)
    assert f"no table of predictions (Casting field '{column}' with null values" in refuse(path)


@pytest.mark.parametrize(
    ("column", "values"),
    [
        ("label", ["angry", "neutral", "happy"]),
        ("label", [0, 6, 2.5]),
        ("twin", [0, 1, 2**40]),
        ("role", [0, 1, 2]),
        ("p_fear", ["some", "more", "much"]),
    ],
)
def test_a_column_of_another_kind_is_refused(path: Path, column: str, values: list[Any]) -> None:
    pd.read_parquet(path).assign(**{column: values}).to_parquet(path)
    assert refuse(path).endswith("; delete it and run `dvc repro`")


def test_numbers_that_another_tool_wrote_wider_are_read(path: Path) -> None:
    table = pd.read_parquet(path)
    table[["row", "label"]] = table[["row", "label"]].astype(float)
    table[PROBABILITIES] = table[PROBABILITIES].astype(float)
    table[["role", *table.columns.drop("role")]].to_parquet(path)
    for name, array in arrays(SAVED).items():
        np.testing.assert_array_equal(getattr(Predictions.load(path), name), array)


def test_sums_may_be_off_by_rounding(path: Path) -> None:
    nearly = SAVED.probabilities * np.array([[1.0009], [0.9991], [1]], np.float32)
    replace(SAVED, probabilities=nearly).save(path)
    np.testing.assert_array_equal(Predictions.load(path).probabilities, nearly)
    for factor in (1.002, 0.998):
        replace(SAVED, probabilities=SAVED.probabilities * np.array([[1], [1], [factor]], np.float32)).save(path)
        assert "row 2 has probabilities that do not sum to 1" in refuse(path)


def test_of_equally_probable_classes_the_first_is_predicted(path: Path) -> None:
    equal = np.zeros((3, 7), np.float32)
    equal[:, [2, 5]] = 0.5
    replace(SAVED, probabilities=equal).save(path)
    assert pd.read_parquet(path)["predicted"].tolist() == [2, 2, 2]
    Predictions.load(path)


def test_it_is_written_whole_or_not_at_all(path: Path) -> None:
    before = path.read_bytes()
    with pytest.raises(ValueError, match="length"):
        replace(SAVED, twins=SAVED.twins[:2]).save(path)
    assert path.read_bytes() == before
    assert [path.name for path in path.parent.iterdir()] == ["predictions.parquet"]


def test_a_prediction_that_is_not_the_most_probable_class_is_refused(path: Path) -> None:
    table = pd.read_parquet(path)
    table["predicted"] = (table["predicted"] + 1) % 7
    table.to_parquet(path)
    assert "row 0 predicts another class than the most probable one" in refuse(path)
