"""What is inside the networks, as it is read."""

from __future__ import annotations

from pathlib import Path

import pytest
from made_up import change, make_params, make_results, write_atlas
from page_reader import Reader
from sample_sets import refused
from studies import Found, by_hand

from pipeline.report.page import render
from pipeline.report.sections.looks import SHEETS, section
from pipeline.report.study import Origin


@pytest.fixture
def found() -> Found:
    return by_hand()


@pytest.fixture
def origin(tmp_path: Path) -> Origin:
    params = make_params()
    write_atlas(tmp_path, make_results(params), params)
    return Origin(tmp_path, tmp_path / "sources.json", None)


def test_the_sheets_of_one_seed_of_each_network_are_shown_with_pictures_alone(found: Found, origin: Origin) -> None:
    made = section(found.study, origin)
    reader = Reader(f"<main>{render(made)}</main>")
    assert reader.texts("summary") == ["vanilla cnn1 0", "vanilla cnn2 0"]
    assert len(reader.of("img")) == 2 * len(SHEETS)
    without = Reader(f"<main>{render(made, pictures=False)}</main>")
    assert not without.of("img")
    assert not without.texts("summary")


def test_a_method_that_failed_the_check_is_said_to(found: Found, origin: Origin) -> None:
    looked = origin.reports / "inside/sheets/vanilla/cnn2-1/looked.json"
    change(looked, similar_to_random={"Grad-CAM at 5": 0.1, "edges": 0.93})
    rows = Reader(f"<main>{render(section(found.study, origin))}</main>").table("network", "seed", "method")
    assert rows[-2:] == [["cnn2", "1", "Grad-CAM at 5", "0.10", "yes"], ["cnn2", "1", "edges", "0.93", "no"]]


def test_a_missing_record_is_named(found: Found, origin: Origin) -> None:
    path = origin.reports / "inside/sheets/vanilla/cnn1-0/looked.json"
    path.unlink()
    assert refused(section, found.study, origin) == f"{path}: missing; run `dvc repro` to make it"
