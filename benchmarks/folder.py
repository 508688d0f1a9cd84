"""Photographs a second from a folder: as `fercrop folder/ --csv` does it, and one at a time; `exported/` or MODELS.

`python -m benchmarks.folder [MODELS]`. The photographs are a public-domain portrait, moved about and brightened. The
start of processes and the loading of models count, as they do for who uses the command; the more photographs, the less.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from PIL import Image
from skimage import data

from benchmarks import side_by_side
from pipeline.use.faces import look
from pipeline.use.many import Task, answer_all, cores
from pipeline.use.models import load_models

COUNT = 240


def write_photographs(folder: Path) -> list[str]:
    """JPEGs of 640 x 480; their names."""
    portrait = data.astronaut()[:400]  # type: ignore[no-untyped-call]
    random = np.random.default_rng(0)
    names = [f"{number:04}.jpg" for number in range(COUNT)]
    for name in names:
        scene = np.full((480, 640, 3), 128, np.uint8)
        down, right = random.integers(0, (80, 128))
        scene[down : down + 400, right : right + 512] = np.clip(portrait * random.uniform(0.7, 1.1), 0, 255)
        Image.fromarray(scene).save(folder / name, quality=90)
    return names


def main() -> None:
    models = Path(sys.argv[1] if len(sys.argv) > 1 else "exported").absolute()
    with TemporaryDirectory() as place:
        folder = Path(place)
        names = write_photographs(folder)
        task = Task(folder, models, "dlib", points=False, drawn=None)

        def by(jobs: int) -> Callable[[], object]:
            return lambda: [*answer_all(task, names, jobs)]

        def one_at_a_time() -> None:
            loaded = load_models(models)
            for name in names:
                look(folder / name, loaded)

        ways: dict[str, tuple[int, Callable[[], object]]] = {f"fercrop, {cores()} processes": (COUNT, by(cores()))}
        if cores() > 1:
            ways["fercrop, 1 process"] = COUNT, by(1)
        ways["one at a time, all cores to each network"] = COUNT, one_at_a_time
        side_by_side(f"{COUNT} photographs of 640 x 480", "photographs", ways, rounds=3)


if __name__ == "__main__":
    main()
