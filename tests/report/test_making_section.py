"""What the report says of how it was made."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from page_reader import Reader
from studies import by_hand

from pipeline.common.files import InputError, write_json
from pipeline.report.page import render
from pipeline.report.sections.making import file_rows, section
from pipeline.report.study import Origin

DATA_SET = {"path": "fer2013.csv", "files": 1, "bytes": 301072766, "sha256": "ab12"}


@pytest.mark.parametrize("content", [[], {"faces": {}}, {"faces": {**DATA_SET, "files": "many"}}])
def test_a_record_of_another_shape(tmp_path: Path, content: Any) -> None:
    write_json(tmp_path / "sources.json", content)
    with pytest.raises(InputError, match="does not describe the data sets; delete it and run `dvc repro`"):
        file_rows(tmp_path / "sources.json")


def test_it_tells_the_settings_of_the_recipe_that_was_used_and_of_no_other(tmp_path: Path) -> None:
    write_json(tmp_path / "sources.json", {"expressions": DATA_SET, "ferplus": None})
    page = render(section(by_hand().study, Origin(tmp_path, tmp_path / "sources.json", None)))
    assert "recipe: report" in page
    assert "strong" not in page
    assert Reader(f"<main>{page}</main>").table("data set") == [
        ["expressions", "fer2013.csv", "1", "301,072,766", "ab12"]
    ]
    assert "Commit" not in page
