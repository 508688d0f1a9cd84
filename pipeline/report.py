"""The page: one HTML file with the answer, its tables and its pictures. It asks the network for nothing."""

from __future__ import annotations

import base64
import hashlib
import io
import re
from collections.abc import Iterable, Mapping, Sequence
from html import escape
from importlib.metadata import version
from itertools import groupby
from pathlib import Path
from string import Template
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from PIL import Image
from ruamel.yaml import YAML

from pipeline import figures, pictures, tables
from pipeline.calibration import Bin
from pipeline.compare import ALL, HEADLINE, MEAN, ORDER, SAMPLED, TESTED, Comparison
from pipeline.expressions import CLASSES
from pipeline.figures import Axis, Line, line_style
from pipeline.files import InputError, read_json
from pipeline.params import Edges, Params, Region
from pipeline.protocols import PROTOCOLS, PURPOSES
from pipeline.reported import why
from pipeline.results import Cell, Results
from pipeline.tables import SIGNIFICANT, Rows, percent, points

TEMPLATE = Path(__file__).with_name("report.html")
TITLE = "Which part of a face carries its expression?"
PACKAGES = ("torch", "torchvision", "numpy", "scipy", "statsmodels", "pandas", "opencv-python-headless", "dvc")

# Of fewer images a bin of the reliability diagram has an accuracy that is mostly chance.
FEWEST = 10

# Texts of more letters wrap in a table.
LONG = 24

# A number as tables write it, perhaps with more behind it: `56.6% (+1.1)`, `<0.001`, `1,234`, `-1.2 to +0.3`.
NUMBER = re.compile(r"<?[+-]?[\d,]*\.?\d+(?=%|\s|$)")


def page(
    reports: Path, sources: Path, comparison: Comparison, results: Results, params: Params, commit: str | None
) -> str:
    """The whole page, the same for the same inputs.

    Args:
        reports: the folder with the pictures of the earlier stages.
        sources: the record of the data sets, `sources.json`.
        comparison: from `compare.compare`.
        results: what it was made from.
        params: params.yaml.
        commit: of the program, if it is known.

    Raises:
        InputError: a picture or the record is missing, or the record has another shape.
    """
    template = TEMPLATE.read_text(encoding="utf-8")
    return Template(template).substitute(
        script_hash=_script_hash(template),
        title=escape(TITLE),
        answer=escape(tables.answer(comparison, params)),
        caveat=escape(tables.caveat(comparison, params)),
        scores=_scores(comparison, params),
        differences=_differences(comparison, params),
        leak=_leak(comparison, params),
        joined=_joined(comparison, params),
        expressions=_expressions(comparison, params),
        curves=_curves(comparison, results, params),
        calibration=_calibration(comparison, params),
        regions=_regions(reports, results, params),
        landmarks=_landmarks(reports, results),
        data=_data(reports, results, params),
        reported=_reported(comparison, params),
        made=_made(sources, params, commit),
    )


def _script_hash(template: str) -> str:
    """What the page's security policy calls its one script, which must be free of `$`, a sign of the template."""
    _, script, _ = re.split("</?script>", template)
    return base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()


def _scores(comparison: Comparison, params: Params) -> str:
    caption = (
        f"Accuracy, and in brackets its difference to {comparison.reference} in points; * significant after Holm's "
        "adjustment. Fell back: share of the images that were kept whole, because their landmarks could not be "
        "trusted. The last row always gives the commonest class of Training."
    )
    parts = []
    for protocol in ORDER:
        n = _baseline(comparison, protocol).n
        note = _note(f"{PURPOSES[protocol]} {n:,} images ({' + '.join(PROTOCOLS[protocol])}).")
        rows = tables.score_rows(comparison, protocol, params)
        if protocol == HEADLINE:
            parts.append(f"<h3>{protocol}</h3>{note}{_table(rows, caption)}")
        else:
            parts.append(_details(protocol, note + _table(rows)))
    return "\n".join([*parts, _details("Intervals and macro F1 of every score", _all_scores(comparison))])


