"""The faces of a film, followed from frame to frame, as a table, a plot and a drawn film."""

from __future__ import annotations

import argparse
import sys
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack
from math import ceil
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow
from tqdm import tqdm

from fercrop._words import Parser, add_models, models_folder
from pipeline.common.files import InputError, together, whole_file
from pipeline.use.film import Film, Seen, check_name, watch, write_film
from pipeline.use.film_drawing import draw_faces, plot_tracks
from pipeline.use.models import About, load_models
from pipeline.use.table import Answer, check_kind, columns, rows_of, write_table

Tracks = dict[int, list[tuple[float, npt.NDArray[np.float32]]]]


def main(words: list[str]) -> None:
    """Look at a film, and write what was asked for.

    Args:
        words: of the command line.

    Raises:
        InputError: a word is wrong, the models are missing or damaged, the film cannot be read, or an output cannot be
            written.
    """
    given = _parse(words)
    _check_outputs(given)
    models = load_models(models_folder(given.models))
    film = Film(given.film, given.every)
    total = ceil(film.frames / given.every) or None
    tracks: Tracks = {}
    with together(), ExitStack() as stack:
        # All are opened before the first frame is looked at: what cannot be written is told at once.
        draw = stack.enter_context(write_film(given.draw, film.rate / given.every)) if given.draw else None
        plot = stack.enter_context(whole_file(given.plot)) if given.plot else None
        frames = tqdm(watch(film, models, given.detector), "looking", total, unit=" frames", disable=None)
        answers = _answers(film, frames, models.about, tracks, draw)
        if given.csv:
            write_table(given.csv, answers, _columns(models.about))
        else:
            deque(answers, maxlen=0)
        if plot:
            plot_tracks(plot, tracks, models.about.classes)
    _tell(film, tracks, models.about)


def _parse(words: list[str]) -> argparse.Namespace:
    parser = Parser(prog="fercrop film", description="Faces of a film, followed from frame to frame.")
    parser.add_argument("film", type=Path, metavar="FILM", help="MP4, AVI, WebM and what else OpenCV reads")
    parser.add_argument("--csv", type=Path, metavar="TABLE", help="table to write, .csv or .parquet by its name")
    parser.add_argument("--draw", type=Path, metavar="OUT.mp4", help="film to write, with what was found")
    parser.add_argument("--plot", type=Path, metavar="OUT.png", help="picture to write: probabilities over time")
    parser.add_argument("--every", type=_whole, default=1, metavar="N", help="look at every N-th frame (default: 1)")
    add_models(parser)
    return parser.parse_args(words)


def _whole(text: str) -> int:
    if not (text.isascii() and text.isdigit() and 1 <= int(text) < 1_000_000):
        raise argparse.ArgumentTypeError(f"{text} is no whole number from 1 on")
    return int(text)


def _check_outputs(given: argparse.Namespace) -> None:
    """Raise InputError if an output can never take its place; whether folders take files is seen when it is opened."""
    taken = {given.film.resolve(): "is the film itself"}
    for path in filter(None, (given.csv, given.draw, given.plot)):
        if path.is_dir():
            raise InputError(f"{path}: is a folder where a file belongs; name another file")
        if why := taken.get(path.resolve()):
            raise InputError(f"{path}: {why}; name another file")
        taken[path.resolve()] = "is another output too"
    if given.csv:
        check_kind(given.csv)
    if given.draw:
        check_name(given.draw)


def _columns(about: About) -> dict[str, pyarrow.DataType]:
    """Those of a folder's table; behind the name of the file stands where in the film a face is."""
    file, *others = columns(about, points=False).items()
    where = {"frame": pyarrow.int64(), "seconds": pyarrow.float64(), "track": pyarrow.int32()}
    return dict([file, *where.items(), *others])


def _answers(
    film: Film,
    frames: Iterable[Seen],
    about: About,
    tracks: Tracks,
    draw: Callable[[npt.NDArray[np.uint8]], None] | None,
) -> Iterator[Answer]:
    """The rows of each frame, which is drawn, and its faces added to their tracks, on the way."""
    for seen in frames:
        for face, track in zip(seen.faces, seen.tracks, strict=True):
            tracks.setdefault(track, []).append((seen.frame.seconds, face.joined))
        if draw:
            draw(draw_faces(seen, about.classes))
        where = seen.frame.number, round(seen.frame.seconds, 3)
        numbers: Sequence[int | None] = seen.tracks or [None]  # the row of a frame without a face has none
        rows = zip(numbers, rows_of(seen.faces, about, points=False), strict=True)
        yield Answer(film.path.name, [[*where, track, *row] for track, row in rows])


def _tell(film: Film, tracks: Tracks, about: About) -> None:
    read = f"{film.read} of {film.frames}" if film.read < film.frames else f"{film.read}"
    print(f"{film.path}: {read} frames, {len(tracks)} {'face' if len(tracks) == 1 else 'faces'} followed")
    for track, said in tracks.items():
        mean = np.mean([probabilities for _, probabilities in said], axis=0)
        first, last, best = said[0][0], said[-1][0], int(mean.argmax())
        print(f"  {track}: {first:.1f} to {last:.1f} s, frames: {len(said)}, {about.classes[best]} {mean[best]:.0%}")
    print(f"trained on {about.trained_on}")
    if line := film.missing():
        print(line, file=sys.stderr)
