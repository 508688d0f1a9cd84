"""The comparison of a split in folds: every row is tested once, and what chooses is each row as it was validated."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from made_up import FOLDS, LABELS, SOURCES, TWINS, make_fold_results, make_params, quickly, write_atlas, write_reports
from page_reader import Reader

from pipeline.common.files import write_json
from pipeline.evaluation.results import Results, read_results
from pipeline.evaluation.scores import classification
from pipeline.params import Params
from pipeline.report.comparison import Comparison, compare
from pipeline.report.page import page
from pipeline.report.sections.reported import class_rows, compare_classes
from pipeline.report.study import Origin, Study

SPLIT = {"folds": FOLDS, "group": "none"}


@pytest.fixture(scope="module", autouse=True)
def quick() -> Iterator[None]:
    with quickly():
        yield


@pytest.fixture(scope="module")
def params() -> Params:
    return make_params(split=SPLIT)


@pytest.fixture(scope="module")
def results(params: Params) -> Results:
    return make_fold_results(params)


def origin_of(folder: Path, results: Results, params: Params) -> Origin:
    write_json(folder / "sources.json", SOURCES)
    write_reports(folder / "reports", results, params)
    return Origin(folder / "reports", folder / "sources.json", None)


@pytest.fixture(scope="module")
def origin(results: Results, params: Params, tmp_path_factory: pytest.TempPathFactory) -> Origin:
    return origin_of(tmp_path_factory.mktemp("made"), results, params)


@pytest.fixture(scope="module")
def found(quick: None, results: Results, params: Params, origin: Origin) -> Comparison:
    return compare(results, params, origin)


def tables_of(found: Comparison) -> dict[str, pd.DataFrame]:
    return {name: table for section in found.sections for name, table in section.tables.items()}


def test_what_was_written_is_read(results: Results, params: Params, origin: Origin) -> None:
    read = read_results(origin.reports, params)
    assert read.folds == FOLDS
    for name in ("row", "role", "fold", "groups", "unique", "labels", "fell_back", "probabilities"):
        np.testing.assert_array_equal(getattr(read, name), getattr(results, name))
    assert read.curves.keys() == results.curves.keys()


def test_every_row_is_tested_and_validated_once(results: Results, params: Params) -> None:
    with quickly():
        study = Study.of(results, params)
    for protocol in ("test", "validation"):
        assert sorted(results.row[study.rows(protocol)]) == [*range(len(LABELS))]
    # The twins in two folds are known, those in one are not.
    assert set(range(40)) - set(results.row[study.rows("test_unique")].tolist()) == {8, 30, 35, 36}
    assert "as_reported" not in study.protocols
    assert study.note("test") == (
        "The headline: each image as it was tested, by a network that neither learnt from it nor was chosen by it. "
        "40 images (test, each by the network of one of 4 folds)."
    )


def test_scores_are_those_of_the_answers_in_test(found: Comparison, results: Results) -> None:
    scores = tables_of(found)["scores"].set_index(["protocol", "region", "network"])
    right = results.probabilities.argmax(-1) == results.labels
    assert scores.loc[("test", "face", "cnn2"), "accuracy"] == pytest.approx(right[1, 1, :, :40].mean())
    assert scores.loc[("validation", "face", "cnn2"), "accuracy"] == pytest.approx(right[1, 1, :, 40:].mean())
    assert tables_of(found)["baseline"]["label"].unique().tolist() == ["happy"]


def chosen(found: Comparison) -> dict[str, Any]:
    tables = tables_of(found)
    return {
        "region": found.answer.split("On test")[0],
        "temperature": tables["calibration"]["temperature"].tolist(),
        "members": tables["fusion"]["members"].tolist(),
        "selection": tables["selection"].to_dict("list"),
    }


def test_nothing_is_chosen_by_the_answers_in_test(
    found: Comparison, results: Results, params: Params, origin: Origin
) -> None:
    other = make_fold_results(params, test_seed=7)
    after = compare(replace(results, probabilities=other.probabilities), params, origin)
    assert chosen(after) == chosen(found)
    assert not tables_of(after)["scores"].equals(tables_of(found)["scores"])


def test_the_whole_page_says_what_folds_are(found: Comparison) -> None:
    reader = Reader(page(found))
    assert not re.search(r"\bnan\b|\bNone\b", reader.text)
    text = " ".join(reader.text.split())
    for said in (
        "tested once, in one of 4 folds (at random: twins, and images of one person, may be in several)",
        "4 of the 40 test images have a twin, identical or nearly so, in another fold",
        "Fold by fold",
        "face, each fold",
    ):
        assert said in text
    assert "as_reported" not in {block.title.removeprefix("Protocol ") for s in found.sections for block in s.blocks}


def test_beside_the_original_report_there_is_no_score_on_what_was_trained_on() -> None:
    params = make_params(split=SPLIT, networks=["googlenet"], seeds=[0])
    with quickly():
        found = compare_classes(Study.of(make_fold_results(params), params))
    assert set(found["scored"]) == {"printed", "test"}
    happy = found[(found["region"] == "face") & (found["label"] == "happy")]
    assert class_rows(happy)[0] == [
        "class",
        *(f"{m}, {s}" for m in ("precision", "recall", "F1") for s in ("printed", "test")),
    ]


def test_classes_are_scored_by_fold_and_pooled(found: Comparison, results: Results) -> None:
    table = tables_of(found)["by_class"]
    assert set(table["fold"]) == {"all", "0", "1", "2", "3"}
    by_fold = table[table["fold"] != "all"].groupby(["region", "network", "expression"], sort=False)["support"].sum()
    pooled = table[table["fold"] == "all"].set_index(["region", "network", "expression"])["support"]
    assert by_fold.to_dict() == pooled.to_dict()
    for fold, rows in (("all", np.arange(40)), ("2", np.arange(2, 40, 4))):
        of_seeds = [
            classification(LABELS[rows], each[rows], results.classes)["per_class"]["happy"]
            for each in results.probabilities[1, 0]
        ]
        of = (table["region"] == "face") & (table["network"] == "cnn1") & (table["fold"] == fold)
        row = table[of & (table["expression"] == "happy")].iloc[0]
        for name in ("precision", "recall", "f1"):
            assert row[name] == pytest.approx(np.mean([score[name] for score in of_seeds]))
        assert row["support"] == (LABELS[rows] == 3).sum()


def test_people_that_folds_keep_together_are_drawn_together(results: Results, origin: Origin) -> None:
    """Five people of eight images: intervals are those of five."""
    params = make_params(split={"folds": FOLDS, "group": "subject"})
    people = replace(results, groups=(results.row // 8).astype(np.int32))
    write_atlas(origin.reports, people, params)
    found = compare(people, params, origin)
    write_atlas(origin.reports, results, params)
    assert "The test images are worth 5 independent ones, taken by people and groups of twins" in found.caveat
    narrow, wide = (
        table[table["protocol"] == "test"].set_index(["region", "network"])
        for table in (tables_of(compare(results, params, origin))["scores"], tables_of(found)["scores"])
    )
    width = [table["accuracy_high"] - table["accuracy_low"] for table in (narrow, wide)]
    assert (width[1] > width[0]).mean() > 0.5
    with quickly():
        assert Study.of(people, params).samples["test"].many == pytest.approx(5)
    assert len(np.unique(TWINS)) > 5
