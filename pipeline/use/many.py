"""Many photographs, by several processes: a file that cannot be read, or even ends the process, stops nothing."""

from __future__ import annotations

import errno
import multiprocessing
import os
import signal
import threading
from collections import deque
from collections.abc import Generator, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from multiprocessing.connection import wait as wait_for
from pathlib import Path

import cv2

from pipeline.common.code import code_digest
from pipeline.common.files import InputError, digest_folder
from pipeline.data.pictures import LEFT_BESIDE
from pipeline.use.drawing import draw, save_drawing
from pipeline.use.face_detectors import SEARCHED
from pipeline.use.faces import Face, Found, find, look_at
from pipeline.use.journal import Stamp
from pipeline.use.models import Models, load_models
from pipeline.use.photograph import reason, upright
from pipeline.use.table import UNREADABLE, Answer, rows_of

# Photographs whose faces are asked about together. It is the same whatever the number of processes, and so is what the
# networks say: in other company a probability may differ in its last digits.
TOGETHER = 16


@dataclass(frozen=True)
class Task:
    """What is to be done with each photograph.

    Attributes:
        root: the folder that names of files are relative to.
        models: the folder of models.
        detector: one of `face_detectors.names`.
        points: whether the table has the points.
        drawn: where pictures of what was found are written, if anywhere.
        searched: see `face_detectors.find_faces`.
    """

    root: Path
    models: Path
    detector: str
    points: bool
    drawn: Path | None
    searched: int = SEARCHED


def cores() -> int:
    """How many this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def version(task: Task) -> str:
    """What answers depend on beside the photographs and the options."""
    return f"{code_digest(__name__)} {digest_folder(task.models)}"


def list_files(root: Path, beside: Iterable[Path] = ()) -> dict[str, Stamp]:
    """All files below a folder by their names relative to it, in their order.

    Files whose names begin with a dot, others that systems leave beside pictures, links to folders, and what lies at
    or below `beside` are passed over. A folder that may not be looked into stands for what is in it.
    """
    left_out = {path.resolve() for path in beside}
    found: dict[str, Stamp] = {}

    def refused(error: OSError) -> None:
        found[Path(error.filename).relative_to(root).as_posix() + "/"] = (0, 0)

    for folder, folders, files in os.walk(root, onerror=refused):
        folders[:] = sorted(one for one in folders if one[0] != "." and Path(folder, one).resolve() not in left_out)
        for name in files:
            path = Path(folder, name)
            if name[0] == "." or name in LEFT_BESIDE or (left_out and path.resolve() in left_out):
                continue
            found[path.relative_to(root).as_posix()] = _stamp(path)
    return dict(sorted(found.items()))


def _stamp(path: Path) -> Stamp:
    try:
        there = path.stat()
    except OSError:
        return 0, 0  # a link that leads nowhere; it is told when it is read
    return there.st_size, there.st_mtime_ns


def answer_all(task: Task, files: list[str], jobs: int) -> Iterator[list[Answer]]:
    """Answers of all files, some at a time, in any order.

    Where a process ends that should not, what it was at is asked once more, a file at a time; the file that does it
    again is called unreadable.
    """
    tasks = deque(files[start : start + TOGETHER] for start in range(0, len(files), TOGETHER))
    while tasks:
        lost = yield from _until_one_ends(task, tasks, jobs)
        suspects = deque([file] for part in lost for file in part)
        while suspects:
            for (guilty,) in (yield from _until_one_ends(task, suspects, 1)):
                yield [ended_its_process(guilty)]


def ended_its_process(file: str) -> Answer:
    """What is said of a file that a process did not survive, twice."""
    return unread(file, "it ended the process that read it")


def unread(file: str, why: str) -> Answer:
    """What is said of a file that cannot be read."""
    return Answer(file, [[UNREADABLE + why]])


def _until_one_ends(task: Task, tasks: deque[list[str]], jobs: int) -> Generator[list[Answer], None, list[list[str]]]:
    """Take tasks until there are none, or a process ends; the tasks that were begun then are returned."""
    pool = ProcessPoolExecutor(jobs, multiprocessing.get_context("spawn"), _start)
    running: dict[Future[list[Answer]], list[str]] = {}
    try:
        while tasks or running:
            while tasks and len(running) < (2 * jobs if jobs > 1 else 1):
                future = pool.submit(_answer, task, tasks[0])  # which raises if a process has ended meanwhile
                running[future] = tasks.popleft()
            done, _ = wait(running, return_when=FIRST_COMPLETED)
            for future in done:
                answers = future.result()
                del running[future]
                yield answers
    except BrokenProcessPool:
        return [*running.values()]
    finally:
        pool.shutdown(cancel_futures=True)
    return []


def _start() -> None:
    """What each process does first."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the first process ends them all
    threading.Thread(target=_end_with_the_first, daemon=True).start()
    cv2.setNumThreads(1)


def _end_with_the_first() -> None:
    """Wait until the process that started this one has ended, be it by a kill, and end too."""
    first = multiprocessing.parent_process()
    assert first is not None
    wait_for([first.sentinel])
    os._exit(1)


# Of this process. They are not loaded at its start: an error there would end it, and be taken for a file's doing.
_models: dict[Path, Models] = {}


def _answer(task: Task, files: list[str]) -> list[Answer]:
    if task.models not in _models:
        _models[task.models] = load_models(task.models, threads=1)
    return answer_some(task, files, _models[task.models])


def answer_some(task: Task, files: list[str], models: Models) -> list[Answer]:
    """What is to be said of some files, whose faces are asked about together."""
    found = {file: _find(task, file, models) for file in files}
    faces = iter(look_at([one for said in found.values() if not isinstance(said, str) for one in said], models))
    answers = []
    for file, said in found.items():
        seen = [] if isinstance(said, str) else [next(faces) for _ in said]
        wrong = said if isinstance(said, str) else _draw(task, file, seen, models)
        answers.append(unread(file, wrong) if wrong else Answer(file, rows_of(seen, models.about, task.points)))
    return answers


def _find(task: Task, file: str, models: Models) -> list[Found] | str:
    """The faces of a file, or why it cannot be read."""
    try:
        return find(upright(task.root / file), models, task.detector, task.searched)
    except Exception as error:
        return reason(error, task.root / file)


def _draw(task: Task, file: str, faces: list[Face], models: Models) -> str | None:
    """Write the picture of a file, if pictures are wanted; or why that cannot be done with this file."""
    if task.drawn is None:
        return None
    try:
        pixels = upright(task.root / file)
        save_drawing(draw(pixels, faces, models.about.classes), task.drawn / f"{file}.png")
    except InputError as error:  # it is another file than it was a moment ago, or the picture's place is taken
        return reason(error, task.root / file)
    except OSError as error:
        if error.errno != errno.ENAMETOOLONG:
            raise
        return "its name is too long for that of its picture"
    return None
