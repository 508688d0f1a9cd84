"""A folder with all that is in it: its table, and how right it is where folders are named after classes."""

from __future__ import annotations

import argparse
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
from tqdm import tqdm

from fercrop._words import models_folder
from pipeline.common.files import InputError
from pipeline.use.journal import Journal, Stamp
from pipeline.use.labels import Labelled, Score, Scores, class_of_folders, gather, score
from pipeline.use.many import Task, answer_all, cores, list_files, version
from pipeline.use.models import About, load_models
from pipeline.use.table import Answer, check_kind, columns, write_table


def answer_folder(folder: Path, given: argparse.Namespace) -> None:
    """Write the table, say how right it is, or both; until the table is there, answers are kept beside it."""
    table: Path | None = given.csv
    if table is not None:
        check_kind(table)
    drawn = given.draw and given.draw.absolute()
    task = Task(
        folder.absolute(), models_folder(given.models).absolute(), given.detector, given.points, drawn, given.search
    )
    about = load_models(task.models).about
    files = list_files(folder, [path for path in (table, given.draw) if path is not None])
    if not files:
        raise InputError(f"{folder}: holds no file; name a folder with photographs")
    known = class_of_folders(files, about.classes, dict(given.map)) if given.labels else None
    schema = columns(about, given.points)
    kept = Path(f".{task.root.name}.answers") if table is None else table.parent / f".{table.name}.answers"
    with Journal(kept, _identity(task)) as journal:
        _answer(task, files, journal, given)
        if table is not None:
            outcomes: Counter[str] = Counter()
            rows = write_table(table, _counted(journal.answers(files), outcomes), schema)
            told = ", ".join(f"{count:,} {outcome}" for outcome, count in sorted(outcomes.items()))
            print(f"{table}: {rows:,} rows of {len(files):,} files: {told}")
        if known is not None:
            people = _people([file for file in files if known[file] is not None], given.subject)
            found = gather(journal.answers(files), known, people, [*schema], about.classes)
        kept.unlink()
    if known is not None:
        _tell(found, score(found, len(about.classes)), about)


def _people(files: Iterable[str], subject: re.Pattern[str] | None) -> dict[str, str]:
    """Who each file shows; without a pattern every file is somebody else.

    Raises:
        InputError: the pattern does not find a person in a name.
    """
    if subject is None:
        return {file: file for file in files}
    found = {file: subject.search(PurePosixPath(file).name) for file in files}
    unnamed = next((file for file, match in found.items() if match is None or match[1] is None), None)
    if unnamed is not None:
        raise InputError(f"--subject: {subject.pattern!r} finds nobody in {unnamed!r}; name what all files have")
    return {file: match[1] for file, match in found.items() if match is not None}


def _identity(task: Task) -> dict[str, Any]:
    """All that answers depend on beside the files."""
    return {
        "folder": str(task.root.resolve()),
        "version": version(task),
        "detector": task.detector,
        "searched": task.searched,
        "points": task.points,
        "drawn": None if task.drawn is None else str(task.drawn.resolve()),
    }


def _answer(task: Task, files: Mapping[str, Stamp], journal: Journal, given: argparse.Namespace) -> None:
    """Answer what is not answered yet, here or on a cluster."""
    left = [file for file, stamp in files.items() if not journal.has(file, stamp)]
    if given.scheduler is None:
        answering = answer_all(task, left, given.jobs or cores())
    else:
        from pipeline.use.cluster import answer_on_cluster  # Dask is there only for those who have a cluster

        answering = answer_on_cluster(task, left, given.scheduler)
    with tqdm(total=len(files), initial=len(files) - len(left), unit="file", disable=None) as bar:
        for answers in answering:
            journal.add(answers, files)
            bar.update(len(answers))


def _counted(answers: Iterable[Answer], outcomes: Counter[str]) -> Iterator[Answer]:
    for answer in answers:
        for row in answer.rows:
            outcomes[str(row[0]).partition(":")[0]] += 1
        yield answer


def _tell(found: Labelled, scores: Scores, about: About) -> None:
    """Print the scores, each with its 95% interval."""
    print(f"{len(found.labels):,} pictures with a face, the largest of each; models trained on {about.trained_on}")
    people = len({*found.people.tolist()})
    of = f"{people:,} people" if people < len(found.labels) else "pictures, as if each showed somebody else"
    print(
        f"{len(found.missed):,} without a face, {found.unreadable:,} unreadable; 95% intervals, over {of}, in brackets"
    )
    for name, one in (
        ("accuracy", scores.accuracy),
        ("accuracy, no face is wrong", scores.end_to_end),
        ("macro F1", scores.macro_f1),
        ("calibration error (ECE)", scores.calibration),
    ):
        print(f"{name:28}{_in_words(one)}")
    width = max(15, *(len(name) + 2 for name in about.classes))
    print("\nof the pictures of each class (a row), how many percent were called what")
    print(" " * width + "".join(f"{name:>{width}}" for name in about.classes) + f"{'pictures':>10}")
    for code, name in enumerate(about.classes):
        cells = zip(scores.shares[code], scores.low[code], scores.high[code], strict=True)
        shown = [
            f"{100 * part:.0f} ({100 * low:.0f}-{100 * high:.0f})" if np.isfinite(part) else "-"
            for part, low, high in cells
        ]
        print(
            f"{name:{width}}" + "".join(f"{cell:>{width}}" for cell in shown) + f"{scores.confusion[code].sum():>10,}"
        )


def _in_words(one: Score) -> str:
    return f"{one.value:6.1%} ({100 * one.low:.1f} to {100 * one.high:.1f})"
