"""What the commands have in common: the words that they take, and where the models are."""

from __future__ import annotations

import argparse
import ast
from pathlib import Path
from typing import NoReturn

from pipeline.common.files import InputError
from pipeline.use import face_detectors
from pipeline.use.models import ABOUT

HERE = Path(__file__).parent
DEFAULT = "_photographs"  # what is meant where no command is named; itself no command, since a folder may be called so
# Where models are looked for: what was exported here, what the project has, what came with the wheel.
FOLDERS = (Path("exported"), HERE.parent / "exported", HERE.parent / "pretrained/fercrop", HERE / "models")


class Parser(argparse.ArgumentParser):
    """Tells a mistake in one line, as everything else is told."""

    def error(self, message: str) -> NoReturn:
        """Raise InputError."""
        raise InputError(f"{self.prog}: {message}; see {self.prog} --help")


def add_models(parser: argparse.ArgumentParser) -> None:
    """The words `--models` and `--detector`."""
    parser.add_argument("--models", type=Path, metavar="DIR", help="models of `make export` (default: exported/)")
    parser.add_argument("--detector", choices=face_detectors.names(), default="dlib", help="who finds the faces")


def models_folder(named: Path | None) -> Path:
    """The folder that was named, or the first of `FOLDERS` that has models.

    Raises:
        InputError: none has.
    """
    if named is not None:
        return named
    found = next((folder for folder in FOLDERS if (folder / ABOUT).is_file()), None)
    if found is None:
        raise InputError("no models: run `make repro` and `make export`, or name a folder of them with --models")
    return found


def commands() -> dict[str, str]:
    """The commands that there are, and what each says of itself; none of them is imported."""
    paths = sorted(HERE.glob("[a-z]*.py"))
    return {path.stem: ast.get_docstring(ast.parse(path.read_text("utf-8"))) or "" for path in paths}
