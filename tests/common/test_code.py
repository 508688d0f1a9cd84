"""The digest changes with the code that a result depends on, and with no other."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from pipeline.common.code import code_digest

SOURCES = {
    "__init__.py": "",
    "loop.py": "from madeup import optimisers\n\n\ndef run():\n    from madeup.layers import relu\n",
    "optimisers.py": "import numpy\n",
    "layers/__init__.py": "from madeup.layers.plain import relu\n",
    "layers/plain.py": "relu = max\n",
    "unrelated.py": "import madeup.loop\n",
}


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A package whose modules import each other."""
    folder = tmp_path / "madeup"
    for name, source in SOURCES.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(source)
    monkeypatch.syspath_prepend(tmp_path)
    importlib.invalidate_caches()
    yield folder
    for name in [name for name in sys.modules if name.partition(".")[0] == "madeup"]:
        del sys.modules[name]


@pytest.mark.parametrize("name", ["loop.py", "optimisers.py", "layers/__init__.py", "layers/plain.py"])
def test_an_edit_of_what_is_imported_directly_or_not_changes_it(package: Path, name: str) -> None:
    before = code_digest("madeup.loop")
    (package / name).write_text(SOURCES[name] + "# edited\n")
    assert code_digest("madeup.loop") != before


def test_an_edit_of_anything_else_does_not(package: Path) -> None:
    before = code_digest("madeup.loop")
    (package / "unrelated.py").write_text("# edited\n")
    (package / "new.py").write_text("")
    assert code_digest("madeup.loop") == before


def test_modules_that_are_found_by_a_name_are_passed_and_change_it_too(package: Path) -> None:
    alone = code_digest("madeup.optimisers")
    both = code_digest("madeup.optimisers", "madeup.layers")
    assert both != alone
    assert both == code_digest("madeup.layers", "madeup.optimisers")


def test_what_is_no_module_is_an_error(package: Path) -> None:
    with pytest.raises(ModuleNotFoundError):
        code_digest("madeup.nothing")
