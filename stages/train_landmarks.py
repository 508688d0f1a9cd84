"""Train the Xception landmark model."""

from pathlib import Path

import numpy as np

from pipeline.common import device
from pipeline.common.files import InputError, digest, together, whole_folder, write_bytes, write_json
from pipeline.common.given import lies_there
from pipeline.common.weights import save_network
from pipeline.faces import training as landmarks
from pipeline.faces.detector_settings import SHIPPED_MODEL
from pipeline.faces.detectors.xception import MODEL
from pipeline.faces.face_images import TRAINED_ON, Faces
from pipeline.params import load_params
from pipeline.training.curves import curves
from stages import run

FACES = Path("data/faces.npz")
CHECKPOINT = Path(".checkpoints/landmarks.pt")
CURVES = Path("reports/training/landmarks")
SEED = 0


def main() -> None:
    params = load_params()
    faces = Faces.load(FACES)
    if not np.isin(faces.split, TRAINED_ON).any():
        _take_over()
        return
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


def _take_over() -> None:
    """Without faces to train on, which `prepare_faces` leaves out then, the model that comes with the project is it."""
    if not lies_there(SHIPPED_MODEL):
        raise InputError(f"{SHIPPED_MODEL}: missing; restore it with git, or set landmarks.provider to xception")
    with together():
        with whole_folder(CURVES) as part:
            write_json(part / "taken.json", {"from": SHIPPED_MODEL.as_posix(), "sha256": digest(SHIPPED_MODEL)})
        write_bytes(MODEL, SHIPPED_MODEL.read_bytes())
    print(f"{MODEL}: not trained, but {SHIPPED_MODEL}")


if __name__ == "__main__":
    run(main)
