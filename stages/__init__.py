"""The verbs. Each stage is a script of its own: `python -m stages.NAME`, as `dvc.yaml` runs it.

What ends a stage early is told in one line, without a traceback, and with exit status 1.
"""

from __future__ import annotations

import errno
import os
import signal
import sys
from collections.abc import Callable
from contextlib import suppress
from io import BufferedWriter, FileIO, TextIOWrapper
from types import FrameType, TracebackType

# All else is imported where it is used: until the end of this module an interrupt is Python's own to tell, and what
# Python has loaded already by now costs nothing.

NO_SPACE = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
INTERRUPTED = "interrupted; nothing half-done was kept, run the same command again to go on"


def run(main: Callable[..., None]) -> None:
    """Call a stage's `main` with the words of the command line, and end the process."""
    import inspect

    from pipeline.common.files import InputError

    words, wanted = sys.argv[1:], inspect.signature(main).parameters.values()
    more = any(each.kind is each.VAR_POSITIONAL for each in wanted)
    names = [each.name.upper() for each in wanted if each.kind is not each.VAR_POSITIONAL]
    if len(words) < len(names) or (len(words) > len(names) and not more):
        name = sys.modules["__main__"].__spec__.name  # type: ignore[union-attr]
        raise InputError(f"usage: python -m {' '.join([name, *names, *(['...'] if more else [])])}")
    sys.stdout, sys.stderr = _lasting(1), _lasting(2)
    if signal.getsignal(signal.SIGINT) is _end:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGTERM, _interrupt)
    main(*words)
    # Whatever a stage writes is whole by now. Python's own end, which takes torch's libraries down one by one, would
    # cost half a second or more in each of some forty stages.
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0)


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


def commit() -> str | None:
    """The commit that the working tree is at, marked where files differ from it; None outside of git."""
    import subprocess

    try:
        done = subprocess.run(
            ["git", "describe", "--always", "--dirty", "--abbrev=40", "--exclude=*"],
            capture_output=True,
            text=True,
            check=True,
        )
    except (OSError, subprocess.CalledProcessError):
        return None
    return done.stdout.strip()


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
    """End at once. While modules are imported an exception could be lost in C code, and nothing has begun yet."""
    _tell(INTERRUPTED)
    os._exit(1)


def _interrupt(number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt


# Set while the package is imported, so that what ends a stage during its own slow imports is told in a line too.
sys.excepthook = _explain
if sys.argv[:1] == ["-m"]:  # so it is while Python looks for the stage that it was told to run
    for _number in (signal.SIGINT, signal.SIGTERM):
        if signal.getsignal(_number) is not signal.SIG_IGN:  # as it is of what a shell runs in the background
            signal.signal(_number, _end)
# Where the streams are closed (`>&-`), Python has none, and the next file that is opened would take their number.
while (_free := os.open(os.devnull, os.O_RDWR)) <= 2:
    pass
os.close(_free)
sys.stdout = sys.stdout or open(os.devnull, "w")  # noqa: PTH123, SIM115
sys.stderr = sys.stderr or open(os.devnull, "w")  # noqa: PTH123, SIM115
