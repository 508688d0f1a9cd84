"""Scores of labelled pictures, held against what can be counted by hand, and intervals against the known spread."""

from __future__ import annotations

import numpy as np
import pytest
from sample_sets import refused

from pipeline.use.labels import Labelled, class_of_folders, gather, score
from pipeline.use.table import Answer

CLASSES = ("angry", "happy", "sad")


def test_folders_are_named_after_classes() -> None:
    files = ["happy/a.jpg", "more/sad/b.jpg", "joy/c.jpg", "other/d.jpg", "list.csv"]
    known = class_of_folders(files, CLASSES, {"joy": "happy", "other": ""})
    assert known == {"happy/a.jpg": 1, "more/sad/b.jpg": 2, "joy/c.jpg": 1, "other/d.jpg": None, "list.csv": None}
    assert refused(class_of_folders, files, CLASSES, {}).startswith("joy (and 1 more): no class")
    assert "(no folder)" in refused(class_of_folders, ["a.jpg"], CLASSES, {})
    assert "no file lies in a folder 'jo'" in refused(class_of_folders, files, CLASSES, {"jo": "happy", "other": ""})
    assert class_of_folders(["sad/", "happy/a.jpg"], CLASSES, {}) == {
        "sad/": 2,
        "happy/a.jpg": 1,
    }  # sad is closed to us
    assert "'glad' is no class" in refused(class_of_folders, files, CLASSES, {"joy": "glad"})


def test_the_largest_face_counts() -> None:
    names = ["file", "outcome", "face", "p_angry", "p_happy", "p_sad"]
    answers = [
        Answer("a", [["face", 1, 0.1, 0.8, 0.1], ["face", 2, 0.9, 0.1, 0.0]]),
        Answer("b", [["no face"]]),
        Answer("c", [["unreadable: damaged"]]),
        Answer("d", [["face", 1, 0.2, 0.2, 0.6]]),
    ]
    people = {"a": "Ann", "b": "Ann", "c": "Cem"}
    found = gather(answers, {"a": 1, "b": 0, "c": 0, "d": None}, people, names, CLASSES)
    assert (found.labels.tolist(), found.unreadable) == ([1], 1)
    assert found.people.tolist() == found.missed.tolist() == [0]
    np.testing.assert_allclose(found.probabilities, [[0.1, 0.8, 0.1]], atol=1e-6)
    assert "no picture shows a face" in refused(gather, answers[1:2], {"b": 0}, people, names, CLASSES)


def test_scores_are_those_counted_by_hand() -> None:
    labels = np.repeat([1, 2], [300, 100]).astype(np.uint8)
    said = np.r_[np.repeat([1, 2], [240, 60]), np.repeat([2, 1], [80, 20])]
    probabilities = np.full((400, 3), 0.1, np.float32)
    probabilities[np.arange(400), said] = 0.8
    found = score(Labelled(labels, probabilities, np.arange(400), np.arange(400, 500), unreadable=3), 3)
    assert found.accuracy.value == pytest.approx(0.8)
    assert found.end_to_end.value == pytest.approx(0.64)
    assert found.macro_f1.value == pytest.approx((2 * 240 / (300 + 260) + 2 * 80 / (100 + 140)) / 2)
    assert found.calibration.value == pytest.approx(0, abs=1e-6)  # 80% sure, and 80% right
    assert found.confusion.tolist() == [[0, 0, 0], [0, 240, 60], [0, 20, 80]]
    assert np.isnan(found.shares[0]).all()
    np.testing.assert_allclose(found.shares[1:], [[0, 0.8, 0.2], [0, 0.2, 0.8]])
    # The normal approximation of a share: 1.96 sqrt(p (1 - p) / n).
    for (low, high), expected in (
        ((found.accuracy.low, found.accuracy.high), 1.96 * (0.16 / 400) ** 0.5),
        ((found.end_to_end.low, found.end_to_end.high), 1.96 * (0.64 * 0.36 / 500) ** 0.5),
        ((found.low[1, 1], found.high[1, 1]), 1.96 * (0.16 / 300) ** 0.5),
    ):
        assert (high - low) / 2 == pytest.approx(expected, rel=0.15)


def labelled(labels: list[int], said: list[int], people: list[int]) -> Labelled:
    probabilities = np.full((len(labels), 3), 0.05, np.float32)
    probabilities[np.arange(len(labels)), said] = 0.9
    return Labelled(np.array(labels, np.uint8), probabilities, np.array(people), np.zeros(0, np.int64), 0)


def test_all_right_is_not_certain() -> None:
    """Of n right of n Clopper and Pearson's interval begins where n in a row are right in 2.5% of the cases."""
    found = score(labelled([1] * 8, [1] * 8, [*range(8)]), 3)
    for low, high in ((found.accuracy.low, found.accuracy.high), (found.low[1, 1], found.high[1, 1])):
        assert (low, high) == (pytest.approx(0.025 ** (1 / 8)), 1.0)
    assert (found.low[1, 0], found.high[1, 0]) == (0.0, pytest.approx(1 - 0.025 ** (1 / 8)))
    by_person = score(labelled([1] * 8, [1] * 8, [0, 0, 0, 0, 1, 1, 1, 1]), 3)
    assert by_person.accuracy.low == pytest.approx(0.025 ** (1 / 2))


def test_people_who_differ_make_intervals_wide() -> None:
    """Ten people of twenty pictures each, half of whom are always right: it is as if there were ten pictures."""
    people = np.repeat(np.arange(10), 20)
    labels, said = np.full(200, 1), np.where(people < 5, 1, 2)
    alone = score(labelled(labels.tolist(), said.tolist(), [*range(200)]), 3).accuracy
    together = score(labelled(labels.tolist(), said.tolist(), people.tolist()), 3).accuracy
    assert alone.high - alone.low == pytest.approx(2 * 1.96 * (0.25 / 200) ** 0.5, rel=0.1)
    assert together.high - together.low == pytest.approx(2 * 2.262 * (0.25 / 9) ** 0.5, rel=0.15)  # Student's t
