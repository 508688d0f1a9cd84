"""Exported classifiers beside torch: whether they say the same of all test images, and images a second.

`python -m benchmarks.beside_torch [MODELS]`, in the folder of a finished `dvc repro` from which MODELS were exported.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

from benchmarks import side_by_side
from pipeline.classifiers.applying import probabilities
from pipeline.classifiers.cells import Cell
from pipeline.classifiers.classifier_file import load_classifier
from pipeline.data.roles import Roles
from pipeline.params import load_params
from pipeline.regions.variants import Variant
from pipeline.use.models import Classifier, answer, load_models

TIMED = 256  # images
TIE = 1e-4  # two classes whose probabilities are closer than this are equally likely


def compare(exported: Classifier) -> None:
    """Print how far apart the two are, and time both."""
    about = exported.about
    seed = int(about.file.removesuffix(".onnx").rpartition("-")[2])
    cell = Cell(about.region_name, about.network, seed)
    shown = {student.name: student.region for student in load_params().students}
    variant = Variant.load(Path(f"data/variants/{shown.get(cell.region, cell.region)}"))
    network = load_classifier(Path(f"models/classifiers/{cell.path}.safetensors")).network
    role = Roles.load(Path("data/roles.npz"), len(variant.images)).trainings[0][1].role
    images = np.asarray(variant.images[np.flatnonzero(role == "test")])
    levels = np.asarray(images[:, None] if images.ndim == 3 else images.transpose(0, 3, 1, 2), np.float32)
    expected = probabilities(network, images, "fp32")
    said = answer(exported.session, levels)
    differ = expected.argmax(1) != said.argmax(1)
    best, second = np.sort(expected, axis=1)[:, :-3:-1].T
    ties = differ & (best - second < TIE)
    print(
        f"{about.name}: of {len(images):,} test images {differ.sum()} have another class, {ties.sum()} of them ties; "
        f"probabilities differ by {np.abs(expected - said).max():.1e} at most"
    )
    some = images[:TIMED], levels[:TIMED]
    ways = {
        "onnxruntime": (len(some[0]), lambda: answer(exported.session, some[1])),
        "torch, fp32": (len(some[0]), lambda: probabilities(network, some[0], "fp32")),
        "torch, as the processor likes it": (len(some[0]), lambda: probabilities(network, some[0])),
    }
    side_by_side(about.name, "images", ways, rounds=5)


def main() -> None:
    for classifier in load_models(Path(sys.argv[1] if len(sys.argv) > 1 else "exported")).classifiers:
        compare(classifier)


if __name__ == "__main__":
    main()
