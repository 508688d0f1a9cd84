"""How a process ends: what stops it early is told in one line, without a traceback, and with exit status 1."""

from __future__ import annotations

import errno
import os
import signal
import sys
from contextlib import suppress
from io import BufferedWriter, FileIO, TextIOWrapper
from types import FrameType, TracebackType

# All else is imported where it is used: until `tell_in_one_line` is called an interrupt is Python's own to tell, and
# what Python has loaded already by then costs nothing.

NO_SPACE = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
INTERRUPTED = "interrupted; nothing half-done was kept, run the same command again to go on"


def tell_in_one_line(at_once: bool) -> None:
    """From here on errors and interrupts end the process in one line; its three standard streams exist.

    Args:
        at_once: until `begin` is called an interrupt ends the process at once. While modules are imported an exception
            could be lost in C code, and nothing has begun yet.
    """
    sys.excepthook = _explain
    for number in (signal.SIGINT, signal.SIGTERM) if at_once else ():
        if signal.getsignal(number) is not signal.SIG_IGN:  # as it is of what a shell runs in the background
            signal.signal(number, _end)
    # Where the streams are closed (`>&-`), Python has none, and the next file that is opened would take their number.
    while (free := os.open(os.devnull, os.O_RDWR)) <= 2:
        pass
    os.close(free)
    sys.stdout = sys.stdout or open(os.devnull, "w")  # noqa: PTH123, SIM115
    sys.stderr = sys.stderr or open(os.devnull, "w")  # noqa: PTH123, SIM115


def begin() -> None:
    """All is imported: from here on an interrupt is an exception, and output may be closed by who reads it."""
    sys.stdout, sys.stderr = _lasting(1), _lasting(2)
    if signal.getsignal(signal.SIGINT) is _end:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGTERM, _interrupt)


class _Lasting(FileIO):
    """A stream that may be closed by who reads it, `head` say: what is not read is no reason to stop."""

    def write(self, content: memoryview, /) -> int:  # type: ignore[override]
        try:
            return super().write(content) or 0
        except BrokenPipeError:
            return len(content)


def _lasting(number: int) -> TextIOWrapper:
    # Without a buffer of text: what was printed before a kill is there. Names of files may be no text.
    raw = _Lasting(number, "w", closefd=False)
    stream = BufferedWriter(raw)  # type: ignore[type-var]  # of all kinds of buffers only this one is ever written
    return TextIOWrapper(stream, errors="backslashreplace", line_buffering=True)


def end_at_once() -> None:
    """End the process well, without Python's own end, which takes large libraries down one by one."""
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0)


def one_line(error: BaseException) -> str | None:
    """What to tell the user about an error, or None if it is a defect of ours, which deserves its traceback."""
    from pipeline.common.files import InputError

    said = _said_of(error)
    return None if said is None else str(InputError(said))  # which is never too long


def _said_of(error: BaseException) -> str | None:
    from pipeline.common.files import InputError

    match error:
        case InputError():
            return str(error)
        case KeyboardInterrupt():
            return INTERRUPTED
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
    with suppress(OSError):  # there may be nowhere to write to, which the line tells of then
        sys.stdout.flush()
    _tell(line)
    os._exit(1)  # else Python would end an interrupted process by the signal, with another status


def _tell(line: str) -> None:
    with suppress(OSError):  # nobody may read it
        os.write(2, f"error: {line}\n".encode(errors="backslashreplace"))


def _end(number: int, frame: FrameType | None) -> None:
    _tell(INTERRUPTED)
    os._exit(1)


def _interrupt(number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt
