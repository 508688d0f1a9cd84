"""Find the 68 points in every expression image, and say how far to trust them."""

from pathlib import Path

from pipeline.data.expressions import Expressions
from pipeline.data.grey import grey_on_disk
from pipeline.faces.detectors import open_detector
from pipeline.faces.located import Located
from pipeline.faces.trust import Trust, expected_error
from pipeline.params import load_params
from stages import run


def main() -> None:
    settings = load_params().landmarks
    trust = Trust.load(Path("models/trust.json"), settings.provider)
    images = grey_on_disk(Expressions.load(Path("data/expressions")).images)
    guess = open_detector(settings.provider, settings)(images, True)
    Located(guess.points, expected_error(images, guess.uncertainty, trust)).save(Path("data/landmarks.npz"))


if __name__ == "__main__":
    run(main)
