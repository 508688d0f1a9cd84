"""Students on the page: beside the classifier of their region that had no teachers, and beside these together."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import numpy.typing as npt
import pandas as pd
import pytest
from made_up import make_params, make_results, quickly

from pipeline.classifiers.students import Student
from pipeline.evaluation.results import Results
from pipeline.params import Params
from pipeline.report.sections.students import measure_students, section, student_rows
from pipeline.report.study import HEADLINE, Study

SHARE = 0.7


@pytest.fixture(scope="module", autouse=True)
def quick() -> Iterator[None]:
    with quickly():
        yield


def right_for(labels: npt.NDArray[np.uint8], share: float, classes: int) -> npt.NDArray[np.float32]:
    """Probabilities that name the true class of the first share of all rows, and the next class of the others."""
    named = np.where(np.arange(len(labels)) < share * len(labels), labels, (labels + 1) % classes)
    return np.eye(classes, dtype=np.float32)[named]


def made(teachers: list[str]) -> tuple[Params, Results]:
    params = make_params()
    region, network = next(iter(params.regions)), params.networks[0]
    share = SHARE if teachers else 0.0
    student = Student(name="pupil", region=region, network=network, epochs=9, teachers=teachers, share=share)
    params = params.model_copy(update={"students": [student]})
    results = make_results(params)
    said = np.stack([right_for(results.labels, 1.0, len(results.classes))] * len(params.seeds))
    return params, replace(results, students={"pupil": said})


def test_a_student_stands_beside_the_same_network_without_teachers() -> None:
    params, results = made(list(make_params().regions))
    study = Study.of(results, params)
    row = measure_students(study, results).query(f"protocol == '{HEADLINE}'").iloc[0]
    rows = study.rows(HEADLINE)
    own = results.probabilities[0, 0][:, rows].argmax(-1) == results.labels[rows]
    joined = results.probabilities[:, 0][:, :, rows].mean(0).argmax(-1) == results.labels[rows]
    assert row["accuracy"] == 1
    assert row["alone"] == pytest.approx(own.mean())
    assert row["joined"] == pytest.approx(joined.mean())
    assert row["gain"] == pytest.approx(1 - own.mean())
    assert row["gain_low"] < row["gain"] <= row["gain_high"] <= 1
    assert row["teachers"] == " + ".join(params.regions)


def test_a_student_stands_beside_its_control_where_there_is_one() -> None:
    params, results = made(list(make_params().regions))
    pupil = params.students[0]
    control = pupil.model_copy(update={"name": "control", "teachers": [], "share": 0.0})
    params = params.model_copy(update={"students": [pupil, control]})
    half = np.stack([right_for(results.labels, 0.8, len(results.classes))] * len(params.seeds))
    results = replace(results, students={**results.students, "control": half})
    study = Study.of(results, params)
    table = measure_students(study, results).query(f"protocol == '{HEADLINE}'").set_index("student")
    rows = study.rows(HEADLINE)
    right = (half[0, rows].argmax(-1) == results.labels[rows]).mean()
    assert 0 < right < 1
    assert table.loc["pupil", "beside"] == "control"
    assert table.loc["pupil", "gain"] == pytest.approx(1 - right)
    assert table.loc["control", "beside"] == pupil.region


def test_a_control_has_no_teachers_to_stand_beside() -> None:
    params, results = made([])
    table = measure_students(Study.of(results, params), results)
    assert table["joined"].isna().all()
    assert set(table["teachers"]) == {"none"}
    head, row = student_rows(table, HEADLINE)
    assert row[head.index("teachers joined")] == ""


def test_all_students_of_a_protocol_are_tested_together() -> None:
    params, results = made(list(make_params().regions))
    twice = [params.students[0], params.students[0].model_copy(update={"name": "second"})]
    params = params.model_copy(update={"students": twice})
    results = replace(results, students={"pupil": results.students["pupil"], "second": results.students["pupil"]})
    table: pd.DataFrame = measure_students(Study.of(results, params), results)
    one = table[table["protocol"] == HEADLINE]
    assert one["p_holm"].tolist() == pytest.approx(np.minimum(1, 2 * one["p"]).tolist())


def test_the_section_says_what_a_gain_is() -> None:
    params, results = made(list(make_params().regions))
    study = Study.of(results, params)
    shown = section(study, measure_students(study, results))
    assert "from the labels alone" in shown.blocks[0].text
    assert list(shown.tables) == ["students"]
