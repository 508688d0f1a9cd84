"""How a split keeps the classes in proportion, and what it separates."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from pipeline.data.expressions import Expressions
from pipeline.data.roles import Roles

PARTS = ("train", "validation", "test")


def proportions(expressions: Expressions, twins: npt.NDArray[np.int32], roles: Roles) -> dict[str, Any]:
    """Counts and shares by part, ready for JSON.

    Args:
        expressions: of N images.
        twins: (N,), the group of identical and nearly identical images that each belongs to.
        roles: what each row is for; with folds a part is what one of them tests, else a role.

    Returns:
        parts {name: {class: n}}; `loss`, the most by which the share of a class in a part is off its share in all parts
        together, in points of per cent, and where that is (`part`, `class`); `twins_apart` and `subjects_apart`, how
        many groups and how many people are in several parts.
    """
    named = _parts(roles)
    classes = expressions.about.classes
    counts = np.stack([np.bincount(expressions.labels[rows], minlength=len(classes)) for rows in named.values()])
    whole = counts.sum(axis=0)
    off = 100 * np.abs(counts / counts.sum(axis=1, keepdims=True) - whole / whole.sum())
    part, worst = np.unravel_index(off.argmax(), off.shape)
    known = expressions.subject != ""
    return {
        "parts": {name: dict(zip(classes, row.tolist(), strict=True)) for name, row in zip(named, counts, strict=True)},
        "loss": float(off.max()),
        "part": list(named)[part],
        "class": classes[worst],
        "twins_apart": _apart(twins, list(named.values())),
        "subjects_apart": _apart(expressions.subject[known], [rows[known] for rows in named.values()]),
    }


def _parts(roles: Roles) -> dict[str, npt.NDArray[np.bool_]]:
    """The rows of each part."""
    if not roles.folds:
        return {name: roles.role == name for name in PARTS}
    return {f"fold {number}": fold.role == "test" for number, fold in enumerate(roles.folds)}


def _apart(groups: npt.NDArray[Any], parts: list[npt.NDArray[np.bool_]]) -> int:
    """How many groups are in several parts."""
    held = np.concatenate([np.unique(groups[rows]) for rows in parts])
    return int((np.unique(held, return_counts=True)[1] > 1).sum())
