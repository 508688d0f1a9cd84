"""The comparison of all cells: the answer, its sections, and the files that other programs read.

Everything here follows from the stored predictions. Whatever is chosen (a region, weights, a temperature) is chosen on
validation and then measured on test.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from pipeline.common.files import whole_folder, write_bytes, write_json
from pipeline.evaluation.results import Results
from pipeline.params import Params
from pipeline.report.answer import answer, caveat
from pipeline.report.section import Section
from pipeline.report.sections import all_sections
from pipeline.report.sections.differences import measure_differences
from pipeline.report.sections.joined import measure_joined, sentence
from pipeline.report.sections.scores import measure_scores, score_rows
from pipeline.report.study import HEADLINE, Origin, Study
from pipeline.report.tables import markdown_table


@dataclass(frozen=True)
class Comparison:
    """The answer, and all that is behind it.

    Attributes:
        answer: in a sentence or two.
        caveat: what it rests on.
        summary: the answer for the terminal.
        sections: in the order of the page.
    """

    answer: str
    caveat: str
    summary: str
    sections: list[Section]


def compare(results: Results, params: Params, origin: Origin) -> Comparison:
    """Compare all cells.

    Raises:
        InputError: a protocol scores no rows, or the record of the data sets is missing or has another shape.
    """
    study = Study.of(results, params)
    scored, tested, fused = measure_scores(study), measure_differences(study), measure_joined(study)
    said, measured_on = answer(study, scored, tested.pairs), caveat(study, scored)
    table = markdown_table(score_rows(scored, tested.pairs, HEADLINE, study))
    joined = sentence(fused.fusion)
    return Comparison(
        said,
        measured_on,
        "\n".join([said, measured_on, "", table, *([joined] if joined else [])]),
        all_sections(study, results, origin, scored, tested, fused),
    )


def markdown(comparison: Comparison) -> str:
    """`reports/comparison.md`: the answer and the tables behind it."""
    parts = [f"# Comparison of regions\n\n**{comparison.answer}** {comparison.caveat}\n"]
    for block in (block for section in comparison.sections for block in section.blocks):
        if len(block.rows) > 1:
            parts.append(f"## {block.title}\n\n{block.text}\n\n{markdown_table(block.rows)}")
    return "\n".join(parts)


def save(reports: Path, comparison: Comparison) -> None:
    """Write `comparison.md`, and the folders `comparison` (CSV, SVG), `metrics` and `plots` (for DVC)."""
    write_bytes(reports / "comparison.md", markdown(comparison).encode())
    with whole_folder(reports / "comparison") as part:
        for section in comparison.sections:
            for name, table in section.tables.items():
                _write_csv(part / f"{name}.csv", table)
            for name, picture in section.pictures.items():
                write_bytes(part / f"{name}.svg", picture.encode())
    with whole_folder(reports / "metrics") as part:
        for section in comparison.sections:
            for name, values in section.metrics.items():
                write_json(part / f"{name}.json", values)
    with whole_folder(reports / "plots") as part:
        for section in comparison.sections:
            for name, table in section.plots.items():
                _write_csv(part / f"{name}.csv", table)


def _write_csv(path: Path, table: pd.DataFrame) -> None:
    path.parent.mkdir(exist_ok=True)
    table.to_csv(path, index=False, float_format="%.6g", lineterminator="\n")
