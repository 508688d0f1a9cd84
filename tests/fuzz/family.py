"""What the fuzzer must know of a reader."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

# Changes something in a folder of files.
Change = Callable[[random.Random, Path], None]


class Family(NamedTuple):
    """A public reader, and how to break what it reads.

    Attributes:
        name: of the reader, for messages and the command line; it is also what a case's random numbers follow from.
        write: puts a small valid input into an empty folder, always the same.
        read: the reader under test, given the folder. It raises InputError, or what it gives goes to `check`.
        check: given the folder as it is now and what `read` gave: AssertionError if that is not what the reader
            promises (types, ranges, finite numbers), or is wrong although the files still said what is right.
        changes: of which each case makes one to three, drawn at random.
        writes: what in the folder `read` may write, if it is no mere reader; all else must stay as it was.
    """

    name: str
    write: Callable[[Path], None]
    read: Callable[[Path], object]
    check: Callable[[Path, object], None]
    changes: tuple[Change, ...]
    writes: tuple[str, ...] = ()
