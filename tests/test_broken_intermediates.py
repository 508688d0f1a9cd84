"""What one stage leaves for another, of the right form and with values that cannot be: one line, file and remedy."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from made_up import PNG, make_face_tests, make_params, make_results, write_atlas, write_reports
from made_up_variants import make_variant
from new_networks import new_network
from projects import ROOT
from sample_sets import expression_set, refused

from pipeline.classifiers.cells import Cell
from pipeline.classifiers.classifier_file import load_cell, save_classifier
from pipeline.common.files import write_json
from pipeline.data.roles import ROLES, Roles
from pipeline.data.twins import Twins
from pipeline.evaluation.results import CURVES, read_results
from pipeline.faces.face_images import SIDE, Faces
from pipeline.faces.trials import VIEWS, FaceTests
from pipeline.inside.part_values import PartValues
from pipeline.params import load_params
from pipeline.regions.boxes import whole_boxes
from pipeline.regions.cutting import Cut
from pipeline.regions.definition_files import load_definition
from pipeline.regions.variants import Variant, save_variant
from pipeline.report.pictures import Picture, embed

REMEDY = "delete it and run `dvc repro`"


# ---- roles and twins


def test_roles_without_a_row_to_train_to_validate_or_to_test(tmp_path: Path) -> None:
    path, role = tmp_path / "roles.npz", np.repeat(ROLES, 3)
    for absent in ("train", "validation", "test"):
        left = np.where(role == absent, "unused", role)
        Roles(left, left == "validation").save(path)
        assert refused(Roles.load, path) == f"{path}: has no row of {absent}; {REMEDY}"
    Roles(role, np.zeros(12, np.bool_)).save(path)
    assert refused(Roles.load, path) == f"{path}: has no row of those that choose; {REMEDY}"


@pytest.mark.parametrize(("second", "folds"), [("test", 4), ("train", 3)])
def test_folds_that_test_a_row_twice_or_never(tmp_path: Path, second: str, folds: int) -> None:
    turns = np.array(
        [
            ["test", "validation", "train", "train"],
            [second, "test", "validation", "train"],
            ["validation", "train", "test", "train"],
            ["train", "train", "validation", "test"],
        ]
    )
    by_fold = tuple(Roles(role, role == "validation") for role in turns[:folds])
    Roles(np.full(4, "test"), np.zeros(4, np.bool_), by_fold).save(tmp_path / "roles.npz")
    assert "tests a row in none of its folds, or in several" in refused(Roles.load, tmp_path / "roles.npz")


def test_identical_images_that_are_no_twins(tmp_path: Path) -> None:
    Twins(np.array([0, 0, 1], np.int32), np.array([0, 1, 2], np.int32)).save(tmp_path / "twins.npz")
    assert "identical images that are no twins" in refused(Twins.load, tmp_path / "twins.npz")


# ---- faces


def faces(**changes: Any) -> Faces:
    points = np.tile(np.linspace(20, 200, 136, dtype=np.float32).reshape(68, 2), (2, 1, 1))
    made = {
        "images": np.zeros((2, SIDE, SIDE, 3), np.uint8),
        "points": points,
        "subset": np.array(["helen", "ibug"]),
        "split": np.array(["train", "challenging"]),
        "name": np.array(["a.jpg", "b.jpg"]),
    }
    return Faces(**{**made, **changes})


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"points": np.full((2, 68, 2), 1e30, np.float32)}, "has a point outside of its image"),
        ({"points": np.full((2, 68, 2), np.nan, np.float32)}, "has a point outside of its image"),
        ({"points": np.full((2, 68, 2), 9, np.float32)}, "has a face whose eyes are in one place"),
        ({"split": np.array(["train", "Foo"])}, "has a split that is not one of"),
        ({"subset": np.array(["helen", "Foo"])}, "has a subset that is not one of"),
    ],
)
def test_faces_that_cannot_be(tmp_path: Path, changes: dict[str, Any], says: str) -> None:
    faces().save(tmp_path / "faces.npz")
    assert len(Faces.load(tmp_path / "faces.npz")) == 2
    faces(**changes).save(tmp_path / "faces.npz")
    assert refused(Faces.load, tmp_path / "faces.npz").startswith(f"{tmp_path}/faces.npz: {says}")


def test_test_faces_that_cannot_be(tmp_path: Path) -> None:
    path = tmp_path / "points.npz"
    for view in VIEWS:
        for kind in ("true", "found"):
            tests = make_face_tests()
            getattr(tests, kind)[view][0, 0, 0] = np.nan
            tests.save(path)
            assert refused(FaceTests.load, path) == f"{path}: has a point that is not finite; {REMEDY}"
    tests = make_face_tests()
    FaceTests(tests.subset, np.full(6, "train"), tests.images, tests.true, tests.found).save(path)
    assert "has a split that is not one of common, challenging" in refused(FaceTests.load, path)


# ---- regions and weights


def test_a_definition_that_only_names_another_region(tmp_path: Path) -> None:
    write_json(tmp_path / "a.json", {"like": "face"})
    assert refused(load_definition, tmp_path / "a.json").endswith(f"defines no region; {REMEDY}")


def variant(folder: Path, box: float = -0.5, turn: float = 0) -> Path:
    where = whole_boxes(6, (48, 48))
    where[3, 0] = box
    cut = Cut(where, np.full(6, turn, np.float32), np.zeros(6, np.bool_), 0)
    given = expression_set(6)
    save_variant(folder, given, folder.name, "whole", cut, [given.images], 48)
    return folder


def test_images_of_another_region(tmp_path: Path) -> None:
    variant(tmp_path / "face").rename(tmp_path / "mouth")
    assert "region.json: is of the region face; " in refused(Variant.load, tmp_path / "mouth")
    assert Variant.load(tmp_path / "mouth", "face").name == "face"


@pytest.mark.parametrize("box", [np.nan, np.inf, 47.5, 1e30])
def test_boxes_that_cannot_be(tmp_path: Path, box: float) -> None:
    assert "rows.parquet: has a box that cannot be; " in refused(Variant.load, variant(tmp_path / "face", box))


def test_turns_that_cannot_be(tmp_path: Path) -> None:
    assert "has a turn that is not finite; " in refused(Variant.load, variant(tmp_path / "face", turn=np.nan))


@pytest.mark.parametrize("damage", ["large", "variance"])
def test_weights_that_are_finite_and_answers_that_are_not(tmp_path: Path, damage: str) -> None:
    name = "cnn1" if damage == "large" else "mini_xception"  # which has batch normalisation
    network, given = new_network(name), make_variant().variant
    with torch.no_grad():
        for weight, value in network.state_dict().items():
            if damage == "large":
                value.mul_(1e30)
            elif weight.endswith("running_var"):
                value.fill_(-1)
    path, cell = tmp_path / "a.safetensors", Cell("vanilla", name, 0)
    recipe = load_params(ROOT / "params.yaml").classifier_recipe(name)
    save_classifier(path, network, given, cell, recipe, "", 0, {})
    line = f"{path}: its network gives values that are not finite; {REMEDY}"
    assert refused(load_cell, path, cell, given) == line


# ---- reports


@pytest.fixture(scope="module")
def params() -> Any:
    return make_params()


@pytest.fixture
def reports(tmp_path: Path, params: Any) -> Path:
    write_reports(tmp_path, make_results(params), params)
    return tmp_path


def without(content: dict[str, Any], *keys: str) -> dict[str, Any]:
    inner = content
    for key in keys[:-1]:
        inner = inner[key]
    del inner[keys[-1]]
    return content


@pytest.mark.parametrize(
    ("name", "keys"),
    [
        ("landmarks/metrics.json", ("providers", "xception", "common", "grey_48")),
        ("landmarks/metrics.json", ("providers", "xception")),
        ("expressions/audit.json", ("classes", "test")),
        ("expressions/audit.json", ("classes", "test", "happy")),
        ("expressions/audit.json", ("constant", "train")),
        ("expressions/audit.json", ("twins", "rows_per_role", "test")),
        ("expressions/audit.json", ("twins", "groups_across", "train+test")),
        ("expressions/audit.json", ("no_face", "test")),
    ],
)
def test_scores_and_counts_that_lack_one(reports: Path, params: Any, name: str, keys: tuple[str, ...]) -> None:
    read_results(reports, params)
    content = json.loads((reports / name).read_text())
    write_json(reports / name, without(content, *keys))
    line = refused(read_results, reports, params)
    assert line.startswith(f"{reports / name}: ")
    assert line.endswith(REMEDY)


@pytest.mark.parametrize("field", ["nme", "auc", "failure_rate", "n"])
def test_scores_of_landmarks_that_cannot_be(reports: Path, params: Any, field: str) -> None:
    path = reports / "landmarks/metrics.json"
    content = json.loads(path.read_text())
    content["providers"]["xception"]["common"]["grey_48"][field] = -1
    write_json(path, content)
    assert f"{field}: " in refused(read_results, reports, params)


@pytest.mark.parametrize("content", [b"step\ttrain_loss\n", b"step\ttrain_loss\n0\tnan\n", b"\0" * 50, b""])
def test_curves_without_a_value(reports: Path, params: Any, content: bytes) -> None:
    folder = reports / "training/vanilla/cnn1-0/plots/metrics"
    for name in CURVES:
        (folder / f"{name}.tsv").write_bytes(content.replace(b"train_loss", name.encode()))
    assert str(folder) in refused(read_results, reports, params)


def test_a_pipe_in_a_curves_place_is_not_waited_for(reports: Path, params: Any) -> None:
    path = reports / "training/vanilla/cnn1-0/plots/metrics/train_loss.tsv"
    path.unlink()
    os.mkfifo(path)
    assert refused(read_results, reports, params).startswith(f"{path}: is no file but a device or a pipe; ")


def test_answers_of_the_atlas_that_cannot_be(tmp_path: Path, params: Any) -> None:
    write_atlas(tmp_path, make_results(params), params)
    folder = tmp_path / "inside/atlas/cnn1-0"
    asked = json.loads((folder / "asked.json").read_text())
    for changes, says in (
        ({"fillings": []}, "fillings: "),
        ({"parts": ["a"] * 30}, "parts: "),
        ({"trusted": 1}, "has more images than asked.json counts"),
        ({"test": 1}, "has more images than asked.json counts"),
    ):
        write_json(folder / "asked.json", {**asked, **changes})
        assert says in refused(PartValues.load, folder)
    write_json(folder / "asked.json", asked)
    values = PartValues.load(folder)
    values.rows[:] = values.rows[::-1].copy()
    values.save(folder)
    assert "has rows that do not ascend" in refused(PartValues.load, folder)


def cut(png: bytes) -> bytes:
    return png[:-20]


def flip(png: bytes) -> bytes:
    return png[:45] + bytes([png[45] ^ 1]) + png[46:]


def bomb(png: bytes) -> bytes:
    return png[:16] + (60_000).to_bytes(4, "big") * 2 + png[24:]


@pytest.mark.parametrize("damage", [cut, flip, bomb, lambda png: b""])
def test_pictures_of_the_page_that_are_damaged(tmp_path: Path, damage: Callable[[bytes], bytes]) -> None:
    path = tmp_path / "a.png"
    path.write_bytes(PNG)
    assert embed(Picture(path, "")).width == 1
    path.write_bytes(damage(PNG))
    assert refused(embed, Picture(path, "")).startswith(f"{path}: ")
