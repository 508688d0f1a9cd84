"""A study runs in a copy: what the project itself holds stays, and what comes of it is kept whole."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pandas as pd
import pytest
from dvc.repo import Repo
from projects import ROOT, copy_study_settings, set_parameter
from sample_sets import refused

from pipeline.common.files import digest, write_json
from pipeline.studies import results
from pipeline.studies.figures import one_figure
from pipeline.studies.study_file import BASE, names, read_study
from stages import leak, study

STUDY = """
study:
  reproduces: a report
  costs: not measured
  printed: [{what: conv4 on noise, value: 59.74%, on: noise, ours: vanilla/conv4/test/accuracy}]
networks: [conv4]
"""

# The graph in small: what stands for all of it writes a cell's scores, and what stands for the comparison a page.
GRAPH = """
stages:
  evaluate:
    cmd: python stages/evaluate.py
    params: [networks, recipe]
    deps: [stages/evaluate.py, data/raw/rows.txt]
    outs: [reports/classifiers, data/expressions]
  compare:
    cmd: python stages/compare.py
    deps: [reports/classifiers, stages/compare.py]
    outs: [reports/index.html]
"""
EVALUATE = """
import json
from pathlib import Path

import numpy as np

from pipeline.data.expressions import About, Expressions
from pipeline.evaluation.predictions import Predictions
from pipeline.evaluation.scores import classification

count = int(Path("data/raw/rows.txt").read_text())
network = json.dumps(Path("params.yaml").read_text()).count("conv4") and "conv4"
labels, none = (np.arange(count) % 2).astype(np.uint8), np.full(count, "")
images, votes = np.zeros((count, 16, 16), np.uint8), np.zeros((count, 0), np.uint16)
about = About(name="noise", classes=("calm", "glad"))
Expressions(about, images, labels, votes, none, none).save(Path("data/expressions"))
sure = np.tile(np.array([[0.9, 0.1]], np.float32), (count, 1))
cell = Path(f"reports/classifiers/vanilla/{network}-0")
cell.mkdir(parents=True)
rows, no_fold, role = np.arange(count, dtype=np.int32), np.full(count, -1, np.int32), np.full(count, "test")
said = Predictions(about.classes, rows, role, no_fold, rows, rows, labels < 2, labels, labels > 1, sure)
said.save(cell / "predictions.parquet")
scores = classification(labels, sure, about.classes)
made = {"region": "vanilla", "network": network, "seed": 0, "fold": None, "data": "real", "recipe": "others"}
(cell / "metrics.json").write_text(json.dumps({**made, "protocols": {"as_reported": scores, "test": scores}}))
with Path("RAN").open("a") as ran:
    ran.write("evaluate ")
"""
COMPARE = """
from pathlib import Path

Path("reports/index.html").write_text("the comparison")
"""


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project with a graph in small, results of its own and one study."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    copy_study_settings()
    Repo.init(no_scm=True).close()
    files = {
        "dvc.yaml": GRAPH,
        ".dvcignore": "/.studies\n",
        "stages/evaluate.py": EVALUATE,
        "stages/compare.py": COMPARE,
        "data/raw/rows.txt": "9",
        "studies/tried.yaml": STUDY,
        "params.yaml": "the project's own",
        "reports/index.html": "the project's own",
        "reports/classifiers/vanilla/conv4-0/metrics.json": "the project's own",
        "models/landmarks.safetensors": "the project's own",
    }
    for name, text in files.items():
        Path(name).parent.mkdir(parents=True, exist_ok=True)
        Path(name).write_text(text)
    return tmp_path


@pytest.fixture
def without_dvc(monkeypatch: pytest.MonkeyPatch) -> None:
    """The scores are written at once."""

    def reproduce(folder: Path, *targets: str) -> None:
        if targets:
            subprocess.run([sys.executable, "stages/evaluate.py"], cwd=folder, check=True)
        write_json(folder / study.SPENT, 60)

    monkeypatch.setattr(study, "reproduce", reproduce)


def own_files() -> dict[str, str]:
    """SHA-256 of all that is the project's, and not DVC's or a study's."""
    others = (".dvc", ".studies", str(results.RESULTS))
    files = [path for path in Path().rglob("*") if path.is_file()]
    return {str(path): digest(path) for path in files if not str(path).startswith(others)}


def listed(capsys: pytest.CaptureFixture[str]) -> str:
    capsys.readouterr()
    study.main()
    return capsys.readouterr().out


