"""Score published predictions once more with the labels of the data set at hand, and say how far that is off."""

from pathlib import Path

from pipeline.data.expressions import Expressions
from pipeline.report.recompute import recompute
from stages import run


def main(folder: str) -> None:
    table = recompute(Path(folder), Expressions.load(Path("data/expressions")))
    print(table.to_string(index=False, float_format=lambda value: f"{value:.4f}"))
    print(f"{len(table)} scores; the furthest is {table['images_apart'].max()} images apart")


if __name__ == "__main__":
    run(main)
