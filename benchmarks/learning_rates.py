"""Learning rates side by side, judged by validation images alone.

`python -m benchmarks.learning_rates REGION NETWORK EPOCHS RATE...`, in the folder of a finished
`dvc repro prepare_expressions embed@REGION-NETWORK`, with what params.yaml and recipes.yaml say of the network otherwise. Test
images are not looked at.
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
    folder = Path(f"data/variants/{region}")
    variant = Variant.load(folder)
    _, roles = Roles.load(Path("data/roles.npz"), len(variant)).trainings[0]  # in folds: the first
    recipe, seed, fallback = params.classifier_recipe(name), params.seeds[0], params.fallback
    path = Path(f"data/embeddings/{region}/{name}.npz")
    embeddings = load_embeddings(path, name, recipe, digest_folder(folder), len(variant))
    for rate in rates:
        tried = recipe.model_copy(update={"learning_rate": rate, "epochs": epochs, "patience": epochs})
        with tempfile.TemporaryDirectory(prefix="rates-") as folder:
            checkpoint = Path(folder) / "checkpoint.pt"
            title = f"{name} at {rate:g}"
            given = (name, tried, seed, {}, checkpoint, lambda *_: None, title, None, embeddings)
            _, progress = train(variant, roles, fallback, *given)
        best = progress.history[progress.kept_epoch]
        print(
            f"{name} on {region}, learning rate {rate:g}: {best['validation_accuracy']:.1%} of the validation images "
            f"that choose, log loss {best['validation_loss']:.3f}, in epoch {progress.kept_epoch + 1} of {epochs}",
            flush=True,
        )


if __name__ == "__main__":
    region, name, epochs, *rates = sys.argv[1:]
    main(region, name, int(epochs), [float(rate) for rate in rates])
