"""The original report beside ours."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import pandas as pd
import pytest
from made_up import FACE, LABELS, MOUTH, make_params, make_results, quickly
from page_reader import Reader
from sklearn.metrics import classification_report
from studies import ROWS, approx, as_lines, by_hand, predicted_by, row_of

from pipeline.report.page import render
from pipeline.report.sections.reported import class_rows, compare_classes, reported_rows, section, why
from pipeline.report.study import Study


@cache
def with_googlenet() -> Study:
    """Two regions that the report has by class and one that it has not, one such network and another, two seeds."""
    regions = {"vanilla": "whole", "eyes": {"points": "37-48", "margin": 0.2}, "mouth": MOUTH}
    params = make_params(regions=regions, networks=["cnn1", "googlenet"])
    with quickly():
        return Study.of(make_results(params), params)


def test_the_original_report_beside_ours() -> None:
    rows = as_lines(reported_rows(by_hand().scored))
    assert rows[0] == (
        "region; network; report, as printed; its predictions on test; ours, as_reported; ours, test; ours, test_unique"
    )
    # Half of Training is right, six of ten test images, and four of eight without a twin.
    assert rows[2] == "vanilla; cnn2; 83%; 49.7%; 53.3%; 60.0%; 50.0%"
    assert rows[4] == "vanilla; cnn4; 80%; ; ; ; "
    assert rows[6] == "face; googlenet; 89%; ; ; ; "
    assert len(rows) == 1 + 7


def test_why_the_report_is_higher_is_told_in_points() -> None:
    # 80 - 48.2, 83 - 49.7, 77 - 48.0 and 87 - 53.5
    assert "the authors' own predictions come out 29 to 34 points lower" in why()


# By class


def test_what_was_printed_by_class_stands_beside_ours_where_we_have_it() -> None:
    table = compare_classes(with_googlenet())
    pairs = table[["region", "network"]].drop_duplicates()
    assert list(pairs.itertuples(index=False, name=None)) == [("vanilla", "googlenet"), ("mouth", "googlenet")]
    of = {"region": "mouth", "network": "googlenet", "scored": "printed"}
    printed = row_of(table, label="disgust", **of)
    assert (printed["precision"], printed["recall"], printed["f1"]) == (0.86, 0.88, 0.87)
    assert row_of(table, label="weighted avg", **of)["f1"] == 0.899
    assert table.loc[table["scored"] == "printed", "support"].isna().all()
    assert len(table) == 2 * 9 * 3


@pytest.mark.parametrize("protocol", ["as_reported", "test"])
def test_scores_by_class_are_the_means_over_the_seeds_of_scikit_learns(protocol: str) -> None:
    study = with_googlenet()
    answers = predicted_by(study.results, ROWS[protocol])[2, 1]  # mouth, googlenet
    reports = [
        classification_report(
            LABELS[ROWS[protocol]],
            of_seed,
            labels=range(7),
            target_names=study.results.classes,
            output_dict=True,
            zero_division=0,
        )
        for of_seed in answers
    ]
    table = compare_classes(study)
    for label in (*study.results.classes, "macro avg", "weighted avg"):
        row = row_of(table, region="mouth", network="googlenet", label=label, scored=protocol)
        for ours, theirs in (("precision", "precision"), ("recall", "recall"), ("f1", "f1-score")):
            assert row[ours] == approx(sum(report[label][theirs] for report in reports) / 2)
        assert row["support"] == reports[0][label]["support"]


def test_only_classes_of_both_are_shown_and_of_others_no_mean() -> None:
    study = with_googlenet()
    renamed = tuple("contempt" if name == "neutral" else name for name in study.results.classes)
    table = compare_classes(replace(study, results=replace(study.results, classes=renamed)))
    assert list(dict.fromkeys(table["label"])) == ["angry", "disgust", "fear", "happy", "sad", "surprise"]


def test_without_a_network_of_the_reports_tables_there_is_none() -> None:
    found = by_hand()
    table = compare_classes(found.study)
    assert table.empty
    made = section(found.scored, table)
    assert [block.title for block in made.blocks] == ["Beside the original report"]
    assert "<details>" not in render(made)


def test_scores_by_class_as_they_are_read() -> None:
    scores = {
        "printed": (0.898, 0.9, 0.87),
        "as_reported": (0.8, 0.71234, 1.0),
        "test": (0.5, 0.25, 0.0),
    }
    table = pd.DataFrame(
        [("happy", scored, *values) for scored, values in scores.items()],
        columns=["label", "scored", "precision", "recall", "f1"],
    )
    assert as_lines(class_rows(table)) == [
        "class; precision, printed; precision, as_reported; precision, test; recall, printed; recall, as_reported; "
        "recall, test; F1, printed; F1, as_reported; F1, test",
        "happy; 0.898; 0.800; 0.500; 0.90; 0.712; 0.250; 0.87; 1.000; 0.000",
    ]


def test_each_region_opens_its_own_table_and_has_its_own_block() -> None:
    params = make_params(regions={"vanilla": "whole", "face": FACE}, networks=["googlenet"], seeds=[0])
    with quickly():
        study = Study.of(make_results(params), params)
    made = section(by_hand().scored, compare_classes(study))
    names = ["vanilla, googlenet, by class", "face, googlenet, by class"]
    assert [block.title for block in made.blocks[1:]] == [f"Beside the original report: {name}" for name in names]
    reader = Reader(f"<main>{render(made)}</main>")
    assert reader.texts("summary") == names
    assert [len(rows) for rows in reader.tables] == [8, 10, 10]
