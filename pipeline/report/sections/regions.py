"""What do the regions keep of an image?"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import groupby
from typing import Any

from pipeline.data.roles import ROLES
from pipeline.evaluation.results import Results
from pipeline.regions.definitions import Aligned, Edges, FixedBox, Like, Reduced, Region, follows_points
from pipeline.report.pictures import Picture
from pipeline.report.section import Section
from pipeline.report.study import Origin, Study
from pipeline.report.tables import Rows


def region_rows(study: Study) -> Rows:
    """What each region is, and how many images of each role were kept whole."""
    results = study.results
    roles = [role for role in ROLES if role in results.role]
    rows = [["region", "what is kept", *(f"fell back, {role}" for role in roles)]]
    for (name, region), fell_back in zip(study.params.regions.items(), results.fell_back, strict=True):
        own = [results.role == role for role in roles]
        rows.append([name, describe(region), *(f"{fell_back[of].sum():,} of {of.sum():,}" for of in own)])
    return rows


def overlap_rows(study: Study, overlap: Mapping[str, Mapping[str, Mapping[str, float]]]) -> Rows:
    """How well the boxes of regions that follow points fit: a row a subset and view, a column a region."""
    cut = [name for name, region in study.params.regions.items() if follows_points(region)]
    overlaps: dict[str, dict[str, str]] = {}  # by subset and view, then by region
    for name in cut:
        for subset, views in overlap[name].items():
            for view, value in views.items():
                overlaps.setdefault(f"{subset}, {view}", {})[name] = f"{value:.3f}"
    rows = [[name, *(by_region.get(region, "") for region in cut)] for name, by_region in overlaps.items()]
    return [["subset, view", *cut], *rows]


def section(study: Study, results: Results, origin: Origin) -> Section:
    """The section."""
    sheets = [
        {
            "region": name,
            "picture": Picture(origin.reports / f"regions/{name}.png", f"Images and what {name} keeps of them"),
            "whole": region == "whole",  # nothing to see but whole images, as they are
        }
        for name, region in study.params.regions.items()
    ]
    context: dict[str, Any] = {
        "kept": region_rows(study),
        "sheets": sheets,
        "overlaps": overlap_rows(study, results.overlap),
    }
    return Section("regions", "Regions", "What the regions keep", context)


def describe(region: Region) -> str:
    """A region's definition in words, with 1-based point numbers."""
    if region == "whole":
        return "the whole image"
    if isinstance(region, Aligned):
        return f"turned and scaled by the {region.align}"
    if isinstance(region, Reduced):
        return f"the whole image at {region.pixels} pixels"
    if isinstance(region, Like):
        like = region.like if isinstance(region.like, str) else describe(region.like)
        return f"the whole image at the resolution of {like}"
    if isinstance(region, FixedBox):
        text = "box " + " ".join(f"{edge:g}" for edge in region.box)
    elif isinstance(region, Edges):
        text = f"left {region.left}, right {region.right}, top {region.top}, bottom {region.bottom}"
    else:
        text = f"points {' '.join(_ranges(region.points))}"
    if not isinstance(region, FixedBox) and region.margin:
        text += f", margin {region.margin:g}"
    return f"{text}, square" if region.square else text


def _ranges(numbers: Iterable[int]) -> list[str]:
    """Ascending numbers as ranges: 1, 2, 3, 7 as `1-3`, `7`."""
    runs = [[number for _, number in run] for _, run in groupby(enumerate(numbers), lambda pair: pair[1] - pair[0])]
    return [str(run[0]) if len(run) == 1 else f"{run[0]}-{run[-1]}" for run in runs]
