"""Many photographs, by the workers of a Dask cluster: they see the same folders as this process, by the same names."""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Iterator
from concurrent.futures import CancelledError
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline.common.files import InputError
from pipeline.use.many import TOGETHER, Task, answer_some, ended_its_process, version
from pipeline.use.models import Models, load_models
from pipeline.use.table import Answer

if TYPE_CHECKING:
    from distributed import Client

# Parts that the scheduler has at once: enough for every worker to have the next at hand, and few enough for a list of
# millions of files not to be held there.
IN_FLIGHT = 1024
PATIENCE = 30  # seconds, for the scheduler to answer and for a first worker to be there
REPAIR = "run the same command again to go on"


def answer_on_cluster(task: Task, files: list[str], scheduler: str) -> Iterator[list[Answer]]:
    """Answers of all files, some at a time, in any order.

    What a worker was at when it ended is given to another. What has ended as many workers as Dask lets it (its setting
    `distributed.scheduler.allowed-failures`) is asked once more, a file at a time; the file that does it again is
    called unreadable.

    Args:
        task: its folders by names that begin at the root.
        scheduler: its address, such as `tcp://host:8786`.

    Raises:
        InputError: the cluster cannot be reached, has no worker or ends, or a worker does not see the photographs, or
            has another version of fercrop or other models.
    """
    with _connected(scheduler) as client:
        from distributed import KilledWorker, as_completed  # which is there, or nothing would be connected

        expected = version(task)
        waiting = deque(files[start : start + TOGETHER] for start in range(0, len(files), TOGETHER))
        running: dict[str, list[str]] = {}
        results = as_completed()
        while waiting or running:
            while waiting and len(running) < IN_FLIGHT:
                part = waiting.popleft()
                future = client.submit(_answer, task, expected, part, pure=False)
                running[future.key] = part
                results.add(future)
            future = next(results)
            part = running.pop(future.key)
            try:
                yield future.result()
            except KilledWorker:
                if len(part) == 1:
                    yield [ended_its_process(part[0])]
                waiting.extendleft([file] for file in part if len(part) > 1)
            except ImportError as error:
                said = f"a worker cannot import {error.name}; install this version of fercrop for it"
                raise InputError(f"{scheduler}: {said}, and {REPAIR}") from None
            except CancelledError:
                raise InputError(f"{scheduler}: the scheduler has ended; start it and {REPAIR}") from None


def _connected(scheduler: str) -> Client:
    """A client of a cluster that has a worker."""
    try:
        from distributed import Client
    except ImportError:
        raise InputError("--scheduler: needs Dask; run `pip install 'dask[distributed]'`") from None
    for name in [*logging.root.manager.loggerDict]:  # each has a level of its own; what goes wrong is told here
        if name.partition(".")[0] == "distributed":
            logging.getLogger(name).setLevel(logging.CRITICAL)
    try:
        client = Client(scheduler, timeout=PATIENCE)
    except (OSError, ValueError, RuntimeError) as error:
        said = " ".join(str(error).split()) or type(error).__name__
        raise InputError(f"{scheduler}: no scheduler of Dask's answers ({said}); give what it calls itself") from None
    try:
        client.wait_for_workers(1, timeout=PATIENCE)
    except TimeoutError:
        client.close()
        raise InputError(f"{scheduler}: has no worker; start one with `dask worker {scheduler}`") from None
    return client


_loaded: dict[tuple[Path, str], Models] = {}  # of this worker
_loading = threading.Lock()  # a worker may have several threads


def _answer(task: Task, expected: str, files: list[str]) -> list[Answer]:
    """What a worker says of some files.

    Raises:
        InputError: it does not see them, or has another version or other models.
    """
    from distributed import get_worker

    name = get_worker().address
    for folder in (task.root, task.models):
        if not folder.is_dir():
            raise InputError(f"{folder}: the worker {name} has no such folder; mount it there by this name, {REPAIR}")
    with _loading:
        models = _loaded.get((task.models, expected))
        if models is None:
            if version(task) != expected:
                raise InputError(
                    f"the worker {name} has another version of fercrop or other models; give it these, {REPAIR}"
                )
            models = load_models(task.models, threads=1)
            _loaded.clear()
            _loaded[task.models, expected] = models
    return answer_some(task, files, models)
