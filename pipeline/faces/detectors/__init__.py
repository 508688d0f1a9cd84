"""Landmark detectors, one module each, found by its name: fercrop's own model, dlib's and face-alignment's.

A module has `open_detector`, which gives a function from grey squares that show a whole face to a `Guess`. To add one,
add a module. Other packages are imported only when it is asked for.
"""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import Protocol, cast

from pipeline.faces.detector_settings import LandmarkSettings
from pipeline.faces.guess import LandmarkDetector


class Detector(Protocol):
    """A module of this package."""

    def open_detector(self, settings: LandmarkSettings) -> LandmarkDetector:
        """Make it ready. Raises InputError if its package or its weights cannot be had, and says how to get them."""
        ...


def names() -> list[str]:
    """The detectors that there are."""
    return sorted(path.stem for path in Path(__file__).parent.glob("*.py") if path.stem != "__init__")


def open_detector(name: str, settings: LandmarkSettings) -> LandmarkDetector:
    """The detector of this name, one of `names`.

    Raises:
        InputError: its package or its weights cannot be had; the message says how to get them.
    """
    return cast(Detector, import_module(f"{__name__}.{name}")).open_detector(settings)


def open_all(settings: LandmarkSettings) -> dict[str, LandmarkDetector]:
    """The detector that finds the points, and those that are to be compared with it.

    Raises:
        InputError: see `open_detector`.
    """
    return {name: open_detector(name, settings) for name in dict.fromkeys([settings.provider, *settings.compare])}
