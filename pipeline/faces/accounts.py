"""What there is of 300-W, beside what was published, and what of it is not used: said in words."""

from __future__ import annotations

from collections import Counter

from pipeline.data.sources import of_published, some
from pipeline.faces.photographs import FOLDERS, Photographs

# How many photographs the folders hold as published: 3,148, 554 and 135 of the three splits. Sagonas et al. 2013.
PUBLISHED = {
    "afw": 337,
    "helen/trainset": 2000,
    "lfpw/trainset": 811,
    "helen/testset": 330,
    "lfpw/testset": 224,
    "ibug": 135,
}
SPLITS = {"train": "for training", "common": "in the common test set", "challenging": "in the challenging one"}


def account(photographs: Photographs) -> list[str]:
    """Lines that account for every photograph: how many of the published ones there are, and what is left out."""
    there = Counter(photograph.folder for photograph in photographs.used)
    counts = []
    for split, words in SPLITS.items():
        folders = [folder for folder, purpose in FOLDERS.items() if purpose == split]
        said = of_published(sum(there[folder] for folder in folders), sum(PUBLISHED[folder] for folder in folders))
        other = [f"{folder} {of_published(there[folder], PUBLISHED[folder])}" for folder in folders]
        differs = [text for text, folder in zip(other, folders, strict=True) if there[folder] != PUBLISHED[folder]]
        counts.append(f"{said} {words}" + (f" ({', '.join(differs)})" if differs and len(folders) > 1 else ""))
    lines = [f"300-W: {', '.join(counts)}"]
    without = [photograph.name for photograph in photographs.used if photograph.pts is None]
    if without:
        said = "without a .pts file, and so with the XML's whole pixels for points"
        lines.append(f"300-W: {said}: {len(without):,} ({some(without)})")
    for reason, names in photographs.left_out.items():
        lines.append(f"300-W: not used, since they {reason}: {len(names):,} ({some(names)})")
    return lines
