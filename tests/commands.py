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
CODE = "import sys\nsys.modules['torch'] = None\nfrom fercrop.__main__ import main\nmain()"


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
