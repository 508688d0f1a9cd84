"""Apply one classifier to every row of its region, and score it under each protocol."""

from pathlib import Path

import numpy as np

from pipeline.classifiers.classifier_file import load_classifier
from pipeline.common.files import whole_folder, write_json
from pipeline.data import protocols
from pipeline.data.roles import Roles
from pipeline.data.twins import Twins
from pipeline.evaluation.predictions import Predictions
from pipeline.evaluation.scores import classification
from pipeline.params import load_params
from pipeline.regions.variants import Variant
from stages import run


def main(region: str, network: str, seed: str) -> None:
    params = load_params()
    cell = params.cell(region, network, seed)
    variant = Variant.load(Path(f"data/variants/{region}"))
    role, twins = Roles.load(Path("data/roles.npz")).role, Twins.load(Path("data/twins.npz")).twins
    model = load_classifier(Path(f"models/classifiers/{region}/{network}-{seed}.safetensors"))
    classes = variant.about.classes
    probabilities = np.empty((len(variant), len(classes)), np.float32)
    scored = np.isin(role, ["validation", "test"])
    # The others, four rows of five, only `as_reported` scores: without test-time augmentation.
    for rows, augmentation in ((~scored, "none"), (scored, params.chosen.test_time_augmentation)):
        probabilities[rows] = model.probabilities(variant.images[rows], augmentation)
    scores = {}
    for protocol in protocols.PROTOCOLS:
        rows = protocols.rows(role, twins, protocol)
        scores[protocol] = classification(variant.labels[rows], probabilities[rows], classes)
    made = {"data": params.data.source, "recipe": params.recipe}
    with whole_folder(Path(f"reports/classifiers/{region}/{network}-{seed}")) as part:
        predictions = Predictions(classes, role, twins, variant.labels, variant.fell_back, probabilities)
        predictions.save(part / "predictions.parquet")
        write_json(part / "metrics.json", {**cell._asdict(), **made, "protocols": scores})


if __name__ == "__main__":
    run(main)
