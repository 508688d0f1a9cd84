"""A detector's scores are those of its test faces, group by group and view by view."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from sample_sets import moved_faces

from pipeline.common.arrays import save_arrays
from pipeline.common.files import InputError
from pipeline.faces.points import COUNT
from pipeline.faces.trials import VIEWS, FaceTests
from pipeline.regions.definitions import Edges
from pipeline.regions.overlap import box_overlap

SUBSET = np.array(["helen", "lfpw", "helen", "ibug"])
SPLIT = np.array(["common", "common", "common", "challenging"])
FACE = Edges(left=1, right=17, top=20, bottom=9)


def test_groups_are_the_test_sets_and_their_collections() -> None:
    groups = {name: np.flatnonzero(rows).tolist() for name, rows in moved_faces().groups().items()}
    assert groups == {"common": [0, 1, 2], "common_helen": [0, 2], "common_lfpw": [1], "challenging": [3]}


def test_a_test_set_that_is_absent_has_no_group() -> None:
    tests = moved_faces()
    tests = FaceTests(SUBSET, np.array(["common"] * 4), tests.images, tests.true, tests.found)
    assert list(tests.groups()) == ["common", "common_helen", "common_ibug", "common_lfpw"]


def test_scores_are_those_of_the_groups_faces() -> None:
    scores = moved_faces().scores()
    assert list(scores) == ["common", "common_helen", "common_lfpw", "challenging"]
    for view in VIEWS:
        assert scores["common"][view]["n"] == 3
        assert scores["common"][view]["nme"] == pytest.approx(0.02, abs=1e-6)
        assert scores["common"][view]["auc"] == pytest.approx(0.8, abs=1e-5)
        assert scores["common_helen"][view]["nme"] == pytest.approx(0.02, abs=1e-6)
        assert scores["common_lfpw"][view]["nme"] == pytest.approx(0.02, abs=1e-6)
        assert scores["challenging"][view] == {
            "n": 1,
            "nme": pytest.approx(0.2, abs=1e-6),
            "auc": 0.0,
            "failure_rate": 1.0,
        }


def test_views_are_scored_apart() -> None:
    tests = moved_faces()
    tests.found["grey_48"][:] = tests.true["grey_48"]
    np.testing.assert_array_equal(tests.errors("grey_48"), 0)
    np.testing.assert_allclose(tests.errors("full_resolution"), [0, 0.02, 0.04, 0.2], atol=1e-6)


def test_errors_by_point_are_each_points_and_their_mean_is_the_faces() -> None:
    tests = moved_faces((0, 0, 0, 0))
    tests.found["grey_48"][1, 5, 1] -= 0.3 * 0.25 * 48
    tests.found["grey_48"][2] = tests.true["grey_48"][0]
    by_point = tests.errors_by_point("grey_48")
    assert by_point.shape == (4, COUNT)
    expected = np.zeros(COUNT)
    expected[5] = 0.3  # of the inter-ocular distance, which is a quarter of the side
    np.testing.assert_allclose(by_point[1], expected, atol=1e-5)
    assert (by_point[[0, 3]] == 0).all()
    np.testing.assert_allclose(by_point.mean(1), tests.errors("grey_48"), rtol=1e-5)
    assert (tests.errors_by_point("full_resolution") == 0).all()


def test_box_overlap_is_that_of_the_regions_boxes() -> None:
    overlap = box_overlap(moved_faces(), FACE)
    # The box is 0.4 of the image wide; one moved by 0.2 x 0.25 of the image shares 0.35 of it.
    for view in VIEWS:
        assert overlap["challenging"][view] == pytest.approx(0.35 / 0.45, abs=1e-4)
        shared = [1, (0.4 - 0.005) / (0.4 + 0.005), (0.4 - 0.01) / (0.4 + 0.01)]
        assert overlap["common"][view] == pytest.approx(np.mean(shared), abs=1e-4)
        assert overlap["common_lfpw"][view] == pytest.approx(shared[1], abs=1e-4)
    assert {value for views in box_overlap(moved_faces(), "whole").values() for value in views.values()} == {1.0}


def test_what_was_found_comes_back(tmp_path: Path) -> None:
    path, tests = tmp_path / "landmarks/points.npz", moved_faces()
    tests.save(path)
    again = FaceTests.load(path)
    assert again.subset.tolist() == SUBSET.tolist()
    assert again.split.tolist() == SPLIT.tolist()
    for view in VIEWS:
        for kind in ("images", "true", "found"):
            np.testing.assert_array_equal(getattr(again, kind)[view], getattr(tests, kind)[view])


def test_another_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"points\.npz: missing; run `dvc repro`"):
        FaceTests.load(tmp_path / "points.npz")
    save_arrays(tmp_path / "points.npz", subset=SUBSET, split=SPLIT)
    with pytest.raises(InputError, match=r"points\.npz: holds no array 'images_full_resolution'"):
        FaceTests.load(tmp_path / "points.npz")
