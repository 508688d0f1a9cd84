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

from pipeline.common.arrays import load_arrays, save_arrays
from pipeline.common.files import InputError
from pipeline.common.settings import Section
from pipeline.data.expressions import Expressions, Role

ROLES: tuple[Role, ...] = get_args(Role)
_TEXT = f"U{max(map(len, ROLES))}"

OUTSIDE = "outside"  # the split, and the role, of images that only test, see `data.outside`
NO_FOLD = -1  # of what no single fold tests or validates
EXTRA = "extra"  # the split of images that are added to train on, whatever the rule, see `data.extra`

Share = Annotated[float, Field(gt=0, lt=1)]
Group = Literal["none", "twins", "subject", "both"]  # what stays on one side, see `joined`


class Shares(Section):
    """A split that is drawn: the shares of train, validation and test, and which images stay on one side."""

    shares: Annotated[tuple[Share, Share, Share], Field(strict=False)]
    group: Group = "none"
    seed: Annotated[int, Field(ge=0, le=10**9)] = 0


class Folds(Section):
    """A split that is drawn so that every row is tested once: each fold in turn, the next one validates."""

    folds: Annotated[int, Field(ge=3, le=50)]
    group: Group = "none"
    seed: Annotated[int, Field(ge=0, le=10**9)] = 0


SplitRule = Literal["official"] | Shares | Folds

FORMS = "{shares: [0.6, 0.2, 0.2], group: none, twins, subject or both} or {folds: 5, group: ...}"


def read_split(value: Any) -> SplitRule:
    """Tell the three forms apart, so that a mistake is reported for the form that was meant."""
    if value == "official":
        return "official"
    if not isinstance(value, dict):
        raise ValueError(f"must be official, {FORMS}")
    if "folds" in value:
        return Folds.model_validate(value)
    rule = Shares.model_validate(value)
    if abs(sum(rule.shares) - 1) > 1e-6:
        raise ValueError("must have shares whose sum is 1")
    return rule


@dataclass(frozen=True)
class Roles:
    """What each row of a data set is for.

    Attributes:
        role: (N,), one of `ROLES`, or `OUTSIDE`. With folds every row is for test, but for those that only train.
        chooses: (N,), the validation rows by which an epoch is chosen: those without a twin among the train rows, which
            a network that remembers would know. Where there are no such, all of them. None with folds.
        folds: the same while each fold is tested; empty without folds.
    """

    role: npt.NDArray[np.str_]
    chooses: npt.NDArray[np.bool_]
    folds: tuple[Roles, ...] = ()

    @property
    def trainings(self) -> list[tuple[int | None, Roles]]:
        """What is trained in turn: the number of each fold, and the roles meanwhile; without folds, None and these."""
        return list(enumerate(self.folds)) if self.folds else [(None, self)]

    def save(self, path: Path) -> None:
        """Write `data/roles.npz`."""
        save_arrays(
            path,
            role=self.role,
            chooses=self.chooses,
            role_by_fold=np.array([fold.role for fold in self.folds], _TEXT).reshape(-1, len(self.role)).T,
            chooses_by_fold=np.array([fold.chooses for fold in self.folds], np.bool_).reshape(-1, len(self.role)).T,
        )

    @classmethod
    def load(cls, path: Path, rows: int | None = None) -> Roles:
        """Read what `save` wrote, of so many rows. Raises InputError if it is missing, damaged or of another number."""
        whole, by_fold = {"role": "U", "chooses": "bool"}, {"role_by_fold": "U", "chooses_by_fold": "bool"}
        arrays = load_arrays(
            path,
            {name: (kind, (rows,)) for name, kind in whole.items()}
            | {name: (kind, (rows, None)) for name, kind in by_fold.items()},
        )
        columns = zip(arrays["role_by_fold"].T, arrays["chooses_by_fold"].T, strict=False)
        roles = cls(arrays["role"], arrays["chooses"], tuple(cls(*column) for column in columns))
        remedy = "delete it and run `dvc repro`"
        for one in (roles, *roles.folds):
            if not np.isin(one.role, [*ROLES, OUTSIDE]).all():
                raise InputError(f"{path}: has a role that is not one of {', '.join(ROLES)}; {remedy}")
            if (one.chooses & (one.role != "validation")).any():
                raise InputError(f"{path}: chooses by rows that are not of validation; {remedy}")
        for _, one in roles.trainings:
            absent = [name for name in ROLES if name != "unused" and name not in one.role]
            if absent or not one.chooses.any():
                raise InputError(f"{path}: has no row of {' or '.join(absent) or 'those that choose'}; {remedy}")
        tested = np.sum([one.role == "test" for _, one in roles.trainings], axis=0)
        if (tested != (roles.role == "test")).any():
            raise InputError(f"{path}: tests a row in none of its folds, or in several; {remedy}")
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
    only_train, outside = expressions.split == EXTRA, expressions.split == OUTSIDE
    if rule == "official":
        every = _official(expressions)[None]
    else:
        groups = joined(expressions.subject, twins, rule.group)
        own = np.flatnonzero(~only_train & ~outside)
        every = np.full((rule.folds if isinstance(rule, Folds) else 1, len(twins)), "train", _TEXT)
        every[:, own] = _drawn(expressions.labels[own], groups[own], rule)
        for role in every:
            role[only_train & np.isin(groups, groups[np.isin(role, ["validation", "test"])])] = "unused"
    every[:, outside] = OUTSIDE
    checked = tuple(_checked(role, twins, train_on_twins) for role in every)
    if not isinstance(rule, Folds):
        return checked[0]
    role = np.where(only_train | outside, every[0], "test").astype(_TEXT)
    return Roles(role, np.zeros(len(role), np.bool_), checked)


