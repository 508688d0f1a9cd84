"""Draw every region of params.yaml on a dozen images, to tune a region by eye before anything is rebuilt."""

from pathlib import Path

import numpy as np

from pipeline.data.expressions import Expressions
from pipeline.faces.located import Located
from pipeline.params import load_params
from pipeline.report.sheets.canvas import save_png
from pipeline.report.sheets.regions import preview_sheet
from stages import run

IMAGES = 12
PICTURE = Path("reports/preview.png")


def main() -> None:
    params = load_params()
    expressions = Expressions.load(Path("data/expressions"))
    located = Located.load(Path("data/landmarks.npz"))
    rows = np.linspace(0, len(expressions) - 1, IMAGES).round().astype(int)
    trusted = located.expected_error[rows] <= params.landmarks.max_error
    sheet = preview_sheet(expressions.images[rows], located.points[rows], params.regions, trusted)
    save_png(PICTURE, sheet)
    print(f"{PICTURE}: {len(params.regions)} regions on {IMAGES} images")


if __name__ == "__main__":
    run(main)
