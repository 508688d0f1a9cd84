"""Published predictions score what was published, for whoever has the labels."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from made_up import CLASSES, LABELS, ROLE, TWINS, make_params, make_results, quickly, write_reports
from studies import find

from pipeline.classifiers.students import Student
from pipeline.common.files import InputError, write_json
from pipeline.data.expressions import About, Expressions, Role
from pipeline.data.roles import Roles
from pipeline.evaluation.answer_rows import AnswerRows
from pipeline.params import Params
from pipeline.report.publish import _save_predictions
from pipeline.report.recompute import compare_published, read_published, recompute
from pipeline.report.sections.differences import measure_differences

ASKED = AnswerRows.of(Roles(ROLE, ROLE == "validation"), TWINS)
SPLITS: dict[str, Role] = {"learn": "train", "tune": "validation", "judge": "test"}


@pytest.fixture
def params() -> Params:
    return make_params()


@pytest.fixture
def published(params: Params, tmp_path: Path) -> Path:
    results = make_results(params)
    write_reports(tmp_path / "reports", results, params)
    folder = tmp_path / "published"
    folder.mkdir()
    cells = sorted((tmp_path / "reports/classifiers").rglob("metrics.json"))
    write_json(folder / "metrics.json", [json.loads(path.read_text()) for path in cells])
    _save_predictions(folder / "predictions.parquet", results, params)
    return folder


def expressions(labels: np.ndarray = LABELS) -> Expressions:
    count = len(labels)
    split = np.repeat(list(SPLITS), [20, 10, 10])
    about = About(name="made up", classes=CLASSES, splits=SPLITS)
    images = np.zeros((count, 8, 8), np.uint8)
    return Expressions(about, images, labels, np.zeros((count, 0), np.uint16), split, np.full(count, ""))


def again(published: Path, labels: np.ndarray = LABELS) -> pd.DataFrame:
    return recompute(read_published(published, expressions(labels)), expressions(labels))


def test_the_scores_are_those_that_were_published(published: Path) -> None:
    table = again(published)
    assert len(table) == 8 * 2
    assert table["images_apart"].max() == 0
    assert table["published"].tolist() == pytest.approx(table["recomputed"].tolist())


def test_other_labels_give_other_scores(published: Path) -> None:
    table = again(published, (LABELS + 1) % 7)
    assert table["images_apart"].max() > 0


def test_students_are_scored_too(published: Path, params: Params) -> None:
    """One that says what a classifier of the face says, and so has its scores."""
    results, network = make_results(params), params.networks[0]
    student = Student(name="pupil", region="vanilla", network=network, epochs=2, teachers=["face"], share=0.5)
    of_face = replace(results, students={"pupil": results.probabilities[list(params.regions).index("face"), 0]})
    path = published / "predictions.parquet"
    _save_predictions(path, of_face, params.model_copy(update={"students": [student]}))
    scores = [
        {**cell, "region": "pupil"}
        for cell in json.loads((published / "metrics.json").read_text())
        if (cell["region"], cell["network"]) == ("face", network)
    ]
    write_json(published / "students.json", scores)
    table = again(published).set_index("region").loc["pupil"]
    assert table["seed"].tolist() == np.repeat(params.seeds, 2).tolist()
    assert table["images_apart"].tolist() == [0] * len(table)
    scores[0]["protocols"]["test"]["accuracy"] = 1 - scores[0]["protocols"]["test"]["accuracy"]
    write_json(published / "students.json", scores)
    assert again(published).query("region == 'pupil'")["images_apart"].max() > 0


def test_an_earlier_version_named_the_split(published: Path) -> None:
    path = published / "predictions.parquet"
    table = pd.read_parquet(path)
    names = dict(zip(SPLITS.values(), SPLITS, strict=True))
    table.insert(1, "split", table.pop("role").map(names))
    table.to_parquet(path)
    assert again(published)["images_apart"].max() == 0


@pytest.mark.parametrize("name", ["predictions.parquet", "metrics.json"])
def test_what_is_missing_or_damaged_is_one_line(published: Path, name: str) -> None:
    for content in (b"garbage", None):
        if content is None:
            (published / name).unlink()
        else:
            (published / name).write_bytes(content)
        with pytest.raises(InputError, match=name.replace(".", r"\.")):
            read_published(published, expressions())


def test_a_smaller_data_set_is_refused(published: Path) -> None:
    few = expressions(LABELS[:30])
    with pytest.raises(InputError, match="is of more images than made up here has; take the same data set"):
        read_published(published, few)


def test_roles_are_those_of_the_made_up_results(published: Path) -> None:
    table = pd.read_parquet(published / "predictions.parquet")
    assert table["role"].tolist() == [role for role in ROLE if role != "train"]


def test_regions_are_compared_anew(published: Path, params: Params) -> None:
    """The same differences, intervals and p values as of the results that were published, but for half precision."""
    whole = find(make_results(params), params).tested.pairs
    with quickly():
        read = read_published(published, expressions())
        study = compare_published(read, expressions(), ASKED, TWINS, params)
        pairs = measure_differences(study).pairs
    order = ["protocol", "kind", "within"]  # metrics.json lists face first
    pairs, whole = (table.sort_values(order, ignore_index=True) for table in (pairs, whole))
    pd.testing.assert_frame_equal(pairs, whole)
    assert set(pairs["protocol"]) == {"test", "test_unique", "test_cut", "validation_unique"}


def test_of_an_outside_test_set_nothing_is_recomputed(published: Path, params: Params) -> None:
    """Its images stand behind the others, and no answer to them was published."""
    own, more = expressions(), 3
    longer = replace(
        own,
        images=np.concatenate([own.images, own.images[:more]]),
        labels=np.concatenate([own.labels, own.labels[:more]]),
        votes=np.concatenate([own.votes, own.votes[:more]]),
        split=np.concatenate([own.split, np.full(more, "outside")]),
        subject=np.concatenate([own.subject, own.subject[:more]]),
    )
    role = np.concatenate([ROLE, np.full(more, "outside")])
    twins = np.concatenate([TWINS, 100 + np.arange(more, dtype=np.int32)])
    asked = AnswerRows.of(Roles(role, role == "validation"), twins)
    with quickly():
        study = compare_published(read_published(published, longer), longer, asked, twins, params)
    assert "outside" not in study.samples
    assert len(study.results.labels) == len(LABELS)


def test_a_cell_that_was_not_published_is_missed(published: Path, params: Params) -> None:
    cells = json.loads((published / "metrics.json").read_text())
    write_json(published / "metrics.json", cells[1:])
    with pytest.raises(InputError, match="some region was published without some network and seed"):
        compare_published(read_published(published, expressions()), expressions(), ASKED, TWINS, params)
