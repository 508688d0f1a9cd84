"""Results are read as the earlier stages left them, and what does not fit together is named in one line."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from made_up import FACE, ROLE, change, make_audit, make_params, make_results, write_reports

from pipeline.classifiers.cells import Cell
from pipeline.common.files import InputError
from pipeline.evaluation.predictions import Predictions
from pipeline.evaluation.results import CURVES, SAME, Results, read_results
from pipeline.params import Params

CELL = "classifiers/face/cnn2-1"
CURVE = "training/face/cnn2-1/plots/metrics"


@pytest.fixture(scope="module")
def params() -> Params:
    return make_params()


@pytest.fixture(scope="module")
def made(params: Params) -> Results:
    return make_results(params)


@pytest.fixture(scope="module")
def written(made: Results, params: Params, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Written once, since the Parquet files take their time."""
    reports = tmp_path_factory.mktemp("written") / "reports"
    write_reports(reports, made, params)
    return reports


@pytest.fixture
def reports(written: Path, tmp_path: Path) -> Path:
    return shutil.copytree(written, tmp_path / "reports")


def refuse(reports: Path, params: Params, name: str) -> str:
    """The one line that names the file and a remedy."""
    with pytest.raises(InputError) as caught:
        read_results(reports, params)
    text = str(caught.value)
    assert "\n" not in text
    assert text.startswith(f"{reports / name}: ")
    assert "run `dvc repro`" in text
    return text.removeprefix(f"{reports / name}: ")


def test_everything_comes_back(written: Path, made: Results, params: Params) -> None:
    found = read_results(written, params)
    for name in (*SAME, "fell_back", "probabilities"):
        np.testing.assert_array_equal(getattr(found, name), getattr(made, name))
        assert np.asarray(getattr(found, name)).dtype.kind == np.asarray(getattr(made, name)).dtype.kind
    assert found.curves.keys() == made.curves.keys()
    for cell, curves in made.curves.items():
        pd.testing.assert_frame_equal(found.curves[cell], curves)
    assert (found.overlap, found.landmarks, found.audit) == (made.overlap, made.landmarks, made.audit)


def test_regions_networks_and_seeds_come_in_the_order_of_params(written: Path, made: Results) -> None:
    regions = {"face": FACE, "vanilla": "whole"}
    found = read_results(written, make_params(regions=regions, networks=["cnn2", "cnn1"], seeds=[1, 0]))
    np.testing.assert_array_equal(found.probabilities, made.probabilities[::-1, ::-1, ::-1])
    np.testing.assert_array_equal(found.fell_back, made.fell_back[::-1])
    assert list(found.overlap) == ["face", "vanilla"]
    assert next(iter(found.curves)) == Cell("face", "cnn2", 1)


def test_only_what_params_ask_for_is_read(reports: Path, made: Results) -> None:
    for left_over in (CELL, "classifiers/mouth/cnn1-0", "classifiers/vanilla/googlenet-0", "other"):
        (reports / left_over).mkdir(parents=True, exist_ok=True)
        (reports / left_over / "metrics.json").write_text("left over")
    found = read_results(reports, make_params(regions={"vanilla": "whole"}, networks=["cnn2"], seeds=[1]))
    np.testing.assert_array_equal(found.probabilities, made.probabilities[:1, 1:, 1:])
    assert list(found.curves) == [Cell("vanilla", "cnn2", 1)]
    assert list(found.overlap) == ["vanilla"]


def test_a_data_set_without_votes_has_no_count_of_no_face(reports: Path, params: Params) -> None:
    change(reports / "expressions/audit.json", no_face=None)
    found = read_results(reports, params).audit
    assert found.no_face is None
    assert found == make_audit(voted=False)


FILES = [
    f"{CELL}/metrics.json",
    f"{CELL}/predictions.parquet",
    *(f"{CURVE}/{name}.tsv" for name in CURVES),
    "landmarks/points.npz",
    "landmarks/metrics.json",
    "expressions/audit.json",
]


@pytest.mark.parametrize("name", FILES)
def test_a_missing_file_is_named(reports: Path, params: Params, name: str) -> None:
    (reports / name).unlink()
    assert refuse(reports, params, name) == "missing; run `dvc repro` to make it"


@pytest.mark.parametrize("content", ['{"other": 1}', "", "[", "\x00"])
@pytest.mark.parametrize("name", FILES)
def test_a_file_of_something_else_is_named(reports: Path, params: Params, name: str, content: str) -> None:
    (reports / name).write_text(content)
    assert "delete it" in refuse(reports, params, name)


def test_a_region_that_was_not_evaluated_is_named(reports: Path, params: Params) -> None:
    shutil.rmtree(reports / "classifiers/face")
    assert "missing" in refuse(reports, params, "classifiers/face/cnn1-0/metrics.json")


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"region": "mouth"}, "is of mouth cnn2 1, not of face cnn2 1; delete it"),
        ({"network": "cnn1"}, "is of face cnn1 1, not of face cnn2 1; delete it"),
        ({"seed": 0}, "is of face cnn2 0, not of face cnn2 1; delete it"),
        ({"seed": "1"}, "seed: Input should be a valid integer; delete it"),
        ({"data": "demo"}, "made from data 'demo' by recipe 'report', but params.yaml has 'real' and 'report'; run"),
        (
            {"recipe": "strong"},
            "made from data 'real' by recipe 'strong', but params.yaml has 'real' and 'report'; run",
        ),
    ],
)
def test_a_cell_of_another_kind(reports: Path, params: Params, changes: dict[str, Any], expected: str) -> None:
    change(reports / CELL / "metrics.json", **changes)
    assert refuse(reports, params, f"{CELL}/metrics.json").startswith(expected)


