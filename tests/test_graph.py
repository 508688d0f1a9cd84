"""dvc.yaml: an edit reruns what depends on it and nothing else, and every stage declares the code it depends on.

DVC itself reproduces a copy of the project in which `python` is a stand-in: it writes a stage's outputs at once, with
content that follows from the command, the declared parameters and the declared deps.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from dvc.dependency import ParamsDependency  # type: ignore[import-untyped]
from dvc.repo import Repo  # type: ignore[import-untyped]
from ruamel.yaml import YAML

from pipeline.params import load_params

ROOT = Path(__file__).parents[1]
COPIED = ("dvc.yaml", "stages", "pipeline", ".gitignore", ".dvcignore", ".dvc/config", ".dvc/.gitignore")

STAND_IN = """
import hashlib, json, sys
from pathlib import Path

stage = json.loads(Path("plan.json").read_text())[" ".join(["python", *sys.argv[1:]])]
digest = hashlib.sha256(json.dumps([sys.argv[1:], stage["params"]]).encode())
for dep in map(Path, stage["deps"]):
    for path in sorted([dep, *dep.rglob("*")]):
        if path.is_file():
            digest.update(path.read_bytes())
for out in map(Path, stage["outs"]):
    # Of the folders written, data/demo is the only one of which a stage reads a named file.
    path = out if out.suffix else out / "sources.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(digest.hexdigest())
with Path("log").open("a") as log:
    print(stage["name"], file=log)
"""

Content = dict[str, Any]


def chosen(params: Content) -> Content:
    recipe: Content = params["recipes"][params["recipe"]]
    return recipe


def widen_mouth(params: Content) -> None:
    params["regions"]["mouth"]["margin"] = 0.4


def add_eyes(params: Content) -> None:
    params["regions"]["eyes"] = {"points": "18-27 37-48", "margin": 0.2}


def remove_eyes(params: Content) -> None:
    del params["regions"]["eyes"]


def train_longer(params: Content) -> None:
    chosen(params)["classifier"]["epochs"] += 1


def train_landmarks_longer(params: Content) -> None:
    chosen(params)["landmarks"]["epochs"] += 1


def edit_other_recipe(params: Content) -> None:
    params["recipes"]["other"]["classifier"]["epochs"] += 1
    params["recipes"]["other"]["landmarks"]["epochs"] += 1


def trust_less(params: Content) -> None:
    params["landmarks"]["max_disagreement"] = 0.1


def add_seed(params: Content) -> None:
    params["seeds"].append(1)


def remove_network(params: Content) -> None:
    params["networks"].remove("cnn4")


def change_nothing(params: Content) -> None:
    pass


class Step(NamedTuple):
    """An edit of params.yaml, and patterns of the stages that the next `dvc repro` must run, and no others."""

    edit: Callable[[Content], None]
    runs: str


CELLS = "train@* evaluate@* compare"
STEPS = {
    "first": Step(change_nothing, "*"),
    "again": Step(change_nothing, ""),
    "region edited": Step(widen_mouth, "crop@mouth train@mouth-* evaluate@mouth-* compare"),
    "region added": Step(add_eyes, "crop@eyes train@eyes-* evaluate@eyes-* compare"),
    "region removed": Step(remove_eyes, "compare"),
    "classifier recipe": Step(train_longer, CELLS),
    "another recipe": Step(edit_other_recipe, ""),
    "landmark recipe": Step(train_landmarks_longer, f"*_landmarks crop@* {CELLS}"),
    "landmark trust": Step(trust_less, f"crop@* {CELLS}"),
    "seed added": Step(add_seed, "train@*-1 evaluate@*-1 compare"),
    "network removed": Step(remove_network, "compare"),
}


class Ran(NamedTuple):
    """What a `dvc repro` ran, in order, and which stages there were."""

    ran: list[str]
    stages: list[str]


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the project with two regions and two networks, whatever params.yaml holds at the moment.

    No more than these, since DVC reads and writes the whole of dvc.lock for each stage that it runs.
    """
    root = tmp_path_factory.mktemp("project")
    for name in COPIED:
        source, target = ROOT / name, root / name
        target.parent.mkdir(parents=True, exist_ok=True)
        if source.is_dir():
            shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source, target)
    (root / "data/raw").mkdir(parents=True)
    shutil.copy(ROOT / "data/raw/README.md", root / "data/raw")
    recipe = next(iter(read_yaml(ROOT / "params.yaml")["recipes"].values()))
    params = {
        "data": {"source": "demo"},
        "recipe": "one",
        "regions": {
            "vanilla": "whole",
            "mouth": {"points": "49-68", "margin": 0.3},
        },
        "networks": ["cnn1", "cnn4"],
        "seeds": [0],
        "landmarks": {"max_disagreement": 0.15},
        "recipes": {"one": recipe, "other": recipe},
    }
    write_yaml(root / "params.yaml", params)
    subprocess.run(["git", "init", "--quiet"], cwd=root, check=True)
    (root / "bin").mkdir()
    (root / "bin/stand_in.py").write_text(STAND_IN)
    python = root / "bin/python"
    python.write_text(f'#!/bin/sh\nexec "{sys.executable}" -I -S "{root}/bin/stand_in.py" "$@"\n')
    python.chmod(0o755)
    return root


