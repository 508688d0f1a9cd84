"""What is wrong with a set of expression images, counted: twins, labels that conflict, blank images, no faces."""

from __future__ import annotations

from collections import Counter
from itertools import combinations
from typing import Any

import numpy as np
import numpy.typing as npt

from pipeline.data.expressions import Expressions
from pipeline.data.grey import MIN_CONTRAST, contrast
from pipeline.data.roles import OUTSIDE, ROLES, Roles
from pipeline.data.twins import Twins, known_rows


def audit(expressions: Expressions, roles: Roles, twins: Twins) -> dict[str, Any]:
    """Count, ready for JSON.

    Args:
        expressions: of N images.
        roles: what each of them is for; with folds, what is in another role is so while some fold is tested.
        twins: the groups that they fall into.

    Returns:
        images {role: n}, published {split: n}, classes {role: {class: n}}, and for `copies` (identical images) and
        `twins` (identical and nearly identical ones) what `_count_groups` says; then for each role `constant` (one grey
        level), `nearly_constant` (a standard deviation below `MIN_CONTRAST` grey levels, constant ones included) and
        `no_face` (most voters said so; None without votes), and of `subjects` how many are known, and how many of them
        are in more than one of the roles. Roles without an image are left out.
    """
    flat = contrast(expressions.images)
    every = np.ones(len(expressions), np.bool_)
    labels, role = expressions.labels, roles.role
    return {
        "images": _by_role(role, every),
        "published": {name: int((expressions.split == name).sum()) for name in expressions.about.splits},
        "classes": {
            name: {
                label: int(((labels == code) & (role == name)).sum())
                for code, label in enumerate(expressions.about.classes)
            }
            for name in _present(role)
        },
        "copies": _count_groups(twins.copies, labels, roles),
        "twins": _count_groups(twins.twins, labels, roles),
        "constant": _by_role(role, flat == 0),
        "nearly_constant": _by_role(role, flat < MIN_CONTRAST),
        "no_face": _by_role(role, no_face(expressions)) if expressions.about.no_face is not None else None,
        "subjects": _count_subjects(expressions.subject, roles),
    }


def no_face(expressions: Expressions) -> npt.NDArray[np.bool_]:
    """Which rows more than half of the voters called no face, (N,); none where nobody could."""
    choice = expressions.about.no_face
    if choice is None:
        return np.zeros(len(expressions), np.bool_)
    votes = expressions.votes.astype(np.int64)
    return np.asarray(2 * votes[:, list(expressions.about.votes).index(choice)] > votes.sum(axis=1))


def conflicts(groups: npt.NDArray[np.int32], labels: npt.NDArray[np.uint8]) -> npt.NDArray[np.bool_]:
    """Which rows are in a group whose labels are not all the same: (N,) and (N,) to (N,)."""
    kinds = np.unique(np.stack([groups, labels], axis=1), axis=0)[:, 0]
    return np.asarray(np.bincount(kinds, minlength=int(groups.max(initial=0)) + 1)[groups] > 1)


def _count_groups(groups: npt.NDArray[np.int32], labels: npt.NDArray[np.uint8], roles: Roles) -> dict[str, Any]:
    """How many groups of more than one image there are, how they lie across the roles, and whose labels conflict.

    Returns:
        groups, rows (in such groups), largest (rows of the largest), groups_within {role: n} (all rows in that
        role), groups_across {"train+test": n, ...} (rows in exactly these roles), rows_per_role {role: n},
        conflicting_groups and conflicting_rows (labels not all the same), test_rows_known (test rows with a twin that
        may have been trained on or chosen by, see `known_rows`), test_rows_known_with_other_label (of these, how many
        have another label than at least one row of their group), and outside_rows_known (rows of an outside test set
        with such a twin).
    """
    role, sizes = roles.role, np.bincount(groups)
    several = sizes > 1
    present = {name: np.bincount(groups[role == name], minlength=len(sizes)) > 0 for name in _present(role)}
    across = {}
    for count in range(1, len(present) + 1):
        for held in combinations(present, count):
            exactly = np.all([present[name] == (name in held) for name in present], axis=0)
            across["+".join(held)] = int((several & exactly).sum())
    in_group, conflicting, outside = several[groups], conflicts(groups, labels), role == OUTSIDE
    known = np.any([known_rows(groups, meanwhile.role) for _, meanwhile in roles.trainings], axis=0)
    return {
        "groups": int(several.sum()),
        "rows": int(in_group.sum()),
        "largest": int(sizes.max(initial=0)),
        "groups_within": {name: across.pop(name) for name in present},
        "groups_across": across,
        "rows_per_role": _by_role(role, in_group),
        "conflicting_groups": len(np.unique(groups[conflicting])),
        "conflicting_rows": int(conflicting.sum()),
        "test_rows_known": int((known & ~outside).sum()),
        "test_rows_known_with_other_label": int((known & ~outside & conflicting).sum()),
        "outside_rows_known": int((known & outside).sum()),
    }


def _count_subjects(subject: npt.NDArray[np.str_], roles: Roles) -> dict[str, int]:
    known, several = subject != "", set()
    for role in (meanwhile.role for _, meanwhile in roles.trainings):
        names = [name for name in _present(role) if name not in ("unused", OUTSIDE)]
        people = [person for name in names for person in set(subject[known & (role == name)].tolist())]
        several |= {person for person, count in Counter(people).items() if count > 1}
    everyone = set(subject[known].tolist())
    return {"known": len(everyone), "rows": int(known.sum()), "in_several_roles": len(several)}


def _present(role: npt.NDArray[np.str_]) -> list[str]:
    return [name for name in (*ROLES, OUTSIDE) if name in role]


def _by_role(role: npt.NDArray[np.str_], rows: npt.NDArray[np.bool_]) -> dict[str, int]:
    return {name: int((rows & (role == name)).sum()) for name in _present(role)}
