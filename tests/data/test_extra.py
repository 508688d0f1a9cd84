"""More images of some classes: behind the data set's own, as it has them, and for training only."""

from __future__ import annotations

import tracemalloc
from pathlib import Path

import numpy as np
import pytest
from picture_files import draw, write_picture
from sample_sets import expression_set, refused

from pipeline.data.expressions import Expressions
from pipeline.data.extra import Extra, add_extra, wanted
from pipeline.data.grey import to_grey
from pipeline.data.roles import assign_roles, read_split
from pipeline.data.sources import Sources, find_sources, record_sources

OWN = expression_set(30, side=16, classes=("calm", "disgust"), votes={"calm": "calm"}, subjects=["ann"] * 30)
EXTRA = Extra(classes={"web": "disgust", "scans": "calm"})


@pytest.fixture
def sources(tmp_path: Path) -> Sources:
    for row, name in enumerate(("scans/1.png", "web/1.jpg", "web/2.png", "unused/1.png")):
        write_picture(tmp_path / "extra" / name, draw(40 + row, 30, row))
    record_sources(tmp_path / "sources.json", find_sources(tmp_path, [wanted(EXTRA)]))
    return Sources.load(tmp_path / "sources.json")


def added(sources: Sources, own: Expressions = OWN) -> Expressions:
    return add_extra(own, sources, EXTRA)


def test_they_stand_behind_the_data_sets_own_at_its_side_and_in_grey(sources: Sources) -> None:
    found = added(sources)
    assert len(found) == 33
    for name in ("images", "labels", "votes", "split", "subject"):
        np.testing.assert_array_equal(getattr(found, name)[:30], getattr(OWN, name))
    assert [found.about.classes[label] for label in found.labels[30:]] == ["disgust", "disgust", "calm"]
    assert found.split[30:].tolist() == ["extra"] * 3
    assert found.votes[30:].sum() == 0
    assert found.subject[30:].tolist() == [""] * 3
    assert abs(found.images[32].mean() - to_grey(draw(40, 30, 0)[None, 5:35])[0].mean()) < 1
    found.save(sources.path("extra").parent / "saved")
    assert Expressions.load(sources.path("extra").parent / "saved").about == found.about


def test_they_are_in_colour_where_the_data_set_is(sources: Sources) -> None:
    assert added(sources, expression_set(4, side=20, channels=3, classes=("calm", "disgust"))).images.shape == (
        7, 20, 20, 3,
    )  # fmt: skip


def test_the_data_set_is_not_copied_into_memory(sources: Sources) -> None:
    own = expression_set(60, side=128, channels=3, classes=OWN.about.classes)
    tracemalloc.start()
    add_extra(own, sources, EXTRA)
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert most < own.images.nbytes / 3


@pytest.mark.parametrize("rule", ["official", {"shares": [0.6, 0.2, 0.2]}, {"folds": 3}])
def test_they_only_train_whatever_the_split(sources: Sources, rule: object) -> None:
    found = added(sources)
    roles = assign_roles(found, np.arange(33, dtype=np.int32), read_split(rule), True)
    for role in (meanwhile.role for _, meanwhile in roles.trainings):
        assert role[30:].tolist() == ["train"] * 3
    assert roles.role[30:].tolist() == ["train"] * 3
    without = assign_roles(OWN, np.arange(30, dtype=np.int32), read_split(rule), True)
    np.testing.assert_array_equal(roles.role[:30], without.role)


@pytest.mark.parametrize("rule", [{"shares": [0.6, 0.2, 0.2], "group": "twins"}, {"folds": 3, "group": "twins"}])
def test_one_whose_twin_is_tested_does_not_train(sources: Sources, rule: object) -> None:
    twins = np.arange(33, dtype=np.int32)
    twins[30:] = (0, 1, 32)
    roles = assign_roles(added(sources), twins, read_split(rule), True)
    for role in (meanwhile.role for _, meanwhile in roles.trainings):
        expected = ["train" if role[row] == "train" else "unused" for row in (0, 1)]
        assert role[30:].tolist() == [*expected, "train"]


def test_only_what_is_named_is_recorded(sources: Sources, tmp_path: Path) -> None:
    before = (tmp_path / "sources.json").read_text()
    (tmp_path / "extra/unused/1.png").write_bytes(b"")
    record_sources(tmp_path / "sources.json", find_sources(tmp_path, [wanted(EXTRA)]))
    assert (tmp_path / "sources.json").read_text() == before
    (tmp_path / "extra/web/1.jpg").unlink()
    record_sources(tmp_path / "sources.json", find_sources(tmp_path, [wanted(EXTRA)]))
    assert (tmp_path / "sources.json").read_text() != before


def test_a_class_or_a_folder_that_there_is_not_is_one_line(sources: Sources, tmp_path: Path) -> None:
    assert refused(add_extra, OWN, sources, Extra(classes={"web": "angry"})) == (
        "params.yaml: data.extra.classes: sample has no class 'angry'; may be calm, disgust"
    )
    assert refused(add_extra, OWN, sources, Extra(classes={"wob": "calm"})) == (
        f"{tmp_path / 'extra/wob'}: missing; put the pictures there, or change data.extra in params.yaml"
    )
    assert refused(find_sources, tmp_path / "extra", [wanted(EXTRA)]).startswith(
        f"{tmp_path / 'extra'}: missing a folder extra"
    )