def _all_scores(comparison: Comparison) -> str:
    rows = [["protocol", "region", "network", "n", "accuracy", "its 95% interval", "macro F1", "its 95% interval"]]
    for row in _records(comparison.scores):
        entries = [percent(row.accuracy), "", f"{row.macro_f1:.3f}", ""]
        if row.protocol in SAMPLED:
            entries[1] = f"{percent(row.accuracy_low)} to {percent(row.accuracy_high)}"
            entries[3] = f"{row.macro_f1_low:.3f} to {row.macro_f1_high:.3f}"
        rows.append([row.protocol, row.region, row.network, f"{row.n:,}", *entries])
    return _table(rows, "Means over the seeds. A bootstrap of twin groups gives the intervals.")


def _records(table: pd.DataFrame) -> list[Any]:
    """The rows of a table, with its columns as attributes."""
    return list(table.itertuples())


def _baseline(comparison: Comparison, protocol: str) -> Any:
    """What is known of always giving the commonest class; `n` is the number of images."""
    return next(row for row in _records(comparison.baseline) if row.protocol == protocol)


def _differences(comparison: Comparison, params: Params) -> str:
    parts = []
    for protocol in TESTED:
        forest = _forest(comparison, protocol, params) if len(params.regions) > 1 else ""
        tests = _tests(comparison, protocol)
        if protocol == HEADLINE:
            parts += [forest or _note("There is only one region."), _details("Every paired test", tests)]
        else:
            parts.append(_details(f"The same on {protocol}", forest + tests))
    return "\n".join(parts)


def _forest(comparison: Comparison, protocol: str, params: Params) -> str:
    """The differences of each region to the reference: a group of rows a region, one row a network and their mean."""
    pairs = comparison.pairs
    shown = pairs[(pairs["kind"] == "region") & (pairs["other"] == comparison.reference)]
    # The axis is the same for all protocols.
    scale = figures.axis("points", [0.0, *(100 * shown["low"]), *(100 * shown["high"])])
    groups = []
    for number, region in enumerate(params.regions):
        rows = []
        for row in _records(shown[(shown["protocol"] == protocol) & (shown["one"] == region)]):
            summary = row.within == MEAN
            if summary and len(params.networks) == 1:
                continue  # it would say the same again
            filled = row.p_holm < SIGNIFICANT or (summary and not row.low <= 0 <= row.high)
            low, value, high = 100 * row.low, 100 * row.difference, 100 * row.high
            strip = figures.interval(line_style(number), low, value, high, scale, filled, summary)
            ends = f"{points(row.low, signed=True)} to {points(row.high, signed=True)}"
            rows.append(
                f'<tr{_row_class(row.within)}><th scope="row">{escape(row.within)}</th><td>{strip}</td>'
                f'<td class="number">{points(row.difference, signed=True)}</td><td class="number">{ends}</td></tr>\n'
            )
        if rows:
            title = escape(f"{region} less {comparison.reference}")
            head = f'<tr><th class="group" colspan="4" scope="rowgroup">{title}</th></tr>'
            groups.append(f"<tbody>{head}\n{''.join(rows)}</tbody>")
    head = (
        _head("network", "text")
        + f'<th scope="col">{figures.scale(scale)}</th>'
        + _head("points", "number")
        + _head("95% interval", "number")
    )
    caption = (
        f"Accuracy on {protocol} less that on {comparison.reference}, in points: right of 0 the region is better. The "
        "lines are 95% intervals. Full marks are significant: networks after Holm's adjustment, their mean, a diamond, "
        "by its interval."
    )
    if len(params.seeds) > 1:
        caption += " The intervals take the images as a sample, the tests of the networks the seeds too."
    table = f'<table class="forest"><thead><tr>{head}</tr></thead>\n{"".join(groups)}</table>'
    return _framed(table, caption)


