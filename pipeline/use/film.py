"""Films: their frames with time stamps, and faces followed from frame to frame."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import cv2
import numpy as np
import numpy.typing as npt

from pipeline.common.files import InputError, whole_file
from pipeline.common.given import open_given
from pipeline.common.images import MAX_PIXELS
from pipeline.use.faces import Face, look
from pipeline.use.models import Models
from pipeline.use.tracks import Tracker

REMEDY = "give a film that OpenCV reads, such as MP4, AVI or WebM"
CODECS = {".mp4": "mp4v", ".avi": "MJPG", ".webm": "VP80"}  # that OpenCV's wheel writes
SLACK = 0.02  # what a film says of its frames may be an estimate
GIVEN_UP = 250  # frames in a row that cannot be decoded: OpenCV says the same of a damaged frame and of the end

# What OpenCV and FFmpeg would print of a damaged film is said in one line instead.
cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)
os.environ.setdefault("OPENCV_FFMPEG_LOGLEVEL", "-8")


@dataclass(frozen=True)
class Frame:
    """A frame of a film.

    Attributes:
        number: from 0, of all frames.
        seconds: from the film's beginning.
        pixels: RGB (H, W, 3), turned as the film says.
    """

    number: int
    seconds: float
    pixels: npt.NDArray[np.uint8]


class Film:
    """A film that is open: iterating over it gives its frames, once.

    Attributes:
        frames: how many it says that it has; 0 if it does not say.
        rate: frames a second.
        read: how many have been passed so far, the damaged and those between the wanted ones included.
        damaged: how many of them could not be decoded.
    """

    def __init__(self, path: Path, every: int = 1) -> None:
        """Open a film.

        Args:
            path: its file.
            every: 1 for every frame, n for every n-th.

        Raises:
            InputError: it is missing, or no film that can be read.
            PermissionError: it may not be read.
        """
        open_given(path, REMEDY).close()
        self.path, self.every, self.read, self.damaged = path, every, 0, 0
        self._capture = cv2.VideoCapture(str(path), cv2.CAP_FFMPEG)
        if not self._capture.isOpened():
            raise InputError(f"{path}: cannot be read as a film; {REMEDY}")
        said = self._capture.get(cv2.CAP_PROP_FRAME_COUNT)
        self.frames = int(said) if said > 0 else 0
        rate = self._capture.get(cv2.CAP_PROP_FPS)
        self.rate = float(rate) if 0 < rate <= 1000 else 25.0
        width, height = (self._capture.get(one) for one in (cv2.CAP_PROP_FRAME_WIDTH, cv2.CAP_PROP_FRAME_HEIGHT))
        if width * height > MAX_PIXELS:
            raise InputError(f"{path}: a frame has more than {MAX_PIXELS:,} pixels; reduce the film")

    def __iter__(self) -> Iterator[Frame]:
        """The wanted frames that can be decoded. Raises InputError if there is none at all."""
        delivered = failed = 0
        while failed < GIVEN_UP:
            number = self.read + failed
            if not self._capture.grab():
                failed += 1  # which is the end if nothing follows
                continue
            self.read, self.damaged, failed = number + 1, self.damaged + failed, 0
            if number % self.every:
                continue
            seconds = self._capture.get(cv2.CAP_PROP_POS_MSEC) / 1000
            whole, pixels = self._capture.retrieve()
            if not whole:
                self.damaged += 1
                continue
            delivered += 1
            yield Frame(number, seconds, np.asarray(cv2.cvtColor(pixels, cv2.COLOR_BGR2RGB), np.uint8))
        self._capture.release()
        if not delivered:
            raise InputError(f"{self.path}: has no frames that can be read; {REMEDY}")

    def missing(self) -> str | None:
        """What to say if frames are damaged, or it ended well before the last frame that it says that it has."""
        told = []
        if self.damaged:
            told.append(f"{self.damaged} of its frames cannot be decoded and were left out")
        if self.read + 1 < self.frames * (1 - SLACK):
            told.append(f"has only {self.read} of the {self.frames} frames that it names, perhaps it was cut short")
        return f"{self.path}: {'; '.join(told)}" if told else None


@dataclass(frozen=True)
class Seen:
    """A frame, and for each of its faces the number of the track that it belongs to."""

    frame: Frame
    faces: list[Face]
    tracks: list[int]


def watch(film: Film, models: Models, face_detector: str) -> Iterator[Seen]:
    """Look at the frames of a film, one after another.

    Args:
        film: see `Film`.
        models: see `models.load_models`.
        face_detector: one of `face_detectors.names`.

    Raises:
        InputError: it has no frames.
    """
    tracker = Tracker()
    for frame in film:
        faces = look(frame.pixels, models, face_detector)
        yield Seen(frame, faces, tracker.follow(frame.seconds, faces))


def check_name(path: Path) -> None:
    """Raise InputError if a film of that name cannot be written."""
    if path.suffix.lower() not in CODECS:
        raise InputError(f"{path}: films are written as {', '.join(CODECS)}; give one of these names")


@contextmanager
def write_film(path: Path, rate: float) -> Iterator[Callable[[npt.NDArray[np.uint8]], None]]:
    """Yield what takes frames, RGB (H, W, 3), all of one size; the film appears as `files.whole_file` lets it.

    Raises:
        InputError: it cannot be written, or not to its end, or the frames differ in size.
    """
    check_name(path)
    writer, size, count = cv2.VideoWriter(), (0, 0), 0

    def write(pixels: npt.NDArray[np.uint8]) -> None:
        nonlocal size, count
        # Half a pixel of colour cannot be written.
        even = np.ascontiguousarray(pixels[: max(2, len(pixels) // 2 * 2), : max(2, pixels.shape[1] // 2 * 2)])
        if not writer.isOpened():
            size = even.shape[1::-1]
            code = cv2.VideoWriter.fourcc(*CODECS[path.suffix.lower()])
            if not writer.open(str(link), cv2.CAP_FFMPEG, code, rate, size):
                raise InputError(f"{path}: cannot hold frames of {size[0]} x {size[1]} pixels; leave out --draw")
        if even.shape[1::-1] != size:
            raise InputError(f"{path}: the frames change their size, which a film cannot; leave out --draw")
        writer.write(cv2.cvtColor(even, cv2.COLOR_RGB2BGR))
        count += 1

    with whole_file(path) as part, TemporaryDirectory() as place:
        # OpenCV goes by the end of a name, which must be the film's.
        link = Path(place, "film").with_suffix(path.suffix.lower())
        link.symlink_to(Path(part.name).absolute())
        try:
            yield write
        finally:
            writer.release()
        # OpenCV says nothing of a full disk. What a film says of its frames may be out by one, and is written last.
        if abs(cv2.VideoCapture(str(link), cv2.CAP_FFMPEG).get(cv2.CAP_PROP_FRAME_COUNT) - count) > 1:
            raise InputError(f"{path}: could not be written to its end; free some space on its disk and run again")
