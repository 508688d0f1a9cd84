"""Train the Xception landmark model."""

from pathlib import Path

from torch import nn

from pipeline.common import device
from pipeline.common.files import digest, together, whole_folder, write_json
from pipeline.common.weights import save_network
from pipeline.faces import training as landmarks
from pipeline.faces.detector_settings import SHIPPED
from pipeline.faces.detectors.xception import MODEL
from pipeline.faces.face_images import Faces
from pipeline.params import load_params
from pipeline.training.curves import curves
from stages import run

FACES = Path("data/faces.npz")
CHECKPOINT = Path(".checkpoints/landmarks.pt")
CURVES = Path("reports/training/landmarks")
SEED = 0


def main() -> None:
    params = load_params()
    if not params.landmarks.trains:  # `prepare_faces` leaves out the faces to train on then
        if device.first_process():
            _train_none()
        return
    faces = Faces.load(FACES)
    recipe = params.chosen.landmarks
    identity = {"data": digest(FACES)}
    with curves(CURVES) as log:
        network, progress = landmarks.train(faces, recipe, SEED, identity, CHECKPOINT, log)
        header = {
            "network": "xception",
            "recipe": recipe.model_dump(),
            "seed": SEED,
            "epoch": progress.kept_epoch,
            "validation": progress.history[progress.kept_epoch],
            **identity,
        }
        save_network(MODEL, network, header)
    if device.first_process():
        CHECKPOINT.unlink(missing_ok=True)


def _train_none() -> None:
    """Leave word, where a model would be, that there is none: who finds the points comes with the project."""
    with together():
        with whole_folder(CURVES) as part:
            write_json(part / "none.json", {"provider": SHIPPED})
        save_network(MODEL, nn.Module(), {"network": "none"})


if __name__ == "__main__":
    run(main)
