"""A data set cut to a region, for other tools: images in folders, a manifest, and FER2013's own format."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image
from tqdm import tqdm

from pipeline.common.files import InputError, whole_file, whole_folder
from pipeline.data.expressions import Expressions
from pipeline.data.readers.fer2013 import CLASSES, SIDE, SPLITS
from pipeline.data.roles import Roles
from pipeline.data.twins import Twins
from pipeline.faces.located import Located
from pipeline.regions.variants import BOX, Variant

MANIFEST, FER2013 = "manifest.csv", "fer2013.csv"
COLUMNS = ("row", "file", "label", "split", "role", "fold", *BOX, "turn", "expected_error", "fell_back", "twin_group")
USAGES = {role: usage for usage, role in SPLITS.items()}


def write_data_set(folder: Path, variant: Variant, located: Located, twins: Twins, roles: Roles) -> str | None:
    """Write the folder whole: images in `SPLIT/CLASS/ROW.png`, `manifest.csv`, and `fer2013.csv` if it can hold them.

    Args:
        folder: that there is not yet, or that is empty.
        variant: the data set cut to a region, N rows.
        located, twins, roles: of its rows.

    Returns:
        why there is no `fer2013.csv`; None if there is one.

    Raises:
        InputError: there is something in the folder, or two classes or splits would be one folder in it.
    """
    if folder.is_dir() and any(folder.iterdir()):
        raise InputError(f"{folder}: is not empty; name a folder that is not there yet")
    splits = np.where(variant.split == "", roles.role, variant.split)
    usage = _usages(variant, roles)
    reason = _no_fer2013(variant, usage, roles)
    folds = _tested_in(roles)
    with whole_folder(folder.absolute()) as part:  # of `.` alone no name could be made to write beside it
        files = _write_images(part, variant, splits)
        with _table(part / MANIFEST, COLUMNS) as rows:
            for row, file in enumerate(files):
                rows.writerow([
                    row, file, variant.about.classes[variant.labels[row]], splits[row], roles.role[row], folds[row],
                    *(f"{edge:.3f}" for edge in variant.boxes[row]), f"{variant.turns[row]:.5f}",
                    f"{located.expected_error[row]:.5f}", str(bool(variant.fell_back[row])).lower(), twins.twins[row],
                ])  # fmt: skip
        if reason is None:
            _write_fer2013(part / FER2013, variant, usage)
    return reason


def _write_images(folder: Path, variant: Variant, splits: npt.NDArray[np.str_]) -> list[str]:
    """Write every image, and give the files' names, by row."""
    digits = len(str(len(variant) - 1))
    classes, parts = _as_folders(variant.about.classes), _as_folders(np.unique(splits).tolist())
    files = [
        f"{parts[split]}/{classes[variant.about.classes[label]]}/{row:0{digits}}.png"
        for row, (split, label) in enumerate(zip(splits.tolist(), variant.labels.tolist(), strict=True))
    ]
    for name in sorted({file.rpartition("/")[0] for file in files}):
        (folder / name).mkdir(parents=True)
    for file, image in tqdm(zip(files, variant.images, strict=True), "writing", len(files), unit="image", disable=None):
        Image.fromarray(image).save(folder / file)
    return files


def _as_folders(names: Iterable[str]) -> dict[str, str]:
    """The folder of each name. Raises InputError if two would be one."""
    found: dict[str, str] = {}
    for name in names:
        other = found.setdefault(_as_folder(name), name)
        if other != name:
            raise InputError(f"{other!r} and {name!r} would be one folder; rename one of them in the data set")
    return {name: folder for folder, name in found.items()}


def _as_folder(name: str) -> str:
    """A name that is one folder's, and none that is hidden or leads elsewhere."""
    plain = name.replace("/", "_").replace("\0", "_").strip()
    return f"_{plain}" if plain.startswith(".") or not plain else plain


def _tested_in(roles: Roles) -> list[str]:
    """The number of the fold in which each row is tested; empty where none does, as without folds."""
    found = [""] * len(roles.role)
    for number, fold in enumerate(roles.folds):
        for row in np.flatnonzero(fold.role == "test"):
            found[row] = str(number)
    return found


def _usages(variant: Expressions, roles: Roles) -> npt.NDArray[np.str_]:
    """FER2013's name for the split of each row: its own, or that of its role; empty where the row is for nothing."""
    by_role = np.array([USAGES.get(role, "") for role in roles.role.tolist()])
    return np.where(np.isin(variant.split, [*SPLITS]), variant.split, by_role)


def _no_fer2013(variant: Variant, usage: npt.NDArray[np.str_], roles: Roles) -> str | None:
    """Why FER2013's format cannot hold a data set; None if it can."""
    others = [name for name in variant.about.classes if name not in CLASSES]
    absent = [name for name in SPLITS if name not in usage]
    if variant.channels != 1:
        return f"no {FER2013}: it holds grey images only, and these have colours"
    if variant.side != SIDE:
        return f"no {FER2013}: it holds images of {SIDE} pixels, and these have {variant.side}"
    if others:
        return f"no {FER2013}: it has no class {', '.join(others)}"
    if roles.folds and not np.isin(variant.split, [*SPLITS]).all():
        return f"no {FER2013}: it has one split, and with folds what a row is for changes from fold to fold"
    if absent:
        return f"no {FER2013}: no row is of {', '.join(absent)}"
    return None


def _write_fer2013(path: Path, variant: Variant, usage: npt.NDArray[np.str_]) -> None:
    codes = [CLASSES.index(name) for name in variant.about.classes]
    with _table(path, ("emotion", "pixels", "Usage")) as rows:
        for row in np.flatnonzero(usage != ""):
            pixels = " ".join(map(str, variant.images[row].ravel().tolist()))
            rows.writerow([codes[variant.labels[row]], pixels, usage[row]])


@contextmanager
def _table(path: Path, columns: Sequence[str]) -> Iterator[Any]:
    """A CSV file with its header, and what writes its rows."""
    with whole_file(path) as file:
        text = io.TextIOWrapper(file, encoding="utf-8", newline="", write_through=True)
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(columns)
        yield writer
        text.detach()
