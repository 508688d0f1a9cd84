"""The page: one HTML file with the answer, its tables and its pictures. It asks the network for nothing."""

from __future__ import annotations

import base64
import io
from collections.abc import Iterable
from html import escape
from importlib.metadata import version
from itertools import groupby
from pathlib import Path
from string import Template
from typing import Any

import pandas as pd
from ruamel.yaml import YAML

from pipeline import figures, pictures
from pipeline.compare import (
    HEADLINE,
    ORDER,
    Results,
    Rows,
    answer,
    caveat,
    landmark_rows,
    percent,
    reference_region,
    score_rows,
)
from pipeline.expressions import CLASSES
from pipeline.files import InputError, read_json
from pipeline.params import Edges, Params, Region
from pipeline.protocols import PROTOCOLS, PURPOSES

TEMPLATE = Path(__file__).with_name("report.html")
TITLE = "Which part of a face carries its expression?"
PACKAGES = ("torch", "torchvision", "numpy", "opencv-python-headless", "scikit-learn", "dvc")

# Curves are drawn of these, one figure a network; the first is always seen, the others on request.
CURVE_LABELS = {
    "validation_accuracy": "validation accuracy",
    "validation_loss": "validation loss",
    "train_loss": "training loss",
}


def page(reports: Path, sources: Path, table: pd.DataFrame, results: Results, params: Params) -> str:
    """The whole page, the same for the same inputs.

    Args:
        reports: the folder with the pictures of the earlier stages.
        sources: the record of the data sets, `sources.json`.
        table: from `compare.compare`.
        results: what it was made from.
        params: params.yaml.

    Raises:
        InputError: a picture or the record is missing, or the record has another shape.
    """
    return Template(TEMPLATE.read_text(encoding="utf-8")).substitute(
        title=escape(TITLE),
        answer=escape(answer(table, params)),
        caveat=escape(caveat(table, params)),
        scores=_scores(table, params),
        curves=_curves(results, params),
        confusion=_confusion(results),
        regions=_regions(reports, results, params),
        landmarks=_landmarks(reports, results),
        data=_data(reports, results),
        made=_made(sources, params),
    )


def _scores(table: pd.DataFrame, params: Params) -> str:
    reference = reference_region(params)
    parts = []
    for protocol in ORDER:
        n = table.loc[table["protocol"] == protocol, "n"].iloc[0]
        body = (
            f"<p>{escape(PURPOSES[protocol])} {n:,} images ({escape(' + '.join(PROTOCOLS[protocol]))}).</p>"
            + _table(
                score_rows(table, protocol, params),
                f"Accuracy, and in brackets its difference to {reference} in points. Fell back: share of the "
                "images that were kept whole, because their landmarks could not be trusted.",
            )
        )
        title = f"Protocol {protocol}"
        parts.append(f"<h3>{escape(title)}</h3>{body}" if protocol == HEADLINE else _details(title, body))
    rows = [list(map(str, table.columns))]
    for row in table.astype(object).where(table.notna(), "").to_numpy():
        rows.append([f"{value:.4f}" if isinstance(value, float) else str(value) for value in row])
    return "\n".join([*parts, _details("All numbers (comparison.csv)", _table(rows))])


def _curves(results: Results, params: Params) -> str:
    parts = []
    for column, label in CURVE_LABELS.items():
        figures = []
        for network in params.networks:
            curves = {}
            for cell in results.cells:
                if cell.network == network:
                    name = cell.region if len(params.seeds) == 1 else f"{cell.region}, seed {cell.seed}"
                    table = results.curves[cell.name]
                    curves[name] = table["step"].tolist(), table[column].tolist()
            image = figures.curves_png(curves, title=network, ylabel=label)
            figures.append(_figure(image, f"{label} of {network} by epoch, a line a region"))
        body = f'<div class="pair">{"".join(figures)}</div>'
        parts.append(body if column == "validation_accuracy" else _details(label.capitalize(), body))
    return "\n".join(parts)


def _confusion(results: Results) -> str:
    parts = []
    for cell in results.cells:
        scores = cell.protocols[HEADLINE]
        name = f"{cell.network} on {cell.region}, seed {cell.seed}"
        image = figures.confusion_png(scores.confusion, CLASSES)
        parts.append(
            _details(
                f"{name}: accuracy {percent(scores.accuracy)}, macro F1 {scores.macro_f1:.3f}",
                _figure(image, f"Confusion matrix of {name}"),
            )
        )
    return "\n".join(parts)


def _regions(reports: Path, results: Results, params: Params) -> str:
    rows = [["region", "what is kept", *(f"fell back, {split}" for split in results.counts.images)]]
    parts = []
    overlaps = []
    for name, region in params.regions.items():
        crop = results.crops[name]
        fallen = [
            f"{crop.fell_back.get(split, 0):,} of {crop.images.get(split, 0):,}" for split in results.counts.images
        ]
        rows.append([name, describe(region), *fallen])
        if region != "whole":
            overlaps += [
                [f"{name}, {subset}, {view}", f"{value:.3f}"]
                for subset, views in crop.iou.items()
                for view, value in views.items()
            ]
        image = _read_picture(reports / f"regions/{name}.png")
        parts.append(f"<h3>{escape(name)}</h3>{_figure(image, f'Images and what {name} keeps of them')}")
    tables = [_table(rows, "An image falls back to the whole image where its landmarks cannot be trusted.")]
    if overlaps:
        caption = (
            "Mean intersection over union of the box from found landmarks with the box from true ones, on "
            "the landmark model's test faces; 1 is the same box."
        )
        tables.append(_table([["region, subset, view", "IoU"], *overlaps], caption))
    return "\n".join(tables + parts)


