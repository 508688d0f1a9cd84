"""The verbs. Each stage is a script of its own: `python -m stages.NAME`, as `dvc.yaml` runs it.

What ends a stage early is told in one line, without a traceback, and with exit status 1.
"""

from __future__ import annotations

import sys
from collections.abc import Callable

from pipeline.common.ending import begin, end_at_once, one_line, tell_in_one_line

# All else is imported where it is used, see `pipeline.common.ending`.

__all__ = ["commit", "one_line", "run"]


def run(main: Callable[..., None]) -> None:
    """Call a stage's `main` with the words of the command line, and end the process."""
    import inspect

    from pipeline.common.files import InputError

    words, taken = sys.argv[1:], inspect.signature(main).parameters.values()
    more = any(each.kind is each.VAR_POSITIONAL for each in taken)
    wanted = [each for each in taken if each.kind is not each.VAR_POSITIONAL]
    needed = [each.name.upper() for each in wanted if each.default is each.empty]
    named = [f"[{each.name.upper()}]" for each in wanted if each.default is not each.empty]
    if len(words) < len(needed) or (len(words) > len(needed) + len(named) and not more):
        name = sys.modules["__main__"].__spec__.name  # type: ignore[union-attr]
        raise InputError(f"usage: python -m {' '.join([name, *needed, *named, *(['...'] if more else [])])}")
    begin()
    main(*words)
    # Whatever a stage writes is whole by now. Python's own end, which takes torch's libraries down one by one, would
    # cost half a second or more in each of some forty stages.
    end_at_once()


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


# Called while the package is imported, so that what ends a stage during its own slow imports is told in a line too.
# `-m` is what Python calls the program while it looks for the stage that it was told to run.
tell_in_one_line(at_once=sys.argv[:1] == ["-m"])
