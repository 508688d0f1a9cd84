"""How time and memory grow with the number of images: `python -m benchmarks.growth`, or with numbers of your own.

Images of the project's data set are repeated and changed until there are 5,000, 36,000 and 100,000 of them, written as
FER2013 is published, and taken through reading, the twin search, locating, cutting to a region, and one epoch, each in
a process of its own. Printed are seconds without imports, the peak of anonymous memory with them (`RssAnon`: what is
mapped from files can be dropped, and does not count), and the exponents of both: 1 is twice as long for twice as many.

It takes the landmark model and the data set that `dvc repro` made, and a gigabyte on the disk for 100,000 images.
"""

from __future__ import annotations

import io
import json
import re
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stdout
from pathlib import Path

import numpy as np
import numpy.typing as npt

from pipeline.common.files import digest
from pipeline.data.expressions import Expressions
from pipeline.data.grey import to_grey

COUNTS = (5_000, 36_000, 100_000)
SIDE = 48
BLOCK = 1_000  # images that are changed and written at a time
EVERY = 0.01  # seconds between two looks at the memory
MIN_CORRELATION = 0.85  # of twins
REGION = {"points": "49-68", "margin": 0.3}
NETWORK = "cnn2"

MODEL, TRUST = Path("models/landmarks.safetensors"), Path("models/trust.json")


def write_images(path: Path, source: npt.NDArray[np.uint8], count: int) -> None:
    """`fer2013.csv` with so many images: each one of `source` (N, 48, 48), blended with another, moved and mirrored."""
    usages = np.array(["Training"] * 8 + ["PublicTest", "PrivateTest"])
    with path.open("w") as file:
        file.write("emotion,pixels,Usage\n")
        for start in range(0, count, BLOCK):
            rng = np.random.default_rng(start)
            one, other = source[rng.integers(0, len(source), (2, min(BLOCK, count - start)))].astype(np.float32)
            share = rng.uniform(0.5, 0.8, (len(one), 1, 1))
            images = share * one + (1 - share) * other[:, :, ::-1] + rng.normal(0, 4, one.shape)
            for row, image in enumerate(images.clip(0, 255).astype(np.uint8), start):
                changed = np.roll(image[:, :: 1 - 2 * int(rng.integers(2))], rng.integers(-4, 5, 2), (0, 1))
                file.write(f"{row % 7},{' '.join(map(str, changed.ravel().tolist()))},{usages[row % 10]}\n")


# The stages, each on the files of those before it.


def read(folder: Path) -> None:
    from pipeline.data.readers.fer2013 import read_fer2013

    read_fer2013(folder / "fer2013.csv", None).save(folder / "expressions")


def find_twins(folder: Path) -> None:
    from pipeline.data import twin_search

    images = Expressions.load(folder / "expressions").images
    twin_search.find_twins(images, MIN_CORRELATION).save(folder / "twins.npz")


def locate(folder: Path) -> None:
    from pipeline.faces.detectors.xception import open_model
    from pipeline.faces.located import Located
    from pipeline.faces.trust import Trust, expected_error

    images = to_grey(Expressions.load(folder / "expressions").images)
    guess = open_model(MODEL, mirror=False)(images, False)
    errors = expected_error(images, guess.uncertainty, Trust.load(TRUST, "xception"))
    Located(guess.points, errors).save(folder / "landmarks.npz")


def cut(folder: Path) -> None:
    from pipeline.faces.located import Located
    from pipeline.regions.cutting import cut_blocks, plan_cut
    from pipeline.regions.definitions import read_region
    from pipeline.regions.variants import save_variant

    expressions = Expressions.load(folder / "expressions")
    located = Located.load(folder / "landmarks.npz", len(expressions))
    region = read_region(REGION)
    planned = plan_cut(located.points, located.expected_error, region, np.inf, expressions.side)
    blocks = cut_blocks(expressions.images, planned, SIDE)
    save_variant(folder / "variant", expressions, "mouth", region, planned, blocks, SIDE)


def train_an_epoch(folder: Path) -> None:
    from pipeline.classifiers.training import train
    from pipeline.data.roles import assign_roles
    from pipeline.data.twins import Twins
    from pipeline.params import load_params
    from pipeline.regions.variants import Variant

    variant = Variant.load(folder / "variant")
    roles = assign_roles(variant, Twins.load(folder / "twins.npz", len(variant)).twins, "official", True)
    recipe = getattr(load_params().recipes["brief"].classifiers, NETWORK).model_copy(update={"epochs": 1})
    checkpoint = folder / "checkpoint.pt"
    with redirect_stdout(io.StringIO()):
        train(variant, roles, "whole", NETWORK, recipe, 0, {}, checkpoint, lambda *_: None, NETWORK)
    checkpoint.unlink()


STAGES: dict[str, Callable[[Path], None]] = {
    "read": read,
    "find_twins": find_twins,
    "locate": locate,
    "cut": cut,
    "train_an_epoch": train_an_epoch,
}


# Time and memory


@contextmanager
def watched() -> Iterator[list[int]]:
    """While the block runs, the anonymous memory of this process in bytes, again and again."""
    seen, done = [anonymous()], threading.Event()

    def look() -> None:
        while not done.wait(EVERY):
            seen.append(anonymous())

    watcher = threading.Thread(target=look, daemon=True)
    watcher.start()
    try:
        yield seen
    finally:
        done.set()
        watcher.join()


def anonymous() -> int:
    """Anonymous memory of this process, in bytes."""
    found = re.search(r"RssAnon:\s+(\d+) kB", Path("/proc/self/status").read_text())
    assert found is not None  # Linux has it since 4.5
    return 1024 * int(found.group(1))


def measure(name: str, folder: Path) -> tuple[float, int]:
    """Seconds, and bytes of anonymous memory at most, of one stage in a process of its own."""
    words = [sys.executable, "-m", "benchmarks.growth", name, str(folder)]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{name}: {done.stderr[-2000:]}")
    seconds, most = json.loads(done.stdout.splitlines()[-1])
    return seconds, most


def run_one(name: str, folder: Path) -> None:
    """In that process."""
    with watched() as seen:
        start = time.perf_counter()
        STAGES[name](folder)
        seconds = time.perf_counter() - start
    print(json.dumps([seconds, max(seen)]))


def exponent(counts: list[int], values: list[float]) -> float:
    """The slope of a straight line through the logarithms."""
    return float(np.polyfit(np.log(counts), np.log(values), 1)[0])


def main(counts: list[int]) -> None:
    source = to_grey(Expressions.load(Path("data/expressions")).images)
    digest(MODEL), digest(TRUST)  # that they are there is said before anything is written
    found: dict[str, list[tuple[float, int]]] = {name: [] for name in STAGES}
    for count in counts:
        with tempfile.TemporaryDirectory(prefix="growth-") as base:
            write_images(Path(base) / "fer2013.csv", source, count)
            for name in STAGES:
                found[name].append(measure(name, Path(base)))
                seconds, most = found[name][-1]
                print(f"{count:>9,} images  {name:16} {seconds:>9.2f} s {most / 1e6:>9,.0f} MB", flush=True)
    if len(counts) > 1:
        for name, each in found.items():
            of_time, of_memory = (exponent(counts, [float(one[kind]) for one in each]) for kind in (0, 1))
            print(f"{name:16} grows with exponent {of_time:.2f} in time, {of_memory:.2f} in memory")


if __name__ == "__main__":
    if sys.argv[1:2] and sys.argv[1] in STAGES:
        run_one(sys.argv[1], Path(sys.argv[2]))
    else:
        main([int(word) for word in sys.argv[1:]] or [*COUNTS])
