"""Join what a student's teachers say of the train images."""

from pathlib import Path

from pipeline.classifiers.cells import Cell
from pipeline.classifiers.lessons import join, load_lessons, save_lessons
from pipeline.data.roles import Roles
from pipeline.params import load_params
from stages import run


def main(name: str, seed: str) -> None:
    params = load_params()
    student = params.student(name)
    cell = params.cell(name, student.network, seed)
    role = Roles.load(Path("data/roles.npz")).role
    # Of a control, which hears nothing, the classifier of its own region says how many classes there are.
    paths = [Path(f"data/answers/{Cell(each, *cell[1:]).path}.npz") for each in student.teachers or [student.region]]
    classes = load_lessons(paths[0], role).answers.shape[1]
    joined = join([load_lessons(path, role, classes) for path in paths], student.share)
    save_lessons(Path(f"data/lessons/{name}-{seed}.npz"), joined)


if __name__ == "__main__":
    run(main)
