"""fercrop's own landmark model as it comes with the project: nothing is trained, and 300-W is not needed."""

from __future__ import annotations

from pipeline.common.files import InputError
from pipeline.common.given import lies_there
from pipeline.faces.detector_settings import SHIPPED_MODEL, LandmarkSettings
from pipeline.faces.detectors.xception import open_model
from pipeline.faces.guess import LandmarkDetector


def open_detector(settings: LandmarkSettings) -> LandmarkDetector:
    """The model that `release` wrote. Raises InputError if it is missing or damaged."""
    if not lies_there(SHIPPED_MODEL):
        raise InputError(f"{SHIPPED_MODEL}: missing; restore it with git, or set landmarks.provider to xception")
    return open_model(SHIPPED_MODEL, settings.mirror)
