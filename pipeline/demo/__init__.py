"""Draws the project's own data sets, so that everything can be tried in minutes and without a download.

A parametric face (`shape`) is moved by the action units of its expression (`action_units`), painted from the
front (`head`, with `skin`, `hair`, `cover`, `look` and `canvas`), turned and lit as a relief (`relief`) and
photographed (`photo`). `fer` and `ibug` write the photographs in the formats in which FER2013, FER+ and iBUG
300-W are published. Every image has a random generator of its own, so its pixels depend on the seed and its
number alone, not on how many others are drawn.
"""

from pathlib import Path

from pipeline.demo.fer import draw_fer
from pipeline.demo.ibug import draw_ibug

__all__ = ["draw_demo"]


def draw_demo(folder: Path, seed: int = 0) -> None:
    """Writes `fer2013.csv`, `fer2013new.csv` and the folder of 300-W into an existing folder."""
    draw_fer(folder, seed)
    draw_ibug(folder, seed)
