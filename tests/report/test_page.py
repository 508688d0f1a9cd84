"""The page, made from made-up results and the folder that they might come from."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from made_up import (
    FACE,
    MOUTH,
    SOURCES,
    make_params,
    make_results,
    probabilities_right,
    quickly,
    write_atlas,
    write_reports,
)
from page_reader import Reader
from studies import CORRECT

from pipeline.common.files import InputError, write_json
from pipeline.evaluation.results import Results
from pipeline.params import Params
from pipeline.report import sections
from pipeline.report.comparison import compare
from pipeline.report.page import ENVIRONMENT, WITHOUT_PICTURES, page
from pipeline.report.sections.looks import SHEETS
from pipeline.report.study import Origin
from stages import compare as stage

COMMIT = "51f7722"
DATA_SET = {"path": "fer2013.csv", "files": 1, "bytes": 301072766, "sha256": "ab12"}


@pytest.fixture(scope="module", autouse=True)
def quick() -> Iterator[None]:
    with quickly():
        yield


@pytest.fixture(scope="module")
def params() -> Params:
    return make_params()


@pytest.fixture(scope="module")
def results(params: Params) -> Results:
    return make_results(params, probabilities_right(CORRECT, CORRECT))


def write_folder(folder: Path, results: Results, params: Params) -> Path:
    write_reports(folder / "reports", results, params)
    write_json(folder / "sources.json", SOURCES)
    return folder


@pytest.fixture
def folder(tmp_path: Path, results: Results, params: Params) -> Path:
    return write_folder(tmp_path, results, params)


@pytest.fixture(scope="module")
def made(quick: None, results: Results, params: Params, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The page, for tests that change nothing."""
    return page_of(write_folder(tmp_path_factory.mktemp("made"), results, params), results, params)


def page_of(folder: Path, results: Results, params: Params, commit: str | None = COMMIT) -> str:
    return page(compare(results, params, Origin(folder / "reports", folder / "sources.json", commit)))


def piece(template: str, **context: Any) -> str:
    """What a template makes of the pieces."""
    names = "details, figure, framed, head, picture, row_class, side_by_side, table"
    source = f'{{% from "templates/pieces.html" import {names} with context %}}{template}'
    return ENVIRONMENT.from_string(source).render(context, pictures=True)


# What a page is


def test_it_is_one_file_that_asks_the_network_for_nothing(made: str) -> None:
    reader = Reader(made)
    assert not re.search(r"https?:|url\(|@import", made)
    assert [script for script in reader.of("script") if script] == []
    assert all(str(image["src"]).startswith("data:image/") for image in reader.of("img"))
    assert [link["href"] for link in reader.of("link")] == ["data:,"]


def test_its_policy_allows_its_one_script_and_no_other(made: str) -> None:
    (script,) = Reader(made).texts("script")
    policy = next(str(meta["content"]) for meta in Reader(made).of("meta") if "http-equiv" in meta)
    rules = dict(rule.split(maxsplit=1) for rule in policy.split("; "))
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    assert rules["script-src"] == f"'sha256-{digest}'"
    assert (rules["default-src"], rules["img-src"]) == ("'none'", "data:")


def test_every_section_is_linked_in_its_order(made: str) -> None:
    reader = Reader(made)
    links = [str(attributes["href"]) for attributes in reader.of("a")]
    assert links == [f"#{attributes['id']}" for attributes in reader.of("section")]
    assert len(links) == 20


def test_every_question_that_has_a_room_is_on_the_page(made: str) -> None:
    rooms = Path(sections.__file__).parent
    on_the_page = {str(attributes["id"]) for attributes in Reader(made).of("section")}
    assert {path.stem for path in rooms.glob("*.py")} - {"__init__"} == on_the_page
    assert {path.stem for path in rooms.glob("*.html")} == on_the_page


def test_headings_pictures_and_figures_say_what_they_are(made: str) -> None:
    reader = Reader(made)
    levels = [int(tag[1]) for tag, _, _ in reader.elements if tag in ("h1", "h2", "h3", "h4")]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after <= before + 1 for before, after in zip(levels, levels[1:], strict=False))
    assert all(image["alt"] and image["width"] and image["height"] for image in reader.of("img"))
    images = [attributes for attributes in reader.of("svg") if attributes.get("role") == "img"]
    assert images
    assert all(attributes["aria-label"] for attributes in images)


def test_the_same_inputs_give_the_same_bytes(folder: Path, results: Results, params: Params) -> None:
    assert page_of(folder, results, params) == page_of(folder, results, params)


def test_without_pictures_there_is_none_and_nothing_opens_to_nothing(
    folder: Path, results: Results, params: Params
) -> None:
    comparison = compare(results, params, Origin(folder / "reports", folder / "sources.json", COMMIT))
    with_them, without = Reader(page(comparison)), Reader(page(comparison, pictures=False))
    assert len(with_them.of("img")) == len(params.regions) + 3 + len(params.networks) * len(SHEETS)
    assert without.of("img") == []
    assert len(without.of("figure")) == len(with_them.of("figure")) - len(with_them.of("img"))
    gone = set(with_them.texts("summary")) - set(without.texts("summary"))
    assert gone == {"vanilla", "vanilla cnn1 0", "vanilla cnn2 0"}  # the whole images, and what is inside networks
    bodies = zip(without.texts("details"), without.texts("summary"), strict=True)
    assert all(body.replace(summary, "").strip() for body, summary in bodies)
    for path in (folder / "reports").rglob("*.png"):
        path.unlink()
    assert page(comparison, pictures=False)


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
    reader = Reader(page_of(write_folder(tmp_path, results, params), results, params))
    assert not re.search(r"\bnan\b|\bNone\b", reader.text)
    alternatives = [str(image["alt"]) for image in reader.of("img")]
    assert alternatives[: len(params.regions)] == [f"Images and what {name} keeps of them" for name in params.regions]
    matrices = [attributes for attributes in reader.of("table") if attributes.get("class") == "matrix"]
    several = len(params.networks) > 1
    assert len(matrices) == len(params.regions) * (len(params.networks) + several)
    assert ("There is only one region." in reader.text) == (len(params.regions) == 1)
    only_one = len(params.regions) * len(params.networks) == 1
    assert ("nothing to join" in reader.text) == only_one
    assert ("Every pair" in reader.text) == (not only_one)


# What it says


