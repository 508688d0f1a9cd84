"""What teachers say together of the images that a student is trained on: a noun on disk."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from pipeline.common.arrays import load_arrays, save_arrays
from pipeline.common.files import InputError

SLACK = 1e-3  # that probabilities in float32 may be off 1 in sum


@dataclass(frozen=True)
class Lessons:
    """The teachers' joined answers.

    Attributes:
        rows: (n,) int32, of the data set, ascending; train rows only, so that no student hears of another image.
        answers: (n, classes) float32, a probability a class.
        share: (n,) float32, how much of what the student shall answer this is; the rest is the label.
    """

    rows: npt.NDArray[np.int32]
    answers: npt.NDArray[np.float32]
    share: npt.NDArray[np.float32]

    @classmethod
    def of(cls, rows: npt.NDArray[np.int32], answers: npt.NDArray[np.float32], share: float = 1.0) -> Lessons:
        """The same share of every row."""
        return cls(rows, answers, np.full(len(rows), share, np.float32))

    def save(self, path: Path) -> None:
        """Write `data/answers/CELL.npz` of one teacher, or `data/lessons/STUDENT-SEED.npz` of all of a student."""
        save_arrays(path, **vars(self))

    @classmethod
    def load(cls, path: Path, role: npt.NDArray[np.str_], classes: int) -> Lessons:
        """Read what `save` wrote.

        Args:
            role: (N,), of every row of the data set, see `data.roles`.

        Raises:
            InputError: it is missing, damaged, of other classes, or of a row that is not trained on.
        """
        schema: dict[str, tuple[str, tuple[int | None, ...]]] = {
            "rows": ("int32", (None,)),
            "answers": ("float32", (None, classes)),
            "share": ("float32", (None,)),
        }
        lessons = cls(**load_arrays(path, schema))
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


def add_lessons(
    targets: npt.NDArray[np.float32], rows: npt.NDArray[np.intp], lessons: Lessons
) -> npt.NDArray[np.float32]:
    """Targets of which a share is the teachers' answers; a row without an answer keeps its own.

    Args:
        targets: (n, classes) of the rows (n,) of the data set.
    """
    taught = np.isin(rows, lessons.rows)
    place = np.searchsorted(lessons.rows, rows[taught])
    mixed = targets.copy()
    mixed[taught] += lessons.share[place, None] * (lessons.answers[place] - targets[taught])
    return mixed
