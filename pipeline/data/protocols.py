"""What a score was measured on. No score stands without the name of one of these.

The original report scored what it had trained on together with the test images, so nine tenths of its test set was its
training set. That number is kept, under a name that says what it is, beside the one that means something.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from pipeline.common.files import InputError
from pipeline.data.roles import OUTSIDE
from pipeline.data.twins import known_rows

# The roles (see `data.roles`) that a protocol scores; those of `UNIQUE` only rows that no network may remember.
PROTOCOLS: dict[str, tuple[str, ...]] = {
    "validation": ("validation",),
    "validation_unique": ("validation",),
    "test": ("test",),
    "test_unique": ("test",),
    OUTSIDE: (OUTSIDE,),
    "as_reported": ("train", "unused", "test"),
}
UNIQUE = ("validation_unique", "test_unique", OUTSIDE)

PURPOSES: dict[str, str] = {
    "validation": "Validation with the images that have a twin among those trained on, which flatter.",
    "validation_unique": "Chooses the epoch and every setting: validation without twins of images trained on.",
    "test": "The headline: images that were never used to choose anything.",
    "test_unique": "What is left of test without images that have a twin, identical or nearly so, in what chose or "
    "trained the classifiers.",
    OUTSIDE: "Another data set, which trained and chose nothing, without images that have a twin in what did.",
    "as_reported": "Stands beside the original report's tables and is no measure of skill: "
    "most of what it scores was trained on.",
}

# The same where they are others in folds.
PURPOSES_IN_FOLDS: dict[str, str] = {
    "validation": "Each image as it was validated, with those that have a twin among those trained on, which flatter.",
    "validation_unique": "Chooses each fold's epoch, and for all folds every setting: each image as it was validated, "
    "without twins of images trained on.",
    "test": "The headline: each image as it was tested, by a network that neither learnt from it nor was chosen by it.",
    "test_unique": "What is left of test without images that have a twin, identical or nearly so, in another fold, or "
    "among those that only train.",
}


def rows(role: npt.NDArray[np.str_], twins: npt.NDArray[np.int32], protocol: str) -> npt.NDArray[np.bool_]:
    """Which rows a protocol scores.

    Args:
        role: (N,), what each row is for.
        twins: (N,), the group of identical and nearly identical images that each row belongs to.
        protocol: one of `PROTOCOLS`.

    Returns:
        bool (N,); see `scored`.

    Raises:
        ValueError, InputError: see `scored`.
    """
    return scored(role, unique_rows(role, twins), protocol)


def unique_rows(role: npt.NDArray[np.str_], twins: npt.NDArray[np.int32]) -> npt.NDArray[np.bool_]:
    """Which rows have no twin that a network may remember instead: bool (N,).

    Of a validation row that is one that was trained on, of a test row or one of an outside set see `known_rows`; of
    others there is none.

    Args:
        role, twins: see `rows`.
    """
    validated = (role == "validation") & ~np.isin(twins, twins[role == "train"])
    return np.where(role == "validation", validated, ~known_rows(twins, role))


def scored(role: npt.NDArray[np.str_], unique: npt.NDArray[np.bool_], protocol: str) -> npt.NDArray[np.bool_]:
    """Which rows, or answers, a protocol scores.

    Args:
        role: (N,), what each is for.
        unique: (N,), see `unique_rows`.
        protocol: one of `PROTOCOLS`.

    Returns:
        bool (N,); none of validation_unique where all of validation has a twin that is trained on, and none of outside
        where there is no outside test set, or all of it has a twin that a network may remember.

    Raises:
        ValueError: there is no such protocol.
        InputError: another one has no row to score.
    """
    if protocol not in PROTOCOLS:
        raise ValueError(f"no protocol {protocol!r}; there are {', '.join(PROTOCOLS)}")
    found = np.isin(role, PROTOCOLS[protocol])
    if protocol in UNIQUE:
        found &= unique
    if not found.any() and protocol not in ("validation_unique", OUTSIDE):
        # Only twins can take all rows away: every role has some, see `assign_roles`.
        raise InputError(
            f"params.yaml: twins.min_correlation: leaves no image for {protocol}; raise it and run `dvc repro`"
        )
    return found
