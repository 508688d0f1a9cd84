"""Regions joined beside trainings joined, against direct calls."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from made_up import LABELS, make_params, make_results
from page_reader import Reader
from statsmodels.stats.multitest import multipletests
from studies import ROWS, THREE, Found, approx, as_lines, drawn, find, one_seed, row_of

from pipeline.evaluation.ensembles import add_greedily, best_repeated, gain, joined_correct
from pipeline.evaluation.results import Results
from pipeline.report.page import render
from pipeline.report.sections.ensembles import ensemble_rows, measure_ensembles, section


@pytest.mark.parametrize("protocol", ["test", "test_unique", "test_cut"])
def test_what_is_joined_is_chosen_on_validation_and_measured_on_test(
    found: Found, results: Results, protocol: str
) -> None:
    table = measure_ensembles(found.study)
    assert set(table["members"]) == {2}  # no region has three trainings
    for k, network in enumerate(["cnn1", "cnn2"]):
        probabilities = results.probabilities[:, k]
        seen, labels = probabilities[:, :, 20:30], LABELS[20:30]
        members, repeated = add_greedily(seen, labels, 2), best_repeated(seen, labels, 2)
        row = row_of(table, protocol=protocol, network=network)
        assert row["regions"] == " + ".join(list(THREE)[one] for one in members)
        assert row["region"] == list(THREE)[repeated[0]]
        rows = ROWS[protocol]
        joined, control = (joined_correct(probabilities[:, :, rows], LABELS[rows], of) for of in (members, repeated))
        expected = gain(joined, control, drawn(rows))
        assert [row["gain"], row["low"], row["high"]] == approx([expected.value, expected.low, expected.high])
        assert row["joined"] - row["control"] == approx(row["gain"])
        assert np.isnan(row["p"])  # two seeds: leaving one out leaves no pair


def test_with_three_seeds_gains_are_tested_and_adjusted() -> None:
    params = make_params(seeds=[0, 1, 2], regions=THREE)
    study = find(make_results(params), params).study
    table = measure_ensembles(study)
    assert set(table["members"]) == {2, 3}
    tested = table[table["p"].notna()]
    assert set(tested["members"]) == {2}
    for _, part in tested.groupby("protocol"):
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
    rows = as_lines(ensemble_rows(table.assign(**values, region="face", p=np.nan, p_holm=np.nan), "test"))
    assert rows[1] == "cnn1; vanilla + face; 75.0%; 2 of face; 70.0%; +5.0; -1.0 to +11.0 (images only); "


def test_one_seed_or_one_region_has_no_table_but_a_reason() -> None:
    made = section(one_seed().study, measure_ensembles(one_seed().study))
    assert "takes several seeds to say" in Reader(f"<main>{render(made)}</main>").text
    params = make_params(regions={"vanilla": "whole"})
    study = find(make_results(params), params).study
    made = section(study, measure_ensembles(study))
    assert "There is only one region" in Reader(f"<main>{render(made)}</main>").text
