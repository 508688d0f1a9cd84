"""A data set of any kind comes back as it was saved, its images unread; what cannot be a data set is one line."""

from __future__ import annotations

import json
import pickle
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pytest
from sample_sets import expression_set, refused

from pipeline.data import expressions as module
from pipeline.data.expressions import About, Expressions, save_images

VOTES = {"joy": "happy", "delight": "happy", "grief": "sad", "nothing": None}
SAVED = replace(
    expression_set(12, side=5, votes=VOTES, subjects=["", "Ann", "José"] * 4),
    about=expression_set(12, votes=VOTES).about.model_copy(update={"no_face": "nothing"}),
)
REMEDY = "; delete its folder and run `dvc repro`"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "expressions"
    SAVED.save(folder)
    return folder


def check_same(found: Expressions, expected: Expressions) -> None:
    assert found.about == expected.about
    for name in ("images", "labels", "votes", "split", "subject"):
        np.testing.assert_array_equal(getattr(found, name), getattr(expected, name))
        assert getattr(found, name).dtype.kind == getattr(expected, name).dtype.kind
    assert [array.dtype.name for array in (found.images, found.labels, found.votes)] == ["uint8", "uint8", "uint16"]


def refuse(folder: Path, name: str) -> str:
    """What is said of this file of the data set, with the remedy taken away."""
    message = refused(Expressions.load, folder)
    assert message.startswith(f"{folder / name}: ")
    assert message.endswith(REMEDY)
    return message.removeprefix(f"{folder / name}: ").removesuffix(REMEDY)


def change_about(folder: Path, **changes: Any) -> None:
    path = folder / "about.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))


def change_rows(folder: Path, **columns: Any) -> None:
    path = folder / "rows.parquet"
    pd.read_parquet(path).assign(**columns).to_parquet(path)


# What is saved is loaded


@pytest.mark.parametrize(
    "expressions",
    [
        SAVED,
        expression_set(12, side=64, channels=3, votes=VOTES),
        expression_set(5, side=1, classes=("calm", "not calm"), splits={}),
        expression_set(9, side=33, channels=3, classes=[f"class {code}" for code in range(256)]),
        expression_set(6, classes=("a; b", 'c"d', "e\nf", "ü")),
    ],
)
def test_saved_is_loaded(tmp_path: Path, expressions: Expressions) -> None:
    expressions.save(tmp_path / "set")
    check_same(Expressions.load(tmp_path / "set"), expressions)


def test_a_data_set_is_three_files_and_the_same_one_the_same_bytes(folder: Path) -> None:
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    assert sorted(before) == ["about.json", "images.npy", "rows.parquet"]
    Expressions.load(folder).save(folder)
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before


def test_any_tool_reads_and_writes_a_data_set(folder: Path) -> None:
    table = pd.read_parquet(folder / "rows.parquet")
    assert list(table.columns) == ["label", "split", "subject", *(f"votes_{name}" for name in VOTES)]
    table["label"] = table["label"].astype("int64")
    table["split"] = table["split"].astype("category")
    table["votes_grief"] = table["votes_grief"].astype(float)
    table["note"] = "mine"
    table[table.columns[::-1]].to_parquet(folder / "rows.parquet", row_group_size=5)
    np.save(folder / "images.npy", np.asfortranarray(SAVED.images))
    (folder / "notes.txt").write_text("mine")
    check_same(Expressions.load(folder), SAVED)


def test_a_data_set_is_written_whole_or_not_at_all(folder: Path) -> None:
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    with pytest.raises(ValueError, match="length"):
        replace(SAVED, labels=SAVED.labels[:3]).save(folder)
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before
    assert [path.name for path in folder.parent.iterdir()] == ["expressions"]


def test_images_are_mapped_and_may_be_written_to_in_memory_alone(folder: Path) -> None:
    before = (folder / "images.npy").read_bytes()
    images = Expressions.load(folder).images
    assert isinstance(images.base, np.memmap)
    assert type(images) is np.ndarray
    images[:] = 0  # or torch would not take them
    assert (folder / "images.npy").read_bytes() == before
    assert Expressions.load(folder).images.any()


def test_images_are_read_when_they_are_used_and_not_before(folder: Path) -> None:
    images = Expressions.load(folder).images
    with (folder / "images.npy").open("r+b") as file:
        file.seek(-1, 2)
        file.write(bytes([images[-1, -1, -1] ^ 255]))
    assert images[-1, -1, -1] == SAVED.images[-1, -1, -1] ^ 255


def test_side_and_channels_are_those_of_the_images() -> None:
    grey, colour = expression_set(4, side=7), expression_set(4, side=9, channels=3)
    assert (len(grey), grey.side, grey.channels) == (4, 7, 1)
    assert (len(colour), colour.side, colour.channels) == (4, 9, 3)


def test_images_are_saved_block_by_block(tmp_path: Path) -> None:
    images = expression_set(7, side=4, channels=3).images
    save_images(tmp_path, [images[:3], images[3:4], images[4:]], images.shape)
    np.testing.assert_array_equal(np.load(tmp_path / "images.npy"), images)