def _tests(comparison: Comparison, protocol: str) -> str:
    if comparison.pairs.empty:
        return ""
    parts = [_note(tables.TEST_NOTE)]
    for kind in ("region", "network"):
        of = comparison.pairs[(comparison.pairs["kind"] == kind) & (comparison.pairs["protocol"] == protocol)]
        tested = of["p_holm"].notna()
        many, significant = int(tested.sum()), int((of["p_holm"] < SIGNIFICANT).sum())
        caption = f"Pairs of {kind}s: {significant} of {many} differ significantly."
        parts.append(_table(tables.pair_rows(comparison, protocol, kind), caption))
    caption = (
        "Cochran's Q asks, before any pair is looked at, whether all regions of a network (or all networks on a "
        "region) are right equally often. Where p is small they are not; which of them differ is above."
    )
    return "".join([*parts, _table(tables.omnibus_rows(comparison, protocol), caption)])


def _leak(comparison: Comparison, params: Params) -> str:
    n, unique = (_baseline(comparison, protocol).n for protocol in (HEADLINE, "test_unique"))
    text = (
        f"{n - unique:,} of the {n:,} test images have a twin, identical or nearly so, among the images that trained "
        "or chose the classifiers. The shift is the accuracy on all test images less that without them: what such "
        "images add to a score."
    )
    if not params.twins.train_on:
        text += " Here the networks were trained without the twins of validation and test images."
    head, *rows = tables.leak_rows(comparison)
    means = _table([head, *(row for row in rows if row[0] == MEAN)], "Mean over the networks; the shift in points.")
    if len(params.networks) == 1:
        return _note(text) + means
    networks = _table([head, *(row for row in rows if row[0] != MEAN)], "The shift in points.")
    return _note(text) + means + _details("Each network", networks)


def _joined(comparison: Comparison, params: Params) -> str:
    if comparison.fusion.empty:
        return _note("There is only one model, and so nothing to join.")
    text = (
        "The probabilities of several models, averaged. Which models, and with which weights, was decided on "
        "validation; the gain is over the single model that validation chose, and measured here."
    )
    parts = [_note(text)]
    for protocol in SAMPLED:
        head, *rows = tables.fusion_rows(comparison, protocol)
        caption = f"Accuracy on {protocol}, gain in points. Holm: p value of the gain, adjusted for all of them."
        if protocol == HEADLINE:
            # Of all networks where there are several, else of the only one.
            widest = rows[-1][0]
            parts.append(_table([head, *(row for row in rows if row[0] == widest)], caption))
            others = [row for row in rows if row[0] != widest]
            if others:
                parts.append(_details("Each network by itself", _table([head, *others], caption)))
        else:
            parts.append(_details(f"The same on {protocol}", _table([head, *rows], caption)))
    return "\n".join([*parts, "<h3>Forward selection</h3>", _selection(comparison, params)])


def _selection(comparison: Comparison, params: Params) -> str:
    styles: dict[str, str] = {network: line_style(number) for number, network in enumerate(params.networks)}
    lines: dict[str, Line] = {}
    rows = [["network", "step", "added", "validation accuracy", "selected"]]
    for name, part in comparison.selection.groupby("network", sort=False):
        network, steps = str(name), _records(part)
        rows += [
            [network, str(step.step), step.added, percent(step.validation_accuracy), "yes" if step.kept else "no"]
            for step in steps
        ]
        lines[network] = Line(
            styles.get(network, line_style(0)),
            [step.step for step in steps],
            [100 * step.validation_accuracy for step in steps],
            [f"{network}, step {step.step}: with {step.added} {percent(step.validation_accuracy)}" for step in steps],
            chosen=sum(step.kept for step in steps) - 1,  # what is kept comes first
        )
    text = (
        "Beginning with the best model, each step adds the one that helps most on validation. A ring marks where the "
        "selection ends: the next step does not help. Validation chose the steps, so these accuracies flatter."
    )
    single = {network: line for network, line in lines.items() if network != ALL}
    charts = []
    for title, group in (("all networks", [lines[ALL]] if ALL in lines else []), ("by network", [*single.values()])):
        if group:
            x = figures.axis("models joined", [step for line in group for step in line.x], whole=True)
            y = figures.axis("validation accuracy, %", [accuracy for line in group for accuracy in line.y])
            charts.append(_figure(figures.chart(group, x, y, f"Forward selection, {title}"), title))
    legend = figures.legend({line.style: network for network, line in single.items()})
    table = _details("Every step", _table(rows, "Accuracy on validation of the average of all models so far."))
    return f'{_note(text)}<div class="many">{"".join(charts)}</div>{legend if len(single) > 1 else ""}{table}'


