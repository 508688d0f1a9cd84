"""Kill `dvc repro` at random moments, go on until it is done, and hold the results against an undisturbed run.

    make kill-test                                    # the small graph, one kill with each of the two signals
    PYTHONPATH=tests python -m kills small 20 KILL               # 20 kills with SIGKILL; small or demo, KILL or TERM
    PYTHONPATH=tests python -m kills demo 3 TERM 7               # with another seed

Every kill starts from an empty cache in a copy of the project, and ends the whole process group. A moment is drawn from
the time that the undisturbed run took.
"""

from __future__ import annotations

import hashlib
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from projects import ROOT, set_parameter
from tqdm import tqdm

from pipeline.common.files import InputError
from stages.check import check_lock

COPIED = ("pipeline", "stages", "pretrained", "dvc.yaml", "params.yaml", "recipes.yaml", "requirements.txt")
SIGNALS = {"KILL": signal.SIGKILL, "TERM": signal.SIGTERM}
RESULTS = ("models", "reports", "data")
# The names that unfinished outputs have.
BETWEEN = (".part", ".replaced")


def make_project(folder: Path, graph: str) -> None:
    """A project of its own with an empty cache; `small` has one network, two regions and few epochs."""
    for name in COPIED:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source, folder / name)
    (folder / "data/raw").mkdir(parents=True)
    if graph == "small":
        params = folder / "params.yaml"
        text = params.read_text().replace("networks: [cnn2, googlenet]", "networks: [cnn1]")  # the atlas's
        params.write_text(text)
        set_parameter("networks", "[cnn1]", params)
        lines = [line for line in params.read_text().splitlines() if not line.startswith("  face:")]
        params.write_text("\n".join(lines) + "\n")
        set_parameter("epochs", "2", folder / "recipes.yaml")  # of the landmark model, which takes longest
        set_parameter("max_error", "1.0", params)  # so bad are its points
    subprocess.run((sys.executable, "-m", "dvc", "init", "-q", "--no-scm"), cwd=folder, check=True)


def start(folder: Path) -> subprocess.Popen[bytes]:
    """`dvc repro`, the leader of a process group of its own."""
    words = [sys.executable, "-m", "dvc", "repro", "--no-run-cache"]
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    with (folder / "repro.log").open("ab") as log:
        return subprocess.Popen(
            words, cwd=folder, env={**os.environ, "PATH": path}, stdout=log, stderr=log, start_new_session=True
        )


def finish(folder: Path) -> None:
    """Run `dvc repro` until it is done; a lock file that the kill tore is deleted first, as `stages.check` asks.

    Raises:
        RuntimeError: it failed, though nobody disturbed it.
    """
    try:
        check_lock(folder / "dvc.lock")
    except InputError as error:
        print(error, flush=True)
        (folder / "dvc.lock").unlink()
    with start(folder) as process:
        if process.wait() != 0:
            raise RuntimeError((folder / "repro.log").read_text()[-3000:])


def kill_once(folder: Path, after: float, number: signal.Signals) -> bool:
    """Start, and send the signal to the whole group after so many seconds; whether it was still at work."""
    with start(folder) as process:
        try:
            process.wait(after)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, number)
            process.wait()
            _wait_for_group(process.pid)
            return True
    return False


def _wait_for_group(group: int) -> None:
    """Wait until no process of a group is left: its leader may end before the stage that it started."""
    for _ in range(600):
        try:
            os.killpg(group, 0)
        except ProcessLookupError:
            return
        time.sleep(0.1)
    raise RuntimeError("a process outlived its signal by a minute")


def digests(folder: Path) -> dict[str, str]:
    """SHA-256 of all results by their paths."""
    files = (file for name in RESULTS for file in sorted((folder / name).rglob("*")) if file.is_file())
    return {str(file.relative_to(folder)): hashlib.sha256(file.read_bytes()).hexdigest() for file in files}


def leftovers(folder: Path) -> list[str]:
    """What a kill left and nobody cleaned."""
    return [
        str(path)
        for name in (*RESULTS, ".checkpoints")
        for path in (folder / name).rglob(".*")
        if path.suffix in BETWEEN
    ]


def main(graph: str, kills: int, name: str, seed: int) -> bool:
    """Whether all runs that were killed end as the undisturbed one does."""
    rng, failed = random.Random(f"{graph}/{name}/{seed}"), 0
    with tempfile.TemporaryDirectory(prefix="kills-") as base:
        undisturbed = Path(base) / "undisturbed"
        make_project(undisturbed, graph)
        begin = time.monotonic()
        finish(undisturbed)
        took, expected = time.monotonic() - begin, digests(undisturbed)
        print(f"{graph}: undisturbed in {took:.0f} s, {len(expected)} files", flush=True)
        for kill in tqdm(range(kills), desc=f"kills by SIG{name}", disable=None):
            folder = Path(base) / f"kill-{kill}"
            make_project(folder, graph)
            after = rng.uniform(0.5, took)
            killed = kill_once(folder, after, SIGNALS[name])
            finish(folder)
            found = digests(folder)
            differ = sorted(path for path in expected.keys() | found.keys() if expected.get(path) != found.get(path))
            left = leftovers(folder)
            failed += bool(differ or left)
            print(
                f"kill {kill + 1} after {after:.1f} s{'' if killed else ' (was done already)'}: "
                f"{len(differ)} files differ{f' ({differ[:3]})' if differ else ''}, left {left or 'nothing'}",
                flush=True,
            )
            shutil.rmtree(folder)
    print(f"{kills} kills by SIG{name}, {failed} failed")
    return not failed


if __name__ == "__main__":
    match sys.argv[1:]:
        case [("small" | "demo") as graph, count, ("KILL" | "TERM") as name, *more] if len(more) < 2:
            sys.exit(not main(graph, int(count), name, int(more[0]) if more else 0))
        case _:
            sys.exit("usage: python -m kills small|demo KILLS KILL|TERM [SEED]")
