"""What is published: every figure, and neither an image nor a label of a data set."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from made_up import SOURCES, cells_of, make_params, make_results, quickly, write_reports

from pipeline.classifiers.cells import Cell
from pipeline.common.files import InputError, write_bytes, write_json
from pipeline.evaluation.results import Results
from pipeline.params import Params
from pipeline.report.comparison import compare, save
from pipeline.report.page import WITHOUT_PICTURES, page
from pipeline.report.publish import MARKER, publish
from pipeline.report.study import Origin


@pytest.fixture(scope="module", autouse=True)
def quick() -> Iterator[None]:
    with quickly():
        yield


@pytest.fixture(scope="module")
def params() -> Params:
    return make_params()


@pytest.fixture(scope="module")
def results(params: Params) -> Results:
    return make_results(params)


@pytest.fixture(scope="module")
def reports(quick: None, results: Results, params: Params, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder as the stage `compare` leaves it."""
    folder = tmp_path_factory.mktemp("made") / "reports"
    write_reports(folder, results, params)
    write_json(folder.parent / "sources.json", SOURCES)
    found = compare(results, params, Origin(folder, folder.parent / "sources.json", None))
    save(folder, found)
    write_bytes(folder / "index.html", page(found).encode())
    write_bytes(folder / WITHOUT_PICTURES, page(found, pictures=False).encode())
    return folder


@pytest.fixture
def published(reports: Path, results: Results, params: Params, tmp_path: Path) -> Path:
    publish(reports, tmp_path / "results", results, params)
    return tmp_path / "results"


def test_the_page_has_its_figures_and_tables_and_no_picture(reports: Path, published: Path) -> None:
    before, after = ((folder / "index.html").read_text() for folder in (reports, published))
    assert "<img" in before
    assert "<img" not in after
    assert "data:image" not in after
    for kept in ("<svg", "<table", "<section", "</section>", "</main>"):
        assert after.count(kept) == before.count(kept)
    assert "</summary></details>" not in after
    assert before.count("<details") - after.count("<details") == 1 + 2  # the whole images, and two networks' sheets
    assert after.count("</details>") == after.count("<details")
    assert after.count("<figure") == after.count("</figure>") == before.count("<figure") - before.count("<img")


def test_the_tables_are_those_of_the_comparison(reports: Path, published: Path) -> None:
    tables = {path.name: path.read_bytes() for path in (reports / "comparison").iterdir()}
    assert "scores.csv" in tables
    tables["comparison.md"] = (reports / "comparison.md").read_bytes()
    assert {name: (published / name).read_bytes() for name in tables} == tables


def test_the_scores_are_those_of_every_cell(reports: Path, published: Path, params: Params) -> None:
    scores = json.loads((published / "metrics.json").read_text())
    assert [Cell(cell["region"], cell["network"], cell["seed"]) for cell in scores] == cells_of(params)
    one = cells_of(params)[1]
    own = json.loads((reports / f"classifiers/{one.region}/{one.network}-{one.seed}/metrics.json").read_text())
    assert scores[1] == own


def test_predictions_are_those_of_what_is_scored_and_tell_no_label(published: Path, results: Results) -> None:
    table = pd.read_parquet(published / "predictions.parquet")
    assert list(table["row"]) == [row for row, role in enumerate(results.role) if role != "train"]
    assert list(table["role"]) == list(results.role[table["row"]])
    names = [str(name) for name in table.columns]
    assert not [name for name in names if "label" in name]
    mine = table[[name for name in names if name.startswith("face/cnn2-1/")]].to_numpy(np.float32)
    np.testing.assert_allclose(mine, results.probabilities[1, 1, 1][table["row"]], atol=1e-3)
    assert list(table["face/fell_back"]) == list(results.fell_back[1][table["row"]])
    assert len(names) == 2 + 2 + 7 * 8


def test_before_the_comparison_nothing_is_published(results: Results, params: Params, tmp_path: Path) -> None:
    write_reports(tmp_path / "reports", results, params)
    with pytest.raises(InputError, match=r"comparison\.md: missing; run `dvc repro` to make it"):
        publish(tmp_path / "reports", tmp_path / "results", results, params)
    assert not (tmp_path / "results").exists()


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize("name", ["notes", "notes/..", "notes/."])
def test_a_folder_of_others_is_refused_and_kept(
    reports: Path, results: Results, params: Params, tmp_path: Path, name: str
) -> None:
    (tmp_path / "notes").mkdir()
    (tmp_path / "notes/thesis.tex").write_text("years of work")
    with pytest.raises(InputError, match="was not written by publish"):
        publish(reports, tmp_path / name, results, params)
    assert contents(tmp_path) == {"notes/thesis.tex": b"years of work"}


def test_a_file_in_the_way_is_refused(reports: Path, results: Results, params: Params, tmp_path: Path) -> None:
    (tmp_path / "results").write_text("mine")
    with pytest.raises(InputError, match="was not written by publish"):
        publish(reports, tmp_path / "results", results, params)
    assert (tmp_path / "results").read_text() == "mine"


def test_what_was_published_is_replaced_and_an_empty_folder_filled(
    reports: Path, results: Results, params: Params, tmp_path: Path
) -> None:
    (tmp_path / "results").mkdir()
    for _ in range(2):
        publish(reports, tmp_path / "results", results, params)
    names = {path.name for path in (tmp_path / "results").iterdir()}
    assert names == {MARKER, *json.loads((tmp_path / "results" / MARKER).read_text())}


@pytest.mark.parametrize("name", ["thesis.tex", "comparison.md", "index.html"])
def test_what_was_added_or_changed_since_is_refused_and_kept(
    published: Path, reports: Path, results: Results, params: Params, name: str
) -> None:
    (published / name).write_text("mine")
    before = contents(published)
    with pytest.raises(InputError, match=f"{name}: was not written by publish, or changed since; give the path"):
        publish(reports, published, results, params)
    assert contents(published) == before
