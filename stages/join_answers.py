"""Join what a student's teachers say of the train images."""

from pathlib import Path

import numpy as np

from pipeline.classifiers.cells import Cell
from pipeline.classifiers.lessons import Lessons
from pipeline.common.files import InputError
from pipeline.evaluation.predictions import Predictions
from pipeline.params import load_params
from stages import run


def main(name: str, seed: str) -> None:
    params = load_params()
    student, cell = params.student(name), params.student_cell(name, seed)
    # A control has no teachers; how many classes there are its own region's classifier says.
    found: list[Predictions] = []
    for region in student.teachers or [student.region]:
        path = Path(f"reports/classifiers/{Cell(region, student.network, cell.seed).path}/predictions.parquet")
        found.append(Predictions.load(path))
        if found[-1].classes != found[0].classes or not np.array_equal(found[-1].role, found[0].role):
            raise InputError(f"{path}: of other rows or classes than {student.teachers[0]}'s; run `dvc repro`")
    # Of no other row a student may hear, and a control of none at all.
    rows = np.flatnonzero(found[0].role == "train") if student.teachers else np.empty(0, np.intp)
    joined = np.mean([one.probabilities[rows].astype(np.float64) for one in found], axis=0)
    share = np.full(len(rows), student.share, np.float32)
    Lessons(rows.astype(np.int32), joined.astype(np.float32), share).save(Path(f"data/lessons/{name}-{seed}.npz"))


if __name__ == "__main__":
    run(main)
