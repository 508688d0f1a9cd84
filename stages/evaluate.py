"""Apply one classifier to every row of its region, and score it under each protocol."""

from pathlib import Path

import numpy as np

from pipeline.classifiers import training as classify
from pipeline.common.files import whole_folder, write_json
from pipeline.data import protocols
from pipeline.data.expressions import CLASSES
from pipeline.data.twins import Twins
from pipeline.evaluation.predictions import Predictions
from pipeline.evaluation.scores import classification
from pipeline.params import load_params
from pipeline.regions.cutting import Variant
from stages import run


def main(region: str, network: str, seed: str) -> None:
    params = load_params()
    name, number = params.cell(region, network, seed)
    variant = Variant.load(Path(f"data/variants/{region}.npz"))
    model = classify.load(Path(f"models/classifiers/{region}/{network}-{seed}.safetensors"))
    precision = params.chosen.classifiers[name].precision
    chances = np.empty((len(variant.images), len(CLASSES)), np.float32)
    learnt = variant.split == "Training"  # four rows of five, which `as_reported` alone scores: looked at once
    for rows, views in ((learnt, "one"), (~learnt, params.chosen.views)):
        chances[rows] = classify.probabilities(model, variant.images[rows], precision, views)
    twins = Twins.load(Path("data/twins.npz")).twins
    scores = {}
    for protocol in protocols.PROTOCOLS:
        rows = protocols.rows(variant.split, twins, protocol)
        scores[protocol] = classification(variant.labels[rows], chances[rows])
    cell = {"region": region, "network": name, "seed": number}
    made = {"data": params.data.source, "recipe": params.recipe}
    with whole_folder(Path(f"reports/classifiers/{region}/{network}-{seed}")) as part:
        Predictions(variant.split, twins, variant.labels, chances).save(part / "predictions.parquet")
        write_json(part / "metrics.json", {**cell, **made, "protocols": scores})


if __name__ == "__main__":
    run(main)