def first_two_swapped(array: Any) -> Any:
    return array[[1, 0, *range(2, len(array))]]


@pytest.mark.parametrize(
    ("name", "alter"),
    [
        ("role", lambda role: np.roll(role, 1)),
        ("groups", lambda groups: first_two_swapped(groups)),
        ("unique", lambda unique: ~unique),
        ("labels", lambda labels: np.roll(labels, 1)),
    ],
)
def test_a_cell_of_other_rows(reports: Path, params: Params, name: str, alter: Callable[[Any], Any]) -> None:
    path = reports / CELL / "predictions.parquet"
    saved = Predictions.load(path)
    replace(saved, **{name: alter(getattr(saved, name))}).save(path)
    said = refuse(reports, params, f"{CELL}/predictions.parquet")
    assert said == f"has other rows than vanilla cnn1 0 ({name} differ); delete it and run `dvc repro`"


def keep(path: Path, kept: Any) -> None:
    """Save some of the rows again."""
    saved = Predictions.load(path)
    rows = {name: array[kept] for name, array in vars(saved).items() if name != "classes"}
    rows["row"] = np.arange(len(rows["role"]), dtype=np.int32)
    replace(saved, **rows).save(path)


def test_a_cell_of_other_classes(reports: Path, params: Params) -> None:
    path = reports / CELL / "predictions.parquet"
    saved = Predictions.load(path)
    replace(saved, classes=saved.classes[::-1]).save(path)
    said = refuse(reports, params, f"{CELL}/predictions.parquet")
    assert said == "has other rows than vanilla cnn1 0 (classes differ); delete it and run `dvc repro`"


def test_a_cell_with_a_row_too_few(reports: Path, params: Params) -> None:
    keep(reports / CELL / "predictions.parquet", slice(39))
    assert "has other rows than vanilla cnn1 0" in refuse(reports, params, f"{CELL}/predictions.parquet")


@pytest.mark.parametrize("absent", ["train", "validation", "test"])
def test_a_data_set_without_one_of_its_roles(reports: Path, params: Params, absent: str) -> None:
    for path in reports.glob("classifiers/*/*/predictions.parquet"):
        keep(path, absent != ROLE)
    said = refuse(reports, params, "classifiers/vanilla/cnn1-0/predictions.parquet")
    assert said.startswith(f"has no row of {absent}; delete it")


@pytest.mark.parametrize("role", ["train", "validation", "test"])
def test_an_audit_of_another_data_set(reports: Path, params: Params, made: Results, role: str) -> None:
    name = "expressions/audit.json"
    for images in ({**made.audit.images, role: 11}, {k: n for k, n in made.audit.images.items() if k != role}):
        change(reports / name, images=images)
        assert refuse(reports, params, name).startswith("of another data set; delete it")


def test_a_landmark_score_that_is_no_number_is_named_by_its_place(reports: Path, params: Params) -> None:
    name = "landmarks/metrics.json"
    change(reports / name, providers={"dlib": {"common": {"grey_48": {"n": 3, "nme": "low"}}}})
    said = refuse(reports, params, name)
    assert said.startswith("providers.dlib.common.grey_48.nme: Input should be a valid number; delete it")


def test_a_trust_that_is_no_number_is_named_by_its_place(reports: Path, params: Params) -> None:
    name = "landmarks/metrics.json"
    change(reports / name, trust={"n": 3, "limit": 0.08, "auc": "high", "caught": None, "lost": None})
    assert refuse(reports, params, name).startswith("trust.auc: Input should be a valid number; delete it")


def test_what_no_test_image_could_tell_of_trust_is_unknown(reports: Path, params: Params) -> None:
    nothing: dict[str, Any] = {"n": 3, "limit": 0.08, "bad": 0, "auc": None, "caught": None, "lost": 0.5, "kinds": {}}
    change(reports / "landmarks/metrics.json", trust=nothing)
    trust = read_results(reports, params).landmarks.trust
    assert (trust.auc, trust.caught, trust.lost) == (None, None, 0.5)


@pytest.mark.parametrize(
    "content", ["step\tother\n0\t0.5\n1\t0.6\n", "epoch\ttrain_loss\n0\t0.5\n", "step\ttrain_loss\n0\tsmall\n"]
)
def test_a_curve_of_something_else(reports: Path, params: Params, content: str) -> None:
    (reports / CURVE / "train_loss.tsv").write_text(content)
    assert refuse(reports, params, f"{CURVE}/train_loss.tsv").startswith("no curve of step and train_loss; delete it")


@pytest.mark.parametrize("steps", [[0], [0, 1, 2], [1, 2]])
def test_curves_of_other_steps(reports: Path, params: Params, steps: list[int]) -> None:
    rows = "".join(f"{step}\t0.5\n" for step in steps)
    (reports / CURVE / "validation_loss.tsv").write_text(f"step\tvalidation_loss\n{rows}")
    said = refuse(reports, params, f"{CURVE}/validation_loss.tsv")
    assert said == f"has other steps than train_loss.tsv; delete {reports / CURVE} and run `dvc repro`"


@pytest.mark.parametrize("value", ["nan", "inf"])
def test_a_training_that_diverged_is_refused(reports: Path, params: Params, value: str) -> None:
    (reports / CURVE / "train_loss.tsv").write_text(f"step\ttrain_loss\n0\t0.5\n1\t{value}\n")
    assert "a value that is not finite" in refuse(reports, params, CURVE)
