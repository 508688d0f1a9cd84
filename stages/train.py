"""Train one network on one region; of a split in folds, one for each fold."""

from pathlib import Path
from typing import Any

from torch import nn

from pipeline.classifiers.cells import Cell
from pipeline.classifiers.classifier_file import save_classifier
from pipeline.classifiers.embeddings import load_embeddings
from pipeline.classifiers.ensemble import Ensemble
from pipeline.classifiers.training import train
from pipeline.common import device
from pipeline.common.files import digest, digest_folder
from pipeline.data.roles import Roles
from pipeline.params import load_params
from pipeline.regions.variants import Variant
from pipeline.training.checkpoint import Progress
from pipeline.training.curves import curves
from stages import run

ROLES = Path("data/roles.npz")


def main(region: str, network: str, seed: str) -> None:
    params = load_params()
    cell = params.cell(region, network, seed)
    folder = Path(f"data/variants/{region}")
    variant = Variant.load(folder)
    roles = Roles.load(ROLES, len(variant))
    identity = {"data": digest_folder(folder), "roles": digest(ROLES), "fallback": params.fallback}
    recipe = params.classifier_recipe(network)
    embedded = Path(f"data/embeddings/{region}/{network}.npz")
    embeddings = load_embeddings(embedded, network, recipe, identity["data"], len(variant))
    path = Path(f"models/classifiers/{cell.path}.safetensors")
    made: list[tuple[nn.Module, Progress]] = []
    checkpoints = []
    for fold, meanwhile in roles.trainings:
        title = f"{network} on {region}" if fold is None else f"{network} on {region}, fold {fold}"
        # Of a fold that is done, it keeps the result until all of them are.
        checkpoints.append(Path(f".checkpoints/{cell._replace(fold=fold).path.replace('/', '-')}.pt"))
        same = identity if fold is None else {**identity, "fold": fold}
        with curves(_curves(cell, fold)) as log:
            given = (network, recipe, cell._replace(fold=fold).start, same, checkpoints[-1], log, title)
            made.append(train(variant, meanwhile, params.fallback, *given, embeddings=embeddings))
            if len(made) == len(roles.trainings):
                _save(path, made, variant, cell, recipe, identity["data"])
    if device.first_process():
        for checkpoint in checkpoints:
            checkpoint.unlink(missing_ok=True)


def _curves(cell: Cell, fold: int | None) -> Path:
    """Where the learning curves go: of a fold below the cell's."""
    folder = Path(f"reports/training/{cell.path}")
    return folder if fold is None else folder / f"fold-{fold}"


def _save(
    path: Path,
    made: list[tuple[nn.Module, Progress]],
    variant: Variant,
    cell: Cell,
    recipe: Any,
    data: str,
) -> None:
    """Write the network, or those of all folds, with the mean of their scores."""
    best = [progress.history[progress.kept_epoch] for _, progress in made]
    accuracy, log_loss = (
        sum(metrics[f"validation_{name}"] for metrics in best) / len(best) for name in ("accuracy", "loss")
    )
    scores = {"choosing": {"accuracy": accuracy, "log_loss": log_loss}}
    epochs = tuple(progress.kept_epoch for _, progress in made)
    one = len(made) == 1
    model = made[0][0] if one else Ensemble(model for model, _ in made)
    save_classifier(path, model, variant, cell, recipe, data, epochs[0] if one else epochs, scores)


if __name__ == "__main__":
    run(main)
