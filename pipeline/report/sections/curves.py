"""How did the networks train?"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import pandas as pd
from markupsafe import Markup

from pipeline.classifiers.cells import Cell
from pipeline.report import charts
from pipeline.report.charts import Line, line_style
from pipeline.report.section import Section
from pipeline.report.sections.scores import Scores
from pipeline.report.study import Study

LOSSES = {"validation_loss": "Validation loss", "train_loss": "Training loss"}


def section(study: Study, tables: Mapping[Cell, pd.DataFrame], scores: Scores) -> Section:
    """The section of learning curves, see `Results`, with what the commonest class would reach."""
    curves = {cell: table.set_index("step") for cell, table in tables.items()}
    accuracies = {cell: 100 * table["validation_accuracy"] for cell, table in curves.items()}
    baseline = scores.always(study.chosen_on)
    losses = []
    for name, label in LOSSES.items():
        values = {cell: table[name] for cell, table in curves.items()}
        losses.append((label, _charts(values, label.lower(), study)))
    context: dict[str, Any] = {
        "label": baseline["label"],
        "folds": study.results.folds,
        "chosen_on": study.chosen_on,
        "accuracies": _charts(accuracies, "validation accuracy, %", study, 100 * baseline["accuracy"]),
        "losses": losses,
        "names": [(line_style(number), region) for number, region in enumerate(study.params.regions)],
    }
    # A cell has a file of its own: DVC's template draws all rows of a file as one curve.
    plots = {f"learning_curves/{cell.name.replace(' ', '-')}": table for cell, table in tables.items()}
    return Section("curves", "Training", "Training", context, plots=plots)


def _charts(
    curves: Mapping[Cell, pd.Series[float]], label: str, study: Study, always: float | None = None
) -> list[tuple[str, Markup]]:
    """A chart a network, all with the same axes, of one value by epoch (the index of the curves).

    With `always`, what one answer to all images would reach, the epoch that is kept is marked.
    """
    x = charts.axis("epoch", [step for curve in curves.values() for step in curve.index], whole=True)
    values = [value for curve in curves.values() for value in curve]
    y = charts.axis(label, values if always is None else [*values, always])
    regions = list(study.params.regions)
    found: list[tuple[str, Markup]] = []
    for network in study.params.networks:
        lines = [] if always is None else [Line("ideal", [x.low, x.high], [always, always])]
        for cell, curve in curves.items():
            if cell.network == network:
                style = line_style(regions.index(cell.region))
                lines.append(Line(style, curve.index.tolist(), curve.tolist()))
                if always is not None:
                    lines.append(_kept(cell, curve, style, study.params.classifier_recipe(network).keep))
        found.append((network, charts.chart(lines, x, y, f"{label} of {network} by epoch")))
    return found


def _kept(cell: Cell, curve: pd.Series[float], style: str, keep: Literal["best", "last"]) -> Line:
    """The epoch whose weights are kept."""
    kept = int(curve.argmax()) if keep == "best" else len(curve) - 1
    name = f"{cell.region}, seed {cell.seed}" + ("" if cell.fold is None else f", fold {cell.fold}")
    hint = f"{name}: {curve.iloc[kept]:.1f}% in epoch {curve.index[kept]}"
    return Line(style, [curve.index[kept]], [curve.iloc[kept]], [hint], [4])
