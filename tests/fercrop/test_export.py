"""`fercrop export`: what is written for other tools is what the pipeline has, and FER2013's reader reads it back."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from commands import fercrop, refusal
from PIL import Image
from sample_sets import MOUTH, expression_set, random_points

from fercrop import export
from pipeline.data.expressions import Expressions
from pipeline.data.readers.fer2013 import read_fer2013
from pipeline.data.roles import Roles
from pipeline.data.twins import Twins
from pipeline.faces.located import Located
from pipeline.regions.cutting import cut_blocks, plan_cut
from pipeline.regions.variants import Variant, save_variant

COUNT = 60


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project whose region `mouth` is cut, of a set with splits of its own names."""
    write_project(tmp_path, expression_set(COUNT))
    return tmp_path


def write_project(folder: Path, expressions: Expressions, side: int = 48) -> None:
    located = Located(random_points(COUNT), np.linspace(0, 0.2, COUNT, dtype=np.float32))
    located.save(folder / "data/landmarks.npz")
    cut = plan_cut(located.points, located.expected_error, MOUTH, 0.1, expressions.side)
    blocks = cut_blocks(expressions.images, cut, side)
    save_variant(folder / "data/variants/mouth", expressions, "mouth", MOUTH, cut, blocks, side)
    twins = np.arange(COUNT, dtype=np.int32)
    twins[7] = 3
    Twins(np.arange(COUNT, dtype=np.int32), twins).save(folder / "data/twins.npz")
    role = np.repeat(["train", "validation", "test"], COUNT // 3)
    role[5] = "unused"
    Roles(role, role == "validation").save(folder / "data/roles.npz")


def test_images_and_manifest_are_the_pipelines(project: Path) -> None:
    done = fercrop("export", "mouth", project / "out", "--project", project)
    assert (done.returncode, done.stderr) == (0, ""), done.stderr
    variant = Variant.load(project / "data/variants/mouth")
    with (project / "out/manifest.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [int(row["row"]) for row in rows] == list(range(COUNT))
    for row in rows:
        number = int(row["row"])
        assert row["file"] == f"{row['split']}/{row['label']}/{number:02}.png"
        with Image.open(project / "out" / row["file"]) as image:
            np.testing.assert_array_equal(np.asarray(image), variant.images[number])
        assert row["label"] == variant.about.classes[variant.labels[number]]
        box = [float(row[edge]) for edge in ("left", "top", "right", "bottom")]
        np.testing.assert_allclose(box, variant.boxes[number], atol=1e-3)
        assert row["fell_back"] == str(number / (COUNT - 1) * 0.2 > 0.1).lower()
    assert rows[7]["twin_group"] == rows[3]["twin_group"] != rows[8]["twin_group"]
    assert (rows[5]["split"], rows[5]["role"]) == ("first", "unused")
    assert len(list((project / "out").rglob("*.png"))) == COUNT


def test_fer2013s_reader_reads_the_same_images(project: Path) -> None:
    assert fercrop("export", "mouth", project / "out", "--project", project).returncode == 0
    variant = Variant.load(project / "data/variants/mouth")
    read = read_fer2013(project / "out/fer2013.csv", None)
    kept = np.arange(COUNT) != 5  # it is for nothing
    np.testing.assert_array_equal(read.images, variant.images[kept])
    np.testing.assert_array_equal(read.labels, variant.labels[kept])
    assert read.split.tolist() == np.repeat(["Training", "PublicTest", "PrivateTest"], COUNT // 3)[kept].tolist()


@pytest.mark.parametrize(
    ("more", "side", "said"),
    [
        ({"channels": 3}, 48, "grey images only"),
        ({}, 64, "images of 48 pixels, and these have 64"),
        ({"classes": ("happy", "contempt", "../up")}, 48, "no class contempt, ../up"),
    ],
)
def test_what_fer2013_cannot_hold_is_said(tmp_path: Path, more: dict[str, Any], side: int, said: str) -> None:
    write_project(tmp_path, expression_set(COUNT, **more), side)
    done = fercrop("export", "mouth", tmp_path / "out", "--project", tmp_path)
    assert done.returncode == 0, done.stderr
    assert said in done.stdout
    assert len(done.stdout.splitlines()) == 1
    assert not (tmp_path / "out/fer2013.csv").exists()
    assert len(list((tmp_path / "out").rglob("*.png"))) == COUNT


def test_the_folder_that_one_is_in_is_written_to(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (project / "here").mkdir()
    monkeypatch.chdir(project / "here")
    export.main(["mouth", ".", "--project", str(project)])
    assert (project / "here/manifest.csv").exists()


def test_of_folds_it_is_told_which_tests_a_row(tmp_path: Path) -> None:
    write_project(tmp_path, expression_set(COUNT, splits={}))
    turns = np.arange(COUNT) % 3
    names = np.array(["test", "validation", "train"])
    folds = tuple(Roles(role, role == "validation") for role in (names[(turns - fold) % 3] for fold in range(3)))
    Roles(np.full(COUNT, "test"), np.zeros(COUNT, np.bool_), folds).save(tmp_path / "data/roles.npz")
    done = fercrop("export", "mouth", tmp_path / "out", "--project", tmp_path)
    assert done.returncode == 0, done.stderr
    assert "changes from fold to fold" in done.stdout
    with (tmp_path / "out/manifest.csv").open(newline="") as file:
        assert [row["fold"] for row in csv.DictReader(file)] == [str(turn) for turn in turns]


def test_two_classes_are_never_one_folder(tmp_path: Path) -> None:
    write_project(tmp_path, expression_set(COUNT, classes=("a/b", "a_b", "c")))
    assert "'a/b' and 'a_b' would be one folder" in refusal("export", "mouth", tmp_path / "out", "--project", tmp_path)
    assert not (tmp_path / "out").exists()


def test_mistakes_are_one_line(project: Path) -> None:
    assert "no such region; there are mouth" in refusal("export", "nose", project / "out", "--project", project)
    assert "run `dvc repro`" in refusal("export", "mouth", project / "out", "--project", project / "elsewhere")
    (project / "mine").mkdir()
    (project / "mine/notes.txt").touch()
    assert "is not empty" in refusal("export", "mouth", project / "mine", "--project", project)
    assert (project / "mine/notes.txt").exists()
