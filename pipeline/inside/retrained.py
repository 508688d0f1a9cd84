"""Beside what a network of the whole image makes of one part: what a network makes of it that never saw another."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt
import pandas as pd

from pipeline.inside.coalitions import number
from pipeline.inside.part_values import PartValues
from pipeline.inside.worth import ALL, ends, means_by_class, stacked
from pipeline.regions.definitions import Outlined, Part, PointSet, Region

VIEWS = ("whole", "without", "only", "retrained")


def parts_shown(region: Region, parts: Mapping[str, Part]) -> list[int] | None:
    """The numbers of the parts that a region shows, if it is the box of their points and no others; else None."""
    if not isinstance(region, PointSet):
        return None
    own = {
        number: {point for hull in part.points for point in hull}
        for number, part in enumerate(parts.values())
        if isinstance(part, Outlined)
    }
    members = [number for number, points in own.items() if points <= set(region.points)]
    return members if set(region.points) == {point for member in members for point in own[member]} else None


def beside_retrained(
    found: Sequence[PartValues],
    name: str,
    members: list[int],
    trained: npt.NDArray[np.float32],
    draws: int,
) -> pd.DataFrame:
    """The probability of the true class by what is shown, of one network.

    Args:
        found: of its seeds, trained on the whole image.
        name: of the region.
        members: the parts that it shows, see `parts_shown`.
        trained: (seeds, N, classes), what the network says that was trained on the region, of the same images.
        draws: of the bootstrap.

    Returns:
        network, region, expression (or `ALL`), n (images), and for each of `VIEWS` its mean with the ends _low and
        _high of the interval: the whole image, without the parts, only the parts, and retrained on the region; then
        retrained less only: gap, gap_low, gap_high. Hidden parts are the mean over the fillings.
    """
    first, values = found[0], stacked(found)[:, :, -1]
    whole, own = values.shape[-1] - 1, number(members)
    after = np.take_along_axis(trained, first.labels[None, :, None].astype(np.int64), axis=2)[..., 0]
    seen = np.stack([values[..., whole], values[..., whole - own], values[..., own], after], axis=-1)
    means = means_by_class(seen, first.labels, first.groups, draws)
    low, high = ends(means.drawn)
    gap_low, gap_high = ends(means.drawn[..., 3] - means.drawn[..., 2])
    counts = np.bincount(first.labels)
    records = []
    for i, code in enumerate([*means.classes, None]):
        record: dict[str, object] = {
            "network": first.asked.network,
            "region": name,
            "expression": ALL if code is None else first.asked.classes[code],
            "n": len(first.labels) if code is None else int(counts[code]),
        }
        for v, view in enumerate(VIEWS):
            record |= {view: means.actual[i, v], f"{view}_low": low[i, v], f"{view}_high": high[i, v]}
        record |= {"gap": means.actual[i, 3] - means.actual[i, 2], "gap_low": gap_low[i], "gap_high": gap_high[i]}
        records.append(record)
    return pd.DataFrame(records)
