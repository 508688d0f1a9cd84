"""How a process ends: what stops it early is told in one line, without a traceback, and with exit status 1."""

from __future__ import annotations

import errno
import os
import signal
import sys
from io import BufferedWriter, FileIO, TextIOWrapper
from types import FrameType, TracebackType
from typing import Any

from pipeline.common.files import InputError

NO_SPACE = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


def tell_in_one_line() -> None:
    """From here on errors and interrupts end the process in one line; its three standard streams exist."""
    sys.excepthook = _explain
    # Where the streams are closed (`>&-`), Python has none, and the next file that is opened would take their number.
    while (number := os.open(os.devnull, os.O_RDWR)) <= 2:
        pass
    os.close(number)
    sys.stdout = sys.stdout or open(os.devnull, "w")  # noqa: PTH123, SIM115
    sys.stderr = sys.stderr or open(os.devnull, "w")  # noqa: PTH123, SIM115
    signal.signal(signal.SIGTERM, _interrupt)


class _Lasting(FileIO):
    """Standard output, which may be closed by who reads it, `head` say: what is not read is no reason to stop."""

    def write(self, content: Any, /) -> int:
        try:
            return super().write(content) or 0
        except BrokenPipeError:
            return len(content)


def lasting_output() -> TextIOWrapper:
    """A standard output that outlasts its reader."""
    # Without a buffer of text: what was printed before a kill is there. Names of files may be no text.
    raw = _Lasting(1, "w", closefd=False)
    return TextIOWrapper(BufferedWriter(raw), errors="backslashreplace", line_buffering=True)


def end_at_once() -> None:
    """End the process well, without Python's own end, which takes large libraries down one by one."""
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0)


def one_line(error: BaseException) -> str | None:
    """What to tell the user about an error, or None if it is a defect of ours, which deserves its traceback."""
    said = _said_of(error)
    return None if said is None else str(InputError(said))  # which is never too long


def _said_of(error: BaseException) -> str | None:
    match error:
        case InputError():
            return str(error)
        case KeyboardInterrupt():
            return "interrupted; nothing half-done was kept, run the same command again to go on"
        case MemoryError():
            return "out of memory; end other programs or take a smaller batch, and run again"
        case OSError() if error.errno in NO_SPACE:
            name = f" for {error.filename}" if error.filename else ""
            return f"no space left on the disk{name}; free some (`dvc gc --workspace` helps) and run again"
        case PermissionError():
            return f"{error.filename}: not permitted; change its owner or mode and run again"
        case OSError(errno=errno.EROFS):
            return f"{error.filename}: its file system is read-only; run where files may be written"
        case OSError() if error.filename is not None:
            # Of a rename the second is the one that the user knows; the first is our part file.
            name, reason = error.filename2 or error.filename, (error.strerror or "cannot be used").lower()
            return f"{name}: {reason}; see what lies there, move it away if it is not fercrop's, run again"
    return None


def _explain(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    line = one_line(error)
    if line is None:
        sys.__excepthook__(kind, error, trace)
        return
    sys.stdout.flush()
    print(f"error: {line}", file=sys.stderr, flush=True)
    os._exit(1)  # else Python would end an interrupted process by the signal, with another status


def _interrupt(number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt
