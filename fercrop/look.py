"""Faces and expressions in photographs, or in all of a folder."""

from __future__ import annotations

import argparse
import os
from pathlib import Path

from PIL import Image

from fercrop._words import Parser, add_models, commands, models_folder
from pipeline.common.ending import one_line
from pipeline.common.files import InputError, whole_file
from pipeline.use.drawing import draw
from pipeline.use.faces import Face, look_at
from pipeline.use.faces import find as find_faces
from pipeline.use.models import Models, load_models
from pipeline.use.photograph import upright
from pipeline.use.words import expression, trust


def main(words: list[str]) -> None:
    """See `fercrop --help`."""
    given = _parser().parse_args(words)
    folders = [path for path in given.paths if path.is_dir()]
    if not folders:
        if given.csv is not None or given.labels:
            raise InputError("--csv and --labels: are for a folder; name one")
        _photographs(given)
        return
    if len(given.paths) > 1:
        raise InputError(f"{folders[0]}: is a folder; name it alone")
    if given.csv is None and not given.labels:
        raise InputError(f"{folders[0]}: is a folder; name a table for its faces, such as --csv faces.csv")
    from fercrop._folder import answer_folder  # tables and statistics take a second that a photograph does not need

    answer_folder(folders[0], given)


def _parser() -> argparse.ArgumentParser:
    others = "\n".join(f"  {name:10} {said}" for name, said in commands().items() if name != "look")
    parser = Parser(
        prog="fercrop",
        description="Faces, points and expressions in photographs.",
        epilog=f"other commands, each with --help:\n{others}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("paths", nargs="+", type=Path, metavar="PHOTO", help="photographs, or one folder")
    add_models(parser)
    parser.add_argument("--draw", type=Path, metavar="DIR", help="write the pictures with what was found in them")
    of_folder = parser.add_argument_group("of a folder, with all that is in it")
    of_folder.add_argument("--csv", type=Path, metavar="TABLE", help="write a table, .csv or .parquet by its name")
    of_folder.add_argument("--points", action="store_true", help="with the 68 points of each face")
    cores = os.cpu_count() or 1
    of_folder.add_argument("--jobs", type=_count, default=cores, metavar="N", help="processes (default: one a core)")
    of_folder.add_argument("--scheduler", metavar="ADDRESS", help="have the workers of a Dask cluster do it instead")
    of_folder.add_argument("--labels", action="store_true", help="folders are named after classes: say how right it is")
    of_folder.add_argument(
        "--map", type=_pair, action="append", default=[], metavar="FOLDER=CLASS", help="the class of a folder"
    )
    return parser


def _count(word: str) -> int:
    if not word.isdecimal() or not 1 <= int(word) <= 1000:
        raise argparse.ArgumentTypeError(f"{word!r} is no number of processes")
    return int(word)


def _pair(word: str) -> tuple[str, str]:
    folder, sign, name = word.partition("=")
    if not (folder and sign):
        raise argparse.ArgumentTypeError(f"{word!r} is not FOLDER=CLASS")
    return folder, name


def _photographs(given: argparse.Namespace) -> None:
    """A line a face; what cannot be read is told at the end, after all others.

    Raises:
        InputError: a photograph cannot be read.
    """
    models = load_models(models_folder(given.models))
    unread = []
    for path in given.paths:
        try:
            pixels = upright(path)
        except (InputError, PermissionError) as error:
            print(f"{path}: unreadable")
            unread.append(one_line(error) or "")
            continue
        faces = look_at(find_faces(pixels, models, given.detector), models)
        for line in _lines(faces, models):
            print(f"{path}: {line}")
        if given.draw is not None:
            _save(Image.fromarray(draw(pixels, faces, models.about.classes)), _free(given.draw, path, given.paths))
    if unread:
        more = f" (and {len(unread) - 1} more of {len(given.paths)})" if len(unread) > 1 else ""
        raise InputError(unread[0] + more)


def _lines(faces: list[Face], models: Models) -> list[str]:
    if not faces:
        return ["no face"]
    lines = []
    for face in faces:
        name, probability = expression(face, models.about.classes)
        left, top, right, bottom = (round(float(edge)) for edge in face.box)
        said = trust(face.expected_error, models.about.max_error)
        lines.append(f"face at {left},{top} to {right},{bottom}, {said}: {name} {probability:.0%}")
    return lines


def _free(folder: Path, path: Path, paths: list[Path]) -> Path:
    """Where the picture of a photograph goes; a number tells those of one name apart."""
    alike = [other for other in paths if other.stem == path.stem]
    number = f"-{alike.index(path) + 1}" if len(alike) > 1 else ""
    return folder / f"{path.stem}{number}.png"


def _save(picture: Image.Image, path: Path) -> None:
    with whole_file(path) as file:
        picture.save(file, "PNG")