def test_it_holds_the_answer_and_what_it_was_made_from(made: str) -> None:
    text = " ".join(Reader(made).text.split())
    for said in (
        "Validation cannot tell face and vanilla apart",
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
        assert said in text


def test_every_column_can_be_sorted(made: str) -> None:
    tables = re.findall(r"<table(?: class=\"forest\")?><thead>(.*?)</thead>", made, re.DOTALL)
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


def test_a_table_without_rows_is_left_out() -> None:
    assert piece("{{ table(rows) }}", rows=[["network", "points"]]).strip() == ""
    assert piece("{% call table(rows) %}nothing{% endcall %}", rows=[["network", "points"]]).strip() == ""
    assert piece('{% call details("Each network") %} {% endcall %}').strip() == ""


# What it is made from


@pytest.mark.parametrize(
    "template",
    [
        '<table><tr>{{ head(odd, "text") }}</tr></table>',
        "{% call details(odd) %}body{% endcall %}",
        "{% call figure(odd) %}body{% endcall %}",
        "{% call framed(odd) %}body{% endcall %}",
        '{{ table([["name"], [odd]]) }}',
        '{{ table([[odd], ["name"]]) }}',
        '{% call table([["name"], ["a"]]) %}{{ odd }}{% endcall %}',
        '{{ side_by_side([(odd, "chart")]) }}',
        '{{ side_by_side([("title", "chart")], [("line-0", odd)]) }}',
    ],
)
def test_every_piece_escapes_its_texts(template: str) -> None:
    odd = "<i>&amp;\"'"
    assert odd in Reader(f"<main>{piece(template, odd=odd)}</main>").text


def test_what_is_inserted_is_escaped(folder: Path, results: Results) -> None:
    odd = "<script>alert('&\"')</script>{{ answer }}"
    write_json(folder / "sources.json", {odd: {**DATA_SET, "path": odd}})
    views = results.landmarks.providers["xception"]["common"]
    landmarks = results.landmarks.model_copy(update={"providers": {"xception": {odd: {odd: views["grey_48"]}}}})
    overlap = {**results.overlap, "face": {odd: {odd: 0.5}}}
    classes = (odd, *results.classes[1:])
    counts = {
        split: dict(zip(classes, counted.values(), strict=True)) for split, counted in results.audit.classes.items()
    }
    audit = results.audit.model_copy(update={"classes": counts})
    (folder / "reports/landmarks/error_curves.png").rename(folder / 'reports/landmarks/a"b<i>{{ odd }}.png')
    changed = replace(results, landmarks=landmarks, overlap=overlap, classes=classes, audit=audit)
    write_atlas(folder / "reports", changed, make_params())
    reader = Reader(page_of(folder, changed, make_params(), commit=odd))
    assert len(reader.of("script")) == 1
    assert not reader.of("i")
    assert reader.text.count(odd) >= 9
    assert 'A"b<i>{{ odd }}' in [image["alt"] for image in reader.of("img")]
    assert f"{odd} called {odd}: 4 of 4" in [cell.get("title") for cell in reader.of("td")]


def test_a_picture_is_as_light_as_it_can_be(folder: Path, results: Results, params: Params) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (900, 1500, 3), np.uint8)
    lines = np.full((400, 600, 3), 255, np.uint8)
    lines[100] = 0
    for name, image in (("regions/face.png", cv2.blur(noise, (9, 9))), ("landmarks/error_curves.png", lines)):
        cv2.imwrite(str(folder / "reports" / name), image)
    images = {str(image["alt"]): image for image in Reader(page_of(folder, results, params)).of("img")}
    photograph, drawing = images["Images and what face keeps of them"], images["Error curves"]
    assert str(photograph["src"]).startswith("data:image/jpeg;base64,/9j")
    assert (photograph["width"], photograph["height"]) == ("1200", "720")
    assert str(drawing["src"]).startswith("data:image/png;base64,iVBOR")
    assert (drawing["width"], drawing["height"]) == ("600", "400")


@pytest.mark.parametrize(
    "name",
    ["reports/regions/face.png", "reports/expressions/classes.png", "reports/expressions/audit.png", "sources.json"],
)
def test_a_missing_file_is_named(folder: Path, results: Results, params: Params, name: str) -> None:
    (folder / name).unlink()
    with pytest.raises(InputError, match=f"{name}: missing; run `dvc repro`") as caught:
        page_of(folder, results, params)
    assert "\n" not in str(caught.value)


def test_the_stage_writes_everything(
    folder: Path,
    results: Results,
    params: Params,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    content = params.model_dump(mode="json")
    recipes = content.pop("recipes")
    for name, settings in (("params.yaml", content), ("recipes.yaml", recipes)):
        (folder / name).write_text(json.dumps(settings))  # JSON is YAML
    (folder / "data/real").mkdir(parents=True)
    (folder / "sources.json").rename(folder / "data/real/sources.json")
    monkeypatch.chdir(folder)
    monkeypatch.setattr(stage, "commit", lambda: COMMIT)
    stage.main()
    said = capsys.readouterr().out
    assert "Validation cannot tell face and vanilla apart" in said
    assert "reports/index.html" in said
    written = {path.name for path in Path("reports").iterdir()}
    assert {"comparison", "comparison.md", "index.html", WITHOUT_PICTURES, "metrics", "plots"} <= written
    Path("sources.json").write_bytes(Path("data/real/sources.json").read_bytes())
    assert Path("reports/index.html").read_text() == page_of(Path(), results, params)
    assert Path("reports", WITHOUT_PICTURES).read_text().count("<img") == 0
