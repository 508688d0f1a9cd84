"""`fercrop folder/ --csv`: every file answered once, whatever is in it, however often it is interrupted."""

from __future__ import annotations

import csv
import json
import multiprocessing
import os
import signal
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from commands import PORTRAIT, ROOT, command, fercrop, refusal
from permissions import modes_apply
from PIL import Image
from pyarrow import parquet
from sample_sets import refused

from pipeline.use.face_detectors import find_faces
from pipeline.use.journal import Journal
from pipeline.use.many import Task, answer_all, list_files
from pipeline.use.table import Answer, write_table


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Pictures with and without a face, files that are no pictures, and what is passed over."""
    folder = tmp_path / "pictures"
    (folder / "sub").mkdir(parents=True)
    for number in range(20):  # more than are asked about together
        Image.fromarray(np.roll(PORTRAIT[:256, 96:352], number, axis=1)).save(folder / f"{number:02}.png")
    Image.fromarray(PORTRAIT).convert("P").save(folder / "sub/palette.png")
    Image.new("L", (1, 1)).save(folder / "sub/dot.bmp")
    (folder / "sub/cut.png").write_bytes((folder / "00.png").read_bytes()[:9000])
    (folder / "note.txt").write_text("no picture")
    (folder / "nowhere.jpg").symlink_to("absent")
    os.mkfifo(folder / "pipe.jpg")
    (folder / os.fsdecode(b"\xff,\n.png")).write_bytes((folder / "00.png").read_bytes())
    (folder / ".hidden.png").write_bytes(b"")
    (folder / "Thumbs.db").write_bytes(b"")
    return folder


def read(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_every_file_is_answered_once(models: Path, folder: Path, tmp_path: Path) -> None:
    table, words = tmp_path / "out.csv", (folder, "--models", models)
    done = fercrop(*words, "--csv", table, "--jobs", 2, "--draw", tmp_path / "drawn")
    assert (done.returncode, done.stderr) == (0, ""), done.stderr
    rows = read(table)
    by_file = {row["file"]: row for row in rows}
    assert [*by_file][:-1] == sorted(name for name in by_file if name.isprintable())  # the last is sorted by its bytes
    assert len(by_file) == 27
    outcome = {name: row["outcome"] for name, row in by_file.items()}
    assert {outcome[f"{number:02}.png"] for number in range(10)} == {"face"}
    assert outcome["sub/dot.bmp"] == "no face"
    assert outcome["sub/palette.png"] == outcome["\\xff,\n.png"] == "face"
    assert outcome["sub/cut.png"].startswith("unreadable: damaged")
    assert outcome["note.txt"].startswith("unreadable: is neither")
    assert outcome["nowhere.jpg"] == "unreadable: is a link that leads nowhere"
    assert outcome["pipe.jpg"].startswith("unreadable: is no file")
    portrait = by_file["00.png"]
    probabilities = [float(value) for name, value in portrait.items() if name.startswith("p_") and "/" not in name]
    assert sum(probabilities) == pytest.approx(1, abs=1e-3)
    assert float(portrait["probability"]) == max(probabilities)
    assert float(portrait["left"]) < 224 - 96 < float(portrait["right"])
    assert (tmp_path / "drawn/sub/palette.png.png").exists()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["drawn", "out.csv", "pictures"]  # nothing is left over

    assert fercrop(*words, "--csv", tmp_path / "one.csv", "--jobs", 1).returncode == 0
    assert (tmp_path / "one.csv").read_bytes() == table.read_bytes()
    assert fercrop(*words, "--csv", tmp_path / "out.parquet", "--jobs", 2, "--points").returncode == 0
    columns = parquet.read_table(tmp_path / "out.parquet").to_pydict()
    assert columns["file"] == [row["file"] for row in rows]
    assert columns["left"] == [float(row["left"]) if row["left"] else None for row in rows]
    assert min(value for value in columns["x1"] if value is not None) < 256


def test_a_kill_loses_no_answer(models: Path, folder: Path, tmp_path: Path) -> None:
    table, kept = tmp_path / "out.csv", tmp_path / ".out.csv.answers"
    words = command(folder, "--models", models, "--csv", table, "--jobs", 1)
    with subprocess.Popen(words, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True) as process:
        end = time.monotonic() + 120
        while not (kept.exists() and kept.read_bytes().count(b"\n") > 1):
            assert time.monotonic() < end
            time.sleep(0.01)
        process.send_signal(signal.SIGKILL)
        process.communicate()
    assert not table.exists()
    before = kept.read_bytes()
    whole = {json.loads(line).get("file") for line in before.splitlines()}
    mark = b'"face", 1, '  # what was answered is not asked again: a change made there stays
    assert before.count(mark)
    kept.write_bytes(before.replace(mark, b'"face", 77, ') + b'{"file": "torn')
    assert "other models or options" in refusal(folder, "--models", models, "--csv", table, "--points")
    assert fercrop(folder, "--models", models, "--csv", table, "--jobs", 2).returncode == 0
    rows = read(table)
    assert len({row["file"] for row in rows}) == 27
    marked = {row["file"] for row in rows if row["face"] == "77"}
    assert marked
    assert marked <= whole
    assert not kept.exists()


def test_a_file_that_ends_its_process_is_a_row(models: Path, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A site of its own makes a decoder that dies, as a defect in C code would."""
    site = folder.parent / "site"
    site.mkdir()
    (site / "sitecustomize.py").write_text(
        "import os, pathlib\n"
        "real = pathlib.Path.stat\n"
        "def stat(path, **more):\n"
        "    if path.name == '07.png' and path.parent.name == 'pictures':\n"
        "        os._exit(7)\n"
        "    return real(path, **more)\n"
        "pathlib.Path.stat = stat\n"
    )
    files = [f"{number:02}.png" for number in range(20)]
    monkeypatch.setenv("PYTHONPATH", f"{site}:{ROOT}")
    task = Task(folder, models, "dlib", points=False, drawn=None)
    answers = {one.file: one.rows[0][0] for part in answer_all(task, files, 2) for one in part}
    assert sorted(answers) == files
    assert answers.pop("07.png") == "unreadable: it ended the process that read it"
    assert set(answers.values()) <= {"face", "no face"}


