"""Which face detector finds the faces of 300-W's training photographs: recall, place, time and false alarms.

`python -m benchmarks.finding_faces [COUNT]` looks at so many of them, spread evenly; without a number at all of them.
A face counts as found if a box overlaps what its true points span by half of their union (PASCAL VOC's rule). The
`span` that is printed, the medians of where that lies in the boxes, is what a detector's module has as SPAN.
"""

from __future__ import annotations

import sys
import time
from importlib import import_module
from pathlib import Path
from statistics import median

import cv2
import numpy as np
import numpy.typing as npt
from skimage import data
from tqdm import tqdm

from pipeline.common.images import read_image
from pipeline.faces.photographs import find_300w, find_photographs
from pipeline.faces.pts import REMEDY
from pipeline.faces.squares import boxes_around
from pipeline.use import face_detectors
from pipeline.use.tracks import overlap

RAW = Path("data/raw")
FOUND = 0.5  # intersection over union
FACELESS = ("brick", "chelsea", "clock", "coffee", "coins", "grass", "gravel", "hubble_deep_field", "moon", "page")


def measure(name: str, photographs: list[tuple[npt.NDArray[np.uint8], npt.NDArray[np.float32]]]) -> str:
    """One line of the table."""
    hits, others, seconds, spans = 0, 0, [], []
    raw = import_module(f"pipeline.use.face_detectors.{name}")
    for image, true in tqdm(photographs, name, disable=None):
        start = time.perf_counter()
        boxes = face_detectors.find_faces(name, image)
        seconds.append(time.perf_counter() - start)
        found = overlap(boxes, true)
        hits += bool((found >= FOUND).any())
        others += int((found < FOUND).sum())
        for box in raw.detect(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)):
            if overlap(box[None], true)[0] > 0.3:
                spans.append((true - np.tile(box[:2], 2)) / np.tile(box[2:] - box[:2], 2))
    alarms = sum(len(face_detectors.find_faces(name, _colour(getattr(data, one)()))) for one in FACELESS)
    span = np.median(spans, axis=0).round(3).tolist() if spans else None
    count = len(photographs)
    return (
        f"{name:8} found {hits}/{count} ({100 * hits / count:.1f}%), other boxes {others}, boxes in {len(FACELESS)} "
        f"pictures without a face {alarms}, median {1000 * median(seconds):.1f} ms, span {span}"
    )


def _colour(image: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    return image if image.ndim == 3 else np.repeat(image[..., None], 3, axis=-1)


def main() -> None:
    roots = [found.path for found in find_300w(RAW).values()]
    if not roots:
        print("finding faces: data/raw holds no 300-W; see data/raw/README.md")
        return
    train = [one for one in find_photographs(roots[0]).used if one.split in ("train", "validation")]
    count = min(int(sys.argv[1]), len(train)) if len(sys.argv) > 1 else len(train)
    chosen = [train[index * len(train) // count] for index in range(count)]
    photographs = [
        (read_image(one.image, REMEDY), boxes_around(one.read_points()[None].astype(np.float32))[0]) for one in chosen
    ]
    for name in face_detectors.names():
        print(measure(name, photographs))


if __name__ == "__main__":
    main()
