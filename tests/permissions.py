"""Root may read and write everything; what is not permitted can be tested only by giving that up."""

from __future__ import annotations

import ctypes
from collections.abc import Iterator
from contextlib import contextmanager

# Of Linux's capabilities those that pass over the modes of files, CAP_DAC_OVERRIDE and CAP_DAC_READ_SEARCH.
OVERRIDE = 1 << 1 | 1 << 2
VERSION = 0x20080522  # of the structures that capget and capset take


@contextmanager
def modes_apply() -> Iterator[None]:
    """In this block files' modes hold for this process too, even if it is root's."""
    libc = ctypes.CDLL(None, use_errno=True)
    header, sets = (ctypes.c_uint32 * 2)(VERSION, 0), (ctypes.c_uint32 * 6)()
    if libc.capget(header, sets):
        raise OSError(ctypes.get_errno(), "capget")
    effective = sets[0]
    sets[0] = effective & ~OVERRIDE
    libc.capset(header, sets)
    try:
        yield
    finally:
        sets[0] = effective
        libc.capset(header, sets)
