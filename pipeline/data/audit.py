"""What is wrong with a set of expression images, counted: twins, labels that conflict, blank images, no faces."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from pipeline.data.expressions import CLASSES, MIN_CONTRAST, SPLITS, VOTES, Expressions, contrast
from pipeline.data.twins import Twins, known_rows


def audit(expressions: Expressions, twins: Twins) -> dict[str, Any]:
    """Count, ready for JSON.

    Returns:
        images {split: n}, classes {split: {class: n}}, and for `copies` (identical images) and `twins` (identical
        and nearly identical ones) what `_count_groups` says; then for each split `constant` (one grey level),
        `nearly_constant` (a standard deviation below `MIN_CONTRAST` grey levels, constant ones included),
        `no_face` (most voters of FER+ said so; None without votes) and `left_out_of_training`.
    """
    split = expressions.split
    flat = contrast(expressions.images)
    voted = bool(expressions.votes.any())
    return {
        "images": _per_split(split, np.ones(len(split), np.bool_)),
        "classes": {
            name: {
                label: int(((expressions.labels == code) & (split == name)).sum()) for code, label in enumerate(CLASSES)
            }
            for name in SPLITS
        },
        "copies": _count_groups(twins.copies, expressions),
        "twins": _count_groups(twins.twins, expressions),
        "constant": _per_split(split, flat == 0),
        "nearly_constant": _per_split(split, flat < MIN_CONTRAST),
        "no_face": _per_split(split, no_face(expressions.votes)) if voted else None,
        "left_out_of_training": _per_split(split, (split == SPLITS[0]) & ~expressions.for_training),
    }


def no_face(votes: npt.NDArray[np.uint8]) -> npt.NDArray[np.bool_]:
    """Which rows more than half of the voters of FER+ called no face: (N, 10) to (N,)."""
    return np.asarray(2 * votes[:, VOTES.index("NF")].astype(np.int64) > votes.sum(axis=1, dtype=np.int64))


def conflicts(groups: npt.NDArray[np.int32], labels: npt.NDArray[np.uint8]) -> npt.NDArray[np.bool_]:
    """Which rows are in a group whose labels are not all the same: (N,) and (N,) to (N,)."""
    kinds = np.unique(np.stack([groups, labels], axis=1), axis=0)[:, 0]
    return np.asarray(np.bincount(kinds, minlength=int(groups.max(initial=0)) + 1)[groups] > 1)


def _count_groups(groups: npt.NDArray[np.int32], expressions: Expressions) -> dict[str, Any]:
    """How many groups of more than one image there are, how they lie across the splits, and whose labels conflict.

    Returns:
        groups, rows (in such groups), largest (rows of the largest), groups_within {split: n} (all rows in that
        split), groups_across {"Training+PrivateTest": n, ...} (rows in exactly these splits), rows_per_split
        {split: n}, conflicting_groups and conflicting_rows (labels not all the same), test_rows_known (PrivateTest rows
        with a twin in Training or PublicTest), test_rows_known_with_other_label (of these, how many have another
        label than at least one row of their group).
    """
    split = expressions.split
    sizes = np.bincount(groups)
    several = sizes > 1
    present = np.stack([np.bincount(groups[split == name], minlength=len(sizes)) > 0 for name in SPLITS])
    across = {}
    for name, where in _combinations():
        across[name] = int((several & (present == np.array(where)[:, np.newaxis]).all(axis=0)).sum())
    in_group, conflicting, known = several[groups], conflicts(groups, expressions.labels), known_rows(groups, split)
    return {
        "groups": int(several.sum()),
        "rows": int(in_group.sum()),
        "largest": int(sizes.max(initial=0)),
        "groups_within": {name: across.pop(name) for name in SPLITS},
        "groups_across": across,
        "rows_per_split": _per_split(split, in_group),
        "conflicting_groups": len(np.unique(groups[conflicting])),
        "conflicting_rows": int(conflicting.sum()),
        "test_rows_known": int(known.sum()),
        "test_rows_known_with_other_label": int((known & conflicting).sum()),
    }


def _combinations() -> list[tuple[str, list[bool]]]:
    """Every set of splits but the empty one, by name."""
    sets = [[bool(number >> place & 1) for place in range(len(SPLITS))] for number in range(1, 2 ** len(SPLITS))]
    return [("+".join(name for name, held in zip(SPLITS, where, strict=True) if held), where) for where in sets]


def _per_split(split: npt.NDArray[np.str_], rows: npt.NDArray[np.bool_]) -> dict[str, int]:
    return {name: int((rows & (split == name)).sum()) for name in SPLITS}
