"""JAFFE, CK+ and a folder of one's own: what is published reads, and each mistake is one line with file and remedy."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from picture_files import draw, write_picture
from PIL import Image
from pydantic import ValidationError
from sample_sets import refused

from pipeline.common.files import InputError
from pipeline.data import readers
from pipeline.data.expressions import Expressions
from pipeline.data.readers import ck_plus, folder, jaffe
from pipeline.data.sources import Sources, find_sources, record_sources


def read(raw: Path, name: str, **settings: Any) -> Expressions:
    """A data set in a folder, found, recorded and read as the stages do it."""
    record_sources(raw / "sources.json", find_sources(raw, [readers.reader(name).WANTED]))
    own = readers.settings_of(name).model_validate(settings)
    return readers.read(name, Sources.load(raw / "sources.json"), own)


def refuse(raw: Path, name: str, **settings: Any) -> str:
    return refused(lambda: read(raw, name, **settings))


# JAFFE

NAMES = ["KA.AN1.39.tiff", "KA.DI2.43.tiff", "KL.FE1.174.tiff", "KL.HA3.160.tiff", "KM.NE1.1.tiff", "KM.SA1.9.tiff"]
NAMES.append("YM.SU2.59.tiff")


@pytest.fixture
def photographs(tmp_path: Path) -> Path:
    """Seven grey TIFFs, one with a palette, and what lies beside them."""
    for row, name in enumerate(NAMES):
        write_picture(tmp_path / "jaffe" / name, draw(60, 60, row), mode="P" if row == 2 else "L")
    (tmp_path / "jaffe/README").write_text("about")
    return tmp_path


def test_jaffe_has_expressions_and_people_in_its_names(photographs: Path) -> None:
    found = read(photographs, "jaffe", side=32)
    assert found.about.name == "JAFFE"
    assert [found.about.classes[label] for label in found.labels] == [
        "angry", "disgust", "fear", "happy", "neutral", "sad", "surprise",
    ]  # fmt: skip
    assert found.subject.tolist() == ["KA", "KA", "KL", "KL", "KM", "KM", "YM"]
    assert found.images.shape == (7, 32, 32)
    assert len(found.class_votes) == 7
    found.save(photographs / "saved")
    np.testing.assert_array_equal(Expressions.load(photographs / "saved").images, found.images)
    assert json.loads((photographs / "sources.json").read_text())["expressions"]["files"] == 7


@pytest.mark.parametrize("name", ["KA.XX1.39.tiff", "KA.AN1.39.png", "ka.AN1.39.tiff", "Copy of KA.AN1.39.tiff"])
def test_a_picture_that_is_not_named_as_jaffes_is_one_line(photographs: Path, name: str) -> None:
    path = write_picture(photographs / "jaffe" / name, draw(9, 9), format="PNG")
    says = f"{path}: is not named as JAFFE's pictures are (KA.AN1.39.tiff); rename or remove it"
    assert refuse(photographs, "jaffe") == says


def test_jaffe_without_an_expression_is_one_line(photographs: Path) -> None:
    path = photographs / "jaffe"
    (path / NAMES[0]).unlink()
    assert refuse(photographs, "jaffe") == f"{path}: has no picture of angry; unpack JAFFE again"
    for name in NAMES[1:]:
        (path / name).unlink()
    assert refuse(photographs, "jaffe") == f"{path}: is empty; unpack JAFFE into it"


def test_a_damaged_photograph_is_named(photographs: Path) -> None:
    path = photographs / "jaffe" / NAMES[3]
    path.write_bytes(path.read_bytes()[:200])
    assert refuse(photographs, "jaffe").startswith(f"{path}: damaged")


def test_how_much_of_jaffe_there_is_is_told(photographs: Path) -> None:
    found = read(photographs, "jaffe", side=32)
    assert jaffe.account(Sources({}), found) == ["JAFFE: 7 of 213 pictures of 4 of 10 people"]


# CK+


@pytest.fixture
def frames(tmp_path: Path) -> Path:
    for row, name in enumerate(ck_plus.CLASSES):
        for frame in (17, 18):
            path = tmp_path / f"ck_plus/{name}/S0{10 + row // 2}_00{row}_000000{frame}.png"
            write_picture(path, draw(48, 48, row), mode="L")
    return tmp_path


def test_ck_plus_has_people_in_its_names(frames: Path) -> None:
    found = read(frames, "ck_plus")
    assert found.about.classes == ("anger", "contempt", "disgust", "fear", "happy", "sadness", "surprise")
    assert found.labels.tolist() == [label for label in range(7) for _ in range(2)]
    assert found.subject.tolist() == ["S010"] * 4 + ["S011"] * 4 + ["S012"] * 4 + ["S013"] * 2
    assert found.images.shape == (14, 48, 48)
    assert ck_plus.account(Sources({}), found) == ["CK+: 14 pictures of 4 people"]
    grey = np.asarray(Image.fromarray(draw(48, 48, 3)).convert("L"))
    assert np.abs(found.images[6].astype(int) - grey).max() <= 1


def test_other_classes_names_and_sizes_than_ck_pluss_are_one_line(frames: Path) -> None:
    path = frames / "ck_plus"
    large = write_picture(path / "anger/S010_000_00000019.png", draw(49, 50), mode="L")
    assert refuse(frames, "ck_plus") == (
        f"{large}: has 50 x 49 pixels, not 48 x 48; use expressions: folder for other sizes"
    )
    strange = large.rename(large.with_name("S010-19.png"))
    assert refuse(frames, "ck_plus") == (
        f"{strange}: is not named as CK+'s pictures are (S010_004_00000017.png); rename it"
    )
    (path / "fear").rename(path / "afraid")
    assert refuse(frames, "ck_plus") == (
        f"{path / 'afraid'}: must have exactly the sub-folders anger, contempt, disgust, fear, happy, sadness, "
        "surprise; name them so"
    )


# A folder of one's own

FILES: dict[str, tuple[int, int, dict[str, Any]]] = {
    "calm/ann_1.jpg": (70, 40, {}),
    "calm/ben_1.png": (30, 30, {"mode": "L"}),
    "happy/ann_2.png": (64, 64, {"mode": "RGBA"}),
    "happy/ben_2.jpeg": (40, 70, {"orientation": 6}),
    "happy/cid_1.webp": (33, 44, {}),
}


@pytest.fixture
def mine(tmp_path: Path) -> Path:
    for row, (name, (height, width, options)) in enumerate(FILES.items()):
        write_picture(tmp_path / "folder" / name, draw(height, width, row), **options)
    return tmp_path


def test_a_folder_is_read_whatever_its_pictures_are(mine: Path) -> None:
    found = read(mine, "folder", side=32)
    assert found.about.name == "folder"
    assert found.about.classes == ("calm", "happy")
    assert found.labels.tolist() == [0, 0, 1, 1, 1]
    assert found.images.shape == (5, 32, 32, 3)
    assert found.subject.tolist() == [""] * 5
    assert folder.account(Sources({}), found) == ["folder: 5 pictures (2 calm, 3 happy), 0 subjects known"]
    assert found.split.tolist() == [""] * 5
    assert read(mine, "folder", side=48, colour=False).images.shape == (5, 48, 48)
    assert read(mine, "folder").side == 256


def test_who_is_shown_is_in_the_file_names(mine: Path) -> None:
    assert read(mine, "folder", side=32, subject="^([a-z]+)_").subject.tolist() == ["ann", "ben", "ann", "ben", "cid"]
    write_picture(mine / "folder/calm/photo.png", draw(9, 9))
    assert refuse(mine, "folder", subject="^([a-z]+)_") == (
        f"{mine / 'folder/calm/photo.png'}: params.yaml: data.settings.subject: ^([a-z]+)_ finds no subject in its "
        "name; change the pattern, or rename the file"
    )


def test_who_is_shown_is_in_a_table(mine: Path) -> None:
    table = mine / "folder/subjects.csv"
    table.write_text("subject,file\nann,calm/ann_1.jpg\n ben ,calm/ben_1.png\nann,happy/ann_2.png\n")
    assert read(mine, "folder", side=32).subject.tolist() == ["ann", "ben", "ann", "", ""]
    before = (mine / "sources.json").read_text()
    table.write_text("subject,file\n")
    record_sources(mine / "sources.json", find_sources(mine, [folder.WANTED]))
    assert (mine / "sources.json").read_text() != before  # the table belongs to the data set


def test_a_table_of_many_pictures_is_read_in_time_that_grows_with_their_number(tmp_path: Path) -> None:
    table = tmp_path / "subjects.csv"
    names = [f"calm/{number}.jpg" for number in range(20_000)]
    table.write_text("file,subject\n" + "".join(f"{name},ann\n" for name in names))
    start = time.process_time()
    assert folder._subjects(table, names, None) == ["ann"] * 20_000
    assert time.process_time() - start < 5  # ten milliseconds or so; half a minute if each looked through all


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("file;subject\n", "line 1: must name the columns file and subject; write them there"),
        ("", "line 1: must name the columns file and subject; write them there"),
        ("file,subject\ncalm/ann_1.jpg\n", "line 2: lacks file or subject; complete it"),
        ("file,subject\ncalm/ann_1.jpg,a\ncalm/ann_1.jpg,b\n", "line 3: 'calm/ann_1.jpg' stands twice; remove one"),
        ("file,subject\ncalm/x.jpg,a\n", "names 'calm/x.jpg', which is not there; correct the name, or remove the row"),
        ("file,subject\ncalm/\xe4.jpg,a\n", "is no CSV file in UTF-8 ("),
    ],
)
def test_a_table_that_does_not_fit_is_one_line(mine: Path, text: str, says: str) -> None:
    table = mine / "folder/subjects.csv"
    table.write_bytes(text.encode("latin-1"))
    assert refuse(mine, "folder").startswith(f"{table}: {says}")


def test_a_table_and_a_pattern_are_one_too_many(mine: Path) -> None:
    table = mine / "folder/subjects.csv"
    table.write_text("file,subject\n")
    assert refuse(mine, "folder", subject="(.)") == (
        f"{table}: says who is shown, and so does params.yaml: data.settings.subject; remove one"
    )


def test_the_broken_one_of_many_pictures_is_named(mine: Path) -> None:
    path = mine / "folder/happy/ann_2.png"
    path.write_bytes(path.read_bytes()[:100])
    message = refuse(mine, "folder")
    assert message.startswith(f"{path}: ")
    assert message.endswith("; remove it, or put a whole one in its place")


@pytest.mark.parametrize("subject", ["(", "^[a-z]+_"])
def test_a_pattern_must_have_a_group(subject: str) -> None:
    with pytest.raises(ValidationError, match="must be a regular expression|must have the subject in brackets"):
        folder.Settings(subject=subject)


def test_what_is_not_there_is_not_found(tmp_path: Path) -> None:
    for reader, name in ((jaffe, "JAFFE"), (ck_plus, "CK+"), (folder, "a folder `folder`")):
        with pytest.raises(InputError, match=f"missing {name}".replace("+", r"\+")):
            find_sources(tmp_path, [reader.WANTED])
