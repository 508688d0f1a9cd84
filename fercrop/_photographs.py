"""Faces and expressions in photographs, or in all of a folder."""

from __future__ import annotations

import argparse
import re
from itertools import chain, count
from pathlib import Path

from fercrop._words import Parser, add_models, commands, models_folder
from pipeline.common.ending import one_line
from pipeline.common.files import InputError
from pipeline.use.drawing import check_replaceable, draw, save_drawing
from pipeline.use.face_detectors import SEARCHED
from pipeline.use.faces import Face, look_at
from pipeline.use.faces import find as find_faces
from pipeline.use.models import Models, load_models
from pipeline.use.photograph import reason, upright
from pipeline.use.words import expression, trust

# Of films that OpenCV reads; they are the command film's.
FILMS = {".avi", ".m4v", ".mkv", ".mov", ".mp4", ".mpeg", ".mpg", ".webm"}
OF_FOLDERS = ("csv", "points", "jobs", "scheduler", "labels", "subject", "map")


def main(words: list[str]) -> None:
    """See `fercrop --help`."""
    if any(Path(word).suffix.lower() in FILMS and Path(word).is_file() for word in words[:1]):
        from fercrop.film import main as film  # which takes a second to import

        film(words)
        return
    given = _parser().parse_args(words)
    films = [path for path in given.paths if path.suffix.lower() in FILMS]
    if films:
        raise InputError(f"{films[0]}: is a film; name it alone and first, or see `fercrop film --help`")
    folders = [path for path in given.paths if path.is_dir()]
    if not folders:
        named = [name for name in OF_FOLDERS if getattr(given, name)]
        if named:
            raise InputError(f"--{named[0]}: is for a folder; name one")
        _photographs(given)
        return
    if len(given.paths) > 1:
        raise InputError(f"{folders[0]}: is a folder; name it alone")
    if given.csv is None and not given.labels:
        raise InputError(f"{folders[0]}: is a folder; name a table for its faces, such as --csv faces.csv")
    if not given.labels and (given.map or given.subject):
        raise InputError("--map and --subject: go with --labels; name that too")
    if given.draw is not None and given.draw.resolve() == folders[0].resolve():
        raise InputError(f"{given.draw}: holds the photographs; draw into a folder in it or elsewhere")
    from fercrop._folder import answer_folder  # tables and statistics take a second that a photograph does not need

    answer_folder(folders[0], given)


def _parser() -> argparse.ArgumentParser:
    others = "\n".join(f"  {name:10} {said}" for name, said in commands().items())
    parser = Parser(
        prog="fercrop",
        description="Faces, points and expressions in photographs.",
        epilog=f"other commands, each with --help:\n{others}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("paths", nargs="+", type=Path, metavar="PHOTO", help="photographs, or one folder")
    add_models(parser)
    parser.add_argument("--draw", type=Path, metavar="DIR", help="write the pictures with what was found in them")
    parser.add_argument(
        "--search",
        type=_pixels,
        default=SEARCHED,
        metavar="PIXELS",
        help=f"reduce photographs to this side to search for faces (default: {SEARCHED}); more finds smaller faces",
    )
    of_folder = parser.add_argument_group("of a folder, with all that is in it")
    of_folder.add_argument("--csv", type=Path, metavar="TABLE", help="write a table, .csv or .parquet by its name")
    of_folder.add_argument("--points", action="store_true", help="with the 68 points of each face")
    of_folder.add_argument("--jobs", type=_count, metavar="N", help="processes (default: one a core)")
    of_folder.add_argument("--scheduler", metavar="ADDRESS", help="have the workers of a Dask cluster do it instead")
    of_folder.add_argument("--labels", action="store_true", help="folders are named after classes: say how right it is")
    of_folder.add_argument(
        "--subject",
        type=_pattern,
        metavar="PATTERN",
        help="with --labels: whose first group in a file's name is the person",
    )
    of_folder.add_argument(
        "--map", type=_pair, action="append", default=[], metavar="FOLDER=CLASS", help="the class of a folder"
    )
    return parser


def _count(word: str) -> int:
    if not word.isdecimal() or not 1 <= int(word) <= 1000:
        raise argparse.ArgumentTypeError(f"{word!r} is no number of processes")
    return int(word)


def _pixels(word: str) -> int:
    if not word.isdecimal() or len(word) > 5 or not 100 <= int(word) <= 20_000:
        raise argparse.ArgumentTypeError(f"{word!r} is no side of 100 to 20000 pixels")
    return int(word)


def _pattern(word: str) -> re.Pattern[str]:
    try:
        pattern = re.compile(word)
    except (re.error, OverflowError, RecursionError) as error:
        raise argparse.ArgumentTypeError(f"{word!r} is no regular expression: {error}") from None
    if not pattern.groups:
        raise argparse.ArgumentTypeError(f"{word!r} has no group; put what names the person into brackets")
    return pattern


def _pair(word: str) -> tuple[str, str]:
    folder, sign, name = word.partition("=")
    if not (folder and sign):
        raise argparse.ArgumentTypeError(f"{word!r} is not FOLDER=CLASS")
    return folder, name


def _photographs(given: argparse.Namespace) -> None:
    """A line a face; what cannot be read is told at the end, after all others.

    Raises:
        InputError: a photograph cannot be read, or a picture would take the place of one of them.
    """
    models = load_models(models_folder(given.models))
    targets = _targets(given.draw, given.paths) if given.draw is not None else {}
    unread = []
    for path in given.paths:
        try:
            pixels = upright(path)
            faces = look_at(find_faces(pixels, models, given.detector, given.search), models)
        except Exception as error:
            print(f"{path}: unreadable")
            unread.append(one_line(error) or f"{path}: {reason(error, path)}")
            continue
        for line in _lines(faces, models):
            print(f"{path}: {line}")
        if targets:
            save_drawing(draw(pixels, faces, models.about.classes), targets[path])
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


def _targets(folder: Path, paths: list[Path]) -> dict[Path, Path]:
    """Where the picture of each photograph goes; a number tells those of one name apart.

    Raises:
        InputError: that is where a photograph lies, or a file that is no drawing.
    """
    targets: dict[Path, Path] = {}
    for path in dict.fromkeys(paths):
        names = (f"{path.stem}{number}.png" for number in chain([""], (f"-{each}" for each in count(2))))
        targets[path] = next(folder / name for name in names if folder / name not in targets.values())
    photographs = {path.resolve() for path in paths}
    for target in targets.values():
        if target.resolve() in photographs:
            raise InputError(f"{target}: is one of the photographs; draw into another folder")
        check_replaceable(target)
    return targets
