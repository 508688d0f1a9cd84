"""Images that were not cut, worked by hand: of every region but vanilla the test rows 30 and 31 fell back."""

from __future__ import annotations

from made_up import make_params, make_results
from page_reader import Reader
from studies import Found, approx, as_lines, by_hand, correct_on, find, row_of, with_mean

from pipeline.evaluation.results import Results
from pipeline.report.page import render
from pipeline.report.sections.fallback import fallback_rows, giveaway_rows, measure_fallback, section
from pipeline.report.study import MEAN


def test_both_parts_are_scored_beside_the_reference(found: Found, results: Results) -> None:
    scores = measure_fallback(found.study).scores
    assert set(scores["region"]) == {"mouth", "face"}
    for name, rows in (("cut", list(range(32, 40))), ("whole", [30, 31])):
        accuracy = with_mean(correct_on(results, rows).mean(axis=-1).mean(axis=-1))
        for k, network in enumerate(["cnn1", "cnn2", MEAN]):
            row = row_of(scores, region="face", network=network)
            assert row[f"n_{name}"] == len(rows)
            assert (row[name], row[f"reference_{name}"]) == approx((accuracy[2, k], accuracy[1, k]))


def test_what_it_gives_away() -> None:
    """The two are angry and disgusted: the guess is right of one of them, and of the four happy ones of the others."""
    table = measure_fallback(by_hand().study).giveaway
    row = row_of(table, region="face")
    assert (row["share_angry"], row["share_disgust"], row["share_happy"]) == (1, 1, 0)
    assert (row["accuracy"], row["always"]) == approx((0.5, 0.4))


def test_as_it_is_read() -> None:
    study = by_hand().study
    fallback = measure_fallback(study)
    scores = fallback.scores.assign(cut=0.75, whole=0.5, reference_cut=0.625, reference_whole=1.0)
    rows = as_lines(fallback_rows(scores, "vanilla"))
    assert rows[0] == "region; network; cut; accuracy; vanilla; kept whole; accuracy; vanilla"
    assert rows[1] == "face; cnn1; 8; 75.0%; 62.5%; 2; 50.0%; 100.0%"
    told = as_lines(giveaway_rows(fallback.giveaway, study.results.classes))
    assert told[0].startswith("region; bits; guessed right by it; guessed right without; angry; disgust;")
    assert told[1].split("; ")[2:6] == ["50.0%", "40.0%", "100.0%", "100.0%"]
    page = Reader(f"<main>{render(section(study, fallback))}</main>")
    assert page.table("region", "network")
    assert "were trained on whole" in page.text


def test_without_any_there_is_nothing_to_say() -> None:
    params = make_params(regions={"vanilla": "whole"})
    study = find(make_results(params), params).study
    assert "No test image was kept whole" in render(section(study, measure_fallback(study)))
