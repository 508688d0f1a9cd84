"""How true are the probabilities?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from markupsafe import Markup

from pipeline.evaluation import calibration
from pipeline.evaluation.calibration import Bin
from pipeline.report import charts
from pipeline.report.charts import Axis, Line, line_style
from pipeline.report.section import Block, Section
from pipeline.report.study import HEADLINE, Study
from pipeline.report.tables import Rows, records
from pipeline.report.words import percent

# Of fewer images a bin of the reliability diagram has an accuracy that is mostly chance.
FEWEST = 10


@dataclass(frozen=True)
class Calibration:
    """How true the probabilities are on test.

    Attributes:
        calibration: region, network, seed, temperature (fitted on validation), and on test ece, ece_fitted, log_loss,
            log_loss_fitted.
        reliability: of each region and network, all seeds together.
    """

    calibration: pd.DataFrame
    reliability: dict[tuple[str, str], list[Bin]]


def measure_calibration(study: Study) -> Calibration:
    """Measure every cell, before and after a temperature."""
    return Calibration(_errors(study), _reliability(study))


def _errors(study: Study) -> pd.DataFrame:
    fitted_on, test = study.rows(study.chosen_on), study.rows(HEADLINE)
    chosen, labels = study.results.labels[fitted_on], study.results.labels[test]
    found = []
    for cell, place in study.cells.items():
        probabilities = study.results.probabilities[place]
        temperature = calibration.fit_temperature(chosen, probabilities[fitted_on])
        fitted = calibration.apply_temperature(probabilities[test], temperature)
        found.append(
            {
                "region": cell.region,
                "network": cell.network,
                "seed": cell.seed,
                "temperature": temperature,
                "ece": calibration.expected_calibration_error(labels, probabilities[test]),
                "ece_fitted": calibration.expected_calibration_error(labels, fitted),
                "log_loss": calibration.log_loss(labels, probabilities[test]),
                "log_loss_fitted": calibration.log_loss(labels, fitted),
            }
        )
    return pd.DataFrame(found)


def _reliability(study: Study) -> dict[tuple[str, str], list[Bin]]:
    test, params = study.rows(HEADLINE), study.params
    labels = np.tile(study.results.labels[test], len(params.seeds))
    probabilities = study.results.probabilities[:, :, :, test]
    return {
        (region, network): calibration.reliability(labels, probabilities[i, k].reshape(len(labels), -1))
        for i, region in enumerate(params.regions)
        for k, network in enumerate(params.networks)
    }


def calibration_rows(table: pd.DataFrame) -> Rows:
    """The errors on test, before and after the temperature."""
    rows = [["network", "region", "seed", "ECE", "temperature", "ECE with it", "log loss", "log loss with it"]]
    for row in records(table):
        errors = [percent(row["ece"]), f"{row['temperature']:.2f}", percent(row["ece_fitted"])]
        losses = [f"{row['log_loss']:.3f}", f"{row['log_loss_fitted']:.3f}"]
        rows.append([row["network"], row["region"], str(row["seed"]), *errors, *losses])
    return rows


def section(study: Study, found: Calibration) -> Section:
    """The section."""
    rows = calibration_rows(found.calibration)
    context = {
        "fewest": FEWEST,
        "diagrams": [(network, _diagram(network, found, study)) for network in study.params.networks],
        "names": [(line_style(number), region) for number, region in enumerate(study.params.regions)],
        "rows": rows,
        "chosen_on": study.chosen_on,
    }
    text = f"On {HEADLINE}; the temperature is fitted on {study.chosen_on}."
    tables = {"calibration": found.calibration}
    return Section("calibration", "Calibration", "Calibration", context, [Block("Calibration", text, rows)], tables)


def _diagram(network: str, found: Calibration, study: Study) -> Markup:
    """The reliability diagram of one network, a line a region."""
    lines = [Line("ideal", [0, 100], [0, 100])]
    for number, region in enumerate(study.params.regions):
        lines.append(_reliability_line(line_style(number), region, found.reliability[region, network]))
    sure, right = Axis("confidence, %", 0, 100), Axis("accuracy, %", 0, 100)
    return charts.chart(lines, sure, right, f"Accuracy of {network} by its confidence")


def _reliability_line(style: str, region: str, bins: Sequence[Bin]) -> Line:
    total = sum(part.count for part in bins)
    shown = [part for part in bins if part.count >= FEWEST]
    return Line(
        style,
        [100 * part.confidence for part in shown],
        [100 * part.accuracy for part in shown],
        [
            f"{region}: {part.count:,} images, {percent(part.confidence)} sure, {percent(part.accuracy)} right"
            for part in shown
        ],
        [1.5 + 9 * (part.count / total) ** 0.5 for part in shown],
    )
