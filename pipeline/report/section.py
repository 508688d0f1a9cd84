"""What a section of the report is: one question, the tables that answer it, and how they are shown."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from pipeline.report.tables import Rows


@dataclass(frozen=True)
class Block:
    """A table of `comparison.md` with its title and what is to be known of it; left out where it has no rows."""

    title: str
    text: str
    rows: Rows


@dataclass(frozen=True)
class Section:
    """One question, answered.

    Attributes:
        name: of the section's module and template (`sections/NAME.py` and `.html`), and of its place on the page.
        tab: what the page's navigation calls it.
        title: its heading.
        context: what its template shows, by name.
        blocks: its part of `comparison.md`.
        tables: its part of `reports/comparison/`, by the name of the CSV file.
        plots: its part of `reports/plots/`, which `dvc plots` shows: CSV files by their path without the suffix.
        metrics: its part of `reports/metrics/`, which `dvc metrics` shows: JSON files by their path without the suffix.
        pictures: SVG files beside the tables, by their name without the suffix; drawn from figures alone.
    """

    name: str
    tab: str
    title: str
    context: dict[str, Any]
    blocks: list[Block] = field(default_factory=list)
    tables: dict[str, pd.DataFrame] = field(default_factory=dict)
    plots: dict[str, pd.DataFrame] = field(default_factory=dict)
    metrics: dict[str, dict[str, float]] = field(default_factory=dict)
    pictures: dict[str, str] = field(default_factory=dict)
