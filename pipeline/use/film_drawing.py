"""What is drawn of a film: its frames with their faces, and probabilities over time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import BinaryIO

import cv2
import numpy as np
import numpy.typing as npt

from pipeline.faces.points import CONTOURS
from pipeline.use.film import Seen

Pixels = npt.NDArray[np.uint8]
Colour = tuple[int, int, int]

# A track's, in turn; the page has the same.
COLOURS: tuple[Colour, ...] = (
    (255, 214, 10), (90, 200, 250), (255, 138, 216), (126, 231, 135), (255, 166, 87), (200, 182, 255),
)  # fmt: skip
DARK: Colour = (20, 22, 26)
FONT = cv2.FONT_HERSHEY_SIMPLEX
PANELS = 6  # of a plot at most: those of the faces that are seen longest


def draw_faces(seen: Seen, classes: Sequence[str]) -> Pixels:
    """A frame (H, W, 3) with box, points, track number and bars of each of its faces."""
    canvas = seen.frame.pixels.copy()
    unit = max(1.0, max(canvas.shape) / 640)
    for face, track in zip(seen.faces, seen.tracks, strict=True):
        colour = COLOURS[(track - 1) % len(COLOURS)]
        left, top, right, bottom = _whole(face.box)
        points = _whole(face.points)
        for shade, width in ((DARK, 3), (colour, 1)):
            thick = max(1, round(width * unit))
            cv2.rectangle(canvas, (left, top), (right, bottom), shade, thick, cv2.LINE_AA)
            for contour, closed in CONTOURS if face.has_points else ():
                line = points[contour.start : contour.stop]
                cv2.polylines(canvas, [line], closed, shade, max(1, thick - 1), cv2.LINE_AA)
        best = int(face.joined.argmax())
        _write(canvas, f"{track}: {classes[best]} {face.joined[best]:.0%}", (left, top - round(6 * unit)), colour, unit)
        _draw_bars(canvas, face.joined, classes, (right, top), unit, colour)
    return canvas


def plot_tracks(
    file: BinaryIO, tracks: Mapping[int, Sequence[tuple[float, npt.NDArray[np.float32]]]], classes: Sequence[str]
) -> None:
    """Write a PNG: for each track a panel with the joined probability of each class over time.

    Args:
        file: open for writing.
        tracks: for each number the seconds and probabilities (classes,) of its frames, in order of time; some of many
            are left out, see `PANELS`.
        classes: the names of the expressions.
    """
    from matplotlib.figure import Figure  # half a second, and needed only here

    shown = sorted(sorted(tracks, key=lambda one: -len(tracks[one]))[:PANELS])
    figure = Figure(figsize=(10, 1.2 + 2.1 * max(1, len(shown))), layout="constrained")
    panels = figure.subplots(max(1, len(shown)), 1, sharex=True, squeeze=False)[:, 0]
    for panel, track in zip(panels, shown, strict=False):
        seconds = np.array([at for at, _ in tracks[track]])
        said = np.stack([probabilities for _, probabilities in tracks[track]])
        steps = np.diff(seconds)
        # Where the line is to break; of no steps there is no median.
        gaps = np.flatnonzero(steps > 2 * np.median(steps)) + 1 if len(steps) else np.empty(0, np.intp)
        for row, name in enumerate(classes):
            panel.plot(
                np.insert(seconds, gaps, np.nan),
                np.insert(said[:, row], gaps, np.nan),
                label=name,
                marker=_marker(seconds),
            )
        panel.set(ylim=(0, 1), ylabel=f"face {track}")
        panel.grid(alpha=0.3)
        panel.spines[["top", "right"]].set_visible(False)
    panels[-1].set_xlabel("seconds")
    if shown:
        panels[0].legend(ncols=min(len(classes), 7), loc="lower center", bbox_to_anchor=(0.5, 1), frameon=False)
    else:
        panels[0].set_title("no face was found")
    figure.savefig(file, format="png", dpi=120)


def _marker(seconds: npt.NDArray[np.float64]) -> str:
    return "o" if len(seconds) == 1 else ""  # a line of one point is not seen


def _draw_bars(
    canvas: Pixels,
    probabilities: npt.NDArray[np.float32],
    classes: Sequence[str],
    at: tuple[int, int],
    unit: float,
    colour: Colour,
) -> None:
    """A panel to the right of a box, or where there is room for it."""
    step, name, bar = round(14 * unit), round(62 * unit), round(60 * unit)
    height, width = step * len(classes) + step // 2, name + bar + step
    left = int(np.clip(at[0] + step // 2, 0, max(0, canvas.shape[1] - width)))
    top = int(np.clip(at[1], 0, max(0, canvas.shape[0] - height)))
    panel = canvas[top : top + height, left : left + width]
    panel[:] = (0.35 * panel + 0.65 * np.array(DARK)).astype(np.uint8)
    for row, (each, probability) in enumerate(zip(classes, probabilities, strict=True)):
        y = top + step * (row + 1)
        _write(canvas, each, (left + step // 2, y), colour, 0.75 * unit, dark=False)
        start = left + name + step // 2
        cv2.rectangle(canvas, (start, y - step // 2), (start + round(bar * float(probability)), y), colour, cv2.FILLED)


def _write(canvas: Pixels, text: str, at: tuple[int, int], colour: Colour, unit: float, dark: bool = True) -> None:
    place = (max(0, at[0]), max(round(14 * unit), at[1]))
    for shade, thick in ((DARK, 4), (colour, 1)) if dark else ((colour, 1),):
        cv2.putText(canvas, text, place, FONT, 0.5 * unit, shade, max(1, round(thick * unit)), cv2.LINE_AA)


def _whole(places: npt.NDArray[np.float32]) -> npt.NDArray[np.int32]:
    """In whole pixels, and no further away than can be drawn."""
    return np.clip(np.rint(places), -(1 << 15), 1 << 15).astype(np.int32)
