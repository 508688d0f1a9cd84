"""`make wheel`: what it did not make it leaves alone, and without models there is no wheel."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest
from commands import ROOT


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project whose environment builds an empty wheel, and only prints what else it is told to do."""
    for name in ("Makefile", "README.md", "LICENSE", "pyproject.toml", "requirements.txt"):
        shutil.copy(ROOT / name, tmp_path)
    for name in ("fercrop", "pipeline"):
        shutil.copytree(ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__"))
    python = tmp_path / ".venv/bin/python"
    python.parent.mkdir(parents=True)
    python.write_text("#!/bin/sh\ntouch dist/fercrop-9.whl\n")
    python.chmod(0o700)
    (tmp_path / "dist").mkdir()
    for name in ("notes.txt", "fercrop-1.whl", "other-1.whl"):
        (tmp_path / "dist" / name).touch()
    return tmp_path


def make_wheel(project: Path) -> subprocess.CompletedProcess[str]:
    outer = {name: value for name, value in os.environ.items() if not name.startswith("MAKE")}  # of `make test`
    return subprocess.run(["make", "wheel"], cwd=project, env=outer, capture_output=True, text=True, check=False)


def test_only_old_wheels_go(project: Path) -> None:
    (project / "exported").mkdir()
    (project / "exported/models.json").touch()
    done = make_wheel(project)
    assert done.returncode == 0, done.stderr
    assert {path.name for path in (project / "dist").iterdir()} == {"notes.txt", "other-1.whl", "fercrop-9.whl"}
    assert (project / "build/wheel/fercrop/models/models.json").exists()


def test_without_models_there_is_no_wheel(project: Path) -> None:
    done = make_wheel(project)
    assert done.returncode != 0
    assert done.stdout.startswith("error: no models: ")
    assert len(done.stdout.splitlines()) == 1
    assert (project / "dist/fercrop-1.whl").exists()
