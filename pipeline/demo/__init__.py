"""Draws the project's own data sets, so that everything can be tried in minutes and without a download.

A parametric face (`shape`) is moved by the action units of its expression (`action_units`), painted from the
front (`head`, with `skin`, `hair`, `cover`, `look` and `canvas`), turned and lit as a relief (`relief`) and
photographed (`photo`). `fer` and `ibug` write the photographs in the formats in which FER2013, FER+ and iBUG
300-W are published, `bursts` a folder of selfies. Every image has random generators of its own, so its pixels
depend on the seed and its number alone, not on how many others are drawn.
"""

from pathlib import Path

from pipeline.demo.bursts import draw_bursts
from pipeline.demo.fer import draw_fer
from pipeline.demo.ibug import draw_ibug

__all__ = ["draw_demo"]


def draw_demo(folder: Path, expressions: str, seed: int = 0) -> None:
    """Writes the folder of 300-W into an existing folder, and the expression data set in the format of that reader.

    That is the folder `folder`, or else `fer2013.csv` with `fer2013new.csv`, which `ferplus` reads too.
    """
    if expressions == "folder":
        draw_bursts(folder, seed)
    else:
        draw_fer(folder, seed)
    draw_ibug(folder, seed)