def describe(region: Region) -> str:
    """A region's definition in words, with 1-based point numbers."""
    if region == "whole":
        return "the whole image"
    if isinstance(region, Edges):
        text = f"left {region.left}, right {region.right}, top {region.top}, bottom {region.bottom}"
    else:
        text = f"points {' '.join(_ranges(region.points))}"
    return f"{text}, margin {region.margin:g}" if region.margin else text


def _ranges(numbers: Iterable[int]) -> list[str]:
    """Ascending numbers as ranges: 1, 2, 3, 7 as `1-3`, `7`."""
    runs = [[number for _, number in run] for _, run in groupby(enumerate(numbers), lambda pair: pair[1] - pair[0])]
    return [str(run[0]) if len(run) == 1 else f"{run[0]}-{run[-1]}" for run in runs]


def _landmarks(reports: Path, results: Results) -> str:
    text = (
        "Mean error of the 68 points on the test faces, normalised by the inter-ocular distance (NME). "
        "grey_48 shows the faces as the expression images do: 48 pixels, grey, loosely framed."
    )
    images = [
        _figure(_read_picture(path), path.stem.replace("_", " ").capitalize())
        for path in sorted((reports / "landmarks").glob("*.png"))
    ]
    return "\n".join([f"<p>{escape(text)}</p>", _table(landmark_rows(results.landmarks)), *images])


def _data(reports: Path, results: Results) -> str:
    counts, twins = results.counts, results.counts.twins
    rows = [["split", "images", *CLASSES]]
    for split, total in counts.images.items():
        rows.append([split, f"{total:,}", *(f"{counts.classes.get(split, {}).get(name, 0):,}" for name in CLASSES)])
    text = (
        f"Images that are pixel for pixel the same as another one: {twins.rows:,}, in {twins.groups:,} "
        f"groups, {twins.groups_across_splits:,} of which reach over more than one split. Test images that "
        f"are also in training or validation: {twins.test_rows_also_in_training_or_validation:,}."
    )
    sheet = _figure(_read_picture(reports / "expressions.png"), "Some of the expression images")
    return f"{_table(rows)}\n<p>{escape(text)}</p>\n{sheet}"


def _made(sources: Path, params: Params) -> str:
    rows = [["data set", "path", "files", "bytes", "SHA-256"]]
    record = read_json(sources)
    try:
        for name, item in record.items():
            if item is not None:
                rows.append([name, str(item["path"]), f"{item['files']:,}", f"{item['bytes']:,}", str(item["sha256"])])
    except (AttributeError, KeyError, TypeError, ValueError):
        raise InputError(f"{sources}: does not describe the data sets; delete it and run `dvc repro`") from None
    packages = [["package", "version"], *([name, version(name)] for name in PACKAGES)]
    settings = params.model_dump(mode="json", exclude={"recipes"})
    settings["recipes"] = {params.recipe: params.chosen.model_dump(mode="json")}
    return "\n".join(
        [
            "<h3>Settings</h3>",
            f"<pre>{escape(_yaml(settings))}</pre>",
            "<h3>Data sets</h3>",
            _table(rows),
            "<h3>Software</h3>",
            _table(packages),
        ]
    )


def _yaml(content: dict[str, Any]) -> str:
    writer = YAML(typ="safe", pure=True)
    writer.sort_base_mapping_type_on_output = False  # type: ignore[assignment]
    writer.default_flow_style = None  # innermost lists and mappings in one line
    writer.width = 1000  # the page scrolls
    text = io.StringIO()
    writer.dump(content, text)
    return text.getvalue()


def _table(rows: Rows, caption: str = "") -> str:
    """A table that scrolls by itself where it is too wide; the first row and the first column are headers."""
    head = "".join(f'<th scope="col">{escape(text)}</th>' for text in rows[0])
    body = []
    for name, *entries in rows[1:]:
        cells = "".join(f"<td>{escape(text)}</td>" for text in entries)
        body.append(f'<tr><th scope="row">{escape(name)}</th>{cells}</tr>\n')
    # Not a <caption>, which a narrow table would squeeze and a wide one would scroll out of sight.
    note = f'<p class="faint">{escape(caption)}</p>' if caption else ""
    table = f"<thead><tr>{head}</tr></thead>\n<tbody>{''.join(body)}</tbody>"
    return f'{note}<div class="wide"><table>{table}</table></div>'


def _details(summary: str, body: str) -> str:
    return f"<details><summary>{escape(summary)}</summary>{body}</details>"


def _figure(image: bytes, caption: str) -> str:
    kind = "png" if image.startswith(b"\x89PNG") else "jpeg"
    data = base64.b64encode(image).decode()
    return (
        f'<figure><img alt="{escape(caption)}" src="data:image/{kind};base64,{data}">'
        f"<figcaption>{escape(caption)}</figcaption></figure>"
    )


def _read_picture(path: Path) -> bytes:
    """A picture from `reports/`, as light as a page that goes to a phone should have it."""
    try:
        return pictures.lighten(path.read_bytes())
    except FileNotFoundError:
        raise InputError(f"{path}: missing; run `dvc repro` to make it") from None
