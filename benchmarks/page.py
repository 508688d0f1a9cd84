"""The page with the camera in Chromium: frames a second, and how long a frame takes; beside looking without a page.

`python -m benchmarks.page [MODELS [SECONDS]]`. The camera is a film of a public-domain portrait that is moved about. A
frame's time is from when the page takes it from the camera until the answer is there to be drawn; without a page the
same frames, as the JPEGs that the page would send, are decoded and looked at one after another. Server, browser and
this process share the machine's cores, as they do where somebody uses it.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import time
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from PIL import Image
from playwright.sync_api import sync_playwright
from skimage import data

from pipeline.common.images import decode_image
from pipeline.use.faces import look
from pipeline.use.models import ABOUT, Models, load_models

FRAMES = 60
WIDTH, HEIGHT = 640, 480  # what the page sends
SECONDS = 20.0
WARM = 5  # frames
SERVE = "import sys; from fercrop.webcam import main; main(sys.argv[1:])"
NAMES = ("chromium", "chromium-browser", "google-chrome")
CAMERA = ("--use-fake-ui-for-media-stream", "--use-fake-device-for-media-stream")
# When the newest frame was taken, and how long each that was answered took, in milliseconds.
WATCH = """
window.took = [];
const toBlob = HTMLCanvasElement.prototype.toBlob, json = Response.prototype.json;
HTMLCanvasElement.prototype.toBlob = function (...rest) {
  window.taken = performance.now();
  return toBlob.apply(this, rest);
};
Response.prototype.json = async function () {
  const answer = await json.call(this);
  if (this.url.includes("name=camera")) window.took.push([performance.now() - window.taken, answer.faces.length]);
  return answer;
};
"""


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


def through_the_page(folder: Path, film: Path, browser: str, seconds: float) -> list[tuple[float, int]]:
    """The milliseconds that each frame took, and how many faces it has."""
    words = [sys.executable, "-c", SERVE, "--port", "0", "--models", str(folder)]
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as server, sync_playwright() as playwright:
        assert server.stdout is not None
        try:
            address = server.stdout.readline().split()[0]
            options = ["--no-sandbox", *CAMERA, f"--use-file-for-fake-video-capture={film}"]
            chromium = playwright.chromium.launch(executable_path=browser, args=options)
            page = chromium.new_page()
            page.add_init_script(WATCH)
            page.goto(address)
            while page.evaluate("window.took.length") < WARM:
                page.wait_for_timeout(100)
            page.evaluate("window.took.length = 0")
            page.wait_for_timeout(1000 * seconds)
            took: list[tuple[float, int]] = [(each, faces) for each, faces in page.evaluate("window.took")]
            chromium.close()
        finally:
            server.terminate()
    return took


def without_a_page(models: Models, frames: list[bytes]) -> list[tuple[float, int]]:
    """Likewise, in this process."""
    look(decode_image(frames[0], "", ""), models)  # warm
    took = []
    for frame in frames:
        start = time.perf_counter()
        faces = look(decode_image(frame, "", ""), models)
        took.append((1000 * (time.perf_counter() - start), len(faces)))
    return took


def tell(name: str, took: list[tuple[float, int]], seconds: float) -> None:
    middle, high = np.percentile([each for each, _ in took], [50, 95])
    found = sum(faces > 0 for _, faces in took)
    print(
        f"  {name:20} {len(took) / seconds:5.1f} frames/s, a frame takes {middle:.0f} ms (median), {high:.0f} ms "
        f"(95th percentile); a face in {found} of {len(took)}"
    )


def main() -> None:
    folder = Path(sys.argv[1] if len(sys.argv) > 1 else "exported").absolute()
    seconds = float(sys.argv[2]) if len(sys.argv) > 2 else SECONDS
    browser = next(filter(None, map(shutil.which, NAMES)), None)
    if browser is None or not (folder / ABOUT).is_file():
        print(f"page: needs Chromium, and models in {folder} (make export)")
        return
    models, frames = load_models(folder), make_frames()
    print(f"frames of {WIDTH} x {HEIGHT}, {len(models.classifiers)} classifiers:")
    with TemporaryDirectory() as place:
        film = Path(place) / "film.mjpeg"
        film.write_bytes(b"".join(frames))
        tell("in the page", through_the_page(folder, film, browser, seconds), seconds)
    alone = without_a_page(models, frames)
    tell("without a page", alone, sum(each for each, _ in alone) / 1000)


if __name__ == "__main__":
    main()
