"""Learning curves show what they are given."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from made_up import FACE, make_params, make_results, quickly
from page_reader import Reader
from studies import by_hand

from pipeline.classifiers.cells import Cell
from pipeline.evaluation.results import CURVES
from pipeline.report.page import render
from pipeline.report.sections.curves import section
from pipeline.report.sections.scores import measure_scores
from pipeline.report.study import Study


def shown(curves: dict[Cell, pd.DataFrame], recipe: str = "report") -> str:
    study = by_hand().study
    study = replace(study, params=study.params.model_copy(update={"recipe": recipe}))
    return render(section(study, curves, by_hand().scored))


@pytest.mark.parametrize(("recipe", "kept"), [("brief", "62.5% in epoch 0"), ("report", "50.0% in epoch 1")])
def test_the_kept_epoch_is_marked(recipe: str, kept: str) -> None:
    """Of `report` the last one is."""
    curves = {cell: table.copy() for cell, table in by_hand().results.curves.items()}
    curves[Cell("face", "cnn1", 1)]["validation_accuracy"] = [0.625, 0.5]
    page = shown(curves, recipe)
    assert f"face, seed 1: {kept}" in page
    assert "vanilla, seed 0: 60.0% in epoch 1" in page


def test_a_diverged_training_is_shown_too() -> None:
    results = by_hand().results
    curves = {cell: table.assign(train_loss=[np.nan, np.inf]) for cell, table in results.curves.items()}
    assert not re.search(r"\b(nan|inf)\b", shown(curves))


def test_the_plots_hold_every_epoch() -> None:
    results = by_hand().results
    plots = section(by_hand().study, by_hand().results.curves, by_hand().scored).plots
    assert len(plots) == 8
    curve = plots["learning_curves/face-cnn2-1"]
    pd.testing.assert_frame_equal(curve, results.curves[Cell("face", "cnn2", 1)])
    assert curve.columns.tolist() == ["step", *CURVES]


def test_each_of_many_regions_is_named_below_the_charts() -> None:
    """Though there are fewer styles of lines than regions."""
    params = make_params(regions={f"r{number}": FACE for number in range(11)}, networks=["cnn1"], seeds=[0])
    results = make_results(params)
    with quickly():
        study = Study.of(results, params)
    reader = Reader(f"<main>{render(section(study, results.curves, measure_scores(study)))}</main>")
    assert reader.texts("li")[:11] == list(params.regions)
