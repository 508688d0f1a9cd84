"""Learn, from faces that are held back from training, how far off found points are to be expected."""

from pathlib import Path

from pipeline.common.files import InputError
from pipeline.common.given import lies_there
from pipeline.faces import trust
from pipeline.faces.detector_settings import SHIPPED_TRUST
from pipeline.faces.detectors import open_detector
from pipeline.faces.face_images import Faces
from pipeline.faces.hard_faces import harden
from pipeline.faces.trust import Trust
from pipeline.params import load_params
from stages import run

OUT = Path("models/trust.json")
SEED = 1


def main() -> None:
    settings = load_params().landmarks
    if not settings.trains:
        if not lies_there(SHIPPED_TRUST):
            raise InputError(f"{SHIPPED_TRUST}: missing; restore it with git, or set landmarks.provider to xception")
        Trust.load(SHIPPED_TRUST, settings.provider).save(OUT)
        return
    faces = Faces.load(Path("data/faces.npz"))
    held_out = faces.where(faces.split == "validation")
    if not len(held_out):
        raise InputError("data/faces.npz: no validation faces; check the data set and run `dvc repro`")
    hard = harden(held_out, SEED)
    guess = open_detector(settings.provider, settings)(hard.images, True)
    curve = trust.learn(settings.provider, guess.uncertainty, trust.true_errors(hard, guess.points))
    curve.save(OUT)


if __name__ == "__main__":
    run(main)
