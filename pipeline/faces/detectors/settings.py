"""Settings of whoever finds the points."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from pipeline.common.settings import Section

Provider = Literal["xception", "dlib", "face_alignment"]


class LandmarkSettings(Section):
    """Who finds the points, and when a face's points are good enough to cut by."""

    provider: Provider
    mirror: bool  # xception: look at the mirror image too
    max_error: Annotated[float, Field(gt=0)]  # expected mean distance, as a fraction of the inter-ocular distance
    dlib_model: str  # path of dlib's 68-point shape predictor
