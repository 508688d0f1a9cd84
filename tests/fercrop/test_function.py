"""The one function is the package's own, and costs the command nothing."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from commands import FACE, PORTRAIT

import fercrop


def test_a_photograph_to_faces(models: Path) -> None:
    faces = fercrop.look(PORTRAIT, fercrop.load_models(models))
    left, top, right, bottom = faces[0].box
    assert left < FACE[0] < right
    assert top < FACE[1] < bottom


def test_it_is_imported_where_it_is_asked_for() -> None:
    code = "import sys, fercrop; assert 'numpy' not in sys.modules; fercrop.look; assert 'numpy' in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)
    with pytest.raises(AttributeError, match="no attribute 'lok'"):
        _ = fercrop.lok
