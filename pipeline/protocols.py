"""What a score was measured on. No score stands without the name of one of these.

The original report scored Training + PrivateTest, so nine tenths of its test set was its training set. That
number is kept, under a name that says what it is, beside the one that means something.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

# The splits of FER2013 (its column `Usage`) that a protocol scores.
PROTOCOLS: dict[str, tuple[str, ...]] = {
    "validation": ("PublicTest",),
    "test": ("PrivateTest",),
    "as_reported": ("Training", "PrivateTest"),
}

PURPOSES: dict[str, str] = {
    "validation": "Chooses the epoch and every setting.",
    "test": "The headline: images that were never used to choose anything.",
    "as_reported": "Stands beside the original report's tables and is no measure of skill: "
    "most of what it scores was trained on.",
}


def rows(split: npt.NDArray[np.str_], protocol: str) -> npt.NDArray[np.bool_]:
    """Which rows a protocol scores.

    Args:
        split: (N,), the split of each row.
        protocol: one of `PROTOCOLS`.

    Returns:
        bool (N,).

    Raises:
        ValueError: there is no such protocol.
    """
    if protocol not in PROTOCOLS:
        raise ValueError(f"no protocol {protocol!r}; there are {', '.join(PROTOCOLS)}")
    return np.isin(split, PROTOCOLS[protocol])
