"""The page in Chromium: photographs, the camera, mistakes; nothing on the console, nothing asked of anyone else.

`python -m pytest tests/use/test_page_in_browser.py --basetemp=pictures` leaves pictures of the page in `pictures/`.
"""

from __future__ import annotations

import base64
import csv
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image
from playwright.sync_api import Browser, Page, Playwright, Request, Route, expect, sync_playwright
from served_page import PORTRAIT, Served, jpeg, serve
from tiny_models import write_models

from pipeline.common.images import decode_image
from pipeline.use.faces import Face, look
from pipeline.use.models import Models, load_models
from pipeline.use.page import app

NAMES = ("chromium", "chromium-browser", "google-chrome")
FOUND = next(filter(None, map(shutil.which, NAMES)), None)
PATIENCE = 120_000  # milliseconds, on a machine that has other things to do

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(FOUND is None, reason=f"no Chromium here: none of {', '.join(NAMES)} is installed"),
]

WIDTH, HEIGHT, BAND = 640, 480, 40  # of the film, and of what tells its frames apart, in pixels
FAKE_CAMERA = ["--use-fake-ui-for-media-stream", "--use-fake-device-for-media-stream"]


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Models:
    folder = tmp_path_factory.mktemp("models")
    write_models(folder)
    return load_models(folder)


@pytest.fixture(scope="module")
def served(models: Models) -> Iterator[Served]:
    with serve(models) as served:
        yield served


@pytest.fixture(scope="module")
def playwright() -> Iterator[Playwright]:
    with sync_playwright() as playwright:
        yield playwright


def launch(playwright: Playwright, *words: str) -> Browser:
    expect.set_options(timeout=PATIENCE)
    return playwright.chromium.launch(executable_path=FOUND, args=["--no-sandbox", *words])


@pytest.fixture(scope="module")
def browser(playwright: Playwright, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    film = tmp_path_factory.mktemp("film") / "film.mjpeg"
    film.write_bytes(b"".join(film_frames()))
    browser = launch(playwright, *FAKE_CAMERA, f"--use-file-for-fake-video-capture={film}")
    yield browser
    browser.close()


def film_frames() -> Iterator[bytes]:
    """The portrait moved about; the band at the bottom has another level of grey in each frame."""
    for number in range(40):
        frame = np.full((HEIGHT, WIDTH, 3), 128, np.uint8)
        angle = 2 * np.pi * number / 40
        left, top = 64 + round(50 * np.cos(angle)), 40 + round(40 * np.sin(angle))
        frame[top : top + 350, left : left + 512] = PORTRAIT[:350]
        frame[-BAND:] = 20 + 5 * number
        yield jpeg(frame)


class Visit:
    """A page, and what it said and asked for."""

    def __init__(self, browser: Browser, served: Served, **options: Any) -> None:
        self.context = browser.new_context(accept_downloads=True, **options)
        self.context.set_default_timeout(PATIENCE)
        self.page: Page = self.context.new_page()
        self.heard: list[str] = []
        self.requests: list[Request] = []
        self.page.on("console", lambda message: self.heard.append(message.text))
        self.page.on("pageerror", lambda error: self.heard.append(str(error)))
        self.context.on("request", lambda request: self.requests.append(request))
        self.page.goto(served.address)
        self.page.get_by_text("Trained on").wait_for()
        self.served = served

    def give(self, *files: Path) -> None:
        self.page.set_input_files("#files", list(files))

    def finish(self) -> None:
        """Nothing was said on the console, and nothing asked of anyone else."""
        wide, room = self.page.evaluate("[document.documentElement.scrollWidth, document.documentElement.clientWidth]")
        self.context.close()
        assert self.heard == []
        elsewhere = [
            one.url for one in self.requests if not one.url.startswith((self.served.address, "data:", "blob:"))
        ]
        assert elsewhere == []
        assert wide <= room  # no scrolling sideways


@pytest.fixture
def visit(browser: Browser, served: Served) -> Iterator[Visit]:
    visit = Visit(browser, served, viewport={"width": 1280, "height": 900})
    yield visit
    visit.finish()


@pytest.fixture
def portrait(tmp_path: Path) -> Path:
    path = tmp_path / "portrait.png"
    Image.fromarray(PORTRAIT).save(path)
    return path


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 390])
def test_chosen_photographs(
    browser: Browser, served: Served, portrait: Path, tmp_path: Path, models: Models, width: int, scheme: Any
) -> None:
    phone = width < 1000
    visit = Visit(
        browser, served, viewport={"width": width, "height": 844}, color_scheme=scheme, is_mobile=phone, has_touch=phone
    )
    page = visit.page
    expect(page.get_by_text("Take a photograph")).to_be_visible(visible=phone)
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.id") == "files"
    visit.give(portrait)
    expect(page.locator("#status")).to_have_text("1 photograph, 1 face.")
    (face,) = look(PORTRAIT, models)
    card = page.get_by_role("article").filter(has_text="portrait.png")
    best = models.about.classes[int(face.joined.argmax())]
    expect(card.get_by_role("heading", level=3)).to_contain_text(f"{best}, {face.joined.max():.0%}")
    expect(card.get_by_role("row")).to_have_count(1 + len(models.about.classes))
    for name, share in zip(models.about.classes, face.joined, strict=True):
        expect(card.get_by_role("row").filter(has=page.get_by_role("rowheader", name=name))).to_contain_text(
            f"{share:.0%}"
        )
    expect(card.get_by_role("img", name="The region vanilla of this face")).to_be_visible()
    expect(card.get_by_role("img", name=f"portrait.png, face 1: {best}")).to_be_visible()
    bars = [bar.bounding_box() for bar in card.locator(".bar div").all()]
    lengths = [bar["width"] for bar in bars if bar]
    assert int(np.argmax(lengths)) == int(face.joined.argmax())
    (row,) = downloaded(page)
    assert (row["file"], row["outcome"], row["face"], row["expression"]) == ("portrait.png", "face", "1", best)
    assert float(row["probability"]) == pytest.approx(face.joined.max(), abs=1e-4)
    assert [float(row[edge]) for edge in ("left", "top", "right", "bottom")] == pytest.approx(
        face.box.tolist(), abs=0.06
    )
    page.screenshot(path=tmp_path / f"page-{width}-{scheme}.png", full_page=True)
    page.get_by_role("button", name="Clear").click()
    expect(page.get_by_role("article")).to_have_count(0)
    visit.finish()


