"""What is kept of a study that ran, `reports/studies/NAME/`: page, tables, settings, and what they were made with."""

from __future__ import annotations

import base64
import hashlib
import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd
from jinja2 import ChoiceLoader, FileSystemLoader
from markupsafe import Markup
from ruamel.yaml import YAML

from pipeline.common.files import whole_file, whole_folder, write_bytes, write_json
from pipeline.common.records import Record, read_record
from pipeline.params import Settings
from pipeline.report import page
from pipeline.report.study import HEADLINE, SAMPLED
from pipeline.report.tables import Rows, markdown_table, records, where
from pipeline.studies.figures import (
    by_fold,
    cells,
    class_rows,
    fold_rows,
    metrics_path,
    one_figure,
    printed_rows,
    score_rows,
    written,
)
from pipeline.studies.study_file import StudyFile, plain

RESULTS = Path("reports/studies")
RAN = "ran.json"
TRIED = "-demo"  # no study's name ends so
DRAWN_CAVEAT = "On drawn data: it shows how the study runs, and says nothing of faces or of what was printed."

# What of a project's reports is kept as it is, where it is there, and what it is called then.
KEPT = {
    "reports/index.html": "comparison.html",
    "reports/comparison.md": "comparison.md",
    "reports/comparison": "comparison",
    "reports/expressions/audit.json": "audit.json",
    "reports/expressions/split.json": "split.json",
}

ENVIRONMENT = page.ENVIRONMENT.overlay(
    loader=ChoiceLoader([FileSystemLoader(Path(__file__).parent), FileSystemLoader(page.FOLDER)])
)


class Ran(Record):
    """What a study's results were made with.

    Attributes:
        study: its name.
        drawn: whether on drawn data, see `StudyFile.drawn`.
        commit: that the project was at, marked where files differed; None outside of git.
        minutes: that it took, without what was done before already.
        settings: SHA-256 of what it asked for, see `asked`.
        code: SHA-256 of each file of code that results depend on.
        headline: the first printed figure that ours stands beside, with protocol and images.
        left_out: why the comparison's own page is not there; None if it is.
    """

    study: str
    drawn: bool
    commit: str | None
    minutes: float
    settings: str
    code: dict[str, str]
    headline: str
    left_out: str | None


class Part(NamedTuple):
    """A part of the page."""

    name: str
    tab: str
    title: str
    note: str
    rows: Rows


def asked(study: StudyFile) -> str:
    """SHA-256 of the settings that decide a study's results: params.yaml's, and those of the recipe in use."""
    wanted = {**plain(study.content), "recipes": plain(study.recipes)[study.params.recipe]}
    return hashlib.sha256(json.dumps(wanted, sort_keys=True).encode()).hexdigest()


def folder_of(name: str, drawn: bool) -> Path:
    """Where its results are; drawn: whether it is only tried."""
    return RESULTS / f"{name}{TRIED if drawn else ''}"


def state(study: StudyFile, folder: Path, code: Mapping[str, str]) -> tuple[str, str]:
    """Whether a study ran, and with what; and its headline.

    Args:
        code: SHA-256 of each file of code as it is now.
    """
    if not (folder / RAN).is_file():
        return "not run", ""
    ran = read_record(Ran, folder / RAN, "remove its folder, or run the study again")
    at = _short(ran.commit)
    if ran.settings != asked(study):
        return f"outdated: other settings since {at}", ran.headline
    changed = sorted(path for path in ran.code.keys() | code.keys() if ran.code.get(path) != code.get(path))
    if changed:
        more = f" and {len(changed) - 1} more" if len(changed) > 1 else ""
        return f"outdated: {changed[0]}{more} changed since {at}", ran.headline
    return f"run at {at}", ran.headline


def _short(commit: str | None) -> str:
    """A commit as people write it, and whether files differed from it."""
    if commit is None:
        return "no commit"
    return commit[:8] + ("-dirty" if commit.endswith("-dirty") else "")


