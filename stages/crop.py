"""Cut the expression images to one region."""

from pathlib import Path

import numpy as np

from pipeline.common.files import together, write_json
from pipeline.data.expressions import Expressions
from pipeline.data.roles import Roles
from pipeline.faces.located import Located
from pipeline.params import load_params
from pipeline.regions.cutting import cut_blocks, like_as, plan_cut
from pipeline.regions.definition_files import load_definition
from pipeline.regions.definitions import describe_region
from pipeline.regions.variants import Variant, count_fallbacks, save_variant
from pipeline.report.sheets.canvas import save_png
from pipeline.report.sheets.regions import region_sheet
from stages import run


def main(region: str) -> None:
    params = load_params()
    params.region(region)  # that there is one of this name
    expressions = Expressions.load(Path("data/expressions"))
    located = Located.load(Path("data/landmarks.npz"), len(expressions))
    roles = Roles.load(Path("data/roles.npz"), len(expressions))
    # Only train images decide what a region comes to, and only they are shown to whoever tunes one.
    train = np.flatnonzero(roles.trainings[0][1].role == "train")  # of folds, while the first is tested
    folder, limits = Path(f"data/variants/{region}"), (params.landmarks.max_error, expressions.side)
    points, errors = located.points, located.expected_error
    definition = load_definition(Path(f"data/regions/{region}.json"))
    definition = like_as(definition, points[train], errors[train], *limits)
    cut = plan_cut(points, errors, definition, *limits)
    blocks = cut_blocks(expressions.images, cut, params.side)
    with together() as waiting:
        save_variant(folder, expressions, region, definition, cut, blocks, params.side)
        report = {"region": describe_region(definition), **count_fallbacks(expressions, cut)}
        write_json(Path(f"reports/regions/{region}.json"), report)
        sheet = region_sheet(expressions.images, points, cut, Variant.load(waiting(folder), region).images, train)
        save_png(Path(f"reports/regions/{region}.png"), sheet)


if __name__ == "__main__":
    run(main)
