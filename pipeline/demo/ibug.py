"""Demo photographs with 68 points, laid out as dlib's archive of iBUG 300-W.

C. Sagonas et al., "300 Faces In-The-Wild Challenge: database and results", 2016.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from pipeline.demo.action_units import EXPRESSIONS, random_activations
from pipeline.demo.look import random_look
from pipeline.demo.photo import Image, developed, photograph
from pipeline.demo.relief import View
from pipeline.demo.shape import Points, random_shape

FOLDER = "ibug_300W_large_face_landmark_dataset"
# Photographs in each of the archive's folders. Those of `TRAIN` go to one XML file, the others to the other.
PHOTOGRAPHS = {"afw": 40, "helen/trainset": 160, "lfpw/trainset": 130,
               "helen/testset": 35, "lfpw/testset": 25, "ibug": 20}  # fmt: skip
TRAIN = {"afw", "helen/trainset", "lfpw/trainset"}
CHALLENGING = {"ibug"}  # stronger poses, more of the face covered

STREAM = 100  # keeps this set's generators apart from those of the other one, which begin at 0
IMAGE_TO_FACE = 1.8  # side of the image to the larger side of the points' box
FACE = 2.3  # the larger side of the points' box, eye distances


@dataclass(frozen=True)
class Entry:
    """One photograph as the XML describes it."""

    file: str  # relative to the archive
    size: int  # of both sides, pixels
    box: tuple[int, int, int, int]  # left, top, width, height
    points: Points  # (68, 2), 0-based pixels


def draw_ibug(folder: Path, seed: int, photographs: Mapping[str, int] = PHOTOGRAPHS) -> None:
    """Writes the archive's folder with so many photographs in each of its folders."""
    archive = folder / FOLDER
    entries: dict[str, list[Entry]] = {"train": [], "test": []}
    for part, (place, count) in enumerate(photographs.items()):
        (archive / place).mkdir(parents=True)
        for index in range(count):
            rng = np.random.default_rng([seed, STREAM + part, index])
            image, points = draw_photograph(rng, challenging=place in CHALLENGING)
            file = f"{place}/image_{index + 1:04d}.jpg"
            quality = [cv2.IMWRITE_JPEG_QUALITY, int(rng.integers(60, 96))]
            (archive / file).write_bytes(cv2.imencode(".jpg", image, quality)[1].tobytes())
            (archive / file).with_suffix(".pts").write_text(pts_text(points), newline="\n")
            entry = Entry(file, len(image), random_box(points, len(image), rng), points)
            entries["train" if place in TRAIN else "test"].append(entry)
    for split, listed in entries.items():
        (archive / f"labels_ibug_300W_{split}.xml").write_text(xml_text(split, listed), newline="\n")


def draw_photograph(rng: np.random.Generator, challenging: bool) -> tuple[Image, Points]:
    """A colour photograph, (n, n, 3) with n about 200, and its points, (68, 2) in pixels, all inside."""
    size = int(rng.integers(170, 241))
    activations = random_activations(str(rng.choice(list(EXPRESSIONS))), rng.uniform(0.2, 1.1), rng)
    strength = 1.0 if challenging else 0.5
    yaw, pitch, roll = strength * np.clip(rng.normal(0, [20, 11, 15]), [-32, -18, -32], [32, 18, 32])
    x, y = size / 2 + rng.normal(0, 0.02 * size, 2)
    view = View(yaw, pitch, roll, scale=size / IMAGE_TO_FACE / FACE * rng.uniform(0.92, 1.06), x=x, y=y)
    look = random_look(rng, covered=0.5 if challenging else 0.1)
    image, points = photograph(random_shape(rng), look, activations, view, size, rng)
    if rng.random() < 0.1:  # some photographs are black and white
        image = cv2.cvtColor(cv2.cvtColor(image, cv2.COLOR_BGR2GRAY), cv2.COLOR_GRAY2BGR).astype(np.uint8)
    return developed(image, rng, blur=1.5, noise=8), points


def random_box(points: Points, size: int, rng: np.random.Generator) -> tuple[int, int, int, int]:
    """What a face detector gives: a square roughly around the points, whole pixels, inside the image."""
    low, high = points.min(axis=0), points.max(axis=0)
    side = (high - low).max() * rng.uniform(0.95, 1.1)
    left, top = (low + high - side) / 2 + rng.normal(0, 0.03 * side, 2)
    whole = min(round(side), size)
    left, top = np.clip(np.rint([left, top]), 0, size - whole)
    return int(left), int(top), whole, whole


def pts_text(points: Points) -> str:
    """The points in iBUG's `.pts` format, which counts pixels from 1."""
    rows = "\n".join(f"{x:.6f} {y:.6f}" for x, y in points + 1)
    return f"version: 1\nn_points:  {len(points)}\n{{\n{rows}\n}}\n"


def xml_text(split: str, entries: Iterable[Entry]) -> str:
    """The list of photographs in dlib's XML format, which counts pixels from 0 and rounds the points."""
    name = {"train": "training", "test": "testing"}[split]
    lines = ["<?xml version='1.0' encoding='ISO-8859-1'?>", "<dataset>",
             f"<name>iBUG face point dataset - {name} images</name>", "<images>"]  # fmt: skip
    for entry in entries:
        left, top, width, height = entry.box
        lines.append(f"  <image file='{entry.file}' width='{entry.size}' height='{entry.size}'>")
        lines.append(f"    <box top='{top}' left='{left}' width='{width}' height='{height}'>")
        for number, (x, y) in enumerate(np.rint(entry.points).astype(int)):
            lines.append(f"      <part name='{number:02d}' x='{x}' y='{y}'/>")
        lines += ["    </box>", "  </image>"]
    return "\n".join([*lines, "</images>", "</dataset>"]) + "\n"
