"""Draw every region of params.yaml on a dozen train images, to tune a region by eye before anything is rebuilt."""

from pathlib import Path

import numpy as np

from pipeline.data.expressions import Expressions
from pipeline.data.roles import Roles
from pipeline.faces.located import Located
from pipeline.params import load_params
from pipeline.regions.cutting import like_as, plan_cut
from pipeline.regions.definitions import resolve
from pipeline.report.sheets.canvas import save_png
from pipeline.report.sheets.regions import preview_sheet
from stages import run

IMAGES = 12
PICTURE = Path("reports/preview.png")


def main() -> None:
    params = load_params()
    expressions = Expressions.load(Path("data/expressions"))
    located = Located.load(Path("data/landmarks.npz"), len(expressions))
    roles = Roles.load(Path("data/roles.npz"), len(expressions))
    role = roles.trainings[0][1].role  # of folds, while the first is tested
    # No test image is looked at by whoever tunes a region.
    train = np.flatnonzero(role == "train")
    shown = train[np.linspace(0, len(train) - 1, min(IMAGES, len(train))).round().astype(int)]
    limits = params.landmarks.max_error, expressions.side
    planned = {}
    for name in params.regions:
        definition = resolve(name, params.regions)
        definition = like_as(definition, located.points[train], located.expected_error[train], *limits)
        cut = plan_cut(located.points[shown], located.expected_error[shown], definition, *limits)
        planned[name] = definition, cut
    save_png(PICTURE, preview_sheet(expressions.images[shown], located.points[shown], planned, params.side))
    print(f"{PICTURE}: {len(params.regions)} regions on {len(shown)} train images")


if __name__ == "__main__":
    run(main)
