"""The comparison, on a made-up folder of reports whose numbers are worked out by hand."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from pipeline import compare
from pipeline.expressions import CLASSES
from pipeline.files import InputError
from pipeline.params import Params, load_params

SPLITS = {"Training": 20, "PublicTest": 10, "PrivateTest": 10}
PROTOCOL_SIZES = {"validation": 10, "test": 10, "as_reported": 30}

# Correct answers of the ten test images: by region and network, one entry a seed.
CORRECT = {
    ("vanilla", "cnn1"): (5, 7),
    ("vanilla", "cnn2"): (6, 6),
    ("face", "cnn1"): (8, 8),
    ("face", "cnn2"): (5, 6),
}
# 1x1 pixel.
PNG = bytes.fromhex(
    "89504e470d0a1a0a0000000d4948445200000001000000010800000000"
    "3a7e9b550000000a49444154789c6360000000020001e221bc330000000049454e44ae426082"
)


def scores(correct: int, n: int) -> dict[str, Any]:
    """Metrics of n images, all of them happy, of which the wrong ones are called sad."""
    confusion = np.zeros((7, 7), int)
    confusion[3, 3], confusion[3, 4] = correct, n - correct
    found = {"n": n, "accuracy": correct / n, "balanced_accuracy": correct / n, "macro_f1": correct / n / 7}
    return {**found, "per_class": {}, "confusion": confusion.tolist()}


def write(path: Path, content: Any) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content))


def build_reports(folder: Path, params: Params) -> Path:
    """A folder as the stages before `compare` leave it."""
    reports = folder / "reports"
    for (region, network), seeds in CORRECT.items():
        for seed, correct in enumerate(seeds):
            protocols = {protocol: scores(correct, n) for protocol, n in PROTOCOL_SIZES.items()}
            cell = {"region": region, "network": network, "seed": seed, "data": params.data.source}
            write(
                reports / f"classifiers/{region}/{network}-{seed}/metrics.json",
                {**cell, "recipe": params.recipe, "protocols": protocols},
            )
            curves = reports / f"training/{region}/{network}-{seed}/plots/metrics"
            curves.mkdir(parents=True)
            for name in (*compare.CURVES, "learning_rate"):
                (curves / f"{name}.tsv").write_text(f"step\t{name}\n0\t0.5\n1\t0.{seed + 6}\n")
    view = {"n": 3, "nme": 0.0456, "auc": 0.56789, "failure_rate": 0.0625}
    for region, fallen in (("vanilla", 0), ("face", 2)):
        iou = {"common": {"full_resolution": 0.9, "grey_48": 0.8}}
        counts = {
            "fell_back": {"Training": 2 * fallen, "PublicTest": 0, "PrivateTest": fallen},
            "images": SPLITS,
        }
        write(reports / f"regions/{region}.json", {"region": "whole", **counts, "iou": iou})
        (reports / f"regions/{region}.png").write_bytes(PNG)
    write(reports / "landmarks/metrics.json", {"common": {"full_resolution": view, "grey_48": view}})
    (reports / "landmarks/error_curves.png").write_bytes(PNG)
    twins = {"groups": 3, "rows": 7, "groups_across_splits": 2, "test_rows_also_in_training_or_validation": 1}
    classes = {split: {name: n if name == "happy" else 0 for name in CLASSES} for split, n in SPLITS.items()}
    write(reports / "expressions.json", {"images": SPLITS, "classes": classes, "twins": twins})
    (reports / "expressions.png").write_bytes(PNG)
    return reports


def make_params(**changes: Any) -> Params:
    """params.yaml with two regions, two networks and two seeds."""
    regions = {"vanilla": "whole", "face": {"left": 1, "right": 17, "top": 20, "bottom": 9}}
    content = load_params(Path(__file__).parents[1] / "params.yaml").model_dump(mode="json")
    content |= {"data": {"source": "real"}, "recipe": "report", "regions": regions}
    return Params.model_validate({**content, "networks": ["cnn1", "cnn2"], "seeds": [0, 1], **changes})


@pytest.fixture
def params() -> Params:
    return make_params()


@pytest.fixture
def reports(tmp_path: Path, params: Params) -> Path:
    return build_reports(tmp_path, params)


def table_of(reports: Path, params: Params) -> pd.DataFrame:
    return compare.compare(compare.read_results(reports, params), compare.reference_region(params))


def one_line(call: Callable[[], object]) -> str:
    """The text of the InputError that a call ends with, which must be one line and name a remedy."""
    with pytest.raises(InputError) as caught:
        call()
    text = str(caught.value)
    assert "\n" not in text
    assert "dvc repro" in text
    return text


def test_means_spread_and_differences_over_seeds(reports: Path, params: Params) -> None:
    table = table_of(reports, params).set_index(["protocol", "region", "network"])
    assert list(table.index[:4]) == [("test", *pair) for pair in CORRECT]
    rows = table.to_dict("index")
    assert rows["test", "face", "cnn1"] == pytest.approx(
        {
            "seeds": 2,
            "n": 10,
            "accuracy": 0.8,
            "accuracy_sd": 0,
            "balanced_accuracy": 0.8,
            "macro_f1": 0.8 / 7,
            "difference": 0.2,
            "fell_back": 0.2,
        }
    )
    assert rows["test", "vanilla", "cnn1"]["accuracy"] == pytest.approx(0.6)
    assert rows["test", "vanilla", "cnn1"]["accuracy_sd"] == pytest.approx(0.02**0.5)  # of 0.5 and 0.7
    assert rows["test", "vanilla", "cnn1"]["difference"] == 0
    assert rows["test", "face", "cnn2"]["difference"] == pytest.approx(-0.05)


def test_share_that_fell_back_is_of_the_images_scored(reports: Path, params: Params) -> None:
    shares = table_of(reports, params).set_index(["protocol", "region", "network"])["fell_back"]
    assert shares["test", "face", "cnn2"] == pytest.approx(2 / 10)
    assert shares["validation", "face", "cnn2"] == 0
    assert shares["as_reported", "face", "cnn2"] == pytest.approx((4 + 2) / 30)


def test_spread_is_missing_with_one_seed(reports: Path) -> None:
    assert table_of(reports, make_params(seeds=[1]))["accuracy_sd"].isna().all()


def test_only_what_params_ask_for_is_read(reports: Path) -> None:
    params = make_params(regions={"vanilla": "whole"}, networks=["cnn2"], seeds=[0])
    (reports / "classifiers/face/cnn1-0/metrics.json").write_text("leftover")
    table = table_of(reports, params)
    assert len(table) == 3
    assert set(table["region"]) == {"vanilla"}
    assert compare.answer(table, params) == "There is only one region, vanilla: mean test accuracy of cnn2 is 60.0%."


def test_the_reference_is_the_first_whole_region() -> None:
    mouth = {"points": "49-68"}
    assert compare.reference_region(make_params(regions={"mouth": mouth, "all": "whole", "b": "whole"})) == "all"
    assert compare.reference_region(make_params(regions={"mouth": mouth, "brows": {"points": "18-27"}})) == "mouth"


def test_the_answer_names_the_best_region(reports: Path, params: Params) -> None:
    # vanilla: (0.6 + 0.6) / 2; face: (0.8 + 0.55) / 2
    assert compare.answer(table_of(reports, params), params) == (
        "The best region is face: mean test accuracy over 2 networks is 67.5%, 7.5 points higher than on "
        "vanilla and higher with 1 of 2 networks."
    )


def test_the_answer_when_no_region_beats_the_reference(reports: Path) -> None:
    params = make_params(networks=["cnn2"])
    assert compare.answer(table_of(reports, params), params) == (
        "No region beats vanilla: mean test accuracy of cnn2 is 60.0%, and face comes next, 5.0 points lower."
    )


def test_the_reference_wins_a_tie(reports: Path) -> None:
    params = make_params(networks=["cnn2"], seeds=[1])  # 6 of 10 on both
    assert compare.answer(table_of(reports, params), params).startswith("No region beats vanilla")


def test_the_caveat_says_what_the_answer_rests_on(reports: Path, params: Params) -> None:
    text = compare.caveat(table_of(reports, params), params)
    assert text == "Bare differences, without intervals: 10 test images of the data 'real', recipe 'report', 2 seeds."
    demo = compare.caveat(table_of(reports, params), make_params(data={"source": "demo"}))
    assert "say nothing about faces" in demo


def test_a_score_table_as_it_is_read(reports: Path, params: Params) -> None:
    table = table_of(reports, params)
    assert compare.markdown_table(compare.score_rows(table, "test", params)).splitlines() == [
        "| region  |          cnn1 |         cnn2 |         mean | fell back |",
        "| ------- | ------------: | -----------: | -----------: | --------: |",
        "| vanilla |         60.0% |        60.0% |        60.0% |      0.0% |",
        "| face    | 80.0% (+20.0) | 55.0% (-5.0) | 67.5% (+7.5) |     20.0% |",
    ]


def test_points_have_no_negative_zero() -> None:
    assert compare.points(-0.0001, signed=True) == "+0.0"
    assert compare.points(-0.0131, signed=True) == "-1.3"
    assert compare.points(0.0131) == "1.3"


def test_saved_tables(reports: Path, params: Params) -> None:
    results = compare.read_results(reports, params)
    table = compare.compare(results, "vanilla")
    stale = reports / "metrics/test/googlenet.json"
    write(stale, {})
    compare.save_tables(reports, table, results, params)
    assert not stale.exists()
    saved = pd.read_csv(reports / "comparison.csv")
    pd.testing.assert_frame_equal(saved, table, check_dtype=False, rtol=0, atol=1e-6)
    assert json.loads((reports / "metrics/test/cnn2.json").read_text()) == {"vanilla": 0.6, "face": 0.55}
    assert (reports / "metrics/validation/cnn1.json").exists()
    text = (reports / "comparison.md").read_text()
    assert text.index("## test") < text.index("## validation") < text.index("## as_reported")
    assert "| common, grey_48         |     3 | 4.56% |      0.568 |               6.2% |" in text


def test_plots_hold_every_epoch_and_every_test_image(reports: Path, params: Params) -> None:
    results = compare.read_results(reports, params)
    table = compare.compare(results, "vanilla")
    plots = compare.plots(table, results)
    assert len(plots) == 1 + 2 * len(results.cells)
    curve = plots["learning_curves/face-cnn2-1.csv"]
    assert curve["step"].tolist() == [0, 1]
    assert curve["train_loss"].tolist() == [0.5, 0.7]
    counted = plots["confusion_test/vanilla-cnn1-1.csv"].value_counts(["actual", "predicted"])
    assert counted.to_dict() == {("happy", "happy"): 7, ("happy", "sad"): 3}
    assert plots["test_accuracy.csv"]["bar"].is_unique
    assert plots["test_accuracy.csv"]["accuracy"].tolist() == pytest.approx([0.6, 0.6, 0.8, 0.55])
    compare.save_tables(reports, table, results, params)
    written = {path.relative_to(reports / "plots").as_posix() for path in (reports / "plots").rglob("*.csv")}
    assert written == set(plots)


def change(path: Path, **changes: Any) -> None:
    write(path, {**json.loads(path.read_text()), **changes})


CELL = "classifiers/face/cnn2-1/metrics.json"


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"protocols": {}}, "holds no protocol validation"),
        ({"protocols": {"test": {"n": "many"}}}, "protocols.test.n"),
        ({"recipe": "strong"}, "recipe 'strong', but params.yaml has 'real' and 'report'"),
        ({"data": "demo"}, "data 'demo'"),
        ({"seed": 5}, "is of face cnn2 5"),
        ({"protocols": {p: scores(1, 9) for p in PROTOCOL_SIZES}}, "validation has 9 images, but 10"),
        (
            {"protocols": {p: {**scores(1, 10), "confusion": [[10]]} for p in PROTOCOL_SIZES}},
            "protocols.validation.confusion",
        ),
    ],
)
def test_a_cell_of_another_kind(reports: Path, params: Params, changes: dict[str, Any], expected: str) -> None:
    change(reports / CELL, **changes)
    text = one_line(lambda: compare.read_results(reports, params))
    assert str(reports / CELL) in text
    assert expected in text


@pytest.mark.parametrize(
    "name",
    [
        CELL,
        "training/face/cnn2-1/plots/metrics/train_loss.tsv",
        "regions/face.json",
        "landmarks/metrics.json",
        "expressions.json",
    ],
)
def test_a_file_that_is_missing_or_holds_something_else(reports: Path, params: Params, name: str) -> None:
    (reports / name).write_text('{"other": 1}')
    assert str(reports / name) in one_line(lambda: compare.read_results(reports, params))
    (reports / name).unlink()
    assert str(reports / name) in one_line(lambda: compare.read_results(reports, params))


def test_curves_of_unequal_length(reports: Path, params: Params) -> None:
    path = reports / "training/face/cnn2-1/plots/metrics/validation_loss.tsv"
    path.write_text("step\tvalidation_loss\n0\t0.5\n")
    assert "other steps" in one_line(lambda: compare.read_results(reports, params))


def test_a_region_that_counts_no_test_images(reports: Path, params: Params) -> None:
    change(reports / "regions/face.json", images={"Training": 20})
    assert "PrivateTest" in one_line(lambda: compare.read_results(reports, params))
