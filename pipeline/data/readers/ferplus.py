"""FER+: FER2013's images with the expressions that ten people each saw in them, of eight.

Source: Barsoum et al., "Training Deep Networks for Facial Expression Recognition with Crowd-Sourced Label
Distribution", ICMI 2016. Rows on which nobody voted for one of the eight are left out.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from pipeline.data.expressions import About, Expressions
from pipeline.data.readers import fer2013
from pipeline.data.sources import Found, Sources, Wanted

CLASSES = ("neutral", "happiness", "surprise", "sadness", "anger", "disgust", "fear", "contempt")
OTHERS = ("unknown", "NF")  # what else could be chosen: no expression of these, or no face


def find(folder: Path) -> dict[str, Found]:
    """FER2013 and its votes in a folder; empty if one of them is not there."""
    found = fer2013.find(folder)
    return found if "ferplus" in found else {}


WANTED = Wanted(
    "FER2013 (fer2013.csv, published at Kaggle) with its FER+ votes (fer2013new.csv, in the Microsoft/FERPlus "
    "repository)",
    find,
)


def read(sources: Sources) -> Expressions:
    """Read what `find` found: the label is what most people saw, of equally many the first in the order of `CLASSES`.

    Raises:
        InputError: see `fer2013.read_fer2013`.
    """
    published = fer2013.read_fer2013(sources.path("expressions"), sources.path("ferplus"))
    # The published columns are these and in this order.
    assert tuple(published.about.votes) == (*CLASSES, *OTHERS)
    seen = published.votes[:, : len(CLASSES)]
    kept = seen.any(axis=1)
    return Expressions(
        about=About(
            name="FER+",
            classes=CLASSES,
            votes={**{name: name for name in CLASSES}, **dict.fromkeys(OTHERS)},
            no_face="NF",
            splits=published.about.splits,
        ),
        images=published.images[kept],
        labels=seen[kept].argmax(axis=1).astype(np.uint8),
        votes=published.votes[kept],
        split=published.split[kept],
        subject=published.subject[kept],
    )


def account(sources: Sources, expressions: Expressions) -> list[str]:
    """How many of the published rows there are, and of how many nobody saw one of the eight expressions."""
    left_out = sum(fer2013.PUBLISHED.values()) - len(expressions)
    return [f"FER+: {len(expressions):,} rows; {left_out:,} of those published are left out, or are not there"]
