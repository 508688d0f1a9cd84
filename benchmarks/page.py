"""Frames of the camera a second, through the page's server and without it.

`python -m benchmarks.page [MODELS]` moves a public-domain portrait about, sends each frame as the page does, as a JPEG
by POST and the next one when the answer is there, and looks at the same JPEGs in its own process, in turns. The server
is a process of its own.
"""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable
from io import BytesIO
from pathlib import Path

import numpy as np
import requests
from PIL import Image
from skimage import data

from pipeline.common.images import decode_image
from pipeline.use.faces import look
from pipeline.use.models import ABOUT, load_models

FRAMES = 60
WARM = 3
WIDTH, HEIGHT = 640, 480  # what the page sends
SERVE = "import sys; from fercrop.serve import main; main(sys.argv[1:])"


def make_frames() -> list[bytes]:
    """The portrait on a circle."""
    portrait = data.astronaut()[:360]  # type: ignore[no-untyped-call]
    frames = []
    for angle in np.linspace(0, 2 * np.pi, FRAMES, endpoint=False):
        frame, file = Image.new("RGB", (WIDTH, HEIGHT), (128, 128, 128)), BytesIO()
        frame.paste(Image.fromarray(portrait), (64 + round(50 * np.cos(angle)), 60 + round(40 * np.sin(angle))))
        frame.save(file, "JPEG", quality=90)
        frames.append(file.getvalue())
    return frames


def time_in_turns(frames: list[bytes], ways: dict[str, Callable[[bytes], int]]) -> None:
    """Print for each way, which gives the number of faces, how long it takes a frame."""
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    faces = dict.fromkeys(ways, 0)
    for number, frame in enumerate([*frames[:WARM], *frames]):
        for name, way in ways.items():
            start = time.perf_counter()
            found = way(frame)
            if number >= WARM:
                seconds[name].append(time.perf_counter() - start)
                faces[name] += found
    for name, taken in seconds.items():
        middle, high = (1000 * float(each) for each in np.percentile(taken, [50, 95]))
        rate = len(taken) / sum(taken)
        print(
            f"  {name:24} {rate:5.1f} frames/s, median {middle:.0f} ms, 95th percentile {high:.0f} ms, "
            f"{faces[name]} faces in {len(taken)} frames"
        )


def main() -> None:
    folder = Path(sys.argv[1] if len(sys.argv) > 1 else "exported")
    if not (folder / ABOUT).is_file():
        print(f"page: {folder} holds no models; run `make export`")
        return
    models, frames = load_models(folder), make_frames()
    words = [sys.executable, "-c", SERVE, "--port", "0", "--models", str(folder)]
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        address = server.stdout.readline().split()[0]
        session = requests.Session()

        def ask(frame: bytes) -> int:
            answer = session.post(f"{address}faces", frame, headers={"Content-Type": "image/jpeg"}, timeout=60)
            return len(answer.json()["faces"])

        print(f"frames of {WIDTH} x {HEIGHT}, one after another, {len(models.classifiers)} classifiers:")
        try:
            time_in_turns(
                frames,
                {"through the server": ask, "without it": lambda frame: len(look(decode_image(frame, "", ""), models))},
            )
        finally:
            server.terminate()


if __name__ == "__main__":
    main()
