"""Tables: rows of a data frame, and rows of texts, which are what a reader sees."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import pandas as pd

Rows = list[list[str]]  # the header first, and in each row the name first

# Texts of more letters wrap in a table of the page.
LONG = 24

# A number as tables write it, perhaps with more behind it: `56.6% (+1.1)`, `<0.001`, `1,234`, `-1.2 to +0.3`.
NUMBER = re.compile(r"<?[+-]?[\d,]*\.?\d+(?=%|\s|$)")


def where(table: pd.DataFrame, **values: object) -> pd.DataFrame:
    """The rows that have these values in the columns of these names."""
    for column, value in values.items():
        table = table[table[column] == value]
    return table


def records(table: pd.DataFrame) -> list[dict[str, Any]]:
    """The rows by the names of their columns."""
    found: list[dict[str, Any]] = table.to_dict("records")  # type: ignore[assignment]
    return found


def markdown_table(rows: Rows) -> str:
    """A table that reads as Markdown and, its columns being aligned, as plain text."""
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    rule = ["-" * max(1, widths[0]), *("-" * (width - 1) + ":" for width in widths[1:])]
    lines = []
    for row in [rows[0], rule, *rows[1:]]:
        numbers = [text.rjust(width) for text, width in zip(row[1:], widths[1:], strict=True)]
        lines.append(f"| {' | '.join([row[0].ljust(widths[0]), *numbers])} |\n")
    return "".join(lines)


def column_kinds(rows: Rows) -> list[str]:
    """The classes of a table's columns in the page's style sheet, by what stands below the header."""
    return [_kind(column) for column in zip(*rows[1:], strict=True)]


def _kind(column: Sequence[str]) -> str:
    """number, by which a column is sorted then, or text, long where it may wrap."""
    written = [text for text in column if text]
    if written and all(NUMBER.match(text) for text in written):
        return "number"
    return "text long" if any(len(text) > LONG for text in written) else "text"
