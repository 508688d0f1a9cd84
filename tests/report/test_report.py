"""The page, made from made-up results and the folder that they might come from."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Iterator
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from made_up import FACE, MOUTH, SOURCES, chances_right, make_params, make_results, quickly, write_reports

from pipeline.common.files import InputError, write_json
from pipeline.data.expressions import CLASSES
from pipeline.evaluation.results import Cell, Results
from pipeline.params import Params
from pipeline.report import html, tables
from pipeline.report import page as report
from pipeline.report.compare import MEAN, Comparison, compare
from stages import compare as stage

VOID = {"meta", "link", "img"}
COMMIT = "51f7722"
DATA_SET = {"path": "fer2013.csv", "files": 1, "bytes": 301072766, "sha256": "ab12"}

# Right answers of the ten test images, as many of PublicTest: by region and network, one entry a seed.
CORRECT = [[(5, 7), (6, 6)], [(8, 8), (5, 6)]]


@pytest.fixture(scope="module", autouse=True)
def quick() -> Iterator[None]:
    with quickly():
        yield


@pytest.fixture(scope="module")
def params() -> Params:
    return make_params()


@pytest.fixture(scope="module")
def results(params: Params) -> Results:
    return make_results(params, chances_right(CORRECT, CORRECT))


@pytest.fixture(scope="module")
def found(quick: None, results: Results, params: Params) -> Comparison:
    return compare(results, params)


def write_folder(folder: Path, results: Results, params: Params) -> Path:
    write_reports(folder / "reports", results, params)
    write_json(folder / "sources.json", SOURCES)
    return folder


@pytest.fixture
def folder(tmp_path: Path, results: Results, params: Params) -> Path:
    return write_folder(tmp_path, results, params)


def page_of(folder: Path, found: Comparison, results: Results, params: Params, commit: str | None = COMMIT) -> str:
    return report.page(folder / "reports", folder / "sources.json", found, results, params, commit)


class Reader(HTMLParser):
    """Collects what a page consists of, and fails where its elements do not nest.

    Attributes:
        elements: (tag, attributes, text) of each, in the order in which they begin.
        tables: for each table its rows, for each row the texts of its cells.
        text: all of the page.
    """

    def __init__(self, page: str) -> None:
        super().__init__()
        self.open: list[tuple[str, list[str]]] = []
        self.elements: list[tuple[str, dict[str, str | None], list[str]]] = []
        self.tables: list[list[list[str]]] = []
        self.feed(page)
        self.close()
        assert not self.open
        self.text = "".join(self.elements[0][2])

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        text: list[str] = []
        self.elements.append((tag, dict(attrs), text))
        if tag not in VOID:
            self.open.append((tag, text))
        if tag == "table":
            self.tables.append([])
        elif tag == "tr":
            self.tables[-1].append([])

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs), []))

    def handle_endtag(self, tag: str) -> None:
        opened, text = self.open.pop()
        assert opened == tag
        if tag in ("td", "th"):
            self.tables[-1][-1].append("".join(text))

    def handle_data(self, data: str) -> None:
        for _, text in self.open:
            text.append(data)

    def of(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes, _ in self.elements if name == tag]

    def texts(self, *tags: str) -> list[str]:
        return ["".join(text) for name, _, text in self.elements if name in tags]

    def table(self, *head: str) -> list[list[str]]:
        """The rows of the first table whose header begins like this."""
        return next(rows[1:] for rows in self.tables if rows[0][: len(head)] == list(head))


# What a page is


def test_it_is_one_file_that_asks_the_network_for_nothing(
    folder: Path, found: Comparison, results: Results, params: Params
) -> None:
    page = page_of(folder, found, results, params)
    reader = Reader(page)
    assert not re.search(r"https?:|url\(|@import", page)
    assert [script for script in reader.of("script") if script] == []
    assert all(str(image["src"]).startswith("data:image/") for image in reader.of("img"))
    assert [link["href"] for link in reader.of("link")] == ["data:,"]


def test_its_policy_allows_its_one_script_and_no_other(
    folder: Path, found: Comparison, results: Results, params: Params
) -> None:
    page = page_of(folder, found, results, params)
    (script,) = Reader(page).texts("script")
    policy = next(str(meta["content"]) for meta in Reader(page).of("meta") if "http-equiv" in meta)
    rules = dict(rule.split(maxsplit=1) for rule in policy.split("; "))
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    assert rules["script-src"] == f"'sha256-{digest}'"
    assert (rules["default-src"], rules["img-src"]) == ("'none'", "data:")


def test_every_section_is_linked_in_its_order(
    folder: Path, found: Comparison, results: Results, params: Params
) -> None:
    reader = Reader(page_of(folder, found, results, params))
    links = [str(attributes["href"]) for attributes in reader.of("a")]
    assert links == [f"#{attributes['id']}" for attributes in reader.of("section")]
    assert len(links) == 12


def test_headings_pictures_and_figures_say_what_they_are(
    folder: Path, found: Comparison, results: Results, params: Params
) -> None:
    reader = Reader(page_of(folder, found, results, params))
    levels = [int(tag[1]) for tag, _, _ in reader.elements if tag in ("h1", "h2", "h3", "h4")]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after <= before + 1 for before, after in zip(levels, levels[1:], strict=False))
    assert all(image["alt"] and image["width"] and image["height"] for image in reader.of("img"))
    images = [attributes for attributes in reader.of("svg") if attributes.get("role") == "img"]
    assert images
    assert all(attributes["aria-label"] for attributes in images)


def test_the_same_inputs_give_the_same_bytes(folder: Path, found: Comparison, results: Results, params: Params) -> None:
    assert page_of(folder, found, results, params) == page_of(folder, compare(results, params), results, params)


SHAPES: list[dict[str, Any]] = [
    {"regions": {"vanilla": "whole"}},
    {"networks": ["googlenet"]},
    {"seeds": [7]},
    {"regions": {"mouth": MOUTH}, "networks": ["cnn3"], "seeds": [0]},
    {"regions": {"mouth": MOUTH, "vanilla": "whole", **{f"r{n}": FACE for n in range(9)}}, "seeds": [0, 1, 2]},
]


@pytest.mark.parametrize("changes", SHAPES)
def test_few_and_many_regions_networks_and_seeds(tmp_path: Path, changes: dict[str, Any]) -> None:
    params = make_params(**changes)
    results = make_results(params)
    reader = Reader(page_of(write_folder(tmp_path, results, params), compare(results, params), results, params))
    assert not re.search(r"\bnan\b|\bNone\b", reader.text)
    alternatives = [str(image["alt"]) for image in reader.of("img")]
    assert alternatives[: len(params.regions)] == [f"Images and what {name} keeps of them" for name in params.regions]
    matrices = [attributes for attributes in reader.of("table") if attributes.get("class") == "matrix"]
    several = len(params.networks) > 1
    assert len(matrices) == len(params.regions) * (len(params.networks) + several)
    assert ("There is only one region." in reader.text) == (len(params.regions) == 1)
    only_one = len(params.regions) * len(params.networks) == 1
    assert ("nothing to join" in reader.text) == only_one
    assert ("Every paired test" in reader.text) == (not only_one)


# What it says


def test_it_holds_the_answer_and_what_it_was_made_from(
    folder: Path, found: Comparison, results: Results, params: Params
) -> None:
    reader = Reader(page_of(folder, found, results, params))
    for text in (
        "Validation chooses face",
        "80.0% ± 0.0 (+20.0)",
        "left 1, right 17, top 20, bottom 9",
        "2 of 10",  # test images that fell back
        "2 of the 10 test images have a twin",
        "common, grey_48",
        "nine of ten images that it scored were images that it had trained on",
        "301,072,766",
        "recipe: report",
        f"Commit: {COMMIT}",
        "statsmodels",
    ):
        assert text in reader.text
    assert "Commit" not in Reader(page_of(folder, found, results, params, commit=None)).text


def test_the_headline_is_open_and_the_other_protocols_on_request(
    folder: Path, found: Comparison, results: Results, params: Params
) -> None:
    reader = Reader(page_of(folder, found, results, params))
    summaries = reader.texts("summary")
    assert summaries[:3] == ["validation", "test_unique", "as_reported"]
    assert "test" in reader.texts("h3")
    assert not any("open" in attributes for attributes in reader.of("details"))


def test_intervals_of_every_score_but_those_without(
    folder: Path, found: Comparison, results: Results, params: Params
) -> None:
    rows = Reader(page_of(folder, found, results, params)).table("protocol", "region", "network", "n")
    assert len(rows) == 4 * 2 * 3
    scored = {tuple(row[:3]): row for row in rows}
    row = found.scores[(found.scores["protocol"] == "test") & (found.scores["region"] == "face")].iloc[0]
    assert scored["test", "face", "cnn1"][3:6] == [
        "10",
        "80.0%",
        f"{100 * row['accuracy_low']:.1f}% to {100 * row['accuracy_high']:.1f}%",
    ]
    # Half of the 20 Training images, and 27 of 4 x 10 test images: 16.75 of 30.
    as_reported = scored["as_reported", "face", MEAN]
    assert as_reported[3:6] == ["30", "55.8%", ""]
    assert as_reported[7] == ""


def test_the_forest_has_a_row_a_network_and_marks_what_is_significant(
    folder: Path, found: Comparison, results: Results, params: Params
) -> None:
    pairs = found.pairs.copy()
    of = (pairs["protocol"] == "test") & (pairs["one"] == "face")
    pairs.loc[of & (pairs["within"] == "cnn1"), "p_holm"] = 0.049
    pairs.loc[of & (pairs["within"] == "cnn2"), "p_holm"] = 0.051
    pairs.loc[of & (pairs["within"] == MEAN), ["difference", "low", "high"]] = 0.075, 0.001, 0.1234
    page = page_of(folder, replace(found, pairs=pairs), results, params)
    forest = re.findall(r'<table class="forest">.*?</table>', page, re.DOTALL)
    assert len(forest) == 2  # test and test_unique
    rows = Reader(forest[0]).tables[0]
    assert [row[0] for row in rows] == ["network", "face less vanilla", "cnn1", "cnn2", MEAN]
    assert rows[2][2] == "+20.0"
    assert rows[4][2:] == ["+7.5", "+0.1 to +12.3"]
    marks = re.findall(r'class="line-1 (hollow )?mark" d="M-([\d.]+)', forest[0])
    assert marks == [("", "4.5"), ("hollow ", "4.5"), ("", "8")]  # squares, and a diamond
    pairs.loc[of & (pairs["within"] == MEAN), "low"] = 0.0
    page = page_of(folder, replace(found, pairs=pairs), results, params)
    assert re.findall(r'class="line-1 (hollow )?mark" d="M-8', page)[0] == "hollow "


def test_one_network_has_no_mean_of_networks(tmp_path: Path) -> None:
    params = make_params(networks=["cnn1"])
    results = make_results(params)
    page = page_of(write_folder(tmp_path, results, params), compare(results, params), results, params)
    forest = re.findall(r'<table class="forest">.*?</table>', page, re.DOTALL)[0]
    assert [row[0] for row in Reader(forest).tables[0]] == ["network", "face less vanilla", "cnn1"]
    assert "Each network" not in page


def test_expressions_over_all_networks_and_seeds(
    folder: Path, found: Comparison, results: Results, params: Params
) -> None:
    # Of the rows 0, 1, 2, 3, 3, 3, 3, 4, 5, 6 the first so many are right.
    rows = Reader(page_of(folder, found, results, params)).table("expression", "images")
    assert [row[:2] for row in rows] == [
        *([name, "4" if name == "happy" else "1"] for name in CLASSES),
        [MEAN, "10"],
    ]
    happy, sad, surprise = (next(row for row in rows if row[0] == name) for name in ("happy", "sad", "surprise"))
    # 2 + 4 + 3 + 3 of 16, and 4 + 4 + 2 + 3.
    assert happy[2:] == ["75.0%", "81.2% (+6.2)"]
    assert sad[2:] == ["0.0%", "50.0% (+50.0)"]
    assert surprise[2:] == ["0.0%", "0.0% (+0.0)"]


def test_confusion_of_all_seeds_together(folder: Path, found: Comparison, results: Results, params: Params) -> None:
    def matrix(right: int, wrong: int) -> list[list[int]]:
        counts = np.eye(7, dtype=int)
        counts[3, 3:5] = right, wrong
        return counts.tolist()

    of_network = {"cnn1": matrix(9, 1), "cnn2": matrix(2, 1)}
    changed = replace(found, confusion={cell: of_network[cell.network] for cell in found.confusion})
    page = page_of(folder, changed, results, params)
    figures = re.findall(
        r"<figcaption>(face, [^<]*)</figcaption>(<table class=\"matrix\">.*?</table>)", page, re.DOTALL
    )
    hints = {name: re.findall(r'--share:(\d+)" title="(happy called [^"]*)">(\d*)<', table) for name, table in figures}
    assert list(hints) == ["face, all networks", "face, cnn1", "face, cnn2"]
    assert hints["face, all networks"][3] == ("85", "happy called happy: 22 of 26", "85")
    assert hints["face, cnn1"][3:5] == [
        ("90", "happy called happy: 18 of 20", "90"),
        ("10", "happy called sad: 2 of 20", "10"),
    ]
    assert hints["face, cnn2"][5] == ("0", "happy called surprise: 0 of 6", "")


def test_the_best_epoch_is_marked(folder: Path, found: Comparison, results: Results, params: Params) -> None:
    curves = {cell: table.copy() for cell, table in results.curves.items()}
    curves[Cell("face", "cnn1", 1)]["validation_accuracy"] = [0.625, 0.5]
    page = page_of(folder, found, replace(results, curves=curves), params)
    assert "face, seed 1: 62.5% in epoch 0" in page
    assert "vanilla, seed 0: 60.0% in epoch 1" in page


def test_the_selection_ends_at_its_ring(folder: Path, found: Comparison, results: Results, params: Params) -> None:
    page = page_of(folder, found, results, params)
    for network, steps in found.selection.groupby("network"):
        last = steps[steps["kept"]].iloc[-1]
        hint = f"{network}, step {last['step']}: with {last['added']} {100 * last['validation_accuracy']:.1f}%"
        assert re.search(rf'<title>{hint}</title></circle><circle class="line-\d ring"', page)
    assert page.count(' ring"') == found.selection["network"].nunique()


def test_bins_of_few_images_are_not_drawn(
    folder: Path, found: Comparison, results: Results, params: Params, monkeypatch: pytest.MonkeyPatch
) -> None:
    # All of the ten images and two seeds are 70% sure.
    assert "face: 20 images, 70.0% sure, 80.0% right" in page_of(folder, found, results, params)
    monkeypatch.setattr(report, "FEWEST", 21)
    assert "face: 20 images" not in page_of(folder, found, results, params)


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


# Tables


def test_every_column_can_be_sorted(folder: Path, found: Comparison, results: Results, params: Params) -> None:
    page = page_of(folder, found, results, params)
    tables = re.findall(r"<table(?: class=\"forest\")?><thead>(.*?)</thead>", page)
    assert len(tables) > 20
    button = re.compile(
        r'<th scope="col" class="(number|text|text long)"><button type="button" disabled>[^<]+</button>'
    )
    for head in tables:
        # Without the axis of the forest, which is the column of the points drawn.
        cells = [
            cell for cell in head.removeprefix("<tr>").removesuffix("</tr>").split("</th>")[:-1] if "<svg" not in cell
        ]
        assert cells
        assert all(button.fullmatch(cell) for cell in cells)


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
    assert html._kind(column) == kind


def test_a_table_without_rows_is_left_out() -> None:
    assert html.table([["network", "points"]], "nothing") == ""
    assert html.details("Each network", "") == ""


# What it is made from


def test_every_part_escapes_its_texts() -> None:
    odd = "<i>&amp;\"'"
    head = f"<table><tr>{html.head(odd, 'text')}</tr></table>"
    parts = [head, html.details(odd, "body"), html.note(odd), html.figure("", odd)]
    parts += [html.framed("", odd), html.table([["name"], [odd]])]
    for part in parts:
        assert odd in Reader(f"<main>{part}</main>").text


def test_what_is_inserted_is_escaped(folder: Path, found: Comparison, results: Results, params: Params) -> None:
    odd = "<script>alert('&\"')</script>$answer"
    write_json(folder / "sources.json", {odd: {**DATA_SET, "path": odd}})
    views = results.landmarks.providers["xception"]["common"]
    landmarks = results.landmarks.model_copy(update={"providers": {odd: {odd: {odd: views["grey_48"]}}}})
    crops = {**results.crops, "face": results.crops["face"].model_copy(update={"iou": {odd: {odd: 0.5}}})}
    changed = replace(results, landmarks=landmarks, crops=crops)
    selection = found.selection.assign(added=odd)
    (folder / "reports/landmarks/error_curves.png").rename(folder / 'reports/landmarks/a"b<i>$answer.png')
    page = page_of(folder, replace(found, selection=selection), changed, params, commit=odd)
    reader = Reader(page)
    assert len(reader.of("script")) == 1
    assert not reader.of("i")
    assert reader.text.count(odd) >= 9
    assert 'A"b<i>$answer' in [image["alt"] for image in reader.of("img")]


def test_the_points_of_every_provider_are_listed_under_what_they_mean(
    folder: Path, found: Comparison, results: Results, params: Params
) -> None:
    ours = results.landmarks.providers["xception"]
    both = results.landmarks.model_copy(update={"providers": {"xception": ours, "dlib": {"common": ours["common"]}}})
    reader = Reader(page_of(folder, found, replace(results, landmarks=both), params))
    rows = reader.table("points by", "subset, view")
    assert [row[:2] for row in rows] == [
        *(["xception", f"{subset}, {view}"] for subset in ours for view in ours[subset]),
        *(["dlib", f"common, {view}"] for view in ours["common"]),
    ]
    assert tables.landmark_note(both) in reader.text


def test_a_diverged_training_is_shown_too(folder: Path, found: Comparison, results: Results, params: Params) -> None:
    curves = {cell: table.assign(train_loss=[np.nan, np.inf]) for cell, table in results.curves.items()}
    page = page_of(folder, found, replace(results, curves=curves), params)
    assert not re.search(r"\b(nan|inf)\b", re.sub('base64,[^"]*', "", page))


def test_a_picture_is_as_light_as_it_can_be(folder: Path, found: Comparison, results: Results, params: Params) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (900, 1500, 3), np.uint8)
    lines = np.full((400, 600, 3), 255, np.uint8)
    lines[100] = 0
    for name, image in (("regions/face.png", cv2.blur(noise, (9, 9))), ("landmarks/error_curves.png", lines)):
        cv2.imwrite(str(folder / "reports" / name), image)
    images = {str(image["alt"]): image for image in Reader(page_of(folder, found, results, params)).of("img")}
    photograph, drawing = images["Images and what face keeps of them"], images["Error curves"]
    assert str(photograph["src"]).startswith("data:image/jpeg;base64,/9j")
    assert (photograph["width"], photograph["height"]) == ("1200", "720")
    assert str(drawing["src"]).startswith("data:image/png;base64,iVBOR")
    assert (drawing["width"], drawing["height"]) == ("600", "400")


@pytest.mark.parametrize(
    "name",
    ["reports/regions/face.png", "reports/expressions/classes.png", "reports/expressions/audit.png", "sources.json"],
)
def test_a_missing_file_is_named(folder: Path, found: Comparison, results: Results, params: Params, name: str) -> None:
    (folder / name).unlink()
    with pytest.raises(InputError, match=f"{name}: missing; run `dvc repro`") as caught:
        page_of(folder, found, results, params)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("content", [[], {"faces": {}}, {"faces": {**DATA_SET, "files": "many"}}])
def test_a_record_of_another_shape(
    folder: Path, found: Comparison, results: Results, params: Params, content: Any
) -> None:
    write_json(folder / "sources.json", content)
    with pytest.raises(InputError, match="does not describe the data sets; delete it and run `dvc repro`"):
        page_of(folder, found, results, params)


def test_the_stage_writes_everything(
    folder: Path,
    found: Comparison,
    results: Results,
    params: Params,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    # JSON is YAML.
    (folder / "params.yaml").write_text(json.dumps(params.model_dump(mode="json")))
    (folder / "data/real").mkdir(parents=True)
    (folder / "sources.json").rename(folder / "data/real/sources.json")
    monkeypatch.chdir(folder)
    monkeypatch.setattr(stage, "commit", lambda: COMMIT)
    stage.main()
    said = capsys.readouterr().out
    assert "Validation chooses face" in said
    assert "reports/index.html" in said
    written = {path.name for path in Path("reports").iterdir()}
    assert {"comparison", "comparison.md", "index.html", "metrics", "plots"} <= written
    Path("sources.json").write_bytes(Path("data/real/sources.json").read_bytes())
    assert Path("reports/index.html").read_text() == page_of(Path(), found, results, params)
