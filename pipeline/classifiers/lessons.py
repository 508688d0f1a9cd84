"""What teachers say of the images that a student is trained on, on disk: of one teacher, or of all of a student.

`data/answers/REGION/NETWORK-SEED.npz`, `data/lessons/STUDENT-SEED.npz`.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from pipeline.classifiers.targets import Lessons
from pipeline.common.arrays import load_arrays, save_arrays
from pipeline.common.files import InputError

SLACK = 1e-3  # that probabilities in float32 may be off 1 in sum


def save_lessons(path: Path, lessons: Lessons) -> None:
    """Write the file whole."""
    save_arrays(path, **vars(lessons))


def load_lessons(path: Path, role: npt.NDArray[np.str_], classes: int | None = None) -> Lessons:
    """Read what `save_lessons` wrote.

    Args:
        role: (N,), of every row of the data set, see `data.roles`.
        classes: how many there are, if that is known.

    Raises:
        InputError: it is missing, damaged, of other classes, or of a row that is not trained on.
    """
    schema: dict[str, tuple[str, tuple[int | None, ...]]] = {
        "rows": ("int32", (None,)),
        "answers": ("float32", (None, classes)),
        "share": ("float32", (None,)),
    }
    lessons = Lessons(**load_arrays(path, schema))
    rows, answers, share = lessons.rows, lessons.answers, lessons.share
    remedy = "delete it and run `dvc repro`"
    if (np.diff(rows) <= 0).any() or (rows < 0).any() or (rows >= len(role)).any():
        raise InputError(f"{path}: its rows are not those of the data set; {remedy}")
    if (role[rows] != "train").any():
        raise InputError(f"{path}: has a row that is not trained on; {remedy}")
    if not ((answers >= 0).all() and np.allclose(answers.sum(1, dtype=np.float64), 1, atol=SLACK)):
        raise InputError(f"{path}: has answers that are no probabilities; {remedy}")
    if not ((share >= 0) & (share <= 1)).all():
        raise InputError(f"{path}: has a share outside 0 to 1; {remedy}")
    return lessons


def join(heard: Sequence[Lessons], share: float) -> Lessons:
    """The mean of what teachers of the same classes say of each row, of those who speak of it at all."""
    rows = np.unique(np.concatenate([one.rows for one in heard])).astype(np.int32)
    total = np.zeros((len(rows), heard[0].answers.shape[1]))
    speakers = np.zeros(len(rows))
    for one in heard:
        place = np.searchsorted(rows, one.rows)
        total[place] += one.answers
        speakers[place] += 1
    return Lessons.of(rows, (total / speakers[:, None]).astype(np.float32), share)
