"""An outside test set: behind the data set's own images, as these are, with its classes; it is only tested on."""

from __future__ import annotations

import tracemalloc
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from picture_files import draw, write_picture
from sample_sets import expression_set, refused

from pipeline.data.expressions import Expressions
from pipeline.data.grey import to_grey
from pipeline.data.outside import Outside, add_outside, wanted
from pipeline.data.roles import Roles, assign_roles, read_split
from pipeline.data.sources import Sources, find_sources, record_sources

OWN = expression_set(30, side=16, classes=("calm", "happy", "sad"), votes={"calm": "calm"})
FILES = ("glad/ann_1.png", "glad/ben_1.jpg", "angry/ann_2.png", "sad/ann_3.png")


def outside(**classes: str) -> Outside:
    settings = {"side": 32, "subject": "^([a-z]+)_"}
    return Outside.model_validate({"expressions": "folder", "settings": settings, "classes": classes})


@pytest.fixture
def sources(tmp_path: Path) -> Sources:
    for row, name in enumerate(FILES):
        write_picture(tmp_path / "outside/folder" / name, draw(32, 32, row))
    record_sources(tmp_path / "sources.json", find_sources(tmp_path, [wanted(outside())]))
    return Sources.load(tmp_path / "sources.json")


def test_it_stands_behind_the_data_set_with_its_classes(sources: Sources) -> None:
    found, _ = add_outside(OWN, sources, outside(glad="happy"))
    assert len(found) == 33
    for name in ("images", "labels", "votes", "split", "subject"):
        np.testing.assert_array_equal(getattr(found, name)[:30], getattr(OWN, name))
    assert [found.about.classes[label] for label in found.labels[30:]] == ["happy", "happy", "sad"]  # none for angry
    assert found.split[30:].tolist() == ["outside"] * 3
    assert found.subject[30:].tolist() == ["ann", "ben", "ann"]
    assert found.votes[30:].sum() == 0
    found.save(sources.path("outside_expressions").parent / "saved")
    assert Expressions.load(sources.path("outside_expressions").parent / "saved").about == found.about


def test_what_is_taken_is_told(sources: Sources) -> None:
    _, taken = add_outside(OWN, sources, outside(glad="happy"))
    assert taken.images == {"angry": 1, "glad": 2, "sad": 1}
    assert taken.scored_as == {"angry": None, "glad": "happy", "sad": "sad"}


@pytest.mark.parametrize("channels", [1, 3])
def test_it_is_shown_at_the_data_sets_side_and_in_its_colours(sources: Sources, channels: int) -> None:
    own = expression_set(5, side=20, channels=channels, classes=("calm", "sad"))
    found, _ = add_outside(own, sources, outside())
    assert found.images.shape == (6, 20, 20, 3)[: 3 + (channels == 3)]
    drawn = draw(32, 32, 3)
    expected = to_grey(drawn[None]) if channels == 1 else drawn
    assert abs(found.images[5].mean() - expected.mean()) < 1


def test_the_data_set_is_not_copied_into_memory(sources: Sources) -> None:
    own = expression_set(60, side=128, channels=3, classes=OWN.about.classes)
    tracemalloc.start()
    add_outside(own, sources, outside(glad="happy"))
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert most < own.images.nbytes / 3


@pytest.mark.parametrize("rule", ["official", {"shares": [0.6, 0.2, 0.2]}, {"folds": 3, "group": "both"}])
def test_it_is_only_tested_on_whatever_the_split(sources: Sources, rule: Any, tmp_path: Path) -> None:
    found, _ = add_outside(OWN, sources, outside(glad="happy"))
    roles = assign_roles(found, np.arange(33, dtype=np.int32), read_split(rule), True)
    roles.save(tmp_path / "roles.npz")
    for role in (meanwhile.role for _, meanwhile in Roles.load(tmp_path / "roles.npz").trainings):
        assert role[30:].tolist() == ["outside"] * 3
        assert "outside" not in role[:30]
    without = assign_roles(OWN, np.arange(30, dtype=np.int32), read_split(rule), True)
    np.testing.assert_array_equal(roles.role[:30], without.role)


def test_its_twins_are_left_out_of_training_where_those_of_test_images_are(sources: Sources) -> None:
    found, _ = add_outside(OWN, sources, outside(glad="happy"))
    twins = np.arange(33, dtype=np.int32)
    twins[30] = 0
    for train_on, role in ((True, "train"), (False, "unused")):
        assert assign_roles(found, twins, "official", train_on).role[0] == role


def test_classes_that_there_are_not_are_one_line(sources: Sources) -> None:
    assert refused(add_outside, OWN, sources, outside(gald="happy")) == (
        "params.yaml: data.outside.classes: folder has no class 'gald'; may be angry, glad, sad"
    )
    assert refused(add_outside, OWN, sources, outside(glad="hapy")) == (
        "params.yaml: data.outside.classes: sample has no class 'hapy'; may be calm, happy, sad"
    )
    other = expression_set(4, side=16, classes=("one", "two"))
    assert refused(add_outside, other, sources, outside()) == (
        "params.yaml: data.outside.classes: no class of folder is one of sample; name some of angry, glad, sad"
    )


def test_it_is_looked_for_in_a_folder_of_its_own(tmp_path: Path) -> None:
    write_picture(tmp_path / "folder/glad/1.png", draw(9, 9))
    said = refused(find_sources, tmp_path, [wanted(outside())])
    assert said.startswith(f"{tmp_path}: missing in the folder outside a folder `folder`")
