"""The command `fercrop photo.jpg`, and the one function, `fercrop.look("photo.jpg", fercrop.load_models(folder))`.

All that they do is in `pipeline`; here are words, and what is printed.

A module whose name does not begin with an underscore is a command of its name, `fercrop serve` say: it has a docstring
of one line, which `fercrop --help` shows, and `main(words)`, which takes the words after its name.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pipeline.use.faces import look
    from pipeline.use.models import load_models

__all__ = ["load_models", "look"]

_HOMES = {"load_models": "pipeline.use.models", "look": "pipeline.use.faces"}


def __getattr__(name: str) -> Any:
    """Import a function where it is asked for: commands that do not need it start without it."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)
