"""Another data set on the page: what it reached, on what, and what could not be asked."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest
from made_up import SOURCES, make_params, make_results, quickly, with_outside, write_reports
from page_reader import Reader
from studies import row_of

from pipeline.common.files import InputError, write_json
from pipeline.evaluation.results import read_results
from pipeline.params import Params
from pipeline.report.comparison import Comparison, compare, markdown
from pipeline.report.page import page
from pipeline.report.study import Origin


@pytest.fixture(scope="module", autouse=True)
def quick() -> Iterator[None]:
    with quickly():
        yield


@pytest.fixture(scope="module")
def params() -> Params:
    return make_params()


@pytest.fixture(scope="module")
def folder(params: Params, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("made")
    write_reports(folder / "reports", with_outside(make_results(params), params), params)
    write_json(folder / "sources.json", SOURCES)
    return folder


def compared(folder: Path, params: Params) -> Comparison:
    return compare(
        read_results(folder / "reports", params), params, Origin(folder / "reports", folder / "sources.json", None)
    )


@pytest.fixture(scope="module")
def found(quick: None, folder: Path, params: Params) -> Comparison:
    return compared(folder, params)


def tables_of(found: Comparison) -> dict[str, pd.DataFrame]:
    return {name: table for section in found.sections for name, table in section.tables.items()}


def test_it_is_a_protocol_of_its_own_with_intervals_of_people(found: Comparison) -> None:
    scores = tables_of(found)["scores"]
    rows = scores[scores["protocol"] == "outside"]
    assert set(rows["n"]) == {6}
    assert rows["accuracy"].tolist() == pytest.approx([0.5] * len(rows))
    assert (rows["accuracy_low"] < 0.2).all()  # four people
    assert (rows["accuracy_high"] > 0.8).all()


def test_it_changes_nothing_of_the_data_sets_own_scores(found: Comparison, params: Params, tmp_path: Path) -> None:
    write_reports(tmp_path / "reports", make_results(params), params)
    write_json(tmp_path / "sources.json", SOURCES)
    without = tables_of(compared(tmp_path, params))
    for name in ("scores", "baseline", "fusion"):
        table = tables_of(found)[name]
        own = table[table["protocol"] != "outside"].reset_index(drop=True)
        pd.testing.assert_frame_equal(own, without[name], check_exact=False)
    pd.testing.assert_frame_equal(tables_of(found)["recall"], without["recall"])
    assert "outside" not in without


def test_recall_is_by_class_and_says_which_classes_are_not_there(found: Comparison) -> None:
    recall = tables_of(found)["outside"]
    happy = row_of(recall, region="face", network="cnn1", expression="happy")
    assert (happy["images"], happy["recall"]) == (3, pytest.approx(2 / 3))
    angry = row_of(recall, region="face", network="mean", expression="angry")
    assert (angry["images"], angry["recall"]) == (1, 0)
    assert set(recall["expression"]) == {"happy", "sad", "angry"}


def test_the_page_says_what_was_left_out(found: Comparison) -> None:
    text = " ".join(Reader(page(found)).text.split())
    for said in (
        "On another data set: web",
        "which trained and chose nothing, without images that have a twin in what did. 6 images (outside).",
        "Left out, since the networks have no class for them: smug (4 images).",
        "There is none of disgust, fear, surprise, neutral",
    ):
        assert said in text
    assert "## On another data set: web\n" in markdown(found)


@pytest.mark.parametrize(
    ("known", "said"),
    [
        (2, "4 images (outside)."),
        (2, "Of it 2 more have a twin among the data set's own images and are not scored."),
        (6, "Every image of the outside test set has a twin among the data set's own images, so that none is scored."),
    ],
)
def test_images_with_a_twin_in_the_data_set_are_not_scored_and_said(
    params: Params, tmp_path: Path, known: int, said: str
) -> None:
    results = with_outside(make_results(params), params)
    unique = results.unique.copy()
    unique[len(unique) - known :] = False
    write_reports(tmp_path / "reports", replace(results, unique=unique), params)
    write_json(tmp_path / "sources.json", SOURCES)
    assert said in " ".join(Reader(page(compared(tmp_path, params))).text.split())


def test_without_its_account_there_is_one_line(found: Comparison, folder: Path, params: Params) -> None:
    path = folder / "reports/expressions/outside.json"
    content = path.read_bytes()
    path.unlink()
    with pytest.raises(InputError, match=r"outside\.json: missing; run `dvc repro` to make it"):
        compared(folder, params)
    path.write_bytes(content)
