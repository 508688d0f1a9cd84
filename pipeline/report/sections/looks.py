"""What do the networks' filters, activations and answers look like?"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

from pydantic import Field

from pipeline.classifiers.cells import Cell
from pipeline.common.records import Record, read_record
from pipeline.common.settings import Fraction
from pipeline.report.pictures import Picture
from pipeline.report.section import Section
from pipeline.report.study import Origin, Study
from pipeline.report.tables import Rows

SHEETS = {
    "filters": "Filters of the first layer of {}",
    "activations": "Activations of {}, for the typical test image of each expression",
    "saliency": "What answers of {} hang on",
    "answers": "Answers of {} to test images: the surest, the least sure of the truth, and a random lot",
}


class Looked(Record):
    """`looked.json` of the stage look_inside.

    Attributes:
        similar_to_random: how alike each method's maps are to those of random weights.
        limit: how alike they are at most where they are drawn.
    """

    similar_to_random: dict[str, Annotated[float, Field(ge=-1, le=1)]]
    limit: Fraction


def section(study: Study, origin: Origin) -> Section:
    """The section. Raises InputError if a record is missing or damaged."""
    params = study.params
    cells = [Cell(params.atlas.region, network, seed) for network in params.atlas.networks for seed in params.seeds]
    folders = {cell: origin.reports / "inside/sheets" / cell.path for cell in cells}
    looked = {cell: read_record(Looked, folder / "looked.json") for cell, folder in folders.items()}
    context: dict[str, Any] = {
        "checks": check_rows(looked),
        "folds": study.results.folds,
        "limit": f"{looked[cells[0]].limit:g}",
        # One seed of each network says what there is to see.
        "shown": [_sheets(cell, folders[cell]) for cell in cells if cell.seed == params.seeds[0]],
    }
    return Section("looks", "Inside", "What is inside the networks", context)


def check_rows(looked: dict[Cell, Looked]) -> Rows:
    """How alike the maps of every method are to those that random weights give."""
    rows = [["network", "seed", "method", "rank correlation with random weights", "shown"]]
    for cell, of in looked.items():
        for method, similar in of.similar_to_random.items():
            shown = "yes" if similar < of.limit else "no"
            rows.append([cell.network, str(cell.seed), method, f"{similar:.2f}", shown])
    return rows


def _sheets(cell: Cell, folder: Path) -> dict[str, Any]:
    pictures = [Picture(folder / f"{name}.png", caption.format(cell.name)) for name, caption in SHEETS.items()]
    return {"name": cell.name, "pictures": pictures}
