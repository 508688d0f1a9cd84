"""iBUG 300-W in both layouts, and one of its point files."""

from __future__ import annotations

import os
import random
from pathlib import Path

import numpy as np
from PIL import Image

from fuzz.changes import BYTES, FILES, TEXT, forbid_folder
from fuzz.family import Family
from pipeline.faces.accounts import account
from pipeline.faces.face_images import SIDE, Faces
from pipeline.faces.ibug import read_300w
from pipeline.faces.photographs import FOLDERS, LABELS, files_300w, find_photographs
from pipeline.faces.pts import read_pts

TRAIN = ("afw/1_1.jpg", "helen/trainset/2_1.jpg", "lfpw/trainset/image_0003.png")
TEST = ("helen/testset/4_1.jpg", "lfpw/testset/image_0005.png", "ibug/image_006 _01.jpg")
# In whole pixels, so that the point files and the XML say the same.
POINTS = np.stack([20 + np.arange(68) * 7 % 40, 15 + np.arange(68) * 11 % 50], axis=1)
SUFFIXES = (".jpg", ".png", ".pts")
COLUMNS, ROWS = np.meshgrid(np.arange(80), np.arange(90))
PIXELS = np.stack([3 * COLUMNS, 2 * ROWS, COLUMNS * ROWS % 256], axis=2).astype(np.uint8)


def _write_pts(path: Path) -> None:
    rows = "\n".join(f"{x + 1}.000000 {y + 1}.000000" for x, y in POINTS)
    path.write_text(f"version: 1\nn_points:  68\n{{\n{rows}\n}}\n")


def _write_official(folder: Path) -> None:
    for name in (*TRAIN, *TEST):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(PIXELS).save(path)
        _write_pts(path.with_suffix(".pts"))


def _write_dlib(folder: Path) -> None:
    _write_official(folder)
    (folder / TRAIN[1]).with_suffix(".pts").unlink()  # so that its points come from the XML
    parts = "\n".join(f"<part name='{number:02}' x='{x}' y='{y}'/>" for number, (x, y) in enumerate(POINTS))
    for labels, names in zip(LABELS, (TRAIN, TEST), strict=True):
        images = "\n".join(
            f"<image file='{name}' width='80' height='90'><box top='1' left='2' width='50' height='60'>{parts}</box>"
            "</image>"
            for name in names
        )
        (folder / labels).write_text(f"<?xml version='1.0'?>\n<dataset><images>\n{images}\n</images></dataset>\n")


def _read(folder: Path) -> Faces:
    found = find_photographs(folder)
    files_300w(folder)
    for line in account(found):
        assert len(line.encode().splitlines()) == 1
        assert len(line) <= 500
    return read_300w(found)


def _check(folder: Path, value: object) -> None:
    assert isinstance(value, Faces)
    assert value.images.shape == (len(value), SIDE, SIDE, 3)
    assert np.isfinite(value.points).all()
    assert value.points.shape == (len(value), 68, 2)
    # Whatever is not read has to be told; of a folder that is not there at all the counts tell.
    found = find_photographs(folder)
    told = {folder / name for names in found.left_out.values() for name in names}
    used = {path for one in found.used for path in (one.image, one.pts)}
    there = {path for top in ("afw", "helen", "lfpw", "ibug") for path in (folder / top).rglob("*")}
    files = {path for path in there if not path.is_dir() and path.suffix.lower() in SUFFIXES and path.name[0] != "."}
    assert files <= used | told
    assert not used & told
    missing = [name for name in FOLDERS if not any(one.folder == name for one in found.used)]
    assert all(f"{name} 0 of " in account(found)[0] or name == "ibug" for name in missing)
    # Where the points are said twice they are right, but for what the XML's whole pixels leave open.
    for one in found.used:
        if one.pts and one.listed:
            assert np.abs(one.read_points() - POINTS).max() <= 3


def _check_pts(folder: Path, value: object) -> None:
    assert isinstance(value, np.ndarray)
    assert value.shape == (68, 2)
    assert np.isfinite(value).all()


def _swap_folders(rng: random.Random, folder: Path) -> None:
    """A folder of the data set has another name, or lies elsewhere."""
    one = folder / rng.choice(["afw", "helen", "lfpw", "helen/testset", "lfpw/trainset"])
    if one.is_dir():
        one.rename(one.with_name(rng.choice(["AFW", "afw2", "other", "300W"])))


def _link_folder(rng: random.Random, folder: Path) -> None:
    """A folder is a link to another one, to itself, or out of the data set."""
    one = folder / rng.choice(["afw", "helen/testset", "helen/more", "ibug", os.fsdecode(b"lfpw/\xff")])
    if one.is_dir():
        one.rename(folder.parent / f"moved{rng.random()}")
    if one.parent.is_dir():
        one.symlink_to(rng.choice(["../helen", one.name, "/etc", "testset", ".."]))


_STRUCTURE = (_swap_folders, _link_folder, forbid_folder)

FAMILIES = (
    Family(
        "pts",
        write=lambda folder: _write_pts(folder / "1.pts"),
        read=lambda folder: read_pts(folder / "1.pts"),
        check=_check_pts,
        changes=(*TEXT, *BYTES, *FILES),
    ),
    Family("faces", _write_official, _read, _check, (*TEXT, *BYTES, *FILES, *FILES, *_STRUCTURE)),
    Family("faces-xml", _write_dlib, _read, _check, (*TEXT, *TEXT, *BYTES, *FILES, *FILES, *_STRUCTURE)),
)
