"""Train one network on one region."""

from pathlib import Path

from pipeline.classifiers import training as classify
from pipeline.common import device
from pipeline.common.files import digest
from pipeline.common.weights import save_network
from pipeline.params import load_params
from pipeline.regions.cutting import Variant
from pipeline.training.curves import curves
from stages import run


def main(region: str, network: str, seed: str) -> None:
    params = load_params()
    name, number = params.cell(region, network, seed)
    recipe = params.chosen.classifiers[name]
    data = Path(f"data/variants/{region}.npz")
    identity = {"data": digest(data)}
    checkpoint = Path(f".checkpoints/{region}-{network}-{seed}.pt")
    with curves(Path(f"reports/training/{region}/{network}-{seed}")) as log:
        model, progress = classify.train(
            Variant.load(data), name, recipe, number, identity, checkpoint, log, f"{network} on {region}"
        )
        header = {
            "network": network,
            "region": region,
            "recipe": recipe.model_dump(),
            "seed": number,
            "epoch": progress.best_epoch,
            "validation": progress.history[progress.best_epoch],
            **identity,
        }
        save_network(Path(f"models/classifiers/{region}/{network}-{seed}.safetensors"), model, header)
    if device.first_process():
        checkpoint.unlink(missing_ok=True)


if __name__ == "__main__":
    run(main)