def test_a_study_leaves_the_project_as_it_was(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert listed(capsys) == "tried  not run\n"
    before = own_files()
    study.main("tried")
    assert own_files() == before
    assert not Path(".studies/tried").exists()
    folder = Path("reports/studies/tried")
    assert {path.name for path in folder.iterdir()} == {
        *("classifiers", "comparison.html", "figures.csv", "index.html"),
        *("params.yaml", "ran.json", "recipes.yaml", "study.md"),
    }
    assert (folder / "comparison.html").read_text() == "the comparison"
    assert "conv4 on noise" in (folder / "index.html").read_text()
    cell = folder / "classifiers/vanilla/conv4-0"
    assert json.loads((cell / "metrics.json").read_text())["protocols"]["test"]["n"] == 9
    assert (
        listed(capsys)
        == "tried  run at no commit  conv4 on noise: 55.6% on test, 9 images in 9 groups; report: 59.74%\n"
    )


def test_what_a_leak_is_worth_is_said_of_two_studies(
    project: Path, without_dvc: None, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("studies/again.yaml").write_text(STUDY)
    for name in ("tried", "again"):
        study.main(name)
    leak.main("reports/studies/tried", "reports/studies/again")
    said = capsys.readouterr().out
    assert "A: reports/studies/tried, recipe others, 9 rows tested" in said
    assert re.search(r"vanilla +\| +conv4 +\| +55.6% +\| +55.6% +\| +\+0.0", said)


@pytest.mark.slow
def test_a_study_that_was_interrupted_goes_on(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Path("stages/compare.py").write_text("import os, signal\nos.kill(os.getppid(), signal.SIGKILL)\n")
    study.main("tried")  # what it comes to is there without the comparison
    assert "could not be made" in (Path("reports/studies/tried/study.md")).read_text()
    assert not Path("reports/studies/tried/comparison.html").exists()
    rows = Path("data/raw/rows.txt")
    rows.write_text("none")
    line = refused(study.main, "tried")
    assert line == ".studies/tried: `dvc repro` failed, as is told above; correct that, and run the study again"
    assert Path("reports/studies/tried/study.md").is_file()  # that of the earlier run
    rows.write_text("10")
    study.main("tried")
    assert listed(capsys).endswith("conv4 on noise: 50.0% on test, 10 images in 10 groups; report: 59.74%\n")
    assert not Path(".studies/tried").exists()


@pytest.mark.slow
def test_what_has_been_done_is_not_done_again(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(results, "write_results", stop)
        with pytest.raises(KeyboardInterrupt):
            study.main("tried")
    assert Path(".studies/tried/RAN").read_text() == "evaluate "
    copied: list[str] = []
    monkeypatch.setattr(shutil, "rmtree", lambda path, *_, **__: copied.append(str(path)))
    monkeypatch.setattr(study, "make_copy", lambda *_: None)
    study.main("tried")
    assert Path(".studies/tried/RAN").read_text() == "evaluate "
    assert copied == [".studies/tried"]


def test_results_are_outdated_by_other_settings_and_by_other_code(
    project: Path, without_dvc: None, capsys: pytest.CaptureFixture[str]
) -> None:
    study.main("tried")
    code = Path("stages/evaluate.py")
    set_parameter("side", "64", BASE)
    assert "tried  outdated: other settings since no commit" in listed(capsys)
    set_parameter("side", "48", BASE)
    set_parameter("networks", "[conv6]", BASE)  # which the study names itself
    Path("params.yaml").write_text("side: 64")
    assert "run at" in listed(capsys)
    recipes = Path("recipes.yaml")
    recipes.write_text(recipes.read_text().replace("epochs: 12", "epochs: 13", 1))  # of another recipe
    assert "run at" in listed(capsys)
    code.write_text(code.read_text() + "\n")
    assert "outdated: stages/evaluate.py changed since no commit  conv4 on noise" in listed(capsys)


def test_a_study_that_is_wrong_has_its_line_in_the_list(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Path("studies/broken.yaml").write_text(STUDY.replace("networks", "network"))
    broken, tried = listed(capsys).splitlines()
    assert broken.startswith("broken  cannot be read  studies/broken.yaml: network: unknown key; may be data, ")
    assert tried == "tried   not run"


def test_a_study_runs_once_at_a_time(project: Path, without_dvc: None) -> None:
    with study.alone(Path(".studies/tried")):
        line = refused(study.main, "tried")
        study.main("tried", "demo")  # which has a copy of its own
    assert line == ".studies/tried: this study is running already; wait for it, or end it first"
    assert not Path(".studies/tried").exists()
    study.main("tried")


RUN_WHOLE = """
from pathlib import Path

from pipeline.common.ending import begin
from stages import study

begin()
study.PATIENCE = 1  # where nobody takes note of an orphan's end, it looks as if it went on
study.run_whole(["sh", "-c", "sleep 300 & echo $! > started; wait"], Path(), {})
"""


def test_what_a_study_started_ends_with_it(tmp_path: Path) -> None:
    started = tmp_path / "started"
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    running = subprocess.Popen(
        [sys.executable, "-c", RUN_WHOLE], cwd=tmp_path, env=environment, stderr=subprocess.DEVNULL
    )
    while not (started.exists() and started.read_text().strip()):
        assert running.poll() is None
        time.sleep(0.05)
    running.terminate()
    running.wait(60)
    state = Path(f"/proc/{started.read_text().strip()}/stat")
    assert not state.exists() or state.read_text().split()[2] == "Z"


def test_on_drawn_data_results_have_a_folder_of_their_own(
    project: Path, without_dvc: None, capsys: pytest.CaptureFixture[str]
) -> None:
    study.main("tried", "demo")
    page = Path("reports/studies/tried-demo/index.html").read_text()
    assert results.DRAWN_CAVEAT in page
    assert listed(capsys) == "tried  not run\n"


def test_a_study_whose_own_data_are_drawn_says_so(
    project: Path, without_dvc: None, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("studies/tried.yaml").write_text(STUDY + "data: {source: demo}\n")
    study.main("tried")
    folder = Path("reports/studies/tried")
    assert results.DRAWN_CAVEAT in (folder / "index.html").read_text()
    told = (folder / "study.md").read_text()
    assert "drawn by fercrop, which says nothing about faces" in told
    assert "ours (drawn)" in told
    assert "conv4 on noise: 55.6% (drawn) on test" in listed(capsys)


def test_what_was_trained_on_is_no_headline(project: Path, without_dvc: None) -> None:
    scored = "{what: of all, value: 87%, on: all, ours: vanilla/conv4/as_reported/accuracy}, {what: conv4"
    Path("studies/tried.yaml").write_text(STUDY.replace("{what: conv4", scored))
    study.main("tried")
    ran = json.loads(Path("reports/studies/tried/ran.json").read_text())
    assert ran["headline"].startswith("conv4 on noise: 55.6% on test")
    assert "of all" in Path("reports/studies/tried/study.md").read_text()


def test_raw_data_are_linked(project: Path) -> None:
    Path("data/raw/folder").mkdir()
    Path("data/raw/folder/linked.txt").symlink_to("../rows.txt")
    Path("data/raw/lost.txt").symlink_to("nowhere")
    study.make_copy(read_study("tried", drawn=False), Path(".studies/tried"))
    for name in ("data/raw/rows.txt", "data/raw/folder/linked.txt"):
        copied = Path(".studies/tried") / name
        assert copied.samefile("data/raw/rows.txt")
        assert not copied.is_symlink()
    assert not Path(".studies/tried/data/raw/lost.txt").is_symlink()


@pytest.mark.parametrize("words", [("tried", "real"), ("tried", "demo", "more")])
def test_a_wrong_command_line(project: Path, words: tuple[str, ...]) -> None:
    assert refused(study.main, *words).startswith("usage: python -m stages.study NAME, ")


def test_a_folder_that_is_no_project(project: Path) -> None:
    shutil.rmtree(".dvc")
    assert refused(study.main, "tried").startswith("no DVC project is here; ")


# Every study on drawn data, by the whole graph


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the project, whose cache the studies share."""
    folder = tmp_path_factory.mktemp("studies")
    for name in (
        "pipeline",
        "stages",
        "pretrained",
        "studies",
        "dvc.yaml",
        "params.yaml",
        "recipes.yaml",
        ".dvcignore",
    ):
        source, ignore = ROOT / name, shutil.ignore_patterns("__pycache__")
        shutil.copytree(source, folder / name, ignore=ignore) if source.is_dir() else shutil.copy(source, folder / name)
    (folder / "data/raw").mkdir(parents=True)
    Repo.init(str(folder), no_scm=True).close()
    return folder


@pytest.mark.slow
@pytest.mark.whole_study
@pytest.mark.parametrize("name", names(ROOT))
def test_runs_on_drawn_data(whole: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.chdir(whole)
    before = own_files()
    study.main(name, "demo")
    assert own_files() == before
    folder = results.folder_of(name, drawn=True)
    ran = json.loads((folder / "ran.json").read_text())
    assert (ran["drawn"], ran["left_out"]) == (True, None)
    figures, tried = pd.read_csv(folder / "figures.csv", keep_default_na=False), read_study(name, drawn=True)
    ours = [printed.ours for printed in tried.header.printed if printed.ours]
    for one in ours:
        assert one.network not in tried.params.networks or one_figure(figures, one), one
