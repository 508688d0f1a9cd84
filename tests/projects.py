"""Small projects in a folder of their own: params.yaml, and data sets of a few images in data/raw."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import numpy as np
from PIL import Image

from pipeline.common.weights import save_network
from pipeline.faces.detectors import xception
from pipeline.faces.face_images import SIDE, Faces
from pipeline.faces.network import landmark_network
from pipeline.faces.photographs import DLIB_FOLDER, FOLDERS, LABELS

ROOT = Path(__file__).parents[1]
RAW = Path("data/raw")
FACES = RAW / DLIB_FOLDER


def set_parameter(key: str, value: str, path: Path = Path("params.yaml")) -> None:
    """Change the first value of a key, which stands alone on its line but for a comment."""
    text, changes = re.subn(rf"(?m)^( *){key}: [^#\n]*", rf"\1{key}: {value}  ", path.read_text(), count=1)
    assert changes == 1, key
    path.write_text(text)


def copy_settings() -> None:
    """params.yaml and recipes.yaml as the project has them, in the working directory."""
    for name in ("params.yaml", "recipes.yaml"):
        shutil.copy(ROOT / name, name)


def copy_study_settings() -> None:
    """What studies start from, in the working directory, and recipes.yaml beside it; params.yaml may say anything."""
    Path("studies").mkdir()
    for name in ("studies/_base.yaml", "recipes.yaml"):
        shutil.copy(ROOT / name, name)


def write_photographs() -> None:
    """300-W in dlib's layout, one photograph of noise in each folder."""
    listed: tuple[list[str], list[str]] = ([], [])
    for number, (folder, split) in enumerate(FOLDERS.items()):
        path = FACES / folder / "image_1.jpg"
        path.parent.mkdir(parents=True)
        Image.fromarray(np.random.default_rng(number).integers(0, 256, (60, 60, 3)).astype(np.uint8)).save(path)
        places = [(10 + index % 40, 10 + index // 2) for index in range(68)]
        points = "\n".join(f"{x} {y}" for x, y in places)
        path.with_suffix(".pts").write_text(f"version: 1\nn_points: 68\n{{\n{points}\n}}\n")
        parts = "".join(f"<part name='{index:02}' x='{x}' y='{y}'/>" for index, (x, y) in enumerate(places))
        entry = f"<image file='{folder}/image_1.jpg'><box top='1' left='1' width='50' height='50'>{parts}</box></image>"
        listed[split != "train"].append(entry)
    for name, entries in zip(LABELS, listed, strict=True):
        (FACES / name).write_text(f"<?xml version='1.0'?>\n<dataset><images>{''.join(entries)}</images></dataset>\n")


def write_faces() -> None:
    """Six faces for each split in data/faces.npz, all noise, with their points in a grid."""
    splits = np.repeat(["train", "validation", "common", "challenging"], 6)
    count = len(splits)
    images = np.random.default_rng(0).integers(0, 256, (count, SIDE, SIDE, 3)).astype(np.uint8)
    places = np.array([(70 + 10 * (index % 10), 80 + 10 * (index // 10)) for index in range(68)], np.float32)
    names = np.array([f"face_{row}.jpg" for row in range(count)])
    Faces(images, np.stack([places] * count), np.full(count, "helen"), splits, names).save(Path("data/faces.npz"))


def write_landmark_model() -> None:
    """A landmark model that has not been trained."""
    network = landmark_network(points=68, width=0.05, head="voting")
    recipe = {"width": 0.05, "head": "voting", "precision": "fp32"}
    save_network(xception.MODEL, network, {"network": "xception", "recipe": recipe})
