"""Find the 68 points in every expression image, and say how far to trust them."""

from pathlib import Path

from pipeline.data.expressions import Expressions
from pipeline.faces.detectors import open_locator
from pipeline.faces.located import Located
from pipeline.faces.trust import Trust, expected_error
from pipeline.params import load_params
from stages import run


def main() -> None:
    settings = load_params().landmarks
    trust = Trust.load(Path("models/trust.json"))
    images = Expressions.load(Path("data/expressions.npz")).images
    guess = open_locator(settings.provider, settings)(images, True)
    Located(guess.points, expected_error(images, guess.doubt, trust)).save(Path("data/landmarks.npz"))


if __name__ == "__main__":
    run(main)
