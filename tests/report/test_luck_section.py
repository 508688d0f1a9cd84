"""The luck of training, worked by hand."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from page_reader import Reader
from scipy import stats
from studies import Found, approx, as_lines, by_hand, one_seed, row_of

from pipeline.evaluation.uncertainty import seeds_needed
from pipeline.report.page import render
from pipeline.report.sections.luck import measure_luck, needed_rows, section
from pipeline.report.study import ALL, MEAN


def test_the_spread_is_pooled_over_regions() -> None:
    """Of ten images 5 and 7, 6 and 6 on vanilla, 8 and 8, 5 and 6 on face are right."""
    spread = measure_luck(by_hand().study).spread
    variances = {"cnn1": (0.02, 0.0), "cnn2": (0.0, 0.005), ALL: (0.02, 0.0, 0.0, 0.005)}
    for network, of in variances.items():
        row, many = row_of(spread, network=network), len(of)
        assert (row["cells"], row["deviation"]) == (many, approx(np.mean(of) ** 0.5))
        ends = [(sum(of) / stats.chi2.ppf(tail, many)) ** 0.5 for tail in (0.975, 0.025)]
        assert [row["low"], row["high"]] == approx(ends)
        assert 0 <= row["beyond"] < row["deviation"]  # ten images have much to do with it


def test_seeds_are_counted_for_each_region_and_network_and_their_mean(found: Found) -> None:
    needed = measure_luck(found.study).needed
    assert len(needed) == 2 * 3 * 2
    sample = found.study.samples["test"]
    share = sample.share(2, 2) - sample.share(1, 2)
    expected = seeds_needed(sample.estimate("accuracy", share), 2, 4, 0.01)
    row = row_of(needed, region="face", network=MEAN, difference=0.01)
    assert expected is None  # ten images are too few for a point
    assert np.isnan(row["seeds"])


def test_seeds_as_they_are_read() -> None:
    of = {"region": "face", "network": "cnn1"}
    table = pd.DataFrame([{**of, "difference": 0.01, "seeds": 4.0}, {**of, "difference": 0.005, "seeds": np.nan}])
    assert as_lines(needed_rows(table)) == [
        "region; network; to see 1.0 points; to see 0.5 points",
        "face; cnn1; 4; never",
    ]


@pytest.mark.parametrize("several", [True, False])
def test_one_seed_knows_no_luck(several: bool) -> None:
    study = by_hand().study if several else one_seed().study
    made = section(study, measure_luck(study))
    reader = Reader(f"<main>{render(made)}</main>")
    assert ("nothing is known of other trainings" in reader.text) == (not several)
    assert bool(reader.tables) == several
    assert (len(made.blocks[0].rows) > 1) == several
