"""Run a study in a copy of the project, and keep what comes of it; without a name, list the studies.

    python -m stages.study                    # what there is, what was run, and what came of it
    python -m stages.study NAME               # on the data that the study names
    python -m stages.study NAME demo          # on drawn data

The copy, `.studies/NAME`, is a DVC project of its own with the same cache: what the project or another study has made
already is taken from there, and nothing of the project itself changes. It stays until the study is done, so that one
that was interrupted goes on where it was.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from ruamel.yaml import YAML

from pipeline.common.files import InputError, digest, write_bytes, write_json
from pipeline.common.records import read_json
from pipeline.common.settings import read_yaml
from pipeline.studies import results
from pipeline.studies.figures import measure, unknown_classes
from pipeline.studies.study_file import StudyFile, names, plain, read_study
from stages import commit, run

COPIES = Path(".studies")
CODE = ("pipeline", "stages")
GIVEN = ("data/raw", "pretrained")  # large: files are linked, not copied
SPENT = "spent.json"  # seconds, of all runs in a copy
PATIENCE = 20  # seconds that a stage has to end once it is asked to


def main(*words: str) -> None:
    match words:
        case () | ("",):
            list_all()
        case (name,):
            run_study(name, drawn=False)
        case (name, "demo"):
            run_study(name, drawn=True)
        case _:
            raise InputError("usage: python -m stages.study NAME, or NAME demo for drawn data, or nothing to list them")


def list_all() -> None:
    rows = []
    for name in names():
        try:
            study = read_study(name, drawn=False)
            rows.append((name, *results.state(study, results.folder_of(name, drawn=False), code_digests(study))))
        except InputError as error:  # the other studies are there all the same
            rows.append((name, "cannot be read", str(error)))
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        print("  ".join(text.ljust(width) for text, width in zip(row, widths, strict=True)).rstrip())


def run_study(name: str, drawn: bool) -> None:
    study, kept = read_study(name, drawn), results.folder_of(name, drawn)
    folder = COPIES / kept.name
    with alone(folder):
        run_in(folder, study, kept)


@contextmanager
def alone(folder: Path) -> Iterator[None]:
    """Hold a study's copy as long as it runs, for a second run would replace code and data below the first.

    Raises:
        InputError: another run holds it.
    """
    import fcntl

    folder.parent.mkdir(exist_ok=True)
    with folder.with_name(f"{folder.name}.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise InputError(f"{folder}: this study is running already; wait for it, or end it first") from None
        yield


def run_in(folder: Path, study: StudyFile, kept: Path) -> None:
    """Run a study in its copy of the project, and keep what comes of it."""
    name, at, code = study.name, commit(), code_digests(study)  # as they are now, not when it ends
    make_copy(study, folder)
    print(f"{name}: runs in {folder}; if it is interrupted, the same command goes on", flush=True)
    reproduce(folder, "evaluate")
    left_out = None
    try:
        reproduce(folder)
    except InputError:  # its reason is told above
        left_out = "it could not be made"
        print(f"{name}: the comparison could not be made, so that the study's own page is all there is", flush=True)
    minutes = read_json(folder / SPENT) / 60
    asked = results.asked(study)
    ran = results.Ran(
        study=name,
        drawn=study.drawn,
        commit=at,
        minutes=minutes,
        settings=asked,
        code=code,
        headline="",
        left_out=left_out,
    )
    found = measure(folder, study.params)
    ran = results.write_results(kept, study, folder, found, ran)
    shutil.rmtree(folder)
    for line in unknown_classes(study.header.printed, found):
        print(f"{name}: {line}")
    print(f"{kept / 'index.html'}: {ran.headline}")


def make_copy(study: StudyFile, folder: Path) -> None:
    """The project with the study's settings, in a folder that may hold what an interrupted run has done."""
    for name in (*CODE, *GIVEN):
        shutil.rmtree(folder / name, ignore_errors=True)
        if Path(name).is_dir():
            how = _link if name in GIVEN else shutil.copy2
            shutil.copytree(name, folder / name, ignore=_left_out, copy_function=how)
    for name in ("dvc.yaml", ".dvcignore"):
        write_bytes(folder / name, Path(name).read_bytes())
    for name, content in (("params.yaml", study.content), ("recipes.yaml", study.recipes)):
        with (folder / name).open("w") as file:
            YAML(typ="safe", pure=True).dump(plain(content), file)
    share_cache(folder)