def test_a_process_that_ends_between_two_tasks_loses_no_file(models: Path, folder: Path) -> None:
    """It ends while its answers are being kept, so that the next task cannot be handed to it."""
    files = [f"{number % 20:02}.png" for number in range(200)]
    task = Task(folder, models, "cascade", points=False, drawn=None)
    answers = []
    for count, part in enumerate(answer_all(task, files, 2)):
        answers += [one.file for one in part]
        if count == 1:
            for process in multiprocessing.active_children():
                process.kill()
                process.join()
            time.sleep(0.5)  # until the pool knows
    assert sorted(answers) == sorted(files)


def test_models_that_are_gone_are_told_and_no_file_is_blamed(models: Path, folder: Path) -> None:
    task = Task(folder, folder / "nowhere", "dlib", points=False, drawn=None)
    assert "nowhere/models.json: " in refused(lambda: [*answer_all(task, ["00.png"], 1)])


def test_a_picture_that_cannot_be_drawn_is_a_row(models: Path, folder: Path, tmp_path: Path) -> None:
    long = "a" * 243 + ".png"
    (folder / long).write_bytes((folder / "00.png").read_bytes())
    task = Task(folder, models, "dlib", points=False, drawn=tmp_path / "drawn")
    answers = {one.file: one.rows[0][0] for part in answer_all(task, [long, "01.png"], 1) for one in part}
    assert answers == {long: "unreadable: its name is too long for that of its picture", "01.png": "face"}


def test_a_face_detector_may_be_asked_in_several_threads() -> None:
    pictures = [PORTRAIT, PORTRAIT[:, ::-1].copy(), PORTRAIT[:300]]
    alone = [find_faces("dlib", picture).tolist() for picture in pictures]
    with ThreadPoolExecutor(3) as pool:
        together = [*pool.map(lambda picture: find_faces("dlib", picture).tolist(), pictures * 3)]
    assert together == alone * 3


def test_a_folder_that_may_not_be_looked_into_is_listed(folder: Path) -> None:
    (folder / "sub").chmod(0)
    try:
        with modes_apply():
            assert "sub/" in list_files(folder)
    finally:
        (folder / "sub").chmod(0o700)


def test_the_table_itself_is_no_picture(folder: Path) -> None:
    (folder / "out.csv").touch()
    assert "out.csv" in list_files(folder)
    assert "out.csv" not in list_files(folder, [folder / "out.csv"])
    assert not any(name.startswith("sub/") for name in list_files(folder, [folder / "sub"]))


def test_a_journal_keeps_what_is_whole(tmp_path: Path) -> None:
    path, answers = tmp_path / "journal", [Answer("a", [["face", 1]]), Answer("b\n", [["no face"]])]
    with Journal(path, {"models": "x"}) as journal:
        journal.add(answers, {"a": (1, 2), "b\n": (3, 4)})
    whole = path.read_bytes()
    for size in range(whole.index(b'"a"'), len(whole) + 1):
        path.write_bytes(whole[:size])
        with Journal(path, {"models": "x"}) as journal:
            assert journal.has("b\n", (3, 4)) == (size == len(whole))
            assert not journal.has("a", (1, 3))
            missing = [one for one in answers if not journal.has(one.file, {"a": (1, 2), "b\n": (3, 4)}[one.file])]
            journal.add(missing, {"a": (1, 2), "b\n": (3, 4)})
            assert [*journal.answers(["b\n", "a"])] == answers[::-1]
    assert "other models" in refused(Journal, path, {"models": "y"})
    path.write_bytes(b"a table of mine\n")
    assert "other models or options, or is no journal" in refused(Journal, path, {"models": "x"})
    assert path.read_bytes() == b"a table of mine\n"


def test_a_journal_is_one_process_and_asks_anew_about_what_it_could_not_read(tmp_path: Path) -> None:
    path, answers = tmp_path / "journal", [Answer("a", [["unreadable: not permitted"]]), Answer("b", [["no face"]])]
    with Journal(path, {}) as journal:
        journal.add(answers, {"a": (1, 2), "b": (1, 2)})
        assert "another process writes this table" in refused(Journal, path, {})
    path.write_bytes(path.read_bytes() + b"{}\n")
    with Journal(path, {}) as journal:
        assert [journal.has(name, (1, 2)) for name in "ab"] == [False, True]


def test_rows_without_a_face_are_filled_up(tmp_path: Path) -> None:
    import pyarrow

    schema = {"file": pyarrow.string(), "outcome": pyarrow.string(), "face": pyarrow.int32()}
    answers = [Answer("a", [["face", 1], ["face", 2]]), Answer("b", [["no face"]])]
    assert write_table(tmp_path / "a.csv", answers, schema) == 3
    assert (tmp_path / "a.csv").read_text() == "file,outcome,face\na,face,1\na,face,2\nb,no face,\n"
    write_table(tmp_path / "a.parquet", answers, schema)
    assert parquet.read_table(tmp_path / "a.parquet")["face"].to_pylist() == [1, 2, None]
