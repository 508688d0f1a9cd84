"""Calibration, against numbers worked by hand and direct calls."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from made_up import LABELS, make_params
from sklearn.metrics import log_loss as sklearn_log_loss
from studies import THREE, Found, altered, approx, as_lines, by_hand, find_right, row_of

from pipeline.evaluation import calibration
from pipeline.evaluation.results import Results
from pipeline.report.page import render
from pipeline.report.sections import calibration as calibration_section
from pipeline.report.sections.calibration import calibration_rows, measure_calibration, section


def test_calibration_by_hand() -> None:
    """As sure as 0.7, right on 8 of 10 validation images: true would be 0.8. On 6 of 10 test images."""
    params = make_params(regions={"vanilla": "whole"}, networks=["cnn1"], seeds=[3])
    found = measure_calibration(find_right(params, [[[8]]], [[[6]]]).study)
    row = found.calibration.iloc[0].to_dict()
    # 0.7 and 0.05 for each of the others have odds of 14; 0.8 and 0.2 / 6 have 24.
    assert (row["region"], row["network"], row["seed"]) == ("vanilla", "cnn1", 3)
    assert row["temperature"] == pytest.approx(np.log(14) / np.log(24), rel=1e-3)
    assert row["ece"] == pytest.approx(0.7 - 0.6, abs=1e-3)
    assert row["ece_fitted"] == pytest.approx(0.8 - 0.6, abs=1e-3)
    assert row["log_loss"] == pytest.approx(-(6 * np.log(0.7) + 4 * np.log(0.05)) / 10, abs=1e-3)
    assert row["log_loss_fitted"] == pytest.approx(-(6 * np.log(0.8) + 4 * np.log(0.2 / 6)) / 10, abs=1e-3)
    (only,) = found.reliability["vanilla", "cnn1"]
    assert (only.count, only.confidence, only.accuracy) == approx((10, 0.7, 0.6))


def test_calibration_of_every_cell(found: Found, results: Results) -> None:
    table = measure_calibration(found.study).calibration
    cells = list(product(enumerate(THREE), enumerate(["cnn1", "cnn2"]), enumerate([0, 1])))
    assert len(table) == len(cells)
    for (i, region), (k, network), (s, seed) in cells:
        probabilities = results.probabilities[i, k, s]
        temperature = calibration.fit_temperature(LABELS[20:30], probabilities[20:30])
        fitted = calibration.apply_temperature(probabilities[30:], temperature)
        row = row_of(table, region=region, network=network, seed=seed)
        assert row["temperature"] == approx(temperature)
        exact = probabilities[30:] / probabilities[30:].sum(axis=1, keepdims=True, dtype=np.float64)
        assert row["log_loss"] == approx(sklearn_log_loss(LABELS[30:], exact, labels=range(7)))
        assert row["log_loss_fitted"] == approx(sklearn_log_loss(LABELS[30:], fitted, labels=range(7)))
        assert row["ece"] == approx(calibration.expected_calibration_error(LABELS[30:], probabilities[30:]))
        assert row["ece_fitted"] == approx(calibration.expected_calibration_error(LABELS[30:], fitted))


def test_reliability_takes_all_seeds_together(found: Found, results: Results) -> None:
    reliability = measure_calibration(found.study).reliability
    for i, region in enumerate(THREE):
        for k, network in enumerate(["cnn1", "cnn2"]):
            both = np.concatenate([results.probabilities[i, k, 0, 30:], results.probabilities[i, k, 1, 30:]])
            expected = calibration.reliability(np.concatenate([LABELS[30:], LABELS[30:]]), both)
            assert reliability[region, network] == expected
    assert len(reliability) == 6


# As it is read


def test_calibration_as_it_is_read() -> None:
    table = measure_calibration(by_hand().study).calibration
    values = {"temperature": 1.2345, "ece": 0.0523, "ece_fitted": 0.01, "log_loss": 1.23456, "log_loss_fitted": 1.1}
    of = {"region": "face", "network": "cnn1", "seed": 1}
    rows = as_lines(calibration_rows(altered(table, of, **values)))
    assert rows[0] == "network; region; seed; ECE; temperature; ECE with it; log loss; log loss with it"
    assert "cnn1; face; 1; 5.2%; 1.23; 1.0%; 1.235; 1.100" in rows
    assert len(rows) == 1 + 8


def test_bins_of_few_images_are_not_drawn(monkeypatch: pytest.MonkeyPatch) -> None:
    found = measure_calibration(by_hand().study)
    # All of the ten images and two seeds are 70% sure.
    assert "face: 20 images, 70.0% sure, 80.0% right" in render(section(by_hand().study, found))
    monkeypatch.setattr(calibration_section, "FEWEST", 21)
    assert "face: 20 images" not in render(section(by_hand().study, found))