@pytest.fixture(scope="module")
def results(project: Path) -> dict[str, Ran]:
    """What each of `STEPS` ran, done one after another."""
    results = {}
    for name, step in STEPS.items():
        params = read_yaml(project / "params.yaml")
        step.edit(params)
        write_yaml(project / "params.yaml", params)
        load_params(project / "params.yaml")  # raises an error if the edit is not one that a user could make
        results[name] = repro(project)
    return results


def read_yaml(path: Path) -> Content:
    content: Content = YAML(typ="safe").load(path.read_text())
    return content


def write_yaml(path: Path, content: Content) -> None:
    writer = YAML(typ="safe")
    writer.representer.ignore_aliases = lambda data: True
    with path.open("w") as file:
        writer.dump(content, file)


def plan(project: Path) -> dict[str, Content]:
    """What DVC reads in dvc.yaml, by command: name, outs, deps and values of the parameters of each stage."""
    stages = {}
    for stage in Repo(str(project)).index.stages:
        params = [dep.read_params() for dep in stage.deps if isinstance(dep, ParamsDependency)]
        deps = [dep.def_path for dep in stage.deps if not isinstance(dep, ParamsDependency)]
        outs = [out.def_path for out in stage.outs]
        stages[stage.cmd] = {"name": stage.name, "outs": outs, "deps": deps, "params": params}
    return stages


def repro(project: Path) -> Ran:
    stages = plan(project)
    (project / "plan.json").write_text(json.dumps(stages))
    log = project / "log"
    log.write_text("")
    own = {name: str(project / ".dvc/tmp" / name) for name in ("DVC_SITE_CACHE_DIR", "DVC_GLOBAL_CONFIG_DIR")}
    path = f"{project / 'bin'}{os.pathsep}{os.environ['PATH']}"
    result = subprocess.run(
        [sys.executable, "-m", "dvc", "repro"],
        cwd=project,
        env={**os.environ, **own, "PATH": path},
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stdout + result.stderr
    return Ran(log.read_text().split(), [stage["name"] for stage in stages.values()])


def matching(stages: list[str], patterns: str) -> list[str]:
    """The stages that one of the patterns names; a pattern that names none is a mistake in the test."""
    for pattern in patterns.split():
        assert any(fnmatchcase(stage, pattern) for stage in stages), pattern
    return [stage for stage in stages if any(fnmatchcase(stage, pattern) for pattern in patterns.split())]


def test_first_repro_runs_every_stage_once(results: dict[str, Ran]) -> None:
    regions, cells = 2, 2 * 2
    assert len(results["first"].ran) == 6 + regions + 2 * cells + 1


@pytest.mark.parametrize("name", STEPS)
def test_reruns_what_depends_on_the_edit(results: dict[str, Ran], name: str) -> None:
    ran, stages = results[name]
    assert sorted(ran) == sorted(matching(stages, STEPS[name].runs))
