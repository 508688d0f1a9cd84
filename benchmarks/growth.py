"""How time and memory grow with the number of images: `python -m benchmarks.growth`, or with numbers of your own.

Images of the project's data set are repeated and changed until there are 5,000, 36,000 and 100,000 of them, written as
FER2013 is published, and taken through reading, the twin search, locating, cutting to a region, and one epoch, each in
a process of its own. Printed are seconds without imports, the peak of anonymous memory with them (`RssAnon`: what is
mapped from files can be dropped, and does not count), and the exponents of both, from each number to the next and over
all: 1 is twice as long for twice as many. What is above `MAX_EXPONENT` or `MAX_MEMORY` is said, and the status is 1.

`python -m benchmarks.growth pictures 2000 8000` does the same with a folder of JPEGs in colour, of 256 pixels.

It takes the landmark model and the data set that `dvc repro` made, and on the disk a gigabyte for 100,000 images, or a
megabyte for every two pictures.
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
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, redirect_stdout
from itertools import chain, pairwise
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from pipeline.common.files import digest
from pipeline.data.expressions import Expressions
from pipeline.data.grey import grey_on_disk, to_grey
from pipeline.data.pictures import resized
from pipeline.data.sources import Sources

COUNTS = (5_000, 36_000, 100_000)
SIDE = 48
BLOCK = 1_000  # images that are changed and written at a time
EVERY = 0.01  # seconds between two looks at the memory
MIN_CORRELATION = 0.85  # of twins
MAX_EXPONENT, MAX_MEMORY = 1.1, 2e9  # bytes
PICTURE = 256  # pixels of a side
REGION = {"points": "49-68", "margin": 0.3}
NETWORK = "cnn2"

MODEL, TRUST = Path("models/landmarks.safetensors"), Path("models/trust.json")


def changed(source: npt.NDArray[np.uint8], count: int) -> Iterator[npt.NDArray[np.uint8]]:
    """So many images (48, 48): each one of `source` (N, 48, 48), blended with another, moved and mirrored."""
    for start in range(0, count, BLOCK):
        rng = np.random.default_rng(start)
        one, other = source[rng.integers(0, len(source), (2, min(BLOCK, count - start)))].astype(np.float32)
        share = rng.uniform(0.5, 0.8, (len(one), 1, 1))
        images = share * one + (1 - share) * other[:, :, ::-1] + rng.normal(0, 4, one.shape)
        for image in images.clip(0, 255).astype(np.uint8):
            yield np.roll(image[:, :: 1 - 2 * int(rng.integers(2))], rng.integers(-4, 5, 2), (0, 1))


def write_csv(folder: Path, images: Iterable[npt.NDArray[np.uint8]]) -> None:
    """`fer2013.csv`, with these images."""
    usages = np.array(["Training"] * 8 + ["PublicTest", "PrivateTest"])
    with (folder / "fer2013.csv").open("w") as file:
        file.write("emotion,pixels,Usage\n")
        for row, image in enumerate(images):
            file.write(f"{row % 7},{' '.join(map(str, image.ravel().tolist()))},{usages[row % 10]}\n")


def write_pictures(folder: Path, images: Iterable[npt.NDArray[np.uint8]]) -> None:
    """The folder `folder` with a sub-folder a class, of these images as JPEGs in colour."""
    for row, image in enumerate(images):
        large = resized(image, PICTURE)
        path = folder / f"folder/class {row % 7}/{row}.jpg"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(cv2.imencode(".jpg", np.stack([large // 2, large, 255 - large // 2], axis=-1))[1].tobytes())


# The stages, each on the files of those before it.


def read(folder: Path) -> None:
    from pipeline.data import readers

    name = "fer2013" if (folder / "fer2013.csv").exists() else "folder"
    sources = Sources({part: found.path for part, found in readers.reader(name).WANTED.find(folder).items()})
    readers.read(name, sources, readers.settings_of(name)()).save(folder / "expressions")


def find_twins(folder: Path) -> None:
    from pipeline.data import twin_search

    images = Expressions.load(folder / "expressions").images
    twin_search.find_twins(images, MIN_CORRELATION).save(folder / "twins.npz")


def locate(folder: Path) -> None:
    from pipeline.faces.detectors.xception import open_model
    from pipeline.faces.located import Located
    from pipeline.faces.trust import Trust, expected_error

    images = grey_on_disk(Expressions.load(folder / "expressions").images)
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
    from pipeline.data.roles import Shares, SplitRule, assign_roles
    from pipeline.data.twins import Twins
    from pipeline.params import load_params
    from pipeline.regions.variants import Variant

    variant = Variant.load(folder / "variant")
    rule: SplitRule = "official" if variant.about.splits else Shares(shares=(0.8, 0.1, 0.1))
    roles = assign_roles(variant, Twins.load(folder / "twins.npz", len(variant)).twins, rule, True)
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


# How both grow


def exponents(counts: list[int], values: list[float]) -> dict[str, float]:
    """From each count to the next, and over all: the slope of a straight line through the logarithms; none of one."""
    if len(counts) == 1:
        return {}
    logs = np.log(counts), np.log(values)
    slopes = np.diff(logs[1]) / np.diff(logs[0])
    steps = {f"from {one:,} to {other:,}": slope for (one, other), slope in zip(pairwise(counts), slopes, strict=True)}
    return {**steps, "over all": float(np.polyfit(*logs, 1)[0])}


def growth(name: str, counts: list[int], found: list[tuple[float, int]]) -> tuple[list[str], list[str]]:
    """What to tell of a stage, and what of that is too much, from its seconds and bytes."""
    seconds, most = zip(*found, strict=True)
    told, too_much = [], []
    for kind, values in (("time", seconds), ("memory", most)):
        for where, found_exponent in exponents(counts, list(values)).items():
            line = f"{name}: {kind} grows with exponent {found_exponent:.2f} {where}"
            told.append(line)
            too_much += [f"{line}, above {MAX_EXPONENT}"] if found_exponent > MAX_EXPONENT else []
    too_much += [
        f"{name}: takes {many / 1e6:,.0f} MB of {count:,} images, above {MAX_MEMORY / 1e6:,.0f}"
        for count, many in zip(counts, most, strict=True)
        if many > MAX_MEMORY
    ]
    return told, too_much


def main(write: Callable[[Path, Iterable[npt.NDArray[np.uint8]]], None], counts: list[int]) -> None:
    source = to_grey(Expressions.load(Path("data/expressions")).images)
    digest(MODEL), digest(TRUST)  # that they are there is said before anything is written
    found: dict[str, list[tuple[float, int]]] = {name: [] for name in STAGES}
    for count in counts:
        with tempfile.TemporaryDirectory(prefix="growth-") as base:
            write(Path(base), changed(source, count))
            for name in STAGES:
                found[name].append(measure(name, Path(base)))
                seconds, most = found[name][-1]
                print(f"{count:>9,} images  {name:16} {seconds:>9.2f} s {most / 1e6:>9,.0f} MB", flush=True)
    told, too_much = zip(*(growth(name, counts, each) for name, each in found.items()), strict=True)
    print(*chain(*told), sep="\n")
    if any(too_much):
        sys.exit("\n".join(["too much:", *chain(*too_much)]))


if __name__ == "__main__":
    words = sys.argv[1:]
    if words and words[0] in STAGES:
        run_one(words[0], Path(words[1]))
    else:
        pictures = words[:1] == ["pictures"]
        main(write_pictures if pictures else write_csv, [int(word) for word in words[pictures:]] or [*COUNTS])
