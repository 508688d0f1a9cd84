"""Settings of whoever finds the points."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, Field, model_validator

from pipeline.common.settings import Section

# Weights that are not trained here, in a folder a detector, and those that come with the project; DVC follows them.
PRETRAINED = Path("pretrained")
SHIPPED = "pretrained"  # the provider that is the landmark model that comes with the project
SHIPPED_MODEL, SHIPPED_TRUST = PRETRAINED / "landmarks.safetensors", PRETRAINED / "trust.json"


def _check_name(name: str) -> str:
    from pipeline.faces import detectors

    if name not in detectors.names():
        raise ValueError(f"must be one of {', '.join(detectors.names())}")
    return name


DetectorName = Annotated[str, AfterValidator(_check_name)]


class LandmarkSettings(Section):
    """Who finds the points, and when a face's points are good enough to cut by."""

    provider: DetectorName  # pretrained: the landmark model that comes with the project, which trains none
    compare: list[DetectorName]  # others that are measured beside it
    mirror: bool  # xception: look at the mirror image too
    max_error: Annotated[float, Field(gt=0)]  # expected mean distance, as a fraction of the inter-ocular distance

    @model_validator(mode="after")
    def _trust_is_of_the_same_looks(self) -> LandmarkSettings:
        if self.provider == SHIPPED and self.mirror:
            raise ValueError("mirror must be false for provider pretrained, whose trust was learnt without it")
        return self

    @property
    def trains(self) -> bool:
        """Whether a landmark model is trained, or the curve of trust learnt, for which faces are needed."""
        return self.provider != SHIPPED
