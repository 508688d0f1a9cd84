"""Regions joined beside trainings joined, against direct calls."""

from __future__ import annotations

from functools import cache
from typing import Any

import pytest
from made_up import LABELS, make_params, make_results
from page_reader import Reader
from statsmodels.stats.multitest import multipletests
from studies import ROWS, THREE, approx, as_lines, by_hand, drawn, find, one_seed, row_of, worth

from pipeline.evaluation.ensembles import add_greedily, best_repeated, gain, joined_correct
from pipeline.report.page import render
from pipeline.report.sections.ensembles import ensemble_rows, measure_ensembles, section
from pipeline.report.study import Study


@cache
def three_seeds() -> Study:
    params = make_params(seeds=[0, 1, 2], regions=THREE)
    return find(make_results(params), params).study


@pytest.mark.parametrize("protocol", ["test", "test_unique", "test_cut"])
def test_what_is_joined_is_chosen_on_validation_and_measured_on_test(protocol: str) -> None:
    study = three_seeds()
    table = measure_ensembles(study)
    assert set(table["members"]) == {2}  # leaving one of three out must leave a choice
    for k, network in enumerate(["cnn1", "cnn2"]):
        probabilities = study.results.probabilities[:, k]
        seen, labels = probabilities[:, :, 20:30], LABELS[20:30]
        members, repeated = add_greedily(seen, labels, 2), best_repeated(seen, labels, 2)
        row = row_of(table, protocol=protocol, network=network)
        assert row["regions"] == " + ".join(list(THREE)[one] for one in members)
        assert row["region"] == list(THREE)[repeated[0]]
        rows = ROWS[protocol]
        joined, control = (joined_correct(probabilities[:, :, rows], LABELS[rows], of) for of in (members, repeated))
        expected = gain(joined, control, drawn(rows), worth(rows))
        told = [row[name] for name in ("gain", "low", "high", "p")]
        assert told == approx([expected.value, expected.low, expected.high, expected.p])
        assert row["joined"] - row["control"] == approx(row["gain"])


def test_gains_are_adjusted_for_all_of_a_protocol() -> None:
    for _, part in measure_ensembles(three_seeds()).groupby("protocol"):
        assert part["p_holm"].tolist() == approx(multipletests(part["p"], method="holm")[1].tolist())


def test_ensembles_as_they_are_read() -> None:
    params = make_params(seeds=[0, 1, 2])
    table = measure_ensembles(find(make_results(params), params).study)
    values: dict[str, Any] = {
        "joined": 0.75,
        "control": 0.7,
        "gain": 0.05,
        "low": -0.01,
        "high": 0.11,
        "regions": "vanilla + face",
    }
    rows = as_lines(ensemble_rows(table.assign(**values, region="face", p=0.01, p_holm=0.049), "test"))
    assert rows[0] == "network; regions joined; accuracy; trainings joined; accuracy; gain; 95% interval; Holm"
    assert rows[1] == "cnn1; vanilla + face; 75.0%; 2 of face; 70.0%; +5.0*; -1.0 to +11.0; 0.049"


def test_too_few_seeds_or_one_region_have_no_table_but_a_reason() -> None:
    for study in (one_seed().study, by_hand().study):
        made = section(study, measure_ensembles(study))
        assert "takes three seeds to say" in Reader(f"<main>{render(made)}</main>").text
    params = make_params(regions={"vanilla": "whole"})
    study = find(make_results(params), params).study
    made = section(study, measure_ensembles(study))
    assert "There is only one region" in Reader(f"<main>{render(made)}</main>").text