Counts = npt.NDArray[np.int64]  # a confusion matrix (7, 7), a row a true class


def _expressions(comparison: Comparison, params: Params) -> str:
    nothing = np.zeros((len(CLASSES), len(CLASSES)), np.int64)
    counts: dict[tuple[str, str], Counts] = {}
    for cell, matrix in comparison.confusion.items():
        for network in (cell.network, ALL):
            counts[cell.region, network] = counts.get((cell.region, network), nothing) + np.array(matrix)
    text = (
        "A row is a true expression, a column what it was called, in percent of the row, all seeds together; the "
        "images are counted under the mouse."
    )
    parts = [_recall({region: counts[region, ALL] for region in params.regions}, comparison.reference, params)]
    parts += ["<h3>What is taken for what</h3>", _note(text)]
    several = len(params.networks) > 1
    for network in [ALL, *params.networks] if several else params.networks:
        shown = [(region, counts[region, network]) for region in params.regions]
        matrices = [_figure(_matrix(matrix), f"{region}, {network}") for region, matrix in shown]
        body = f'<div class="many">{"".join(matrices)}</div>'
        accuracies = [f"{region} {percent(np.trace(matrix) / matrix.sum())}" for region, matrix in shown]
        wanted = several and network != ALL
        parts.append(_details(f"{network}: {', '.join(accuracies)}", body) if wanted else body)
    return "\n".join(parts)


