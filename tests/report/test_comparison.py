"""The comparison as a whole: what is chosen by what, and what is written."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from made_up import (
    FACE,
    LABELS,
    PNG,
    ROLE,
    SOURCES,
    made_up_probabilities,
    make_params,
    make_results,
    quickly,
    write_atlas,
)
from studies import THREE, find_right, row_of

from pipeline.common.files import write_json
from pipeline.evaluation.results import Results
from pipeline.params import Params
from pipeline.report import comparison
from pipeline.report.answer import answer
from pipeline.report.comparison import Comparison, compare, markdown, save
from pipeline.report.study import ALL, Origin
from pipeline.report.tables import markdown_table


@pytest.fixture(scope="module", autouse=True)
def quick() -> Iterator[None]:
    with quickly():
        yield


@pytest.fixture(scope="module")
def params() -> Params:
    """Three regions of which the reference is the second, two networks, two seeds."""
    return make_params(regions=THREE)


@pytest.fixture(scope="module")
def results(params: Params) -> Results:
    return make_results(params)


def origin_of(folder: Path, results: Results, params: Params) -> Origin:
    """A folder with what is read of the earlier stages beside their results."""
    write_json(folder / "sources.json", SOURCES)
    write_atlas(folder / "reports", results, params)
    return Origin(folder / "reports", folder / "sources.json", None)


@pytest.fixture(scope="module")
def origin(results: Results, params: Params, tmp_path_factory: pytest.TempPathFactory) -> Origin:
    return origin_of(tmp_path_factory.mktemp("made"), results, params)


@pytest.fixture(scope="module")
def found(quick: None, results: Results, params: Params, origin: Origin) -> Comparison:
    return compare(results, params, origin)


def tables_of(found: Comparison) -> dict[str, pd.DataFrame]:
    """All tables that are written as CSV, by name."""
    return {name: table for section in found.sections for name, table in section.tables.items()}


# Whatever is chosen is chosen on validation


def chosen(found: Comparison) -> dict[str, Any]:
    """Everything that is chosen, and every number that it is chosen by."""
    tables = tables_of(found)
    validation = {
        name: table[table["protocol"].str.startswith("validation")]
        for name, table in tables.items()
        if "protocol" in table
    }
    return {
        "region": found.answer.split("On test")[0],
        "ensembles": tables["ensembles"][["regions", "region"]].to_dict("list"),
        "temperature": tables["calibration"]["temperature"].tolist(),
        "members": tables["fusion"]["members"].tolist(),
        "selection": tables["selection"].to_dict("list"),
        "baseline": tables["baseline"]["label"].tolist(),
        "validation": {name: table.to_csv() for name, table in validation.items()},
    }


TEST = ROLE == "test"


@pytest.mark.parametrize("seed", range(4))
def test_nothing_is_chosen_by_the_labels_of_test(
    found: Comparison, results: Results, params: Params, tmp_path: Path, seed: int
) -> None:
    labels = LABELS.copy()
    labels[TEST] = np.random.default_rng(seed).permutation(labels[TEST])
    changed = replace(results, labels=labels)
    other = compare(changed, params, origin_of(tmp_path, changed, params))
    assert chosen(other) == chosen(found)
    before, after = tables_of(found), tables_of(other)
    assert not after["scores"].equals(before["scores"])
    assert (after["calibration"]["log_loss"] != before["calibration"]["log_loss"]).all()


@pytest.mark.parametrize("seed", range(4))
def test_nothing_is_chosen_by_the_answers_on_test(
    found: Comparison, results: Results, params: Params, origin: Origin, seed: int
) -> None:
    others = made_up_probabilities(params, seed + 1)
    probabilities = np.where(TEST[:, np.newaxis], others, results.probabilities)
    other = compare(replace(results, probabilities=probabilities), params, origin)
    assert chosen(other) == chosen(found)
    assert not tables_of(other)["scores"].equals(tables_of(found)["scores"])


def test_the_region_that_test_prefers_is_not_chosen() -> None:
    """Face is right on all of validation and on nothing of test, vanilla the reverse."""
    params = make_params(networks=["cnn1"], seeds=[0])
    vanilla_first, face_first = np.array([[[10]], [[0]]]), np.array([[[0]], [[10]]])
    found = find_right(params, face_first, vanilla_first)
    said = answer(found.study, found.scored, found.tested.pairs)
    assert "On validation face lies 100.0 points above vanilla" in said
    assert "On test the accuracy of face with cnn1 is 0.0%" in said
    for method in ("best single", "fitted weights", "forward selection"):
        row = row_of(found.fused.fusion, network="cnn1", method=method, protocol="test")
        assert (row["members"], row["accuracy"]) == ("face", 0)
    assert found.fused.selection.iloc[0][["added", "validation_accuracy"]].tolist() == ["face", 1]


def test_validation_does_choose(found: Comparison, results: Results, params: Params, origin: Origin) -> None:
    """Were the tests above blind, this one would fail."""
    public = (ROLE == "validation")[:, np.newaxis]
    probabilities = np.where(public, results.probabilities[::-1], results.probabilities)
    other, before = chosen(compare(replace(results, probabilities=probabilities), params, origin)), chosen(found)
    assert all(other[name] != before[name] for name in ("region", "temperature", "members", "selection", "validation"))


# In all


def test_two_comparisons_of_the_same_results_are_equal(
    found: Comparison, results: Results, params: Params, origin: Origin
) -> None:
    again = compare(results, params, origin)
    for name, table in tables_of(found).items():
        pd.testing.assert_frame_equal(tables_of(again)[name], table, check_exact=True)
    assert markdown(again) == markdown(found)


def test_the_order_of_the_rows_does_not_matter(
    found: Comparison, results: Results, params: Params, tmp_path: Path
) -> None:
    order = np.random.default_rng(0).permutation(len(LABELS))
    rows = {name: getattr(results, name)[order] for name in ("role", "groups", "unique", "labels")}
    shuffled = replace(
        results, **rows, fell_back=results.fell_back[:, order], probabilities=results.probabilities[:, :, :, order]
    )
    other = compare(shuffled, params, origin_of(tmp_path, shuffled, params))
    for name, table in tables_of(found).items():
        pd.testing.assert_frame_equal(tables_of(other)[name], table, rtol=1e-5, atol=1e-6)
    plots = {name: table for section in found.sections for name, table in section.plots.items()}
    for name, table in ((name, table) for section in other.sections for name, table in section.plots.items()):
        assert sorted(table.itertuples(index=False)) == sorted(plots[name].itertuples(index=False))


def check_readable(found: Comparison) -> None:
    """All rows of a table are equally long, and nothing is nan."""
    for rows in (block.rows for section in found.sections for block in section.blocks):
        assert {len(row) for row in rows} == {len(rows[0])}
        assert all("nan" not in text for row in rows for text in row)
    for text in (markdown(found), found.summary):
        assert "nan" not in text.split()


@pytest.mark.parametrize("regions", [{"face": FACE}, {"vanilla": "whole", "face": FACE}])
@pytest.mark.parametrize("networks", [["cnn1"], ["cnn1", "googlenet"]])
@pytest.mark.parametrize("seeds", [[5], [5, 7]])
@pytest.mark.filterwarnings("error")
def test_one_of_a_kind_is_compared_with_nothing(
    regions: dict[str, Any], networks: list[Any], seeds: list[int], tmp_path: Path
) -> None:
    params = make_params(regions=regions, networks=networks, seeds=seeds)
    results = make_results(params)
    found = compare(results, params, origin_of(tmp_path, results, params))
    check_readable(found)
    tables = tables_of(found)
    many_regions, many_networks = len(regions) > 1, len(networks) > 1
    assert len(tables["scores"]) == 6 * len(regions) * (len(networks) + 1)
    assert len(tables["pairs"]) == 4 * (many_regions * (len(networks) + 1) + many_networks * len(regions))
    assert len(tables["luck"]) == (len(seeds) > 1) * (len(networks) + 1)
    assert len(tables["ensembles"]) == 0  # two seeds are too few
    assert len(tables["leak"]) == len(regions) * (len(networks) + 1)
    assert len(tables["calibration"]) == len(regions) * len(networks) * len(seeds)
    pools = many_regions * len(networks) + many_networks
    assert len(tables["fusion"]) == pools * 5 * 4
    pool_names = {*(networks if many_regions else []), *([ALL] if many_networks else [])}
    assert set(tables["selection"]["network"]) == pool_names
    assert list(tables["pairs"].columns) == [
        *("protocol", "kind", "within", "one", "other", "difference", "low", "high", "macro_f1_difference"),
        *("macro_f1_low", "macro_f1_high", "images", "trainings", "p", "detectable", "as_trained", "p_holm"),
    ]


# Text


def titles(text: str) -> list[str]:
    return [line.removeprefix("## ") for line in text.splitlines() if line.startswith("## ")]


TITLES = [
    "Protocol test",
    "Protocol test_unique",
    "Protocol test_cut",
    "Protocol validation_unique",
    "Protocol validation",
    "Protocol as_reported",
    "Differences between regions",
    "The luck of training",
    "What leaks",
    "Images that were not cut",
    "Regions joined",
    "Expression by expression",
    "Precision and recall by class",
    "Which part carries which expression",
    "Calibration",
    "Landmarks",
    "Audit of the data set",
    "Images that occur more than once",
    "Beside the original report",
]


def test_the_whole_answer_in_markdown(found: Comparison) -> None:
    check_readable(found)
    text = markdown(found)
    assert text.startswith(f"# Comparison of regions\n\n**{found.answer}** {found.caveat}\n")
    assert titles(text) == TITLES
    # With two seeds there are too few to join trainings, and so that table has no rows.
    blocks = [block for section in found.sections for block in section.blocks if len(block.rows) > 1]
    for block in blocks:
        assert f"\n## {block.title}\n\n{block.text}\n\n{markdown_table(block.rows)}" in text
    assert len(blocks) == len(TITLES)
    assert "most of what it scores was trained on. 30 images (train + unused + test). " in text
    assert "8 images (test)" in text
    assert "brackets its difference to vanilla in points" in text
    assert "Chosen on validation_unique, measured on test." in text
    assert "Test images with a twin in train or validation." in text
    assert text.endswith("|\n")


def test_a_table_without_rows_has_no_section(tmp_path: Path) -> None:
    params = make_params(regions={"face": FACE}, networks=["cnn1"])
    results = make_results(params)
    text = markdown(compare(results, params, origin_of(tmp_path, results, params)))
    absent = {"Differences between regions", "Regions joined"}
    assert titles(text) == [title for title in TITLES if title not in absent]


def test_the_summary_for_the_terminal(found: Comparison) -> None:
    table = next(block for section in found.sections for block in section.blocks if block.title == "Protocol test")
    before, after = found.summary.split(markdown_table(table.rows))
    assert before == f"{found.answer}\n{found.caveat}\n\n"
    assert after.startswith("\nJoined with weights fitted on validation, the models of all networks reach ")


def test_the_summary_says_nothing_of_joining_one_model(tmp_path: Path) -> None:
    params = make_params(networks=["cnn2"], regions={"face": FACE})
    results = make_results(params)
    assert compare(results, params, origin_of(tmp_path, results, params)).summary.endswith("|\n")


# Files


FRAMES = (
    *("scores", "baseline", "pairs", "luck", "seeds_needed", "leak", "fallback", "giveaway", "fusion", "selection"),
    *("ensembles", "recall", "by_class", "calibration", "reported_per_class"),
    *("atlas", "atlas_confusions", "atlas_retrained", "atlas_people"),
)


def files_in(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_what_is_saved(found: Comparison, tmp_path: Path) -> None:
    save(tmp_path, found)
    cells = [f"{region}-{network}-{seed}.csv" for region in THREE for network in ("cnn1", "cnn2") for seed in (0, 1)]
    assert set(files_in(tmp_path)) == {
        "comparison.md",
        "comparison/atlas.svg",
        *(f"comparison/{name}.csv" for name in FRAMES),
        *(
            f"metrics/{protocol}/{network}.json"
            for protocol in ("validation_unique", "test")
            for network in ("cnn1", "cnn2")
        ),
        "metrics/landmarks.json",
        "plots/part_worth.csv",
        "plots/test_accuracy.csv",
        *(f"plots/{kind}/{cell}" for kind in ("learning_curves", "confusion_test") for cell in cells),
    }
    assert (tmp_path / "comparison.md").read_text() == markdown(found)


@pytest.mark.parametrize("name", FRAMES)
def test_saved_tables_say_what_the_frames_say(found: Comparison, tmp_path: Path, name: str) -> None:
    save(tmp_path, found)
    saved = pd.read_csv(tmp_path / f"comparison/{name}.csv")
    pd.testing.assert_frame_equal(saved, tables_of(found)[name], check_dtype=False, rtol=1e-5)
    assert b"\r" not in (tmp_path / f"comparison/{name}.csv").read_bytes()


def test_metrics_are_saved_as_they_are(found: Comparison, tmp_path: Path) -> None:
    save(tmp_path, found)
    read = {name: json.loads(content) for name, content in files_in(tmp_path / "metrics").items()}
    metrics = {name: values for section in found.sections for name, values in section.metrics.items()}
    assert read == {f"{name}.json": values for name, values in metrics.items()}


def test_saving_again_is_the_same_bytes_and_leaves_nothing_of_before(found: Comparison, tmp_path: Path) -> None:
    save(tmp_path, found)
    before = files_in(tmp_path)
    for left_over in ("comparison/old.csv", "metrics/test/googlenet.json", "plots/confusion_test/eyes-cnn1-0.csv"):
        (tmp_path / left_over).write_text("left over")
    (tmp_path / "index.html").write_bytes(PNG)
    save(tmp_path, found)
    assert files_in(tmp_path) == {**before, "index.html": PNG}


def failing_after(count: int, function: Callable[..., None]) -> Callable[..., None]:
    """The function, which fails when it is called more often than this."""
    calls = 0

    def fail(*arguments: Any) -> None:
        nonlocal calls
        calls += 1
        if calls > count:
            raise OSError("no space")
        function(*arguments)

    return fail


@pytest.fixture(scope="module")
def other(quick: None, params: Params, origin: Origin) -> Comparison:
    return compare(make_results(params, made_up_probabilities(params, seed=1)), params, origin)


@pytest.mark.parametrize(
    ("writer", "count", "folder"),
    [
        ("write_bytes", 0, ""),
        ("_write_csv", 3, "comparison"),
        ("write_json", 2, "metrics"),
        ("_write_csv", len(FRAMES) + 2, "plots"),
    ],
)
def test_each_is_saved_whole_or_not_at_all(
    found: Comparison,
    other: Comparison,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    writer: str,
    count: int,
    folder: str,
) -> None:
    save(tmp_path, found)
    before = files_in(tmp_path / folder)
    monkeypatch.setattr(comparison, writer, failing_after(count, getattr(comparison, writer)))
    with pytest.raises(OSError, match="no space"):
        save(tmp_path, other)
    assert files_in(tmp_path / folder) == before
    assert not list(tmp_path.rglob("*.part"))
