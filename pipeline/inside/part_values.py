"""What a classifier says of the test images of the atlas with every coalition of parts shown: a noun on disk."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import numpy as np
import numpy.typing as npt
from pydantic import Field

from pipeline.classifiers.cells import Cell
from pipeline.common.arrays import load_arrays, save_arrays
from pipeline.common.files import InputError, whole_folder, write_json
from pipeline.common.records import Record, read_record
from pipeline.faces.points import COUNT
from pipeline.params import Params
from pipeline.regions.definitions import MOST

REMEDY = "delete it and run `dvc repro`"


class Asked(Record):
    """`asked.json`: what was asked of whom.

    Attributes:
        region, network, seed: the classifier.
        classes, parts, fillings: their names, in the order of the arrays.
        test, trusted: test images, and those of them whose points are trusted.
    """

    region: str
    network: str
    seed: int
    classes: Annotated[list[str], Field(min_length=2)]
    parts: Annotated[list[str], Field(min_length=2, max_length=MOST)]
    fillings: Annotated[list[str], Field(min_length=1)]
    test: int
    trusted: int


@dataclass(frozen=True)
class PartValues:
    """The answers, a row a test image that was shown.

    Attributes:
        asked: what was asked of whom.
        rows: (N,) int32, of the data set, ascending.
        labels: (N,) uint8, the true classes.
        groups: (N,) int32, the twin group of each.
        points: (N, 68, 2) float32, in pixels of the images shown.
        values: (N, fillings, 2**parts) float32, the probability of the true class with each coalition shown.
        called: (N, fillings, 1 + parts) uint8, the most probable class of the image as it is, and with each part
            hidden.
    """

    asked: Asked
    rows: npt.NDArray[np.int32]
    labels: npt.NDArray[np.uint8]
    groups: npt.NDArray[np.int32]
    points: npt.NDArray[np.float32]
    values: npt.NDArray[np.float32]
    called: npt.NDArray[np.uint8]

    @property
    def cell(self) -> Cell:
        """Whose answers these are."""
        return Cell(self.asked.region, self.asked.network, self.asked.seed)

    def save(self, folder: Path) -> None:
        """Write the folder whole."""
        with whole_folder(folder) as part:
            arrays = {name: getattr(self, name) for name in _schema(self.asked)}
            save_arrays(part / "values.npz", **arrays)
            write_json(part / "asked.json", self.asked.model_dump())

    @classmethod
    def load(cls, folder: Path) -> PartValues:
        """Read what `save` wrote. Raises InputError if it is missing or damaged, or a value cannot be."""
        asked = read_record(Asked, folder / "asked.json")
        path = folder / "values.npz"
        arrays = load_arrays(path, _schema(asked))
        values, classes = arrays["values"], len(asked.classes)
        for wrong, finding in (
            (not len(values), "holds no image"),
            (not ((values >= 0) & (values <= 1)).all(), "has a probability outside 0 to 1"),
            ((arrays["labels"] >= classes).any() or (arrays["called"] >= classes).any(), "has a class of no name"),
            (not np.isfinite(arrays["points"]).all(), "has a point that is not finite"),
            ((np.diff(arrays["rows"]) <= 0).any() or arrays["rows"][0] < 0, "has rows that do not ascend"),
            (not len(values) <= asked.trusted <= asked.test, "has more images than asked.json counts"),
        ):
            if wrong:
                raise InputError(f"{path}: {finding}; {REMEDY}")
        return cls(asked, **arrays)


def read_atlas(reports: Path, params: Params) -> dict[str, list[PartValues]]:
    """What every classifier of the atlas says: by network, a list over the seeds.

    Raises:
        InputError: something is missing or damaged, or is of another classifier or of other parts than params.yaml has.
    """
    found: dict[str, list[PartValues]] = {}
    for network in params.atlas.networks:
        for seed in params.seeds:
            folder = reports / f"inside/atlas/{network}-{seed}"
            values = PartValues.load(folder)
            wanted = Cell(params.atlas.region, network, seed)
            if values.cell != wanted or values.asked.parts != list(params.parts):
                raise InputError(f"{folder}: is not of {wanted.name} and the parts of params.yaml; {REMEDY}")
            found.setdefault(network, []).append(values)
    return found


def _schema(asked: Asked) -> dict[str, tuple[str, tuple[int | None, ...]]]:
    fillings, parts = len(asked.fillings), len(asked.parts)
    return {
        "rows": ("int32", (None,)),
        "labels": ("uint8", (None,)),
        "groups": ("int32", (None,)),
        "points": ("float32", (None, COUNT, 2)),
        "values": ("float32", (None, fillings, 2**parts)),
        "called": ("uint8", (None, fillings, 1 + parts)),
    }
