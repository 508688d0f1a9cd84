"""The verbs. Each stage is a script of its own: `python -m stages.NAME`, as `dvc.yaml` runs it.

What ends a stage early is told in one line, without a traceback, and with exit status 1.
"""

from __future__ import annotations

import errno
import inspect
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from types import FrameType, TracebackType

from pipeline.common.files import InputError

NO_SPACE = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


def run(main: Callable[..., None]) -> None:
    """Call a stage's `main` with the words of the command line, and end the process."""
    words, wanted = sys.argv[1:], inspect.signature(main).parameters.values()
    more = any(each.kind is each.VAR_POSITIONAL for each in wanted)
    names = [each.name.upper() for each in wanted if each.kind is not each.VAR_POSITIONAL]
    if len(words) < len(names) or (len(words) > len(names) and not more):
        name = sys.modules["__main__"].__spec__.name  # type: ignore[union-attr]
        raise InputError(f"usage: python -m {' '.join([name, *names, *(['...'] if more else [])])}")
    main(*words)
    # Whatever a stage writes is whole by now. Python's own end, which takes torch's libraries down one by one, would
    # cost half a second or more in each of some forty stages.
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0)


def commit() -> str | None:
    """The commit that the working tree is at, marked where files differ from it; None outside of git."""
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
    if isinstance(error, InputError):
        return str(error)
    if isinstance(error, KeyboardInterrupt):
        return "interrupted; nothing half-done was kept, run the same command again to go on"
    if isinstance(error, OSError) and error.errno in NO_SPACE:
        name = f" for {error.filename}" if error.filename else ""
        return f"no space left on the disk{name}; free some (`dvc gc --workspace` helps) and run again"
    if isinstance(error, PermissionError):
        return f"{error.filename}: not permitted; change its owner or mode and run again"
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


# Set while the package is imported, so that an interrupt during the stages' own slow imports is told in a line too.
sys.excepthook = _explain
signal.signal(signal.SIGTERM, _interrupt)
