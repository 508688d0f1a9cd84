"""Learning rates side by side, judged by validation images alone.

`python -m benchmarks.learning_rates REGION NETWORK EPOCHS RATE...`, in the folder of a finished
`dvc repro prepare_expressions embed@REGION-NETWORK`, with what params.yaml and recipes.yaml say of the network
otherwise. Test images are not looked at.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from pipeline.classifiers.embeddings import load_embeddings
from pipeline.classifiers.training import train
from pipeline.common.files import digest_folder
from pipeline.data.roles import Roles
from pipeline.params import load_params
from pipeline.regions.variants import Variant


def main(region: str, name: str, epochs: int, rates: list[float]) -> None:
    params = load_params()
    seed, fallback = params.seeds[0], params.fallback
    folder = Path(f"data/variants/{region}")
    variant = Variant.load(folder)
    _, roles = Roles.load(Path("data/roles.npz"), len(variant)).trainings[0]  # in folds: the first
    recipe = params.classifier_recipe(name)
    embedded = Path(f"data/embeddings/{region}/{name}.npz")
    embeddings = load_embeddings(embedded, name, recipe, digest_folder(folder), len(variant))
    for rate in rates:
        tried = recipe.model_copy(update={"learning_rate": rate, "epochs": epochs, "patience": epochs})
        title = f"{name} at {rate:g}"
        with tempfile.TemporaryDirectory(prefix="rates-") as made:
            checkpoint = Path(made) / "checkpoint.pt"
            rules = (variant, roles, fallback, name, tried, seed)
            _, progress = train(*rules, {}, checkpoint, lambda *_: None, title, embeddings=embeddings)
        best = progress.history[progress.kept_epoch]
        print(
            f"{name} on {region}, learning rate {rate:g}: {best['validation_accuracy']:.1%} of the validation images "
            f"that choose, log loss {best['validation_loss']:.3f}, in epoch {progress.kept_epoch + 1} of {epochs}",
            flush=True,
        )


if __name__ == "__main__":
    region, name, epochs, *rates = sys.argv[1:]
    main(region, name, int(epochs), [float(rate) for rate in rates])
