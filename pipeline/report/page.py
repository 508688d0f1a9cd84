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
from ruamel.yaml import YAML

from pipeline.common.files import InputError, read_json
from pipeline.data.expressions import CLASSES
from pipeline.data.protocols import PROTOCOLS, PURPOSES
from pipeline.evaluation.calibration import Bin
from pipeline.evaluation.results import Cell, Results
from pipeline.params import Params
from pipeline.regions.definitions import Edges, Region
from pipeline.report import figures, html, tables
from pipeline.report.compare import ALL, HEADLINE, MEAN, ORDER, SAMPLED, TESTED, Comparison
from pipeline.report.figures import Axis, Line, line_style
from pipeline.report.reported import why
from pipeline.report.tables import SIGNIFICANT, percent, points

TEMPLATE = Path(__file__).with_name("page.html")
TITLE = "Which part of a face carries its expression?"
PACKAGES = ("torch", "torchvision", "numpy", "scipy", "statsmodels", "pandas", "opencv-python-headless", "dvc")

# Of fewer images a bin of the reliability diagram has an accuracy that is mostly chance.
FEWEST = 10


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
        note = html.note(f"{PURPOSES[protocol]} {n:,} images ({' + '.join(PROTOCOLS[protocol])}).")
        rows = tables.score_rows(comparison, protocol, params)
        if protocol == HEADLINE:
            parts.append(f"<h3>{protocol}</h3>{note}{html.table(rows, caption)}")
        else:
            parts.append(html.details(protocol, note + html.table(rows)))
    return "\n".join([*parts, html.details("Intervals and macro F1 of every score", _all_scores(comparison))])


def _all_scores(comparison: Comparison) -> str:
    rows = [["protocol", "region", "network", "n", "accuracy", "its 95% interval", "macro F1", "its 95% interval"]]
    for row in _records(comparison.scores):
        entries = [percent(row.accuracy), "", f"{row.macro_f1:.3f}", ""]
        if row.protocol in SAMPLED:
            entries[1] = f"{percent(row.accuracy_low)} to {percent(row.accuracy_high)}"
            entries[3] = f"{row.macro_f1_low:.3f} to {row.macro_f1_high:.3f}"
        rows.append([row.protocol, row.region, row.network, f"{row.n:,}", *entries])
    return html.table(rows, "Means over the seeds. A bootstrap of twin groups gives the intervals.")


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
            parts += [forest or html.note("There is only one region."), html.details("Every paired test", tests)]
        else:
            parts.append(html.details(f"The same on {protocol}", forest + tests))
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
                f'<tr{html.row_class(row.within)}><th scope="row">{escape(row.within)}</th><td>{strip}</td>'
                f'<td class="number">{points(row.difference, signed=True)}</td><td class="number">{ends}</td></tr>\n'
            )
        if rows:
            title = escape(f"{region} less {comparison.reference}")
            head = f'<tr><th class="group" colspan="4" scope="rowgroup">{title}</th></tr>'
            groups.append(f"<tbody>{head}\n{''.join(rows)}</tbody>")
    head = (
        html.head("network", "text")
        + f'<th scope="col">{figures.scale(scale)}</th>'
        + html.head("points", "number")
        + html.head("95% interval", "number")
    )
    caption = (
        f"Accuracy on {protocol} less that on {comparison.reference}, in points: right of 0 the region is better. The "
        "lines are 95% intervals. Full marks are significant: networks after Holm's adjustment, their mean, a diamond, "
        "by its interval."
    )
    if len(params.seeds) > 1:
        caption += " The intervals take the images as a sample, the tests of the networks the seeds too."
    table = f'<table class="forest"><thead><tr>{head}</tr></thead>\n{"".join(groups)}</table>'
    return html.framed(table, caption)


def _tests(comparison: Comparison, protocol: str) -> str:
    if comparison.pairs.empty:
        return ""
    parts = [html.note(tables.TEST_NOTE)]
    for kind in ("region", "network"):
        of = comparison.pairs[(comparison.pairs["kind"] == kind) & (comparison.pairs["protocol"] == protocol)]
        tested = of["p_holm"].notna()
        many, significant = int(tested.sum()), int((of["p_holm"] < SIGNIFICANT).sum())
        caption = f"Pairs of {kind}s: {significant} of {many} differ significantly."
        parts.append(html.table(tables.pair_rows(comparison, protocol, kind), caption))
    caption = (
        "Cochran's Q asks, before any pair is looked at, whether all regions of a network (or all networks on a "
        "region) are right equally often. Where p is small they are not; which of them differ is above."
    )
    return "".join([*parts, html.table(tables.omnibus_rows(comparison, protocol), caption)])


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
    means = html.table([head, *(row for row in rows if row[0] == MEAN)], "Mean over the networks; the shift in points.")
    if len(params.networks) == 1:
        return html.note(text) + means
    networks = html.table([head, *(row for row in rows if row[0] != MEAN)], "The shift in points.")
    return html.note(text) + means + html.details("Each network", networks)


