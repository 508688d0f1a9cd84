"""What all sections of the report are about: the results, the settings, and the samples that are scored."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from pipeline.classifiers.cells import Cell
from pipeline.data.protocols import PROTOCOLS, rows
from pipeline.evaluation.results import Results
from pipeline.evaluation.scores import classification
from pipeline.params import Params
from pipeline.report.sample import Sample, draw

# The protocol that answers; the others stand beside it.
HEADLINE = "test"
ORDER = (HEADLINE, *(protocol for protocol in PROTOCOLS if protocol != HEADLINE))

# Where intervals and tests make sense: as_reported is no sample of unseen images.
SAMPLED = ("test", "test_unique", "validation")
TESTED = ("test", "test_unique")

MEAN = "mean"  # stands for the mean over all networks
ALL = "all networks"  # stands for the models of all networks taken together

Place = tuple[int, int, int]  # of a cell in the first three axes of `Results.probabilities`


@dataclass(frozen=True)
class Origin:
    """Where the results are from.

    Attributes:
        reports: the folder with the pictures of the earlier stages.
        sources: the record of the data sets, `sources.json`.
        commit: of the program, if it is known.
    """

    reports: Path
    sources: Path
    commit: str | None


@dataclass(frozen=True)
class Study:
    """What is compared.

    Attributes:
        results: of N rows.
        params: params.yaml.
        predicted: (regions, networks, seeds, N), the most probable classes.
        samples: of each protocol of `SAMPLED`.
    """

    results: Results
    params: Params
    predicted: npt.NDArray[np.uint8]
    samples: dict[str, Sample]

    @classmethod
    def of(cls, results: Results, params: Params) -> Study:
        """Draw the samples. Raises InputError if a protocol scores no rows."""
        predicted = results.probabilities.argmax(axis=-1).astype(np.uint8)
        return cls(results, params, predicted, {protocol: draw(results, predicted, protocol) for protocol in SAMPLED})

    @property
    def reference(self) -> str:
        """The region that the others are compared with."""
        return self.params.reference

    @property
    def cells(self) -> dict[Cell, Place]:
        """Every cell, and where it lies."""
        params = self.params
        return {
            Cell(region, network, seed): (i, k, s)
            for i, region in enumerate(params.regions)
            for k, network in enumerate(params.networks)
            for s, seed in enumerate(params.seeds)
        }

    @property
    def commonest(self) -> int:
        """The class of most train images."""
        labels = self.results.labels[self.results.role == "train"]
        return int(np.bincount(labels, minlength=len(self.results.classes)).argmax())

    @property
    def elsewhere(self) -> list[str]:
        """The roles of images that are no test images."""
        return [role for role in self.results.audit.images if role not in PROTOCOLS[HEADLINE]]

    def rows(self, protocol: str) -> npt.NDArray[np.bool_]:
        """Which rows a protocol scores, (N,)."""
        return rows(self.results.role, self.results.twins, protocol)

    def classification(self, cell: Cell, protocol: str) -> dict[str, Any]:
        """The scores of one cell, by class too; see `evaluation.scores`."""
        scored, results = self.rows(protocol), self.results
        return classification(results.labels[scored], results.probabilities[self.cells[cell]][scored], results.classes)