def downloaded(page: Page) -> list[dict[str, str]]:
    """The rows of the table that the page gives."""
    with page.expect_download() as download:
        page.get_by_role("button", name="Download as CSV").click()
    return list(csv.DictReader(Path(download.value.path()).read_text().splitlines()))


def test_dropped_photographs(visit: Visit) -> None:
    data = visit.page.evaluate_handle(
        """(content) => {
          const data = new DataTransfer();
          const bytes = Uint8Array.from(atob(content), (one) => one.charCodeAt(0));
          data.items.add(new File([bytes], "one.jpg"));
          data.items.add(new File([bytes], "two.jpg"));
          return data;
        }""",
        base64.b64encode(jpeg(np.full((90, 120, 3), 200, np.uint8))).decode(),
    )
    visit.page.dispatch_event("#give", "drop", {"dataTransfer": data})
    expect(visit.page.locator("#status")).to_have_text("2 photographs, no face was found.")
    expect(visit.page.get_by_role("article")).to_have_count(2)
    rows = downloaded(visit.page)
    assert [(row["file"], row["outcome"], row["face"]) for row in rows] == [
        ("one.jpg", "no face", ""), ("two.jpg", "no face", ""),
    ]  # fmt: skip


def test_mistakes_are_one_line_each(visit: Visit, tmp_path: Path) -> None:
    (tmp_path / "cut.jpg").write_bytes(jpeg(PORTRAIT)[:9000])
    (tmp_path / "text.jpg").write_bytes(b"no photograph")
    (tmp_path / "large.jpg").write_bytes(bytes(app.MAX_BYTES + 1))
    (tmp_path / "empty.jpg").write_bytes(b"")
    lines = {
        "cut.jpg": "damaged",
        "text.jpg": "is neither BMP",
        "large.jpg": "is larger than 40 MB; reduce it",
        "empty.jpg": "is empty",
    }
    for name, line in lines.items():
        visit.give(tmp_path / name)
        expect(visit.page.get_by_role("alert")).to_contain_text(f"{name}: {line}")
        expect(visit.page.get_by_role("article").filter(has_text=name)).to_contain_text(line)
    expect(visit.page.get_by_role("article")).to_have_count(len(lines))
    for row, (name, line) in zip(downloaded(visit.page), lines.items(), strict=True):
        assert row["file"] == name
        assert row["outcome"].startswith(f"unreadable: {line}")


