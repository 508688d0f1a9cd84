"""What each image is for: to train, to validate (to choose by), to test, or nothing.

A data set's own, published split is taken as it comes, with what straddles it. Where there is none, or another is
asked for, images are drawn so that classes keep their proportions, and twins or the images of one person together.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Annotated, Any, Literal, get_args

import numpy as np
import numpy.typing as npt
from pydantic import Field

from pipeline.common.files import InputError, load_arrays, save_arrays
from pipeline.common.settings import Section
from pipeline.data.expressions import Expressions, Role

ROLES: tuple[Role, ...] = get_args(Role)

Share = Annotated[float, Field(gt=0, lt=1)]


class Shares(Section):
    """A split that is drawn: the shares of train, validation and test, and which images stay on one side."""

    shares: Annotated[tuple[Share, Share, Share], Field(strict=False)]
    group: Literal["none", "twins", "subject", "both"] = "none"
    seed: Annotated[int, Field(ge=0)] = 0


SplitRule = Literal["official"] | Shares


def read_split(value: Any) -> SplitRule:
    """Tell the two forms apart, so that a mistake is reported for the form that was meant."""
    if value == "official":
        return "official"
    if not isinstance(value, dict):
        raise ValueError("must be official or {shares: [0.6, 0.2, 0.2], group: none, twins, subject or both}")
    rule = Shares.model_validate(value)
    if abs(sum(rule.shares) - 1) > 1e-6:
        raise ValueError("must have shares whose sum is 1")
    return rule


@dataclass(frozen=True)
class Roles:
    """What each row of a data set is for.

    Attributes:
        role: (N,), one of `ROLES`.
        chooses: (N,), the validation rows by which an epoch is chosen: those without a twin among the train rows, which
            a network that remembers would know. Where there are no such, all of them.
    """

    role: npt.NDArray[np.str_]
    chooses: npt.NDArray[np.bool_]

    @property
    def chosen_on(self) -> str:
        """The protocol whose rows choose; see `data.protocols`."""
        return "validation" if (self.chooses == (self.role == "validation")).all() else "validation_unique"

    def save(self, path: Path) -> None:
        """Write `data/roles.npz`."""
        save_arrays(path, role=self.role, chooses=self.chooses)

    @classmethod
    def load(cls, path: Path) -> Roles:
        """Read what `save` wrote. Raises InputError if it is missing or damaged."""
        roles = cls(**load_arrays(path, {"role": ("U", (None,)), "chooses": ("bool", (None,))}))
        remedy = "delete it and run `dvc repro`"
        if not np.isin(roles.role, ROLES).all():
            raise InputError(f"{path}: has a role that is not one of {', '.join(ROLES)}; {remedy}")
        if (roles.chooses & (roles.role != "validation")).any():
            raise InputError(f"{path}: chooses by rows that are not of validation; {remedy}")
        return roles


def assign_roles(
    expressions: Expressions, twins: npt.NDArray[np.int32], rule: SplitRule, train_on_twins: bool
) -> Roles:
    """What each row is for.

    Args:
        expressions: of N images.
        twins: (N,), the group of identical and nearly identical images that each belongs to.
        rule: the published split, or how to draw one.
        train_on_twins: whether to train on images that have a twin in validation or test; if not, they are unused.

    Raises:
        InputError: the data set has no published split, or cannot be split as asked, or a role has no image.
    """
    if rule == "official":
        role = _official(expressions)
    else:
        role = _drawn(expressions.labels, joined(expressions.subject, twins, rule.group), rule)
    if not train_on_twins:
        train = role == "train"
        role[train & np.isin(twins, twins[np.isin(role, ["validation", "test"])])] = "unused"
    absent = [name for name in ROLES if name != "unused" and name not in role]
    if absent:
        leak = absent == ["train"] and not train_on_twins
        remedy = "set twins.train_on to true" if leak else "choose another split"
        raise InputError(f"params.yaml: split: leaves no image for {' or '.join(absent)}; {remedy}")
    validation = role == "validation"
    unique = validation & ~np.isin(twins, twins[role == "train"])
    return Roles(role, unique if unique.any() else validation)


def joined(
    subject: npt.NDArray[np.str_], twins: npt.NDArray[np.int32], group: Literal["none", "twins", "subject", "both"]
) -> npt.NDArray[np.int64]:
    """Which rows stay on one side of a drawn split: the number of each row's group, (N,) and (N,) to (N,).

    A row whose subject is not known is a subject of its own.
    """
    alone = np.arange(len(twins))
    known = np.unique(subject, return_inverse=True)[1]
    subjects = np.where(subject == "", len(twins) + alone, known)
    if group == "none":
        return alone
    if group != "both":
        return np.unique(twins if group == "twins" else subjects, return_inverse=True)[1]
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    # Rows are linked to their twins and to their subject; what is connected is one group.
    nodes = np.unique(subjects, return_inverse=True)[1]
    links = coo_array((np.ones(len(twins), np.bool_), (twins, twins.max() + 1 + nodes)), shape=[2 * len(twins) + 1] * 2)
    found: npt.NDArray[np.int64] = connected_components(links, directed=False)[1][twins].astype(np.int64)
    return found


def _official(expressions: Expressions) -> npt.NDArray[np.str_]:
    splits = expressions.about.splits
    if not splits:
        raise InputError(
            f"params.yaml: split: {expressions.about.name} comes without a split of its own; "
            "set split to {shares: [0.6, 0.2, 0.2], group: both}, for example"
        )
    role = np.full(len(expressions), "unused", f"U{max(map(len, ROLES))}")
    for name, purpose in splits.items():
        role[expressions.split == name] = purpose
    return role


def _drawn(labels: npt.NDArray[np.uint8], groups: npt.NDArray[np.int64], rule: Shares) -> npt.NDArray[np.str_]:
    role = np.full(len(labels), "train", f"U{max(map(len, ROLES))}")
    _, validation, test = rule.shares
    left = np.arange(len(labels))
    for name, share in (("test", test), ("validation", validation / (1 - test))):
        taken = _part(labels[left], groups[left], share, rule.seed)
        role[left[taken]] = name
        left = np.delete(left, taken)
    return role


def _part(
    labels: npt.NDArray[np.uint8], groups: npt.NDArray[np.int64], share: float, seed: int
) -> npt.NDArray[np.int64]:
    """The rows of about this share, whole groups, with classes in proportion as far as groups allow."""
    from sklearn.model_selection import StratifiedGroupKFold, StratifiedKFold

    of = Fraction(share).limit_denominator(20)
    if of.denominator == 1:
        raise InputError("params.yaml: split: cannot be drawn (a share is below a twentieth); take larger shares")
    kind = StratifiedGroupKFold if len(np.unique(groups)) < len(groups) else StratifiedKFold
    splitter = kind(of.denominator, shuffle=True, random_state=seed)
    with warnings.catch_warnings():
        # That there are fewer images of a class than parts, so that some get none, or that all groups are single.
        warnings.simplefilter("ignore", UserWarning)
        try:
            parts = [part for _, part in splitter.split(np.zeros(len(labels)), labels, groups)]
        except ValueError as error:
            raise InputError(f"params.yaml: split: cannot be drawn ({error}); take larger shares") from None
    return np.sort(np.concatenate(parts[: of.numerator]).astype(np.int64))