def _left_out(folder: str, names: list[str]) -> list[str]:
    """What is not copied: links that lead nowhere, so that the stages miss what they miss in the project."""
    return [name for name in names if name == "__pycache__" or not Path(folder, name).exists()]


def _link(source: str, target: str) -> None:
    """The same file under another name; where that cannot be, a copy."""
    real = Path(source).resolve()
    try:
        os.link(real, target)
    except OSError:
        shutil.copy2(real, target)


def share_cache(folder: Path) -> None:
    """Make a folder a DVC project with the same cache, so that nothing is computed twice.

    Raises:
        InputError: the working directory is none.
    """
    from dvc.exceptions import NotDvcRepoError
    from dvc.repo import Repo

    try:
        with Repo(".") as project:
            cache = str(Path(project.cache.local_cache_dir).resolve())
    except NotDvcRepoError:
        raise InputError("no DVC project is here; run from the project's folder, or run `dvc init`") from None
    if not (folder / ".dvc").is_dir():
        Repo.init(str(folder), no_scm=True).close()
    with Repo(str(folder)) as copy, copy.config.edit() as config:
        config["cache"]["dir"] = cache


def reproduce(folder: Path, *targets: str) -> None:
    """`dvc repro`, whose time is added to what was spent before.

    Raises:
        InputError: a stage failed; why, DVC has told.
    """
    start = time.monotonic()
    try:
        # `python`, as dvc.yaml calls it, is the one that runs this.
        path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', os.defpath)}"
        words = [sys.executable, "-m", "dvc", "repro", *targets]
        status = run_whole(words, folder, {**os.environ, "PATH": path})
    finally:
        before = read_json(folder / SPENT) if (folder / SPENT).is_file() else 0
        write_json(folder / SPENT, before + time.monotonic() - start)
    if status:
        raise InputError(f"{folder}: `dvc repro` failed, as is told above; correct that, and run the study again")


def run_whole(words: list[str], folder: Path, environment: dict[str, str]) -> int:
    """Run a command with all that it starts: an interrupt ends the stage that DVC runs too, not DVC alone.

    Returns:
        its exit status.
    """
    if signal.getsignal(signal.SIGHUP) is signal.SIG_DFL:  # a terminal that closes tells a group of its own nothing
        signal.signal(signal.SIGHUP, signal.getsignal(signal.SIGTERM))
    command = subprocess.Popen(words, cwd=folder, env=environment, process_group=0)
    try:
        return command.wait()
    except KeyboardInterrupt:
        _end_group(command)
        raise


def _end_group(command: subprocess.Popen[bytes]) -> None:
    """End all processes of a command's group: asked to at first, so that they leave nothing half-done."""
    with suppress(ProcessLookupError):  # all have ended
        os.killpg(command.pid, signal.SIGTERM)
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            command.poll()
            os.killpg(command.pid, 0)
            time.sleep(0.1)
        os.killpg(command.pid, signal.SIGKILL)
    command.wait()


def code_digests(study: StudyFile) -> dict[str, str]:
    """SHA-256 of each file of code that dvc.yaml says results depend on, by its path."""
    return {path.as_posix(): digest(path) for path in sorted({*_code(study)})}


def _code(study: StudyFile) -> Iterator[Path]:
    yield Path("dvc.yaml")
    for stage in read_yaml(Path("dvc.yaml"), "restore it with git")["stages"].values():
        for dep in stage.get("do", stage).get("deps", []):
            if dep.startswith(tuple(f"{name}/" for name in CODE)):
                for network in study.params.networks:
                    path = Path(dep.replace("${item.network}", network))
                    files = path.rglob("*") if path.is_dir() else [path]
                    yield from (file for file in files if file.is_file() and "__pycache__" not in file.parts)


if __name__ == "__main__":
    run(main)