@pytest.mark.parametrize("name", ["lying.tif", "lying.webp"])  # of a WebP's EXIF Chromium knows nothing
def test_a_picture_that_the_browser_cannot_show_is_answered(visit: Visit, tmp_path: Path, name: str) -> None:
    exif = Image.Exif()
    exif[274] = 6
    Image.fromarray(np.rot90(PORTRAIT[:, 60:460])).save(tmp_path / name, exif=exif)
    visit.give(tmp_path / name)
    article = visit.page.get_by_role("article")
    expect(article).to_contain_text("400 × 512 pixels")
    expect(article).to_contain_text("this browser cannot show the picture")
    assert downloaded(visit.page)[0]["file"] == name


def test_a_defect_of_the_page_does_not_end_what_follows(
    browser: Browser, served: Served, portrait: Path, tmp_path: Path
) -> None:
    visit = Visit(browser, served)
    (tmp_path / "empty.jpg").write_bytes(b"")
    visit.page.evaluate("HTMLCanvasElement.prototype.getContext = () => null")
    visit.give(portrait, tmp_path / "empty.jpg")
    expect(visit.page.get_by_role("article").filter(has_text="portrait.png")).to_contain_text("The page failed")
    expect(visit.page.get_by_role("article").filter(has_text="empty.jpg")).to_contain_text("is empty")
    assert any("null" in line for line in visit.heard)
    visit.context.close()


def test_a_photograph_of_60_megapixels(visit: Visit, tmp_path: Path) -> None:
    large = cv2.resize(PORTRAIT, (7746, 7746), interpolation=cv2.INTER_LINEAR)
    (tmp_path / "large.jpg").write_bytes(jpeg(large.astype(np.uint8)))
    visit.give(tmp_path / "large.jpg")
    article = visit.page.get_by_role("article")
    expect(article).to_contain_text("7746 × 7746 pixels")
    expect(article).not_to_contain_text("cannot show")
    assert article.locator("canvas").evaluate("canvas => [canvas.width, canvas.height]") == [1600, 1600]


