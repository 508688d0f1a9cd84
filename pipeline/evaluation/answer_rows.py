"""Which answers there are to score: of which row, from which network, and in which role.

Without folds each row of the data set is asked of once. With folds a row is tested in one and validated in another, by
another network, and both answers count: those in test are scored, those in validation choose.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from pipeline.data.protocols import unique_rows
from pipeline.data.roles import NO_FOLD, OUTSIDE, Roles, SplitRule, joined


@dataclass(frozen=True)
class AnswerRows:
    """M answers: first one a row of the data set, in its order; with folds, behind them each row as it is validated.

    Attributes:
        row: (M,) int32, of the data set.
        role: (M,), in which role it is asked of, see `data.roles`.
        fold: (M,) int32, which fold's network is asked; `NO_FOLD` where it is the only one, or all of them together.
        unique: (M,), whether it has no twin that the answer may owe to memory, see `protocols.unique_rows`; of an
            outside row, of which all networks are asked, whether it has none in any fold.
    """

    row: npt.NDArray[np.int32]
    role: npt.NDArray[np.str_]
    fold: npt.NDArray[np.int32]
    unique: npt.NDArray[np.bool_]

    @classmethod
    def of(cls, roles: Roles, twins: npt.NDArray[np.int32]) -> AnswerRows:
        """All answers that there are, of N rows.

        Args:
            roles: what each row is for.
            twins: (N,), the group of identical and nearly identical images that each belongs to.
        """
        count = len(roles.role)
        rows = np.arange(count, dtype=np.int32)
        alone = np.array([unique_rows(meanwhile.role, twins) for _, meanwhile in roles.trainings])
        fold, unique = np.full(count, NO_FOLD, np.int32), np.logical_and.reduce(alone)
        validated = []
        for number, meanwhile in enumerate(roles.folds):
            tested = meanwhile.role == "test"
            fold[tested], unique[tested] = number, alone[number, tested]
            of = rows[meanwhile.role == "validation"]
            validated.append((of, np.full(len(of), number, np.int32), alone[number, of]))
        if not validated:
            return cls(rows, roles.role, fold, unique)
        more, by, known = (np.concatenate(parts) for parts in zip(*validated, strict=True))
        order = np.argsort(more)
        return cls(
            np.concatenate([rows, more[order]]),
            np.concatenate([roles.role, np.full(len(more), "validation")]),
            np.concatenate([fold, by[order]]),
            np.concatenate([unique, known[order]]),
        )


def chance_groups(
    role: npt.NDArray[np.str_], subject: npt.NDArray[np.str_], twins: npt.NDArray[np.int32], rule: SplitRule
) -> npt.NDArray[np.int32]:
    """Which rows stand or fall together, so that an interval must count them as one: the number of each row's group.

    Twins do. So do the images of a person where the split keeps people together, since it asks how the networks do on
    others, and always those of an outside test set, which asks the same.

    Args:
        role: (N,), what each row is for.
        subject: (N,), who is shown; empty where it is not known, and then nobody else.
        twins: (N,), the group of identical and nearly identical images that each belongs to.
        rule: the published split, or how to draw one.

    Returns:
        (N,); no group has rows of the data set and of an outside one.
    """
    by_person = not isinstance(rule, str) and rule.group in ("subject", "both")
    outside = role == OUTSIDE
    groups = np.empty(len(role), np.int32)
    for of, people, first in ((~outside, by_person, 0), (outside, True, len(role))):
        if of.any():
            numbered = np.unique(twins[of], return_inverse=True)[1].astype(np.int32)
            groups[of] = first + joined(subject[of], numbered, "both" if people else "twins")
    return groups
