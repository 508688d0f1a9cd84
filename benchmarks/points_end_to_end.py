"""From photographs to points, with the face detector's boxes instead of the true ones, on 300-W's common test faces.

`python -m benchmarks.points_end_to_end [MODELS [DETECTOR ...]]`: for each face detector recall, NME of the faces that
it found, failures (an NME above 10%, or not found) and the median time, by the landmark model of a folder of exported
models, and by other landmark detectors that are named, such as dlib, in the square around the same box. A face is found
if the box overlaps what its true points span by half of their union. Every photograph counts with its one annotated
face.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

import numpy as np
import numpy.typing as npt
from tqdm import tqdm

from benchmarks.finding_faces import FOUND, RAW
from pipeline.common.files import InputError
from pipeline.common.images import read_image
from pipeline.evaluation.resampling import interval, resample
from pipeline.faces import detectors, errors, guess
from pipeline.faces.photographs import find_300w, find_photographs
from pipeline.faces.pts import REMEDY
from pipeline.faces.squares import boxes_around
from pipeline.params import load_params
from pipeline.use import face_detectors
from pipeline.use.faces import Found, find, locate
from pipeline.use.models import Models, load_models
from pipeline.use.tracks import overlap

Points = npt.NDArray[np.float32]
Way = Callable[[npt.NDArray[np.uint8], Found], Points]
DRAWS = 2000


def by_command(models: Models) -> Way:
    """As `fercrop` does it: in two looks."""
    return lambda _, face: face.outside(locate([face], models).points[0])


def by_detector(name: str) -> Way:
    """By a landmark detector of the pipeline, in the square around the box."""
    detect = detectors.open_detector(name, load_params().landmarks)

    def points(photograph: npt.NDArray[np.uint8], face: Found) -> Points:
        found: Points = guess.find(detect, [photograph], box_of(face)[None]).points[0]
        return found

    return points


def box_of(face: Found) -> Points:
    """Left, top, right and bottom in the photograph's pixels."""
    return face.outside(face.box.reshape(2, 2).astype(np.float32)).ravel()


def measure(photographs: list[tuple[Path, Points]], face_detector: str, models: Models, ways: dict[str, Way]) -> None:
    """Print a line a way."""
    predicted = {name: np.full((len(photographs), 68, 2), np.nan, np.float32) for name in ways}
    finding: list[float] = []
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    hit = np.zeros(len(photographs), np.bool_)
    for row, (path, true) in enumerate(tqdm(photographs, face_detector, disable=None)):
        photograph = read_image(path, REMEDY)
        start = time.perf_counter()
        faces = find(photograph, models, face_detector)
        finding.append(time.perf_counter() - start)
        boxes = np.array([box_of(face) for face in faces]).reshape(-1, 4)
        shared = overlap(boxes, boxes_around(true[None])[0])
        hit[row] = bool((shared >= FOUND).any())
        if not hit[row]:
            continue
        for name, way in ways.items():
            start = time.perf_counter()
            predicted[name][row] = way(photograph, faces[int(shared.argmax())])
            seconds[name].append(time.perf_counter() - start)
    true = np.stack([points for _, points in photographs])
    print(
        f"{face_detector}: found {hit.sum()} of {len(hit)} ({hit.mean():.1%}), median {1000 * median(finding):.0f} ms"
    )
    for name, points in predicted.items():
        each = errors.nme(points, true)
        weights = resample(np.arange(hit.sum()), DRAWS, 0)
        low, high = interval(weights @ each[hit] / hit.sum())
        print(
            f"  {name}: NME of the found {each[hit].mean():.2%} ({low:.2%} to {high:.2%}), "
            f"failures {errors.failure_rate(each):.1%} of all, {1000 * median(seconds[name]):.0f} ms a face"
        )


def main() -> None:
    roots = [found.path for found in find_300w(RAW).values()]
    if not roots:
        print("points end to end: data/raw holds no 300-W; see data/raw/README.md")
        return
    test = [one for one in find_photographs(roots[0]).used if one.split == "common"]
    photographs = [(one.image, one.read_points().astype(np.float32)) for one in test]
    models = load_models(Path(sys.argv[1] if len(sys.argv) > 1 else "exported"))
    ways = {"fercrop": by_command(models)}
    for name in sys.argv[2:]:
        try:
            ways[name] = by_detector(name)
        except InputError as error:
            print(f"{name} left out: {error}")
    for face_detector in face_detectors.names():
        measure(photographs, face_detector, models, ways)


if __name__ == "__main__":
    main()
