"""Find the 68 points in every expression image."""

from pathlib import Path

from pipeline import landmarks
from pipeline.expressions import Expressions
from stages import run


def main() -> None:
    network = landmarks.load(Path("models/landmarks.safetensors"))
    images = Expressions.load(Path("data/expressions.npz")).images
    landmarks.locate(network, images, progress=True).save(Path("data/landmarks.npz"))


if __name__ == "__main__":
    run(main)
