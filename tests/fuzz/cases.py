"""One case: a valid input, broken as a seed says, read in a process of its own that time and memory bound."""

from __future__ import annotations

import hashlib
import json
import os
import random
import resource
import select
import signal
import stat
import tempfile
import time
import traceback
from contextlib import suppress
from pathlib import Path
from threading import RLock
from typing import NamedTuple

from permissions import modes_apply
from tqdm import tqdm

import stages
from fuzz.family import Family

MAX_SECONDS = 20
MAX_BYTES = 2 << 30  # of memory, beyond what the process that imports everything has
MAX_LINE = 500  # characters


class Outcome(NamedTuple):
    """How a case ended.

    Attributes:
        kind: read, refused or failed: the first two are as promised.
        said: the line, or for one that failed what is wrong and all that is known of it.
        seconds: that it took.
        megabytes: of memory that it added, at most.
    """

    kind: str
    said: str
    seconds: float = 0
    megabytes: float = 0


def run_case(family: Family, number: int) -> Outcome:
    """Break the family's input as this number says, and see what its reader does."""
    start = time.monotonic()
    receiver, sender = os.pipe()
    with tempfile.TemporaryDirectory(prefix="fuzz-", ignore_cleanup_errors=True) as name:
        process = os.fork()
        if process == 0:
            os.close(receiver)
            _report(sender, family, number, Path(name))
        os.close(sender)
        content = _receive(receiver, start + MAX_SECONDS)
        os.close(receiver)
        if content is None:
            os.kill(process, signal.SIGKILL)
        _, status = os.waitpid(process, 0)
        _open_up(name)
    seconds = time.monotonic() - start
    if content is None:
        return Outcome("failed", f"took more than {MAX_SECONDS} s", seconds)
    if not content:
        return Outcome("failed", f"the process ended by itself (status {status})", seconds)
    kind, said, kilobytes = json.loads(content)
    return Outcome(kind, said, seconds, kilobytes / 1024)


def _receive(receiver: int, until: float) -> bytes | None:
    """All that comes until the other end is closed; None if that lasts too long."""
    content = b""
    while select.select([receiver], [], [], max(0, until - time.monotonic()))[0]:
        part = os.read(receiver, 1 << 16)
        if not part:
            return content
        content += part
    return None


def _report(sender: int, family: Family, number: int, folder: Path) -> None:
    """In the child: run the case, send its outcome, end."""
    try:
        os.chdir(folder)
        tqdm.set_lock(RLock())  # else each case would make a lock for several processes, and leave it
        before = _peak()
        _limit_memory()
        kind, said = _judge(family, random.Random(f"{family.name}/{number}"))
        with os.fdopen(sender, "w") as file:
            json.dump((kind, said, _peak() - before), file)
    except BaseException:
        traceback.print_exc()
    finally:
        os._exit(0)


def _judge(family: Family, rng: random.Random) -> tuple[str, str]:
    """The kind of outcome, and what is to be said of it. The input lies in the working directory."""
    given = Path("given")
    given.mkdir()
    family.write(given)
    for change in [rng.choice(family.changes) for _ in range(rng.choice((1, 1, 2, 3)))]:
        change(rng, given)
    before = _listing(family.writes)
    line = None
    try:
        with modes_apply():
            value = family.read(given)
    except BaseException as error:
        line = stages.one_line(error)
        if line is None or isinstance(error, MemoryError):  # which is a fine line, but not of a small file
            return "failed", traceback.format_exc()
    if _listing(family.writes) != before:
        return "failed", "changed files that it was only to read"
    if line is None:
        try:
            family.check(given, value)
        except Exception:
            return "failed", f"believed what is wrong: {traceback.format_exc()}"
        return "read", ""
    if len(line.splitlines()) != 1 or len(line) > MAX_LINE:
        return "failed", f"{len(line)} characters on {len(line.splitlines())} lines: {line[:1000]}"
    return "refused", line


def _listing(left_out: tuple[str, ...]) -> dict[bytes, tuple[int, int, bytes]]:
    """Each entry of the working directory: its mode, its time of change, and its digest or where it leads."""
    found = {}
    for root, folders, files in os.walk(b"."):
        for path in (os.path.join(root, name) for name in (*folders, *files)):  # noqa: PTH118 (may be no text)
            if os.fsdecode(path).startswith(tuple(f"./given/{name}" for name in left_out)):
                continue
            status, content = os.lstat(path), b""
            if stat.S_ISLNK(status.st_mode):
                content = os.readlink(path)  # noqa: PTH115
            elif stat.S_ISREG(status.st_mode):
                with suppress(PermissionError), open(path, "rb") as file:  # noqa: PTH123
                    content = hashlib.file_digest(file, "sha256").digest()
            found[path] = (status.st_mode, status.st_mtime_ns, content)
    return found


def _limit_memory() -> None:
    """More than `MAX_BYTES` beyond what the process has now is a MemoryError."""
    lines = Path("/proc/self/status").read_text().splitlines()
    used = next(int(line.split()[1]) << 10 for line in lines if line.startswith("VmData:"))
    resource.setrlimit(resource.RLIMIT_DATA, (used + MAX_BYTES, used + MAX_BYTES))


def _peak() -> int:
    """The most memory that this process has had, in KB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def _open_up(folder: str) -> None:
    """Folders that were closed by the case must be open to be removed."""
    for root, _, _ in os.walk(folder):
        for entry in os.scandir(root):
            if entry.is_dir(follow_symlinks=False):
                os.chmod(entry.path, 0o700)  # noqa: PTH101
