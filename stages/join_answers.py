"""Join what a student's teachers say of the train images."""

from pathlib import Path

import numpy as np

from pipeline.classifiers.cells import Cell
from pipeline.classifiers.lessons import Lessons
from pipeline.common.files import InputError
from pipeline.data.expressions import Expressions
from pipeline.data.roles import Roles
from pipeline.params import load_params
from stages import run


def main(name: str, seed: str) -> None:
    params = load_params()
    student = params.student(name)
    cell = params.cell(name, student.network, seed)
    expressions = Expressions.load(Path("data/expressions"))
    classes = len(expressions.about.classes)
    role = Roles.load(Path("data/roles.npz"), len(expressions)).role
    joined = Lessons.of(np.empty(0, np.int32), np.empty((0, classes), np.float32))  # of a control, which hears nothing
    if student.teachers:
        paths = [Path(f"data/answers/{Cell(each, *cell[1:]).path}.npz") for each in student.teachers]
        heard = [Lessons.load(path, role, classes) for path in paths]
        for path, one in zip(paths, heard, strict=True):
            if not np.array_equal(one.rows, heard[0].rows):
                raise InputError(f"{path}: is of other rows than {paths[0]}; delete both and run `dvc repro`")
        answers = np.mean([one.answers.astype(np.float64) for one in heard], axis=0)
        joined = Lessons.of(heard[0].rows, answers.astype(np.float32), student.share)
    joined.save(Path(f"data/lessons/{name}-{seed}.npz"))


if __name__ == "__main__":
    run(main)
