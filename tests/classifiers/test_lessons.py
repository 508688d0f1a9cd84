"""What a student hears: of train rows alone, and no more of it than it is told to believe."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from pipeline.classifiers.lessons import join, load_lessons, save_lessons
from pipeline.classifiers.targets import Lessons, add_lessons
from pipeline.common.files import InputError

ROLE = np.array(["train", "validation", "train", "test", "train"])
ROWS = np.array([0, 2, 4], np.int32)
ANSWERS = np.array([[0.5, 0.25, 0.25], [0.0, 1.0, 0.0], [0.2, 0.2, 0.6]], np.float32)
SHARE = np.array([0.0, 0.5, 1.0], np.float32)


def test_saved_is_loaded(tmp_path: Path) -> None:
    save_lessons(tmp_path / "a.npz", Lessons(ROWS, ANSWERS, SHARE))
    found = load_lessons(tmp_path / "a.npz", ROLE, 3)
    assert (found.rows.tolist(), found.answers.tolist(), found.share.tolist()) == (
        ROWS.tolist(),
        ANSWERS.tolist(),
        SHARE.tolist(),
    )


@pytest.mark.parametrize(
    ("rows", "answers", "share", "says"),
    [
        ([0, 1, 4], ANSWERS, SHARE, "a row that is not trained on"),
        ([0, 3, 4], ANSWERS, SHARE, "a row that is not trained on"),
        ([0, 2, 5], ANSWERS, SHARE, "not those of the data set"),
        ([-1, 2, 4], ANSWERS, SHARE, "not those of the data set"),
        ([2, 0, 4], ANSWERS, SHARE, "not those of the data set"),
        (ROWS, ANSWERS * 2, SHARE, "no probabilities"),
        (ROWS, ANSWERS + np.float32("nan"), SHARE, "no probabilities"),
        (ROWS, ANSWERS - [0.6, 0, -0.6], SHARE, "no probabilities"),
        (ROWS, ANSWERS, SHARE * 2, "a share outside 0 to 1"),
        (ROWS, ANSWERS[:, :2], SHARE, "array 'answers' is"),
    ],
)
def test_what_no_lessons_are_is_refused(
    tmp_path: Path,
    rows: npt.ArrayLike,
    answers: npt.NDArray[np.float32],
    share: npt.NDArray[np.float32],
    says: str,
) -> None:
    save_lessons(tmp_path / "a.npz", Lessons(np.array(rows, np.int32), answers.astype(np.float32), share))
    with pytest.raises(InputError, match=says):
        load_lessons(tmp_path / "a.npz", ROLE, 3)


def test_of_each_target_as_much_is_the_teachers_as_is_said() -> None:
    targets = np.eye(3, dtype=np.float32)[[0, 0, 0, 1]]
    mixed = add_lessons(targets, np.array([0, 2, 3, 4]), Lessons(ROWS, ANSWERS, SHARE))
    assert mixed == pytest.approx(np.array([[1, 0, 0], [0.5, 0.5, 0], [1, 0, 0], [0.2, 0.2, 0.6]]), abs=1e-6)
    assert targets[1].tolist() == [1, 0, 0]


def test_who_hears_of_no_row_learns_the_labels() -> None:
    targets = np.eye(3, dtype=np.float32)
    none = Lessons(ROWS[:0], ANSWERS[:0], SHARE[:0])
    assert add_lessons(targets, np.array([0, 1, 2]), none).tolist() == targets.tolist()


def test_of_each_row_those_are_joined_who_speak_of_it() -> None:
    one = Lessons.of(np.array([0, 2], np.int32), np.array([[1, 0], [0, 1]], np.float32))
    other = Lessons.of(np.array([2, 4], np.int32), np.array([[0.5, 0.5], [1, 0]], np.float32))
    joined = join([one, other], 0.7)
    assert joined.rows.tolist() == [0, 2, 4]
    assert joined.answers.tolist() == [[1, 0], [0.25, 0.75], [1, 0]]
    assert joined.share.tolist() == pytest.approx([0.7] * 3)


def test_a_control_hears_of_every_row_and_believes_none_of_it() -> None:
    joined = join([Lessons(ROWS, ANSWERS, SHARE)], 0.0)
    targets = np.eye(3, dtype=np.float32)
    assert add_lessons(targets, ROWS.astype(np.intp), joined).tolist() == targets.tolist()