def _recall(counts: Mapping[str, Counts], reference: str, params: Params) -> str:
    """Which expressions are recognised on which region, all networks and seeds together."""
    shares = {
        region: [row[code] / row.sum() if row.sum() else np.nan for code, row in enumerate(matrix)]
        for region, matrix in counts.items()
    }
    images = (counts[reference].sum(axis=1) // (len(params.networks) * len(params.seeds))).tolist()

    def entries(region: str, of: Sequence[float], base: Sequence[float]) -> list[str]:
        gains = [f" ({points(one - other, signed=True)})" for one, other in zip(of, base, strict=True)]
        return [
            percent(share) + ("" if region == reference or np.isnan(share) else gain)
            for share, gain in zip(of, gains, strict=True)
        ]

    columns = [["expression", *CLASSES, MEAN], ["images", *(f"{many:,}" for many in images), f"{sum(images):,}"]]
    for region in counts:
        mean, base = [[*of, float(np.nanmean(of))] for of in (shares[region], shares[reference])]
        columns.append([region, *entries(region, mean, base)])
    fewest = min((many, name) for many, name in zip(images, CLASSES, strict=True) if many)
    text = (
        "Share of the test images of each expression that is recognised, mean over all networks and seeds, and in "
        f"brackets its difference to {reference} in points. There are no intervals here. The fewest images, "
        f"{fewest[0]:,}, are of {fewest[1]}: one of them is {points(1 / fewest[0])} points."
    )
    return _table([list(row) for row in zip(*columns, strict=True)], text)


def _matrix(counts: Counts) -> str:
    """A confusion matrix as a table whose cells are shaded by their share of the row."""
    head = "".join(f'<th scope="col"><span>{escape(name)}</span></th>' for name in CLASSES)
    body = []
    for name, row in zip(CLASSES, counts.tolist(), strict=True):
        total = sum(row)
        cells = []
        for called, count in zip(CLASSES, row, strict=True):
            share = 100 * count / total if total else 0
            text = f"{share:.0f}" if count else ""
            hint = f"{name} called {called}: {count:,} of {total:,}"
            cells.append(f'<td style="--share:{share:.0f}" title="{hint}">{text}</td>')
        body.append(f'<tr><th scope="row">{escape(name)}</th>{"".join(cells)}</tr>\n')
    return f'<table class="matrix"><thead><tr><td></td>{head}</tr></thead>\n<tbody>{"".join(body)}</tbody></table>'


def _curves(comparison: Comparison, results: Results, params: Params) -> str:
    baseline = _baseline(comparison, "validation")
    text = (
        "Accuracy on validation by epoch. A point marks the best epoch, whose weights were kept; the broken line is "
        f"what always saying {baseline.label} would reach."
    )
    curves = {cell: table.set_index("step") for cell, table in results.curves.items()}
    accuracies = {cell: 100 * table["validation_accuracy"] for cell, table in curves.items()}
    parts = [
        _note(text),
        _curve_charts(accuracies, "validation accuracy, %", params, 100 * baseline.accuracy),
    ]
    for name, label in (("validation_loss", "Validation loss"), ("train_loss", "Training loss")):
        losses = {cell: table[name] for cell, table in curves.items()}
        parts.append(_details(label, _curve_charts(losses, label.lower(), params)))
    return "\n".join(parts)


def _curve_charts(
    curves: Mapping[Cell, pd.Series[float]], label: str, params: Params, always: float | None = None
) -> str:
    """A chart a network, all with the same axes, of one value by epoch (the index of the curves).

    With `always`, what one answer to all images would reach, the highest point of each curve is marked.
    """
    x = figures.axis("epoch", [step for curve in curves.values() for step in curve.index], whole=True)
    values = [value for curve in curves.values() for value in curve]
    y = figures.axis(label, values if always is None else [*values, always])
    charts = []
    for network in params.networks:
        lines = [] if always is None else [Line("ideal", [x.low, x.high], [always, always])]
        for cell, curve in curves.items():
            if cell.network == network:
                style = line_style([*params.regions].index(cell.region))
                lines.append(Line(style, curve.index.tolist(), curve.tolist()))
                if always is not None:
                    best = int(curve.argmax())
                    hint = f"{cell.region}, seed {cell.seed}: {curve.iloc[best]:.1f}% in epoch {curve.index[best]}"
                    lines.append(Line(style, [curve.index[best]], [curve.iloc[best]], [hint], [4]))
        charts.append(_figure(figures.chart(lines, x, y, f"{label} of {network} by epoch"), network))
    return _charts(charts, params)


def _charts(charts: Sequence[str], params: Params) -> str:
    """Charts side by side, and below them which line is which region."""
    legend = figures.legend({line_style(number): region for number, region in enumerate(params.regions)})
    return f'<div class="many">{"".join(charts)}</div>{legend}'


def _calibration(comparison: Comparison, params: Params) -> str:
    text = (
        "Of the images that a network is 80% sure of, it should get 80% right: then its line follows the broken one. "
        "Below it a network is too sure of itself, above it not sure enough. The larger a point, the more images. The "
        "expected calibration error (ECE) is the mean distance; a temperature, one number fitted on validation, "
        f"divides the logarithms of all probabilities and changes no answer. Parts of fewer than {FEWEST} images are "
        "not drawn."
    )
    sure, right = Axis("confidence, %", 0, 100), Axis("accuracy, %", 0, 100)
    charts = []
    for network in params.networks:
        lines = [Line("ideal", [0, 100], [0, 100])]
        for number, region in enumerate(params.regions):
            lines.append(_reliability_line(line_style(number), region, comparison.reliability[region, network]))
        chart = figures.chart(lines, sure, right, f"Accuracy of {network} by its confidence")
        charts.append(_figure(f'<div class="square">{chart}</div>', network))
    table = _table(tables.calibration_rows(comparison), "On test. With it: with the temperature.")
    return "\n".join([_note(text), _charts(charts, params), table])


def _reliability_line(style: str, region: str, bins: Sequence[Bin]) -> Line:
    total = sum(part.count for part in bins)
    shown = [part for part in bins if part.count >= FEWEST]
    return Line(
        style,
        [100 * part.confidence for part in shown],
        [100 * part.accuracy for part in shown],
        [
            f"{region}: {part.count:,} images, {percent(part.confidence)} sure, {percent(part.accuracy)} right"
            for part in shown
        ],
        [1.5 + 9 * (part.count / total) ** 0.5 for part in shown],
    )


def _regions(reports: Path, results: Results, params: Params) -> str:
    splits = [*results.audit.images]
    rows = [["region", "what is kept", *(f"fell back, {split}" for split in splits)]]
    overlaps: dict[str, dict[str, str]] = {}  # by subset and view, then by region
    sheets = []
    for name, region in params.regions.items():
        crop = results.crops[name]
        fallen = [f"{crop.fell_back[split]:,} of {crop.images[split]:,}" for split in splits]
        rows.append([name, describe(region), *fallen])
        sheet = _picture(reports / f"regions/{name}.png", f"Images and what {name} keeps of them")
        if region == "whole":  # nothing to see but whole images
            sheets.append(_details(name, sheet))
            continue
        sheets.append(f"<h3>{escape(name)}</h3>{sheet}")
        for subset, views in crop.iou.items():
            for view, value in views.items():
                overlaps.setdefault(f"{subset}, {view}", {})[name] = f"{value:.3f}"
    fallback = "An image falls back to the whole image where its landmarks cannot be trusted."
    overlap = (
        "Mean intersection over union of the box from found landmarks with the box from true ones, on the landmark "
        "model's test faces: 1 is the same box."
    )
    cut = [name for name, region in params.regions.items() if region != "whole"]
    overlap_rows = [[name, *(by_region.get(region, "") for region in cut)] for name, by_region in overlaps.items()]
    return "\n".join([_table(rows, fallback), *sheets, _table([["subset, view", *cut], *overlap_rows], overlap)])


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
    paths = sorted((reports / "landmarks").glob("*.png"))
    sheets = [_picture(path, path.stem.replace("_", " ").capitalize()) for path in paths]
    return f'{_note(text)}{_table(tables.landmark_rows(results.landmarks))}<div class="pair">{"".join(sheets)}</div>'


def _data(reports: Path, results: Results, params: Params) -> str:
    audit = results.audit
    classes = [["split", "images", *CLASSES]]
    for split, total in audit.images.items():
        classes.append([split, f"{total:,}", *(f"{audit.classes[split][name]:,}" for name in CLASSES)])
    twins = (
        f"Twins: identical images, and those whose correlation is {params.twins.min_correlation:g} or more, directly "
        "or in a mirror; a group is what is joined by such pairs."
    )
    return "\n".join(
        [
            _table(classes, "Images of each expression."),
            _picture(reports / "expressions/classes.png", "Some images of each expression"),
            "<h3>Audit</h3>",
            _table(tables.audit_rows(audit), "What was found in each split."),
            _table(tables.group_rows(audit), twins),
            _picture(reports / "expressions/audit.png", "Examples of what the audit found"),
        ]
    )


def _reported(comparison: Comparison, params: Params) -> str:
    return _note(why()) + _table(tables.reported_rows(comparison, params))


def _made(sources: Path, params: Params, commit: str | None) -> str:
    files = [["data set", "path", "files", "bytes", "SHA-256"]]
    record = read_json(sources)
    try:
        for name, item in record.items():
            if item is not None:
                files.append([name, str(item["path"]), f"{item['files']:,}", f"{item['bytes']:,}", str(item["sha256"])])
    except (AttributeError, KeyError, TypeError, ValueError):
        raise InputError(f"{sources}: does not describe the data sets; delete it and run `dvc repro`") from None
    packages = [["package", "version"], *([name, version(name)] for name in PACKAGES)]
    settings = params.model_dump(mode="json", exclude={"recipes"})
    settings["recipes"] = {params.recipe: params.chosen.model_dump(mode="json")}
    return "\n".join(
        [
            f"<p>Commit: <code>{escape(commit)}</code></p>" if commit else "",
            "<h3>Settings</h3>",
            f'<pre tabindex="0">{escape(_yaml(settings))}</pre>',
            "<h3>Data sets</h3>",
            _table(files),
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
    """A table that sorts by each column; the first row and the first column are headers. Nothing for a header alone."""
    if len(rows) == 1:
        return ""
    kinds = [_kind(column) for column in zip(*rows[1:], strict=True)]
    head = "".join(map(_head, rows[0], kinds))
    body = []
    for row in rows[1:]:
        name, *cells = (f'class="{kind}">{escape(text)}' for kind, text in zip(kinds, row, strict=True))
        entries = "".join(f"<td {cell}</td>" for cell in cells)
        # The mean over the networks stands out.
        body.append(f'<tr{_row_class(*row[:2])}><th scope="row" {name}</th>{entries}</tr>\n')
    return _framed(f"<table><thead><tr>{head}</tr></thead>\n<tbody>{''.join(body)}</tbody></table>", caption)


def _kind(column: Sequence[str]) -> str:
    """Classes for the entries of a column: number, by which it is sorted then, or text, long where it may wrap."""
    written = [text for text in column if text]
    if written and all(NUMBER.match(text) for text in written):
        return "number"
    return "text long" if any(len(text) > LONG for text in written) else "text"


def _head(text: str, kind: str) -> str:
    """A column's header. The page's script enables its button, and sorts by what the class says."""
    return f'<th scope="col" class="{kind}"><button type="button" disabled>{escape(text or "what")}</button></th>'


def _row_class(*names: str) -> str:
    """Makes the rows of the mean over the networks stand out."""
    return ' class="mean"' if MEAN in names else ""


def _framed(table: str, caption: str) -> str:
    """A table that scrolls by itself where it is too wide."""
    # Not a <caption>, which a narrow table would squeeze and a wide one would scroll out of sight.
    note = f"<figcaption>{escape(caption)}</figcaption>" if caption else ""
    return f'<figure class="table">{note}<div class="wide">{table}</div></figure>'


def _note(text: str) -> str:
    return f"<p>{escape(text)}</p>"


def _details(summary: str, body: str) -> str:
    """What is seen on request; nothing where there is nothing to see."""
    if not body:
        return ""
    return f"<details><summary>{escape(summary)}</summary>{body}</details>"


def _figure(content: str, caption: str) -> str:
    return f"<figure><figcaption>{escape(caption)}</figcaption>{content}</figure>"


def _picture(path: Path, caption: str) -> str:
    """A picture from `reports/`, as light as a page that goes to a phone should have it."""
    try:
        image = path.read_bytes()
    except FileNotFoundError:
        raise InputError(f"{path}: missing; run `dvc repro` to make it") from None
    image = min(image, pictures.lighten(image), key=len)  # few lines on white are lighter as PNG
    kind = "png" if image.startswith(b"\x89PNG") else "jpeg"
    width, height = Image.open(io.BytesIO(image)).size
    data = f"data:image/{kind};base64,{base64.b64encode(image).decode()}"
    size = f'width="{width}" height="{height}"'  # the page does not move while it is decoded
    return _figure(f'<div class="wide" tabindex="0"><img alt="{escape(caption)}" {size} src="{data}"></div>', caption)
