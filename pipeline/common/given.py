"""Files that come from outside: opened, or refused in one line that says what lies in their place."""

from __future__ import annotations

import os
import stat
from io import BufferedReader
from pathlib import Path

from pipeline.common.files import InputError


def lies_there(path: Path) -> bool:
    """Whether anything lies there, be it a link that leads nowhere.

    Raises:
        PermissionError: its folder may not be looked into.
    """
    try:
        path.lstat()
    except PermissionError:
        raise
    except (OSError, ValueError):
        return False
    return True


def open_given(path: Path, remedy: str) -> BufferedReader:
    """Open a file to read its bytes; `remedy` says what to do if there is none.

    Raises:
        InputError: it is missing, a folder, a link that leads nowhere, or no file that has an end.
        PermissionError: it may not be read, which getting it once more would not change.
    """
    try:
        if not stat.S_ISREG(path.stat().st_mode):  # a named pipe would be waited for, a device never end
            kind = "a folder" if path.is_dir() else "no file but a device or a pipe"
            raise InputError(f"{path}: is {kind}; {remedy}")
        return path.open("rb")
    except FileNotFoundError:
        found = "is a link that leads nowhere" if path.is_symlink() else "missing"
        raise InputError(f"{path}: {found}; {remedy}") from None
    except PermissionError:
        raise
    except (OSError, ValueError) as error:  # links in a circle, names that are too long or hold a zero byte
        reason = (error.strerror or str(error)) if isinstance(error, OSError) else str(error)
        raise InputError(f"{path}: cannot be opened ({reason}); {remedy}") from None


def read_given(path: Path, remedy: str, most: int) -> bytes:
    """The bytes of a file of at most `most` bytes.

    Raises:
        InputError, PermissionError: see `open_given`; or it is larger.
    """
    with open_given(path, remedy) as file:
        size = os.fstat(file.fileno()).st_size
        content = file.read(min(size, most) + 1)  # as much memory is taken at once, whatever is there
    if len(content) > most:
        raise InputError(f"{path}: is larger than {most:,} bytes, more than such a file can have; {remedy}")
    return content
