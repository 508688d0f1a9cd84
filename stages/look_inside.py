"""Draw what is inside one classifier: filters, activations, saliency, and its answers to test images.

python -m stages.look_inside REGION NETWORK SEED [--layer NAME] [IMAGES...]

As a stage it shows the typical test image of each expression; of a split in folds it looks into the network of the
first fold, and shows of what that one is tested by. With images of one's own, cut to the region, or with
a layer, it draws these into a folder beside, and lists the layers that there are.
"""

from pathlib import Path

import numpy as np

from pipeline.classifiers.classifier_file import Classifier, load_cell, load_classifier
from pipeline.common.files import InputError, whole_folder
from pipeline.evaluation.predictions import Predictions
from pipeline.inside.looking import own_images, typical_rows
from pipeline.params import load_params
from pipeline.regions.variants import Variant
from pipeline.report.sheets.answers import answers_sheet
from pipeline.report.sheets.canvas import save_png
from pipeline.report.sheets.inside import draw_inside
from stages import run

INSIDE = Path("reports/inside")


def main(region: str, network: str, seed: str, *more: str) -> None:
    layer, paths = _read(more)
    cell = load_params().cell(region, network, seed)
    model = Path(f"models/classifiers/{cell.path}.safetensors")
    if paths:
        classifier = _one(load_classifier(model))
        images = own_images(paths, classifier)
        truths = [path.name for path in paths]
    else:
        variant = Variant.load(Path(f"data/variants/{region}"))
        classifier = _one(load_cell(model, cell, variant))
        path = Path(f"reports/classifiers/{cell.path}/predictions.parquet")
        found = Predictions.load(path)
        of_these = found.classes == variant.about.classes and found.row.max() < len(variant)
        if not of_these or not np.array_equal(found.labels, variant.labels[found.row]):
            raise InputError(f"{path}: of other images than data/variants/{region}; delete it and run `dvc repro`")
        tested = np.flatnonzero(found.role == "test")  # of the first answers, one a row of the data set
        own = tested[found.fold[tested] <= 0]
        rows = typical_rows(own, found.labels, found.probabilities)
        images, truths = np.asarray(variant.images[rows]), [found.classes[code] for code in found.labels[rows]]
    folder = INSIDE / ("asked" if more else "sheets") / cell.path
    with whole_folder(folder) as part:
        layers = draw_inside(part, classifier, images, truths, layer)
        if not paths:
            save_png(part / "answers.png", answers_sheet(variant, tested, found.probabilities[tested]))
    if more:
        print(f"layers of {network}:\n{layers}\n{folder}: drawn")


def _one(classifier: Classifier) -> Classifier:
    """Of networks of several folds the first."""
    return classifier.of_fold(0) if classifier.header.folds else classifier


def _read(more: tuple[str, ...]) -> tuple[str | None, list[Path]]:
    """The layer, if one is asked for, and the images."""
    words = list(more)
    if "--layer" not in words:
        return None, [Path(word) for word in words]
    place = words.index("--layer")
    if place + 1 == len(words):
        raise InputError("--layer: needs the name of a layer behind it")
    layer = words[place + 1]
    return layer, [Path(word) for word in words[:place] + words[place + 2 :]]


if __name__ == "__main__":
    run(main)
