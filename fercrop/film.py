"""The faces of a film, followed from frame to frame, as a table, a plot and a drawn film."""

from __future__ import annotations

import argparse
import csv
import io
import sys
from contextlib import ExitStack
from math import ceil
from pathlib import Path

import numpy as np
import numpy.typing as npt
from tqdm import tqdm

from pipeline.common.files import InputError, together, write_bytes
from pipeline.use import face_detectors
from pipeline.use.film import Film, Seen, check_name, watch, write_film
from pipeline.use.film_drawing import draw_faces, plot_tracks
from pipeline.use.models import About, load_models
from pipeline.use.rows import columns, row

Tracks = dict[int, list[tuple[float, npt.NDArray[np.float32]]]]


def main(words: list[str]) -> None:
    """Look at a film, and write what was asked for.

    Args:
        words: of the command line.

    Raises:
        InputError: the models are missing or damaged, the film cannot be read, or an output cannot be written.
    """
    given = _parse(words)
    for path in (given.csv, given.draw, given.plot):
        if path and path.resolve() == given.film.resolve():
            raise InputError(f"{path}: is the film itself; name another file")
    if given.draw:
        check_name(given.draw)
    models = load_models(given.models)
    film = Film(given.film, given.every)
    total = ceil(film.frames / given.every) or None
    tracks: Tracks = {}
    table = [["frame", "seconds", "faces", "track", *columns(models.about)]]
    with together(), ExitStack() as stack:
        draw = stack.enter_context(write_film(given.draw, film.rate / given.every)) if given.draw else None
        for seen in tqdm(watch(film, models, given.detector), "looking", total, unit=" frames", disable=None):
            table += _rows(seen, models.about)
            for face, track in zip(seen.faces, seen.tracks, strict=True):
                tracks.setdefault(track, []).append((seen.frame.seconds, face.joined))
            if draw:
                draw(draw_faces(seen, models.about.classes))
        if given.csv:
            write_bytes(given.csv, _as_csv(table))
        if given.plot:
            plot_tracks(given.plot, tracks, models.about.classes)
    _tell(film, tracks, models.about)


def _parse(words: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser("fercrop film", description="Faces of a film, followed from frame to frame.")
    parser.add_argument("film", type=Path, metavar="FILM", help="MP4, AVI, WebM and what else OpenCV reads")
    parser.add_argument("--csv", type=Path, help="table to write: a row a face of a frame")
    parser.add_argument("--draw", type=Path, metavar="OUT.mp4", help="film to write, with what was found")
    parser.add_argument("--plot", type=Path, metavar="OUT.png", help="picture to write: probabilities over time")
    parser.add_argument("--every", type=_whole, default=1, metavar="N", help="look at every N-th frame (default: 1)")
    parser.add_argument(
        "--models", type=Path, default=Path("exported"), help="folder of exported models (default: exported)"
    )
    parser.add_argument("--detector", choices=face_detectors.names(), default="dlib", help="of faces (default: dlib)")
    return parser.parse_args(words)


def _whole(text: str) -> int:
    if not (text.isascii() and text.isdigit() and 1 <= int(text) < 1_000_000):
        raise argparse.ArgumentTypeError(f"{text} is no whole number from 1 on")
    return int(text)


def _rows(seen: Seen, about: About) -> list[list[str]]:
    """A row a face; one without a track if there is none."""
    start = [str(seen.frame.number), f"{seen.frame.seconds:.3f}", str(len(seen.faces))]
    if not seen.faces:
        return [[*start, "", *("" for _ in columns(about))]]
    return [[*start, str(track), *row(face, about)] for face, track in zip(seen.faces, seen.tracks, strict=True)]


def _as_csv(table: list[list[str]]) -> bytes:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(table)
    return text.getvalue().encode()


def _tell(film: Film, tracks: Tracks, about: About) -> None:
    print(f"{film.path}: {film.read} frames, {len(tracks)} {'face' if len(tracks) == 1 else 'faces'} followed")
    for track, said in tracks.items():
        mean = np.mean([probabilities for _, probabilities in said], axis=0)
        first, last, best = said[0][0], said[-1][0], int(mean.argmax())
        print(f"  {track}: {first:.1f} to {last:.1f} s, frames: {len(said)}, {about.classes[best]} {mean[best]:.0%}")
    print(f"trained on {about.trained_on}")
    if line := film.cut_short():
        print(line, file=sys.stderr)
