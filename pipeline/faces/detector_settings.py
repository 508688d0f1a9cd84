"""Settings of whoever finds the points."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, Field

from pipeline.common.settings import Section

# Weights that come from elsewhere, in a folder a detector; DVC follows them.
PRETRAINED = Path("pretrained")


def _check_name(name: str) -> str:
    from pipeline.faces import detectors

    if name not in detectors.names():
        raise ValueError(f"must be one of {', '.join(detectors.names())}")
    return name


DetectorName = Annotated[str, AfterValidator(_check_name)]


class LandmarkSettings(Section):
    """Who finds the points, and when a face's points are good enough to cut by."""

    provider: DetectorName
    compare: list[DetectorName]  # others that are measured beside it
    mirror: bool  # xception: look at the mirror image too
    max_error: Annotated[float, Field(gt=0)]  # expected mean distance, as a fraction of the inter-ocular distance
