"""`make clean` removes what the stages wrote, and nothing else."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

from projects import ROOT
from ruamel.yaml import YAML


def outputs() -> list[str]:
    """The outputs of all stages, one of each kind."""
    stages = YAML(typ="safe").load(ROOT / "dvc.yaml")["stages"].values()
    outs = [out for stage in stages for out in stage.get("do", stage)["outs"]]
    words = {"${data.source}": "demo", "${key}": "mouth", "${item.region}": "mouth"}
    words |= {"${item.network}": "cnn1", "${item.seed}": "0"}
    words |= {"${item.student.name}": "joined", "${item.student.network}": "cnn1"}
    for word, value in words.items():
        outs = [out.replace(word, value) for out in outs]
    return outs


def test_clean_keeps_what_is_not_fercrops(tmp_path: Path) -> None:
    mine = [
        "data/mine.npz",
        "data/real/fer2013.csv",
        "data/raw/fer2013.csv",
        "models/mine.safetensors",
        "reports/notes.md",
    ]
    for name in [*mine, *outputs()]:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    shutil.copy(ROOT / "Makefile", tmp_path)
    subprocess.run(["make", "clean"], cwd=tmp_path, check=True, capture_output=True)
    left = [path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*") if path.is_file()]
    assert sorted(left) == sorted(["Makefile", *mine])
