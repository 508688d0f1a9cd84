"""The noun of a region: an expression data set cut down to it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow

from pipeline.common.files import InputError, whole_folder, write_json
from pipeline.common.records import Record, read_record
from pipeline.data.expressions import REMEDY, Expressions, load, save_images, save_rows
from pipeline.regions.cutting import Cut
from pipeline.regions.definitions import Region, describe_region, read_region

BOX = ("left", "top", "right", "bottom")
COLUMNS = {**dict.fromkeys((*BOX, "turn"), pyarrow.float32()), "fell_back": pyarrow.bool_()}


class CutAs(Record):
    """`region.json`: the region that was cut.

    Attributes:
        region: its name in params.yaml.
        definition: as params.yaml has it; of a region like another one what that came to.
    """

    region: str
    definition: Any


@dataclass(frozen=True)
class Variant(Expressions):
    """The expression data set cut to one region: the same rows, their images cut out and resized.

    Attributes:
        name: of the region.
        region: its definition.
        boxes: (N, 4), what was cut out, in pixels of the uncut image.
        turns: (N,), by how many radians each box was turned about its centre.
        fell_back: (N,), True where the points were not to be trusted and the whole image is kept.
    """

    name: str
    region: Region
    boxes: npt.NDArray[np.float32]
    turns: npt.NDArray[np.float32]
    fell_back: npt.NDArray[np.bool_]

    @classmethod
    def load(cls, folder: Path, name: str | None = None) -> Variant:
        """Read `data/variants/REGION`; the images are read when they are used.

        Args:
            folder: that holds it.
            name: of the region that it must be of; that of the folder, if none is given.

        Raises:
            InputError: a file is missing, damaged, of another kind or of another region, or a value cannot be.
        """
        rows, more = load(folder, COLUMNS)
        made = read_record(CutAs, folder / "region.json", REMEDY)
        try:
            region = read_region(made.definition)
        except ValueError:
            raise InputError(f"{folder / 'region.json'}: defines no region; {REMEDY}") from None
        if made.region != (name or folder.name):
            raise InputError(f"{folder / 'region.json'}: is of the region {made.region}; {REMEDY}")
        boxes = np.stack([more[edge] for edge in BOX], axis=1)
        if not ((boxes[:, :2] < boxes[:, 2:]) & np.isfinite(boxes[:, 2:] - boxes[:, :2])).all():
            raise InputError(f"{folder / 'rows.parquet'}: has a box that cannot be; {REMEDY}")
        if not np.isfinite(more["turn"]).all():
            raise InputError(f"{folder / 'rows.parquet'}: has a turn that is not finite; {REMEDY}")
        turns, fell_back = more["turn"], more["fell_back"]
        return cls(**rows, name=made.region, region=region, boxes=boxes, turns=turns, fell_back=fell_back)


def save_variant(
    folder: Path,
    expressions: Expressions,
    name: str,
    region: Region,
    cut: Cut,
    blocks: Iterable[npt.NDArray[np.uint8]],
    side: int,
) -> None:
    """Write `data/variants/REGION`, whole or not at all.

    Args:
        expressions: the uncut data set.
        name, region: what was cut.
        cut: where, from `cutting.plan_cut`.
        blocks: the images that were cut out, (n, side, side) or (n, side, side, 3) at a time.
        side: of them, in pixels.
    """
    columns = {**dict(zip(BOX, cut.boxes.T, strict=True)), "turn": cut.turns, "fell_back": cut.fell_back}
    with whole_folder(folder) as part:
        save_images(part, blocks, (len(expressions), side, side, *expressions.images.shape[3:]))
        save_rows(part, expressions.about, {**expressions.columns(), **columns})
        write_json(part / "region.json", {"region": name, "definition": describe_region(region)})


def count_fallbacks(expressions: Expressions, cut: Cut) -> dict[str, Any]:
    """How many images there are and how many of them kept the whole image, also by class; ready for JSON."""
    fallen = np.bincount(expressions.labels[cut.fell_back], minlength=len(expressions.about.classes))
    return {
        "images": len(expressions),
        "fell_back": int(cut.fell_back.sum()),
        "fell_back_by_class": dict(zip(expressions.about.classes, fallen.tolist(), strict=True)),
    }
