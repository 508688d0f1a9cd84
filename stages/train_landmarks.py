"""Train the Xception landmark model."""

from pathlib import Path

from pipeline.common import device
from pipeline.common.files import digest
from pipeline.common.weights import save_network
from pipeline.faces import training as landmarks
from pipeline.faces.face_images import Faces
from pipeline.params import load_params
from pipeline.training.curves import curves
from stages import run

FACES = Path("data/faces.npz")
CHECKPOINT = Path(".checkpoints/landmarks.pt")
SEED = 0


def main() -> None:
    params = load_params()
    recipe = params.chosen.landmarks
    identity = {"data": digest(FACES)}
    with curves(Path("reports/training/landmarks")) as log:
        network, progress = landmarks.train(Faces.load(FACES), recipe, SEED, identity, CHECKPOINT, log)
        header = {
            "network": "xception",
            "recipe": recipe.model_dump(),
            "seed": SEED,
            "epoch": progress.kept_epoch,
            "validation": progress.history[progress.kept_epoch],
            **identity,
        }
        save_network(Path("models/landmarks.safetensors"), network, header)
    if device.first_process():
        CHECKPOINT.unlink(missing_ok=True)


if __name__ == "__main__":
    run(main)