def test_a_photograph_stands_upright_under_what_is_drawn(visit: Visit, tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[274] = 6  # stored lying on its left side
    lying = Image.fromarray(np.rot90(PORTRAIT[:, 60:460]))
    lying.save(tmp_path / "lying.jpg", exif=exif, quality=95)
    visit.give(tmp_path / "lying.jpg")
    expect(visit.page.get_by_role("article")).to_contain_text("400 × 512 pixels")
    shown = drawn_canvas(visit.page, "article canvas")
    expected = cv2.resize(PORTRAIT[:, 60:460], shown.shape[1::-1], interpolation=cv2.INTER_LINEAR)
    assert np.abs(shown.astype(int) - expected).mean() < 12  # lines over a face, and no other turn


def drawn_canvas(page: Page, selector: str) -> npt.NDArray[np.uint8]:
    url = page.locator(selector).first.evaluate("canvas => canvas.toDataURL('image/png')")
    return decode_image(base64.b64decode(url.partition(",")[2]), "canvas", "")


def test_the_camera_shows_the_frame_that_was_looked_at(
    visit: Visit, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    page, in_flight, most = visit.page, 0, 0
    seen: list[tuple[npt.NDArray[np.uint8], list[Face]]] = []

    def look_and_remember(pixels: npt.NDArray[np.uint8], models: Models, face_detector: str) -> list[Face]:
        seen.append((pixels, look(pixels, models, face_detector)))
        return seen[-1][1]

    def begin(request: Request) -> None:
        nonlocal in_flight, most
        in_flight += "name=camera" in request.url
        most = max(most, in_flight)

    def end(request: Request) -> None:
        nonlocal in_flight
        in_flight -= "name=camera" in request.url

    monkeypatch.setattr(app, "look", look_and_remember)
    page.on("request", begin)
    page.on("requestfinished", end)
    page.get_by_role("button", name="Switch the camera on").click()
    expect(page.locator("#live .summary")).to_contain_text("frames a second")
    page.get_by_role("button", name="Keep this picture").click()
    page.screenshot(path=tmp_path / "camera.png")
    kept = drawn_canvas(page, "#views canvas")
    rows = downloaded(page)
    page.get_by_role("button", name="Switch the camera off").click()
    expect(page.locator("#live")).to_be_empty()
    page.wait_for_timeout(500)
    count = len(seen)
    page.wait_for_timeout(500)
    assert (len(seen), most) == (count, 1)
    faces = next(faces for pixels, faces in reversed(seen) if abs(band(pixels) - band(kept)) < 2)
    assert len(rows) == len(faces) > 0
    for row, face in zip(rows, faces, strict=True):
        assert [float(row[edge]) for edge in ("left", "top")] == pytest.approx(face.box[:2].tolist(), abs=0.06)


def band(frame: npt.NDArray[np.uint8]) -> float:
    """What tells the frames of the film apart."""
    edge = len(frame) * BAND // HEIGHT // 2
    return float(frame[-edge : -edge // 4].mean())


def test_the_picture_that_is_kept_is_not_the_one_in_flight(browser: Browser, served: Served) -> None:
    visit, sent = Visit(browser, served), list[npt.NDArray[np.uint8]]()

    def answer_the_first(route: Route) -> None:
        sent.append(decode_image(route.request.post_data_buffer or b"", "frame", ""))
        if len(sent) == 1:
            route.continue_()

    visit.page.route("**/faces?name=camera", answer_the_first)
    with visit.page.expect_request(lambda request: "name=camera" in request.url and len(sent) == 1):
        visit.page.get_by_role("button", name="Switch the camera on").click()
    visit.page.get_by_role("button", name="Keep this picture").click()
    kept, (first, second) = drawn_canvas(visit.page, "#views canvas"), sent
    assert abs(band(first) - band(second)) > 4
    assert band(kept) == pytest.approx(band(first), abs=2)
    visit.context.close()


def test_a_frame_that_is_not_answered_gives_way_to_a_newer_one(browser: Browser, served: Served) -> None:
    visit, sent = Visit(browser, served), list[bytes | None]()

    def answer(route: Route) -> None:
        sent.append(route.request.post_data_buffer)
        lost = {1: 429, 2: 500, 3: 408}.get(len(sent))
        if lost:
            route.fulfill(status=lost, json={"error": "not now"})
        else:
            route.continue_()

    visit.page.route("**/faces?name=camera", answer)
    visit.page.get_by_role("button", name="Switch the camera on").click()
    expect(visit.page.locator("#live .summary")).to_contain_text("pixels")
    assert len(set(sent[:4])) == 4
    visit.page.route("**/faces?name=camera", lambda route: route.fulfill(status=500, json={"error": "for good"}))
    expect(visit.page.get_by_role("alert")).to_have_text("for good")
    expect(visit.page.locator("#live")).to_be_empty()
    visit.context.close()


def test_a_camera_that_does_not_play_is_switched_off(visit: Visit) -> None:
    visit.page.evaluate(
        """() => {
          const {getUserMedia} = MediaDevices.prototype;
          MediaDevices.prototype.getUserMedia = async function (wanted) {
            return (window.stream = await getUserMedia.call(this, wanted));
          };
          HTMLMediaElement.prototype.play = () => Promise.reject(new Error("it is asleep"));
        }"""
    )
    visit.page.get_by_role("button", name="Switch the camera on").click()
    expect(visit.page.get_by_role("alert")).to_have_text("The camera does not start: it is asleep")
    expect(visit.page.get_by_role("button", name="Switch the camera on")).to_be_enabled()
    assert visit.page.evaluate("stream.getTracks().map((track) => track.readyState)") == ["ended"]


def test_webcam_begins_with_the_camera_on(browser: Browser, models: Models) -> None:
    with serve(models, camera=True) as served:
        visit = Visit(browser, served)
        expect(visit.page.locator("#live .summary")).to_contain_text("pixels")
        expect(visit.page.get_by_role("button", name="Switch the camera off")).to_be_enabled()
        visit.finish()


def test_no_camera_and_no_server_are_one_line(playwright: Playwright, models: Models, portrait: Path) -> None:
    browser = launch(playwright, FAKE_CAMERA[0], f"{FAKE_CAMERA[1]}=device-count=0")
    with serve(models) as served:
        visit = Visit(browser, served)
        visit.page.get_by_role("button", name="Switch the camera on").click()
        expect(visit.page.get_by_role("alert")).to_have_text("There is no camera.")
        assert visit.heard == []
    visit.give(portrait)
    expect(visit.page.get_by_role("alert")).to_contain_text("fercrop does not answer")
    browser.close()