@pytest.mark.parametrize("blocks", [[5], [5, 1], [5, 3], []])
def test_too_many_or_too_few_images_are_not_saved(tmp_path: Path, blocks: list[int]) -> None:
    with pytest.raises(ValueError, match="images instead of 7|broadcast"):
        save_images(tmp_path, [np.zeros((count, 4, 4), np.uint8) for count in blocks], (7, 4, 4))


# Votes


def test_votes_for_one_class_add_up_and_those_for_none_are_left_out() -> None:
    joy, delight, grief, _ = SAVED.votes.T
    found = SAVED.class_votes
    assert (found.shape, found.dtype.name) == ((12, 7), "uint16")
    assert found[:, SAVED.about.classes.index("happy")].tolist() == (joy + delight).tolist()
    assert found[:, SAVED.about.classes.index("sad")].tolist() == grief.tolist()
    assert found.sum() == joy.sum() + delight.sum() + grief.sum()


@pytest.mark.parametrize("classes", [("calm", "tense"), tuple("abcdefgh")])
def test_without_choices_no_class_has_votes(classes: tuple[str, ...]) -> None:
    expressions = expression_set(5, side=4, classes=classes)
    assert expressions.votes.shape == (5, 0)
    assert expressions.class_votes.tolist() == [[0] * len(classes)] * 5


# Images that cannot be


def test_a_missing_file_is_named(folder: Path) -> None:
    for name in ("images.npy", "rows.parquet", "about.json"):
        (folder / name).unlink()
        assert refuse(folder, name) == "missing"
        (folder / name).mkdir()
        if name != "about.json":
            assert "is a folder" in refuse(folder, name)
        (folder / name).rmdir()
        SAVED.save(folder)


@pytest.mark.parametrize("kept", [0, 5, 50, 128, -1])
def test_images_that_are_cut_short_are_refused(folder: Path, kept: int) -> None:
    path = folder / "images.npy"
    path.write_bytes(path.read_bytes()[:kept])
    assert refuse(folder, "images.npy").startswith("no array of images (")


class Trap:
    """An object that says so when it is made from a pickle."""

    sprung = False

    def __reduce__(self) -> tuple[Callable[..., object], tuple[object, ...]]:
        return setattr, (Trap, "sprung", True)


def write_objects(path: Path) -> None:
    np.save(path, np.array([Trap()] * 12, object), allow_pickle=True)


def write_pickle(path: Path) -> None:
    path.write_bytes(pickle.dumps(Trap()))


def write_archive(path: Path) -> None:
    with path.open("wb") as file:
        np.savez(file, images=SAVED.images)


def write_broken_header(path: Path) -> None:
    path.write_bytes(path.read_bytes().replace(b"}", b"(", 1))


def write_negative_header(path: Path) -> None:
    path.write_bytes(path.read_bytes().replace(b"(12, 5, 5)", b"(12,-5,-5)", 1))


def write_huge_header(path: Path) -> None:
    path.write_bytes(path.read_bytes().replace(b"(12, 5, 5), }" + b" " * 20, b"(%d, 5, 5), }" % (1 << 70), 1))


@pytest.mark.parametrize(
    "write",
    [write_objects, write_pickle, write_archive, write_broken_header, write_negative_header, write_huge_header],
)
def test_what_is_no_array_of_numbers_is_refused_and_not_unpickled(folder: Path, write: Callable[[Path], None]) -> None:
    before = (folder / "images.npy").read_bytes()
    write(folder / "images.npy")
    assert (folder / "images.npy").read_bytes() != before
    assert refuse(folder, "images.npy").startswith("no array of images (")
    assert not Trap.sprung


@pytest.mark.parametrize(
    "images",
    [
        np.zeros((12, 5, 5), np.float32),
        np.zeros((12, 5, 5), np.int8),
        np.zeros((12, 5, 5), [("red", "u1")]),
        np.zeros((12, 5, 6), np.uint8),
        np.zeros((12, 5, 5, 1), np.uint8),
        np.zeros((12, 5, 5, 4), np.uint8),
        np.zeros((12, 5, 5, 3, 3), np.uint8),
        np.zeros((12, 25), np.uint8),
        np.zeros((12, 0, 0), np.uint8),
        np.zeros((), np.uint8),
    ],
)
def test_images_that_are_not_square_grey_or_colour_bytes_are_refused(folder: Path, images: npt.NDArray[Any]) -> None:
    np.save(folder / "images.npy", images)
    said = refuse(folder, "images.npy")
    assert said == f"is {images.dtype} {images.shape}, not uint8 (images, side, side) or (images, side, side, 3)"


# Rows that cannot be


@pytest.mark.parametrize("count", [0, 11, 13])
def test_as_many_rows_as_images(folder: Path, count: int) -> None:
    np.save(folder / "images.npy", np.zeros((count, 5, 5), np.uint8))
    assert refuse(folder, "rows.parquet") == f"has 12 rows for {count} images"


