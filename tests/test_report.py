"""The page, made from the same made-up reports as the comparison."""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from test_compare import build_reports, change, make_params, write

from pipeline import report
from pipeline.compare import compare, read_results, reference_region
from pipeline.files import InputError
from pipeline.params import Params
from stages import compare as stage

VOID = {"meta", "link", "img", "br"}
DATA_SET = {"path": "data/raw/fer2013.csv", "files": 1, "bytes": 301072766, "sha256": "ab12"}


@pytest.fixture
def params() -> Params:
    """One network and seed, since every figure takes a tenth of a second."""
    return make_params(networks=["cnn1"], seeds=[1])


@pytest.fixture
def folder(tmp_path: Path, params: Params) -> Path:
    build_reports(tmp_path, params)
    write(tmp_path / "data/real/sources.json", {"expressions": DATA_SET, "ferplus": None})
    return tmp_path


def make_page(folder: Path, params: Params) -> str:
    reports = folder / "reports"
    results = read_results(reports, params)
    table = compare(results, reference_region(params))
    return report.page(reports, folder / "data/real/sources.json", table, results, params)


class Reader(HTMLParser):
    """Collects what a page consists of, and fails where its elements do not nest."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(page)
        self.close()
        assert not self.open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data

    def of(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.elements if name == tag]


def test_it_is_one_file_that_asks_the_network_for_nothing(folder: Path, params: Params) -> None:
    page = make_page(folder, params)
    reader = Reader(page)
    assert not re.search(r"https?://|url\(|@import", page)
    assert not reader.of("script")
    assert all(str(image["src"]).startswith("data:image/") for image in reader.of("img"))
    assert [link["href"] for link in reader.of("link")] == ["data:,"]
    links = [str(attributes["href"]) for attributes in reader.of("a")]
    targets = {f"#{attributes['id']}" for attributes in reader.of("section")}
    assert set(links) == targets


def test_it_holds_the_answer_and_every_cell(folder: Path) -> None:
    reader = Reader(make_page(folder, make_params()))
    for text in (
        "The best region is face",
        "80.0% (+20.0)",
        "left 1, right 17, top 20, bottom 9",
        "2 of 10",  # test images that fell back
        "common, grey_48",
        "Test images that are also in training or validation: 1.",
        "301,072,766",
        "recipe: report",
    ):
        assert text in reader.text
    alternatives = [image["alt"] for image in reader.of("img")]
    # Three curves a network, eight confusion matrices, two regions, the landmarks, the expressions.
    assert len(alternatives) == 3 * 2 + 8 + 2 + 1 + 1
    assert "Confusion matrix of cnn2 on face, seed 1" in alternatives


def test_a_spread_that_there_is_not_stays_blank(folder: Path, params: Params) -> None:
    assert "nan" not in Reader(make_page(folder, params)).text


def test_the_same_inputs_give_the_same_bytes(folder: Path, params: Params) -> None:
    assert make_page(folder, params) == make_page(folder, params)


def test_what_is_inserted_is_escaped(folder: Path, params: Params) -> None:
    odd = "<script>alert('&\"')</script>"
    write(folder / "data/real/sources.json", {odd: {**DATA_SET, "path": odd}})
    view = {"n": 1, "nme": 0.1, "auc": 0.1, "failure_rate": 0.1}
    write(folder / "reports/landmarks/metrics.json", {odd: {odd: view}})
    change(folder / "reports/regions/face.json", iou={odd: {odd: 0.5}})
    change(folder / "reports/expressions.json", images={odd: 1})
    (folder / "reports/landmarks/error_curves.png").rename(folder / 'reports/landmarks/a"b<i>$answer.png')
    page = make_page(folder, params)
    reader = Reader(page)
    assert not reader.of("script")
    assert not reader.of("i")
    assert reader.text.count(odd) >= 5
    assert 'A"b<i>$answer' in [image["alt"] for image in reader.of("img")]


def test_a_diverged_training_is_shown_too(folder: Path, params: Params) -> None:
    curve = folder / "reports/training/face/cnn1-0/plots/metrics/train_loss.tsv"
    curve.write_text("step\ttrain_loss\n0\tnan\n1\tinf\n")
    Reader(make_page(folder, params))


@pytest.mark.parametrize(
    ("region", "expected"),
    [
        ("whole", "the whole image"),
        ({"points": "49-68 31", "margin": 0.3}, "points 31 49-68, margin 0.3"),
        ({"left": 5, "right": 13, "top": 4, "bottom": 7}, "left 5, right 13, top 4, bottom 7"),
    ],
)
def test_a_region_in_words(region: Any, expected: str) -> None:
    assert report.describe(make_params(regions={"one": region}).regions["one"]) == expected


@pytest.mark.parametrize("name", ["reports/regions/face.png", "reports/expressions.png", "data/real/sources.json"])
def test_a_missing_file_is_named(folder: Path, params: Params, name: str) -> None:
    (folder / name).unlink()
    with pytest.raises(InputError, match=f"{name}: missing; run `dvc repro`"):
        make_page(folder, params)


@pytest.mark.parametrize("content", [[], {"faces": {}}, {"faces": {**DATA_SET, "files": "many"}}])
def test_a_record_of_another_shape(folder: Path, params: Params, content: Any) -> None:
    write(folder / "data/real/sources.json", content)
    with pytest.raises(InputError, match="does not describe the data sets; delete it and run `dvc repro`"):
        make_page(folder, params)


def test_the_stage_writes_everything(
    folder: Path, params: Params, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    # JSON is YAML.
    (folder / "params.yaml").write_text(json.dumps(params.model_dump(mode="json")))
    monkeypatch.chdir(folder)
    stage.main()
    said = capsys.readouterr().out
    assert "The best region is face" in said
    assert "80.0% (+10.0)" in said
    written = sorted(path.relative_to("reports").as_posix() for path in Path("reports").glob("[cimp]*"))
    assert written == ["classifiers", "comparison.csv", "comparison.md", "index.html", "metrics", "plots"]
    assert Path("reports/index.html").read_text() == make_page(folder, params)
