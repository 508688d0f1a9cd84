"""What names a classifier: a cell of the experiment."""

from __future__ import annotations

import zlib
from typing import NamedTuple


class Cell(NamedTuple):
    """One network trained on one region with one seed; of data in folds, with one of them held out."""

    region: str
    network: str
    seed: int
    fold: int | None = None

    @property
    def name(self) -> str:
        """For a reader."""
        return " ".join(str(part) for part in self if part is not None)

    @property
    def start(self) -> int:
        """The seed of its random numbers: of its own, so that trainings are independent of each other.

        With the plain seed one network would start from the same weights on two regions.
        """
        return zlib.crc32("/".join(map(str, self)).encode())

    @property
    def path(self) -> str:
        """Of its files, below the folder of their kind: `mouth/cnn1-0`."""
        return f"{self.region}/{'-'.join(str(part) for part in self[1:] if part is not None)}"
