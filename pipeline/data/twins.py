"""Which images occur more than once, and which rows know each other across the splits.

FER2013 was collected by web search, so that one photograph came in from several sites: cropped a pixel further, saved
again as JPEG, with a watermark, mirrored. A test image whose twin was trained on measures memory, not skill.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import numpy as np
import numpy.typing as npt
from pydantic import Field

from pipeline.common.arrays import load_arrays, save_arrays
from pipeline.common.files import InputError
from pipeline.common.settings import Section
from pipeline.data.roles import OUTSIDE


class TwinRule(Section):
    """Which images count as twins, and whether their leak is removed from training."""

    min_correlation: Annotated[float, Field(gt=0, le=1)]
    train_on: bool


@dataclass(frozen=True)
class Twins:
    """The groups that the images fall into; numbered from 0 by first appearance, a lone image is a group of its own.

    Attributes:
        copies: (N,), the group of pixel-identical images.
        twins: (N,), the group of identical and nearly identical images; it holds whole groups of copies.
    """

    copies: npt.NDArray[np.int32]
    twins: npt.NDArray[np.int32]

    def save(self, path: Path) -> None:
        """Write `data/twins.npz`."""
        save_arrays(path, copies=self.copies, twins=self.twins)

    @classmethod
    def load(cls, path: Path, rows: int | None = None) -> Twins:
        """Read what `save` wrote, of so many rows.

        Raises:
            InputError: the file is missing, damaged, of another number of rows, or has groups that cannot be.
        """
        found = cls(**load_arrays(path, {"copies": ("int32", (rows,)), "twins": ("int32", (rows,))}))
        for groups in (found.copies, found.twins):
            if ((groups < 0) | (groups >= len(groups))).any():
                raise InputError(f"{path}: has a group that is not numbered from 0; delete it and run `dvc repro`")
        pairs = np.stack([found.copies, found.twins], axis=1)
        if len(np.unique(pairs, axis=0)) > len(np.unique(found.copies)):
            raise InputError(f"{path}: has identical images that are no twins; delete it and run `dvc repro`")
        return found


def known_rows(twins: npt.NDArray[np.int32], role: npt.NDArray[np.str_]) -> npt.NDArray[np.bool_]:
    """Which rows of test, or of an outside test set, have a twin that may have been trained on or chosen by: bool (N,).

    A twin that is itself only tested on tells a network nothing, whichever of the two sets it is in.
    """
    tested = np.isin(role, ["test", OUTSIDE])
    return np.asarray(tested & np.isin(twins, twins[~tested]))
