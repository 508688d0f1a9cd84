"""What all sections of the report are about: the results, the settings, and the samples that are scored."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from pipeline.classifiers.cells import Cell
from pipeline.data.protocols import PROTOCOLS, PURPOSES, PURPOSES_IN_FOLDS, scored
from pipeline.data.roles import OUTSIDE, ROLES
from pipeline.evaluation.results import Answers
from pipeline.evaluation.scores import classification
from pipeline.params import Params
from pipeline.report.sample import Sample, draw

# The protocol that answers; the others stand beside it.
HEADLINE = "test"
CUT = "test_cut"
CUT_FOR = "The test images that are cut in every region, so that none stands whole where a region was asked for."

# Where intervals and tests make sense: as_reported is no sample of unseen images.
SAMPLED = (HEADLINE, "test_unique", CUT, "validation_unique", "validation", OUTSIDE)
TESTED = (HEADLINE, "test_unique", CUT)

# What chooses, and what does where all of its images have been trained on.
CHOOSING = ("validation_unique", "validation")

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
        results: M answers.
        params: params.yaml.
        predicted: (regions, networks, seeds, M), the most probable classes.
        samples: of each protocol of `SAMPLED` that has images.
    """

    results: Answers
    params: Params
    predicted: npt.NDArray[np.uint8]
    samples: dict[str, Sample]

    @classmethod
    def of(cls, results: Answers, params: Params) -> Study:
        """Draw the samples.

        Raises:
            InputError: a protocol scores no rows; only `CUT`, `OUTSIDE`, and all of `CHOOSING` but the last, may be
                without any.
        """
        predicted = results.probabilities.argmax(axis=-1).astype(np.uint8)
        found = {protocol: _rows(results, protocol) for protocol in SAMPLED}
        if np.array_equal(found[CUT], found[HEADLINE]):
            del found[CUT]  # it would say the same again
        samples = {protocol: draw(results, predicted, of) for protocol, of in found.items() if of.any()}
        return cls(results, params, predicted, samples)

    @property
    def several_seeds(self) -> bool:
        """Whether it is known what another start of the training would change."""
        return len(self.params.seeds) > 1

    @property
    def protocols(self) -> tuple[str, ...]:
        """Those that score images, the headline first."""
        # In folds nobody is asked of what it was trained on.
        more = [] if self.results.folds else [protocol for protocol in PROTOCOLS if protocol not in SAMPLED]
        return *self.samples, *more

    @property
    def tested(self) -> tuple[str, ...]:
        """Those on which regions are compared."""
        return tuple(protocol for protocol in TESTED if protocol in self.samples)

    @property
    def chosen_on(self) -> str:
        """What chooses."""
        return next(protocol for protocol in CHOOSING if protocol in self.samples)

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
        """The class of most train images; in folds all images are such."""
        results = self.results
        trained = (results.role == "train") | ((results.role == "test") & (results.fold >= 0))
        labels = results.labels[trained]
        return int(np.bincount(labels, minlength=len(self.results.classes)).argmax())

    @property
    def elsewhere(self) -> list[str]:
        """Where images are while others are tested."""
        if self.results.folds:
            return ["another fold"]
        return [role for role in ROLES if role in self.results.role and role not in PROTOCOLS[HEADLINE]]

    @property
    def drawn_by(self) -> str:
        """What the intervals count as one."""
        rule = self.params.split_rule
        by_person = rule != "official" and rule.group in ("subject", "both")
        return "by people and groups of twins" if by_person else "by groups of twins"

    def note(self, protocol: str) -> str:
        """What a protocol is for, and how many images of which roles it scores."""
        folds = self.results.folds
        purposes = {**PURPOSES, **(PURPOSES_IN_FOLDS if folds else {}), CUT: CUT_FOR}
        purpose, of = purposes[protocol], HEADLINE if protocol == CUT else protocol
        each = f", each by the network of one of {folds} folds" if folds and protocol != OUTSIDE else ""
        return f"{purpose} {int(self.rows(protocol).sum()):,} images ({' + '.join(PROTOCOLS[of])}{each})."

    def rows(self, protocol: str) -> npt.NDArray[np.bool_]:
        """Which answers a protocol scores, (M,)."""
        return _rows(self.results, protocol)

    def classification(self, cell: Cell, protocol: str) -> dict[str, Any]:
        """The scores of one cell, by class too; see `evaluation.scores`."""
        of, results = self.rows(protocol), self.results
        return classification(results.labels[of], results.probabilities[self.cells[cell]][of], results.classes)


def commonest(results: Answers) -> int:
    """The class of most train images; in folds all images are such."""
    trained = (results.role == "train") | ((results.role == "test") & (results.fold >= 0))
    return int(np.bincount(results.labels[trained], minlength=len(results.classes)).argmax())


def _rows(results: Answers, protocol: str) -> npt.NDArray[np.bool_]:
    if protocol == CUT:
        return scored(results.role, results.unique, HEADLINE) & ~results.fell_back.any(axis=0)
    return scored(results.role, results.unique, protocol)
