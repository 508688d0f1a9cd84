"""Learn, from faces that are held back from training, how far off found points are to be expected."""

from pathlib import Path

from pipeline.common.files import InputError
from pipeline.faces import trust
from pipeline.faces.detectors import open_detector
from pipeline.faces.face_images import Faces
from pipeline.faces.hard_faces import harden
from pipeline.params import load_params
from stages import run

SEED = 1


def main() -> None:
    settings = load_params().landmarks
    faces = Faces.load(Path("data/faces.npz"))
    held_out = faces.where(faces.split == "validation")
    if not len(held_out):
        raise InputError("data/faces.npz: no validation faces; check the data set and run `dvc repro`")
    hard = harden(held_out, SEED)
    guess = open_detector(settings.provider, settings)(hard.images, True)
    curve = trust.learn(settings.provider, guess.uncertainty, trust.true_errors(hard, guess.points))
    curve.save(Path("models/trust.json"))


if __name__ == "__main__":
    run(main)
