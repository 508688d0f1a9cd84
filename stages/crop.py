"""Cut the expression images to one region."""

from pathlib import Path

from pipeline.common.files import write_json
from pipeline.data.expressions import Expressions
from pipeline.faces.located import Located
from pipeline.params import load_params
from pipeline.regions.cutting import cut_blocks, plan_cut
from pipeline.regions.definitions import describe_region
from pipeline.regions.variants import Variant, count_fallbacks, save_variant
from pipeline.report.sheets.canvas import save_png
from pipeline.report.sheets.regions import region_sheet
from stages import run


def main(region: str) -> None:
    params = load_params()
    definition = params.region(region)
    expressions = Expressions.load(Path("data/expressions"))
    located = Located.load(Path("data/landmarks.npz"))
    folder = Path(f"data/variants/{region}")
    cut = plan_cut(located.points, located.expected_error, definition, params.landmarks.max_error, expressions.side)
    blocks = cut_blocks(expressions.images, cut.boxes, params.side)
    save_variant(folder, expressions, region, definition, cut, blocks, params.side)
    report = {"region": describe_region(definition), **count_fallbacks(expressions, cut)}
    write_json(Path(f"reports/regions/{region}.json"), report)
    crops = Variant.load(folder).images
    sheet = region_sheet(expressions.images, located.points, cut.boxes, crops, cut.fell_back)
    save_png(Path(f"reports/regions/{region}.png"), sheet)


if __name__ == "__main__":
    run(main)
