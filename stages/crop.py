"""Cut the expression images to one region, and say how well the landmark model finds that region."""

from pathlib import Path

from pipeline.common.files import write_json
from pipeline.data.expressions import Expressions
from pipeline.faces.located import Located
from pipeline.faces.trials import FaceTests
from pipeline.params import load_params
from pipeline.regions.cutting import count_fallbacks, crop
from pipeline.regions.overlap import box_overlap
from pipeline.report import pictures
from stages import run


def main(region: str) -> None:
    params = load_params()
    definition = params.region(region)
    expressions = Expressions.load(Path("data/expressions.npz"))
    located = Located.load(Path("data/landmarks.npz"))
    variant = crop(expressions, located.points, located.expected_error, definition, params.landmarks.max_error)
    variant.save(Path(f"data/variants/{region}.npz"))
    report = {
        "region": definition if definition == "whole" else definition.model_dump(),
        **count_fallbacks(variant),
        "iou": box_overlap(FaceTests.load(Path("reports/landmarks/points.npz")), definition),
    }
    write_json(Path(f"reports/regions/{region}.json"), report)
    sheet = pictures.region_sheet(expressions.images, located.points, variant.boxes, variant.images, variant.fell_back)
    pictures.save_png(Path(f"reports/regions/{region}.png"), sheet)


if __name__ == "__main__":
    run(main)
