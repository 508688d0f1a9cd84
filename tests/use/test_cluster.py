"""`fercrop folder/ --scheduler`: a cluster of Dask's gives the same table, whatever happens to its workers."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from commands import PORTRAIT, ROOT, command, fercrop
from distributed import Client, LocalCluster
from PIL import Image
from sample_sets import refused

from pipeline.use.cluster import answer_on_cluster
from pipeline.use.many import Task, list_files


@pytest.fixture
def cluster(monkeypatch: pytest.MonkeyPatch) -> Iterator[LocalCluster]:
    """Two workers, processes of their own with one thread each, which are started again when they end."""
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    options = {"n_workers": 2, "threads_per_worker": 1, "dashboard_address": None, "memory_limit": 0}
    with LocalCluster(**options, silence_logs=50) as cluster:
        yield cluster


def fill(folder: Path, count: int, faces: int) -> None:
    """Files by the thousand: every so many shows a face, one in fifty is broken, the others are noise."""
    random = np.random.default_rng(0)
    face = PORTRAIT[64:192, 160:288]
    for number in range(count):
        path = folder / f"{number % 7}/{number:05}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        if number % 50 == 7:
            path.write_bytes(b"\x89PNG\r\n\x1a\nno more")
        elif number % faces == 0:
            Image.fromarray(np.roll(face, number % 11, axis=1)).save(path)
        else:
            Image.fromarray(random.integers(0, 256, (24, 24), np.uint8)).save(path)


def kill_one(address: str) -> int:
    """End a worker of the cluster as a failing machine would; its process id."""
    with Client(address, set_as_default=False) as client:
        victim = next(iter(client.run(os.getpid).values()))
    os.kill(victim, signal.SIGKILL)
    return int(victim)


def check_same_table_after_a_kill(cluster: LocalCluster, folder: Path, models: Path, count: int) -> None:
    """Answer all files on the cluster and kill a worker on the way, then without a cluster."""
    here, there = folder.parent / "here.csv", folder.parent / "there.csv"
    words = command(folder, "--models", models, "--csv", there, "--scheduler", cluster.scheduler_address)
    kept = folder.parent / ".there.csv.answers"
    with subprocess.Popen(words, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        end = time.monotonic() + 240
        while not (kept.exists() and kept.read_bytes().count(b"\n") > 1):
            assert process.poll() is None, process.communicate()
            assert time.monotonic() < end
            time.sleep(0.01)
        kill_one(cluster.scheduler_address)
        assert not there.exists(), "it was done before the kill"
        said, complaint = process.communicate()
    assert (process.returncode, complaint) == (0, "")
    assert f"of {count:,} files" in said
    assert fercrop(folder, "--models", models, "--csv", here, "--jobs", 2).returncode == 0
    assert there.read_bytes() == here.read_bytes()
    rows = [line.partition(",")[0] for line in there.read_text().splitlines()[1:]]
    assert len({*rows}) == count


def test_a_killed_worker_changes_nothing(cluster: LocalCluster, models: Path, tmp_path: Path) -> None:
    fill(tmp_path / "pictures", 400, faces=4)
    check_same_table_after_a_kill(cluster, tmp_path / "pictures", models, 400)


@pytest.mark.slow
def test_five_thousand_files(cluster: LocalCluster, models: Path, tmp_path: Path) -> None:
    fill(tmp_path / "pictures", 5000, faces=25)
    check_same_table_after_a_kill(cluster, tmp_path / "pictures", models, 5000)


def test_a_file_that_ends_its_worker_is_a_row(models: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "site").mkdir()
    (tmp_path / "site/sitecustomize.py").write_text(
        "import os, pathlib\n"
        "real = pathlib.Path.stat\n"
        "def stat(path, **more):\n"
        "    if path.name == '00003.png' and 'pictures' in path.parts:\n"
        "        os._exit(7)\n"
        "    return real(path, **more)\n"
        "pathlib.Path.stat = stat\n"
    )
    fill(tmp_path / "pictures", 20, faces=20)
    monkeypatch.setenv("PYTHONPATH", f"{tmp_path / 'site'}:{ROOT}")
    options = {"n_workers": 2, "threads_per_worker": 1, "dashboard_address": None, "memory_limit": 0}
    files = [*list_files(tmp_path / "pictures")]
    task = Task(tmp_path / "pictures", models, "dlib", points=False, drawn=None)
    with LocalCluster(**options, silence_logs=50) as cluster:
        answers = [one for part in answer_on_cluster(task, files, cluster.scheduler_address) for one in part]
    assert sorted(one.file for one in answers) == files
    ended = [one.file for one in answers if one.rows == [["unreadable: it ended the process that read it"]]]
    assert ended == ["3/00003.png"]


def test_what_is_wrong_with_a_cluster_is_one_line(
    models: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def said(address: str) -> str:
        task = Task(tmp_path / "elsewhere", models, "dlib", points=False, drawn=None)
        return str(refused(lambda: [*answer_on_cluster(task, ["a.png"], address)]))

    with monkeypatch.context() as patch:
        patch.setitem(sys.modules, "distributed", None)
        assert "pip install 'dask[distributed]'" in said("127.0.0.1:9")
    monkeypatch.setattr("pipeline.use.cluster.PATIENCE", 1)
    assert "no scheduler of Dask's answers" in said("nonsense://here:1")
    assert "no scheduler of Dask's answers" in said("127.0.0.1:9")
    with LocalCluster(n_workers=0, dashboard_address=None, silence_logs=50) as cluster:
        assert "has no worker; start one with `dask worker tcp://" in said(cluster.scheduler_address)
        monkeypatch.setattr("pipeline.use.cluster.PATIENCE", 60)
        cluster.scale(1)
        assert f"{tmp_path}/elsewhere: the worker tcp://" in said(cluster.scheduler_address)
