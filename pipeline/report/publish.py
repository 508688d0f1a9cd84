"""What of the results may be shown to everybody: all figures, and no image and no label of a data set.

FER2013 and 300-W are for research only and may not be passed on. What is published lets anybody who has them compute
every statistic again.
"""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pyarrow
from pyarrow import parquet

from pipeline.classifiers.cells import Cell
from pipeline.common.files import InputError, digest, settle, whole_file, whole_folder, write_json
from pipeline.common.records import read_json
from pipeline.data.protocols import PROTOCOLS
from pipeline.evaluation.results import Results
from pipeline.params import Params
from pipeline.report.page import WITHOUT_PICTURES

# Lists what `publish` wrote into a folder, with SHA-256: nothing else may ever be replaced.
MARKER = "published.json"


def publish(reports: Path, folder: Path, results: Results, params: Params) -> None:
    """Write a folder, whole or not at all, or replace one that an earlier call wrote.

    It holds `comparison.md`, the tables as CSV, the page without pictures as `index.html`, `metrics.json` and
    `students.json` (the scores of every cell and of every student, as they were evaluated), `predictions.parquet` (see
    `_save_predictions`) and the list of all these.

    Raises:
        InputError: the comparison has not been made yet, or the folder holds something else than an earlier call wrote.
    """
    try:
        folder = folder.resolve()
    except RuntimeError:  # which is how pathlib tells links in a circle
        raise InputError(f"{folder}: is a link in a circle; give the path of a new folder") from None
    settle(folder)
    _check_replaceable(folder)
    with whole_folder(folder) as part:
        try:
            shutil.copy(reports / "comparison.md", part)
            for table in sorted((reports / "comparison").iterdir()):
                shutil.copy(table, part)
            shutil.copy(reports / WITHOUT_PICTURES, part / "index.html")
        except FileNotFoundError as error:
            raise InputError(f"{error.filename}: missing; run `dvc repro` to make it") from None
        cells = dict.fromkeys(cell._replace(fold=None) for cell in results.curves)
        taught = [Cell(one.name, one.network, seed) for one in params.students for seed in params.seeds]
        for name, of in (("metrics.json", [*cells]), ("students.json", taught)):
            write_json(part / name, [read_json(reports / f"classifiers/{cell.path}/metrics.json") for cell in of])
        _save_predictions(part / "predictions.parquet", results, params)
        write_json(part / MARKER, {path.name: digest(path) for path in sorted(part.iterdir())})


def _check_replaceable(folder: Path) -> None:
    """Make sure that a folder holds nothing but what an earlier `publish` wrote there.

    Raises:
        InputError: it holds something else, or what was written has been changed since.
    """
    if not folder.exists() or (folder.is_dir() and not any(folder.iterdir())):
        return
    remedy = "give the path of a new folder, or move what is there"
    if not (folder / MARKER).is_file():
        raise InputError(f"{folder}: was not written by publish (it has no {MARKER}); {remedy}")
    written = read_json(folder / MARKER)
    if not isinstance(written, dict):
        raise InputError(f"{folder / MARKER}: does not list what publish wrote; {remedy}")
    for path in sorted(folder.iterdir()):
        if path.name != MARKER and not (path.is_file() and written.get(path.name) == digest(path)):
            raise InputError(f"{path}: was not written by publish, or changed since; {remedy}")


def _save_predictions(path: Path, results: Results, params: Params) -> None:
    """What is said of all rows of validation and test; in folds of each row twice, as tested and then as validated.

    `row` of the data set, `role`, whether a region fell back to the whole image, and a probability a class of each cell
    and student.

    In half precision, which is half the size and has three digits: where two classes are as good as equally likely the
    more likely one may change. On FER2013 that moved three cells of nine by one test image of 3,589 each.
    """
    rows = np.flatnonzero(np.isin(results.role, [*PROTOCOLS["validation"], *PROTOCOLS["test"]]))
    columns: dict[str, pyarrow.Array] = {
        "row": pyarrow.array(results.row[rows]),
        "role": pyarrow.array(results.role[rows]),
    }
    for region, fell_back in zip(params.regions, results.fell_back, strict=True):
        columns[f"{region}/fell_back"] = pyarrow.array(fell_back[rows])
    said = {
        Cell(region, network, seed): probabilities
        for region, by_network in zip(params.regions, results.probabilities, strict=True)
        for network, by_seed in zip(params.networks, by_network, strict=True)
        for seed, probabilities in zip(params.seeds, by_seed, strict=True)
    }
    for student in params.students:
        of_student = zip(params.seeds, results.students[student.name], strict=True)
        said |= {Cell(student.name, student.network, seed): probabilities for seed, probabilities in of_student}
    for cell, probabilities in said.items():
        for name, values in zip(results.classes, probabilities[rows].T, strict=True):
            columns[f"{cell.path}/p_{name}"] = pyarrow.array(values.astype(np.float16))
    with whole_file(path) as file:
        parquet.write_table(pyarrow.table(columns), file, compression="zstd")