def test_a_data_set_without_rows_is_refused(folder: Path) -> None:
    np.save(folder / "images.npy", np.zeros((0, 5, 5), np.uint8))
    pd.read_parquet(folder / "rows.parquet").iloc[:0].to_parquet(folder / "rows.parquet")
    assert refuse(folder, "rows.parquet") == "holds no rows"


def test_a_label_that_is_no_class_is_refused(folder: Path) -> None:
    change_rows(folder, label=[0] * 11 + [7])
    assert refuse(folder, "rows.parquet") == "has a label that is not below 7, the number of classes"


@pytest.mark.parametrize("split", ["fourth", "First", "train", " "])
def test_a_split_that_is_not_named_is_refused(folder: Path, split: str) -> None:
    change_rows(folder, split=["first"] * 11 + [split])
    assert refuse(folder, "rows.parquet") == "has a split that about.json does not name"


def test_a_row_may_be_in_no_split(folder: Path) -> None:
    change_rows(folder, split=["first", ""] * 6)
    assert Expressions.load(folder).split.tolist() == ["first", ""] * 6


@pytest.mark.parametrize("column", ["label", "split", "subject", "votes_grief"])
def test_a_missing_column_or_entry_is_refused(folder: Path, column: str) -> None:
    table = pd.read_parquet(folder / "rows.parquet")
    table.drop(columns=column).to_parquet(folder / "rows.parquet")
    assert column in refuse(folder, "rows.parquet")
    table[column] = table[column].astype(object)
    table.loc[1, column] = None
    table.to_parquet(folder / "rows.parquet")
    assert f"Casting field '{column}' with null values" in refuse(folder, "rows.parquet")


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("label", "happy"),
        ("label", -1),
        ("label", 256),
        ("label", 2.5),
        ("split", b"\xff"),
        ("subject", b"\xff"),
        ("votes_joy", -1),
        ("votes_joy", 65_536),
        ("votes_joy", np.nan),
        ("votes_joy", [1, 2]),
    ],
)
def test_a_column_of_another_kind_is_refused(folder: Path, column: str, value: Any) -> None:
    change_rows(folder, **{column: [value] * 12})
    assert refuse(folder, "rows.parquet").startswith("no table of an expression data set (")


@pytest.mark.parametrize("content", [b"", b"label,split\n", b"PAR1PAR1"])
def test_another_file_in_place_of_the_table_is_refused(folder: Path, content: bytes) -> None:
    (folder / "rows.parquet").write_bytes(content)
    assert refuse(folder, "rows.parquet").startswith("no table of an expression data set (")


def test_text_that_is_no_text_is_refused(folder: Path) -> None:
    path = folder / "rows.parquet"
    content = path.read_bytes()
    assert content.count("José".encode()) > 0
    path.write_bytes(content.replace("José".encode(), b"Jos\xff\xff"))
    assert refuse(folder, "rows.parquet").startswith("no table of an expression data set (")


# What about.json cannot say


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"classes": ["happy", "sad", "happy"]}, "classes: a name stands twice"),
        ({"classes": ["happy", "sad", " "]}, "classes: a name is empty"),
        ({"classes": ["happy"]}, "classes: Tuple should have at least 2 items after validation, not 1"),
        ({"classes": [f"{code}" for code in range(257)]}, "classes: Tuple should have at most 256 items"),
        ({"classes": [0, 1]}, "classes.0: Input should be a valid string"),
        ({"classes": None}, "classes: Input should be"),
        ({"votes": {"joy": "glad"}}, "votes: name a class that classes does not have"),
        ({"votes": ["joy"]}, "votes: Input should be"),
        ({"no_face": "nobody"}, "no_face: is not among votes"),
        ({"splits": {"first": "training"}}, "splits.first: Input should be 'train', 'validation', 'test' or 'unused'"),
        ({"name": None}, "name: Input should be"),
    ],
)
def test_names_that_do_not_fit_together_are_refused(folder: Path, changes: dict[str, Any], says: str) -> None:
    change_about(folder, **changes)
    assert refuse(folder, "about.json").startswith(says)


@pytest.mark.parametrize("content", ["", "[]", "{}", "\xff"])
def test_another_file_in_place_of_about_json_is_refused(folder: Path, content: str) -> None:
    (folder / "about.json").write_text(content, encoding="latin-1")
    assert refuse(folder, "about.json")


def test_only_name_and_classes_have_to_be_said(folder: Path) -> None:
    (folder / "about.json").write_text('{"name": "small", "classes": ["a", "b", "c", "d", "e", "f", "g"], "more": 1}')
    change_rows(folder, split=[""] * 12)
    found = Expressions.load(folder)
    assert found.about == About(name="small", classes=tuple("abcdefg"))
    assert found.votes.shape == (12, 0)


def test_the_remedy_is_the_readers(folder: Path) -> None:
    (folder / "images.npy").unlink()
    assert refused(module.load, folder, {}, "draw it anew") == f"{folder / 'images.npy'}: missing; draw it anew"