def _checked(role: npt.NDArray[np.str_], twins: npt.NDArray[np.int32], train_on_twins: bool) -> Roles:
    """The roles, train rows that have a twin in validation or test set to unused if asked to, and what chooses.

    Raises:
        InputError: one is not.
    """
    if not train_on_twins:
        train = role == "train"
        role[train & np.isin(twins, twins[np.isin(role, ["validation", "test", OUTSIDE])])] = "unused"
    absent = [name for name in ROLES if name != "unused" and name not in role]
    if absent:
        leak = absent == ["train"] and not train_on_twins
        remedy = "set twins.train_on to true" if leak else "choose another split"
        raise InputError(f"params.yaml: split: leaves no image for {' or '.join(absent)}; {remedy}")
    validation = role == "validation"
    unique = validation & ~np.isin(twins, twins[role == "train"])
    return Roles(role, unique if unique.any() else validation)


def joined(subject: npt.NDArray[np.str_], twins: npt.NDArray[np.int32], group: Group) -> npt.NDArray[np.int64]:
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
    role = np.full(len(expressions), "unused", _TEXT)
    for name, purpose in splits.items():
        role[expressions.split == name] = purpose
    return role


def _drawn(labels: npt.NDArray[np.uint8], groups: npt.NDArray[np.int64], rule: Shares | Folds) -> npt.NDArray[np.str_]:
    """The role of each row, (folds, N); of a split by shares (1, N)."""
    if isinstance(rule, Folds):
        return _in_turn(_parts(labels, groups, rule.folds, rule.seed, "fewer folds"), len(labels))
    role = np.full(len(labels), "train", _TEXT)
    _, validation, test = rule.shares
    left = np.arange(len(labels))
    for name, share in (("test", test), ("validation", validation / (1 - test))):
        taken = _part(labels[left], groups[left], share, rule.seed)
        role[left[taken]] = name
        left = np.delete(left, taken)
    return role[None]


def _in_turn(parts: list[npt.NDArray[np.int64]], count: int) -> npt.NDArray[np.str_]:
    """Each part tests once while the next one validates and all others train: (parts, count)."""
    every = np.full((len(parts), count), "train", _TEXT)
    for fold, role in enumerate(every):
        role[parts[(fold + 1) % len(parts)]] = "validation"
        role[parts[fold]] = "test"
    return every


def _part(
    labels: npt.NDArray[np.uint8], groups: npt.NDArray[np.int64], share: float, seed: int
) -> npt.NDArray[np.int64]:
    """The rows of about this share, whole groups, with classes in proportion as far as groups allow."""
    of = Fraction(share).limit_denominator(20)
    if of.denominator == 1:
        raise InputError("params.yaml: split: cannot be drawn (a share is below a twentieth); take larger shares")
    parts = _parts(labels, groups, of.denominator, seed, "larger shares")
    return np.sort(np.concatenate(parts[: of.numerator]).astype(np.int64))


def _parts(
    labels: npt.NDArray[np.uint8], groups: npt.NDArray[np.int64], count: int, seed: int, remedy: str
) -> list[npt.NDArray[np.int64]]:
    """The rows of so many parts of about one size, whole groups, with classes in proportion as far as groups allow.

    Raises:
        InputError: there are not enough rows or groups; `remedy` says what to take.
    """
    from sklearn.model_selection import StratifiedGroupKFold, StratifiedKFold

    kind = StratifiedGroupKFold if len(np.unique(groups)) < len(groups) else StratifiedKFold
    splitter = kind(count, shuffle=True, random_state=seed)
    with warnings.catch_warnings():
        # That there are fewer images of a class than parts, so that some get none, or that all groups are single.
        warnings.simplefilter("ignore", UserWarning)
        try:
            return [part for _, part in splitter.split(np.zeros(len(labels)), labels, groups)]
        except ValueError as error:
            raise InputError(f"params.yaml: split: cannot be drawn ({error}); take {remedy}") from None
