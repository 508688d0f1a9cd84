"""The command `fercrop`, run where torch cannot be imported."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import numpy.typing as npt
from skimage import data

ROOT = Path(__file__).parents[1]
PORTRAIT: npt.NDArray[np.uint8] = data.astronaut()  # type: ignore[no-untyped-call]  # public domain
FACE = (224, 115)  # a place within its only face
# Not `sys.modules["torch"] = None`, which scipy would take for torch.
CODE = """
import sys

class NoTorch:
    @staticmethod
    def find_spec(name, *rest):
        if name == "torch":
            raise ImportError("torch is not there")

sys.meta_path.insert(0, NoTorch)
from fercrop.__main__ import main
main()
"""


def command(*words: object) -> list[str]:
    """The words that run it."""
    return [sys.executable, "-c", CODE, *map(str, words)]


def fercrop(*words: object) -> subprocess.CompletedProcess[str]:
    """Run it to its end."""
    return subprocess.run(command(*words), cwd=ROOT, capture_output=True, text=True, check=False)


def refusal(*words: object) -> str:
    """The one line with which it refuses, which is all that it says."""
    done = fercrop(*words)
    assert (done.returncode, done.stdout) == (1, "")
    assert len(done.stderr.splitlines()) == 1, done.stderr
    return done.stderr.removeprefix("error: ").rstrip()