def write_results(folder: Path, study: StudyFile, project: Path, figures: pd.DataFrame, ran: Ran) -> Ran:
    """Write the folder whole, or replace it, from a project whose cells are evaluated.

    It holds `index.html` and `study.md`, the tables as CSV, the settings, what the comparison wrote if it could,
    `ran.json`, and as in `reports/` every cell's scores and predictions, so that two studies can be compared.

    Args:
        figures: of the project, see `measure`.
        ran: without its headline.

    Returns:
        the same with it.

    Raises:
        InputError: a file of the project is missing or damaged.
    """
    folds = by_fold(project, study.params)
    ran = ran.model_copy(update={"headline": _headline(study, figures)})
    note = "The mean over the seeds where there are several. Intervals count as one what stands or falls together."
    printed = printed_rows(study.header.printed, figures, study.drawn)
    parts = [
        Part("printed", "Printed", "Printed, and ours beside it", note, printed),
        Part("scores", "Scores", "All scores", "", score_rows(figures)),
        Part("classes", "Classes", "By class, on test", "", class_rows(figures)),
        Part("folds", "Folds", "By fold", "What each fold tests.", fold_rows(folds)),
    ]
    parts = [part for part in parts if len(part.rows) > 1]
    with whole_folder(folder) as new:
        for source, name in KEPT.items():
            if ran.left_out and name.startswith("comparison"):
                continue  # what lies there is of an earlier run
            if (project / source).is_dir():
                shutil.copytree(project / source, new / name)
            elif (project / source).is_file():
                shutil.copy(project / source, new / name)
        figures.to_csv(new / "figures.csv", index=False)
        if len(folds):
            folds.to_csv(new / "folds.csv", index=False)
        _keep_cells(new, study, project / "reports")
        _write_yaml(new / "params.yaml", plain(study.content))
        _write_yaml(new / "recipes.yaml", {study.params.recipe: plain(study.recipes)[study.params.recipe]})
        write_bytes(new / "study.md", _markdown(study, ran, parts).encode())
        write_bytes(new / "index.html", _page(study, ran, parts).encode())
        write_json(new / RAN, ran.model_dump())
    return ran


def _keep_cells(folder: Path, study: StudyFile, reports: Path) -> None:
    """What the stage evaluate wrote of each of the study's cells, where `read_tested` looks for it."""
    for cell in cells(study.params):
        shutil.copytree(metrics_path(reports, cell).parent, metrics_path(folder, cell).parent)


def _write_yaml(path: Path, content: Settings) -> None:
    yaml = YAML(typ="safe", pure=True)
    yaml.default_flow_style = False
    with whole_file(path) as file:
        yaml.dump(content, file)


def _headline(study: StudyFile, figures: pd.DataFrame) -> str:
    """The first printed figure that stands beside one of ours on unseen images, or else the first accuracy on test."""
    for printed in study.header.printed:
        figure = one_figure(figures, printed.ours)
        if figure is not None and figure["protocol"] in SAMPLED:
            return f"{printed.what}: {_told(study, figure)}; report: {printed.value}"
    first = records(where(figures, protocol=HEADLINE, score="accuracy"))[0]
    return f"{first['network']} on {first['region']}: {_told(study, first)}"


def _told(study: StudyFile, figure: dict[str, Any]) -> str:
    """A figure, and on what."""
    value, _, on = written(figure)
    return f"{value}{' (drawn)' if study.drawn else ''} on {on}"


def _facts(study: StudyFile, ran: Ran) -> Rows:
    """What there is to know beside the figures."""
    header = study.header
    facts = [["about", "this study"], ["reproduces", header.reproduces]]
    for name, text in (("inferred", header.inferred), ("costs", header.costs), ("reached", header.reached)):
        if text is not None:
            facts.append([name, text])
    data = "drawn by fercrop, which says nothing about faces" if study.drawn else study.params.data.expressions
    facts.append(["data", data])
    facts.append(["made", f"in {ran.minutes:.0f} minutes, at {_short(ran.commit)}"])
    if ran.left_out is not None:
        facts.append(["left out", f"the comparison's own page: {ran.left_out}"])
    return facts


def _markdown(study: StudyFile, ran: Ran, parts: list[Part]) -> str:
    lines = [f"# Study {study.name}\n", "".join(f"- {name}: {text}\n" for name, text in _facts(study, ran)[1:])]
    for part in parts:
        lines += [f"## {part.title}\n", *([f"{part.note}\n"] if part.note else []), markdown_table(part.rows)]
    return "\n".join(lines)


def _page(study: StudyFile, ran: Ran, parts: list[Part]) -> str:
    """The page, in the frame of the comparison's."""
    body = ENVIRONMENT.get_template("part.html")
    facts = Part("about", "About", "About this study", "", _facts(study, ran))
    every = [parts[0], facts, *parts[1:]]
    style, script = ((page.FOLDER / "templates" / name).read_text(encoding="utf-8") for name in ("page.css", "page.js"))
    return ENVIRONMENT.get_template("templates/page.html").render(
        title=f"study {study.name}",
        answer=ran.headline,
        caveat=DRAWN_CAVEAT if study.drawn else study.header.reproduces,
        sections=every,
        bodies={part.name: Markup(body.render(part=part, linked=part is facts and not ran.left_out)) for part in every},
        style=Markup(style),
        script=Markup(script),
        script_hash=base64.b64encode(hashlib.sha256(script.encode()).digest()).decode(),
    )
