"""The command line: `fercrop photo.jpg`. All that it does is in `pipeline`; here are words, and what is printed.

In Python: `fercrop.load_models(folder)` and `fercrop.look(photograph, models)`.

A module whose name does not begin with an underscore is a command of its name, `fercrop serve` say: it has a docstring
of one line, which `fercrop --help` shows, and `main(words)`, which takes the words after its name.
"""

from __future__ import annotations

from typing import Any


def __getattr__(name: str) -> Any:
    """`fercrop.look` and `fercrop.load_models`, imported when they are asked for: a command may need neither."""
    if name == "look":
        from pipeline.use.faces import look

        return look
    if name == "load_models":
        from pipeline.use.models import load_models

        return load_models
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
