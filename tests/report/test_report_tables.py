"""Tables as they are written."""

from __future__ import annotations

import pytest

from pipeline.report.tables import column_kinds, markdown_table


def test_a_markdown_table_is_aligned() -> None:
    rows = [["name", "n", "share"], ["a", "1", "2.0%"], ["longer", "1,000", ""]]
    assert markdown_table(rows) == (
        "| name   |     n | share |\n"
        "| ------ | ----: | ----: |\n"
        "| a      |     1 |  2.0% |\n"
        "| longer | 1,000 |       |\n"
    )


def test_a_markdown_table_may_lack_names() -> None:
    assert markdown_table([["", "b"], ["", "1"]]) == "|  | b |\n| - | : |\n|  | 1 |\n"


@pytest.mark.parametrize(
    ("column", "kind"),
    [
        (["56.6% (+1.1)", "9.0%", ""], "number"),
        (["<0.001", "0.313"], "number"),
        (["1,234", "12"], "number"),
        (["+1.1 to +2.2", "-0.3 to +1.0"], "number"),
        (["53.2% ± 0.7 (+2.8*)"], "number"),
        (["2 of 10"], "number"),
        (["17a28e86", "8a308b4f"], "text"),  # a hash
        (["2.15.0"], "text"),  # a version
        (["cnn1", "12"], "text"),
        (["", ""], "text"),
        (["face 0.62 + mouth 0.38 + vanilla 0.10"], "text long"),
    ],
)
def test_kinds_of_columns(column: list[str], kind: str) -> None:
    assert column_kinds([["name"], *([text] for text in column)]) == [kind]
