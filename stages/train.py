"""Train one network on one region."""

from pathlib import Path

from pipeline.classifiers.classifier_file import save_classifier
from pipeline.classifiers.training import train
from pipeline.common import device
from pipeline.common.files import digest, digest_folder
from pipeline.data.roles import Roles
from pipeline.params import load_params
from pipeline.regions.variants import Variant
from pipeline.training.curves import curves
from stages import run

ROLES = Path("data/roles.npz")


def main(region: str, network: str, seed: str) -> None:
    params = load_params()
    cell = params.cell(region, network, seed)
    recipe = params.classifier_recipe(network)
    folder = Path(f"data/variants/{region}")
    variant, roles = Variant.load(folder), Roles.load(ROLES)
    identity = {"data": digest_folder(folder), "roles": digest(ROLES), "fallback": params.fallback}
    title = f"{network} on {region}"
    checkpoint = Path(f".checkpoints/{region}-{network}-{seed}.pt")
    with curves(Path(f"reports/training/{cell.path}")) as log:
        model, progress = train(
            variant, roles, params.fallback, network, recipe, cell.seed, identity, checkpoint, log, title
        )
        best = progress.history[progress.best_epoch]
        scores = {roles.chosen_on: {"accuracy": best["validation_accuracy"], "log_loss": best["validation_loss"]}}
        path = Path(f"models/classifiers/{cell.path}.safetensors")
        save_classifier(path, model, variant, cell, recipe, identity["data"], progress.best_epoch, scores)
    if device.first_process():
        checkpoint.unlink(missing_ok=True)


if __name__ == "__main__":
    run(main)