def _joined(comparison: Comparison, params: Params) -> str:
    if comparison.fusion.empty:
        return html.note("There is only one model, and so nothing to join.")
    text = (
        "The probabilities of several models, averaged. Which models, and with which weights, was decided on "
        "validation; the gain is over the single model that validation chose, and measured here."
    )
    parts = [html.note(text)]
    for protocol in SAMPLED:
        head, *rows = tables.fusion_rows(comparison, protocol)
        caption = f"Accuracy on {protocol}, gain in points. Holm: p value of the gain, adjusted for all of them."
        if protocol == HEADLINE:
            # Of all networks where there are several, else of the only one.
            widest = rows[-1][0]
            parts.append(html.table([head, *(row for row in rows if row[0] == widest)], caption))
            others = [row for row in rows if row[0] != widest]
            if others:
                parts.append(html.details("Each network by itself", html.table([head, *others], caption)))
        else:
            parts.append(html.details(f"The same on {protocol}", html.table([head, *rows], caption)))
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
            charts.append(html.figure(figures.chart(group, x, y, f"Forward selection, {title}"), title))
    legend = figures.legend({line.style: network for network, line in single.items()})
    table = html.details("Every step", html.table(rows, "Accuracy on validation of the average of all models so far."))
    return f'{html.note(text)}<div class="many">{"".join(charts)}</div>{legend if len(single) > 1 else ""}{table}'


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
    parts += ["<h3>What is taken for what</h3>", html.note(text)]
    several = len(params.networks) > 1
    for network in [ALL, *params.networks] if several else params.networks:
        shown = [(region, counts[region, network]) for region in params.regions]
        matrices = [html.figure(_matrix(matrix), f"{region}, {network}") for region, matrix in shown]
        body = f'<div class="many">{"".join(matrices)}</div>'
        accuracies = [f"{region} {percent(np.trace(matrix) / matrix.sum())}" for region, matrix in shown]
        wanted = several and network != ALL
        parts.append(html.details(f"{network}: {', '.join(accuracies)}", body) if wanted else body)
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
    return html.table([list(row) for row in zip(*columns, strict=True)], text)


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
        html.note(text),
        _curve_charts(accuracies, "validation accuracy, %", params, 100 * baseline.accuracy),
    ]
    for name, label in (("validation_loss", "Validation loss"), ("train_loss", "Training loss")):
        losses = {cell: table[name] for cell, table in curves.items()}
        parts.append(html.details(label, _curve_charts(losses, label.lower(), params)))
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
        charts.append(html.figure(figures.chart(lines, x, y, f"{label} of {network} by epoch"), network))
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
        charts.append(html.figure(f'<div class="square">{chart}</div>', network))
    table = html.table(tables.calibration_rows(comparison), "On test. With it: with the temperature.")
    return "\n".join([html.note(text), _charts(charts, params), table])


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
        sheet = html.picture(reports / f"regions/{name}.png", f"Images and what {name} keeps of them")
        if region == "whole":  # nothing to see but whole images
            sheets.append(html.details(name, sheet))
            continue
        sheets.append(sheet)
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
    return "\n".join(
        [html.table(rows, fallback), *sheets, html.table([["subset, view", *cut], *overlap_rows], overlap)]
    )


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
    paths = sorted((reports / "landmarks").glob("*.png"))
    sheets = [html.picture(path, path.stem.replace("_", " ").capitalize()) for path in paths]
    table = html.table(tables.landmark_rows(results.landmarks))
    note = html.note(tables.landmark_note(results.landmarks))
    return f'{note}{table}<div class="pair">{"".join(sheets)}</div>'


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
            html.table(classes, "Images of each expression."),
            html.picture(reports / "expressions/classes.png", "Some images of each expression"),
            "<h3>Audit</h3>",
            html.table(tables.audit_rows(audit), "What was found in each split."),
            html.table(tables.group_rows(audit), twins),
            html.picture(reports / "expressions/audit.png", "Examples of what the audit found"),
        ]
    )


def _reported(comparison: Comparison, params: Params) -> str:
    return html.note(why()) + html.table(tables.reported_rows(comparison, params))


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
            html.table(files),
            "<h3>Software</h3>",
            html.table(packages),
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
