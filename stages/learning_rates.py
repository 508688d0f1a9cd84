"""Train one network at several learning rates, judged by validation images alone.

`python -m stages.learning_rates REGION NETWORK EPOCHS RATE...`, after `dvc repro prepare_expressions
embed@REGION-NETWORK`, with what params.yaml and recipes.yaml say of the network otherwise. Test images are not looked
at. Nothing is kept but what is printed.
"""

import tempfile
from pathlib import Path
from typing import Any

from pipeline.classifiers.embeddings import load_embeddings
from pipeline.classifiers.recipe import ClassifierRecipe
from pipeline.classifiers.training import train
from pipeline.common.files import InputError, digest_folder
from pipeline.data.roles import Roles
from pipeline.params import load_params
from pipeline.regions.variants import Variant
from stages import run


def main(region: str, network: str, epochs: str, *rates: str) -> None:
    params = load_params()
    params.region(region)
    cell = params.cell(region, network, str(params.seeds[0]))
    recipe = params.classifier_recipe(network)
    tried = [_changed(recipe, epochs, rate) for rate in rates]
    folder = Path(f"data/variants/{region}")
    variant = Variant.load(folder)
    _, roles = Roles.load(Path("data/roles.npz"), len(variant)).trainings[0]  # in folds: the first
    embedded = Path(f"data/embeddings/{region}/{network}.npz")
    embeddings = load_embeddings(embedded, network, recipe, digest_folder(folder), len(variant))
    for recipe in tried:
        title = f"{network} at {recipe.learning_rate:g}"
        with tempfile.TemporaryDirectory(prefix="rates-") as made:
            given = (variant, roles, params.fallback, network, recipe, cell.start)
            checkpoint = Path(made) / "checkpoint.pt"
            _, progress = train(*given, {}, checkpoint, lambda *_: None, title, embeddings=embeddings)
        best = progress.history[progress.kept_epoch]
        print(
            f"{network} on {region}, learning rate {recipe.learning_rate:g}: {best['validation_accuracy']:.1%} of the "
            f"validation images that choose, log loss {best['validation_loss']:.3f}, in epoch "
            f"{progress.kept_epoch + 1} of {recipe.epochs}",
            flush=True,
        )


def _changed(recipe: ClassifierRecipe[Any], epochs: str, rate: str) -> ClassifierRecipe[Any]:
    """The recipe with other epochs and another rate. Raises InputError if they cannot be."""
    try:
        changed = {"epochs": int(epochs), "patience": int(epochs), "learning_rate": float(rate)}
        return type(recipe).model_validate({**recipe.model_dump(), **changed})
    except ValueError:  # pydantic's own is one
        usage = "python -m stages.learning_rates REGION NETWORK EPOCHS RATE..."
        raise InputError(f"usage: {usage}, epochs and rates above 0, not {epochs} and {rate}") from None


if __name__ == "__main__":
    run(main)
