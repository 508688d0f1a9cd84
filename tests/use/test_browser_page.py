"""The page's server: what it answers, what it refuses in one line, and what it lets a browser do."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from io import BytesIO
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import requests
from page_reader import Reader
from PIL import Image
from sample_sets import refused
from served_page import PORTRAIT, Served, jpeg, serve
from tiny_models import write_models

from fercrop import _words, webcam
from fercrop import serve as serve_command
from fercrop.serve import main
from pipeline.data.pictures import FORMATS
from pipeline.use.faces import Face
from pipeline.use.models import load_models
from pipeline.use.page import app as page
from pipeline.use.page.answers import about_faces, error_in_words
from pipeline.use.page.serving import listen
from pipeline.use.table import columns

PAGE = (page.HERE / "page.html").read_text("utf-8")


@pytest.fixture(scope="module")
def models_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("models")
    write_models(folder)
    return folder


@pytest.fixture(scope="module")
def served(models_folder: Path) -> Iterator[Served]:
    with serve(load_models(models_folder)) as served:
        yield served


def post(served: Served, body: bytes, **headers: str) -> requests.Response:
    kind = {"Content-Type": "image/jpeg"} | {name.replace("_", "-"): value for name, value in headers.items()}
    return requests.post(f"{served.address}faces?name=a.jpg", body, headers=kind, timeout=60)


def test_a_photograph_is_answered_with_its_faces(served: Served) -> None:
    answer = post(served, jpeg(PORTRAIT)).json()
    about = requests.get(f"{served.address}about", timeout=10).json()
    assert (answer["width"], answer["height"]) == (512, 512)
    boxes = np.array([face["box"] for face in answer["faces"]])
    assert ((boxes[:, 0] < 224) & (boxes[:, 2] > 224) & (boxes[:, 1] < 115) & (boxes[:, 3] > 115)).any()
    for number, face in enumerate(answer["faces"], 1):
        assert len(face["points"]) == 68
        assert sum(face["joined"]) == pytest.approx(1, abs=0.01)
        row = dict(zip(about["columns"], answer["rows"][number - 1], strict=True))
        assert (row["file"], row["outcome"], row["face"]) == ("a.jpg", "face", number)
        said = [row[f"p_vanilla/cnn1_{name}"] for name in about["classes"]]
        assert said == pytest.approx(face["probabilities"]["vanilla/cnn1"], abs=1e-4)
        assert row["expression"] == about["classes"][int(np.argmax(face["joined"]))]


def test_no_face_is_an_answer(served: Served) -> None:
    answer = post(served, jpeg(np.full((150, 200, 3), 128, np.uint8))).json()
    assert (answer["faces"], answer["width"], answer["height"]) == ([], 200, 150)
    assert answer["rows"] == [["a.jpg", "no face"]]


def test_the_table_has_the_columns_of_a_folders(served: Served, models_folder: Path) -> None:
    about = requests.get(f"{served.address}about", timeout=10).json()
    assert about["columns"] == [*columns(load_models(models_folder).about, points=False)]


@pytest.mark.parametrize("kind", FORMATS)
def test_takes_and_offers_every_format_that_the_command_reads(served: Served, kind: str) -> None:
    file = BytesIO()
    Image.new("RGB", (40, 30), "grey").save(file, kind)
    answer = post(served, file.getvalue(), Content_Type="application/octet-stream").json()
    assert (answer.get("width"), answer.get("height")) == (40, 30), answer
    (offered,) = (one["accept"] for one in Reader(PAGE.replace("<input", "<img")).of("img") if one["id"] == "files")
    endings = {ending for ending, other in Image.registered_extensions().items() if other == kind}
    assert {Image.MIME[kind], *endings} & {*(offered or "").split(",")}


def test_takes_16_bits(served: Served) -> None:
    file = BytesIO()
    Image.fromarray(np.full((30, 40), 40_000, np.uint16)).save(file, "PNG")
    assert post(served, file.getvalue()).json().get("width") == 40


def test_a_photograph_is_turned_upright(served: Served) -> None:
    file, exif = BytesIO(), Image.Exif()
    exif[274] = 6
    Image.new("RGB", (40, 30)).save(file, "JPEG", exif=exif)
    answer = post(served, file.getvalue()).json()
    assert (answer["width"], answer["height"]) == (30, 40)


def large_png() -> bytes:
    file = BytesIO()
    Image.new("1", (10_001, 10_000)).save(file, "PNG")
    return file.getvalue()


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"no photograph", "a.jpg: is neither BMP nor GIF nor JPEG nor PNG"),
        (jpeg(PORTRAIT)[:9000], "a.jpg: damaged"),
        (large_png(), "a.jpg: has 10,001 x 10,000 pixels"),
    ],
)
def test_what_cannot_be_read_is_answered_in_one_line(served: Served, body: bytes, reason: str) -> None:
    answer = post(served, body)
    assert answer.status_code == 200
    assert answer.json()["error"].startswith(reason)


def test_refuses_bad_requests_in_one_line(served: Served) -> None:
    assert post(served, b"").status_code == 400
    assert post(served, jpeg(PORTRAIT), Content_Type="text/plain").status_code == 415
    for method, path, status in [("GET", "faces", 405), ("DELETE", "", 405), ("POST", "about", 405), ("GET", "x", 404)]:
        answer = requests.request(method, served.address + path, timeout=10)
        assert answer.status_code == status
        assert answer.json()["error"]


@pytest.mark.parametrize("told", [True, False])
def test_refuses_an_oversized_body_whether_it_says_its_size_or_not(served: Served, told: bool) -> None:
    body = bytes(page.MAX_BYTES + 1)
    answer = requests.post(
        f"{served.address}faces",
        body if told else (body[start : start + (1 << 20)] for start in range(0, len(body), 1 << 20)),
        headers={"Content-Type": "image/jpeg"},
        timeout=60,
    )
    assert answer.status_code == 413
    assert "40 MB" in answer.json()["error"]


def test_a_photograph_that_does_not_come_is_not_waited_for(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(page, "SECONDS", 0.3)
    with socket.create_connection(("127.0.0.1", served.port)) as connection:
        head = f"POST /faces HTTP/1.1\r\nHost: 127.0.0.1:{served.port}\r\nContent-Type: image/jpeg\r\n"
        connection.sendall(f"{head}Content-Length: 1000\r\n\r\nabc".encode())
        connection.settimeout(10)
        assert b" 408 " in connection.recv(1000)


def test_many_at_once_are_answered_or_told_to_come_again(served: Served) -> None:
    body, statuses = jpeg(PORTRAIT), []
    threads = [threading.Thread(target=lambda: statuses.append(post(served, body).status_code)) for _ in range(50)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(statuses) == 50
    assert set(statuses) == {200, 429}
    assert statuses.count(200) >= page.AT_ONCE
    assert post(served, body).status_code == 200


def test_more_in_a_second_than_a_camera_sends_are_told_to_come_again(
    models_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = 1000.0
    monkeypatch.setattr(page, "time", SimpleNamespace(monotonic=lambda: now, perf_counter=lambda: 0))
    with serve(load_models(models_folder)) as served:
        answers = [post(served, b"") for _ in range(page.A_SECOND + 1)]
        assert [answer.status_code for answer in answers] == [400] * page.A_SECOND + [429]
        assert answers[-1].headers["Retry-After"] == "1"
        now += 1
        assert post(served, b"").status_code == 400


def test_one_that_went_away_gives_its_place_back(served: Served) -> None:
    for _ in range(2 * page.AT_ONCE):
        with socket.create_connection(("127.0.0.1", served.port)) as connection:
            head = f"POST /faces HTTP/1.1\r\nHost: localhost:{served.port}\r\nContent-Type: image/jpeg\r\n"
            connection.sendall(f"{head}Content-Length: 1000\r\n\r\nabc".encode())
    time.sleep(0.2)
    assert post(served, jpeg(PORTRAIT)).status_code == 200


@pytest.mark.parametrize("host", ["evil.example", "evil.example:80", "127.0.0.1.evil.example", "", "localhost@evil:1"])
def test_refuses_names_of_other_machines(served: Served, host: str) -> None:
    answer = requests.get(served.address, headers={"Host": host}, timeout=10)
    assert answer.status_code == 421
    assert "template" not in answer.text


def test_answers_this_machines_names_with_any_port(served: Served) -> None:
    for host in ("127.0.0.1", "localhost", "localhost:1234"):  # a tunnel may have another port at its other end
        assert requests.get(served.address, headers={"Host": host}, timeout=10).status_code == 200


def test_refuses_photographs_from_other_pages(served: Served) -> None:
    body, own = jpeg(PORTRAIT), served.address.rstrip("/")
    assert post(served, body, Origin=own, Sec_Fetch_Site="same-origin").status_code == 200
    for origin in ("http://evil.example", "null", own + "1", own.replace("http", "https")):
        assert post(served, body, Origin=origin).status_code == 403
    assert post(served, body, Sec_Fetch_Site="cross-site").status_code == 403
    assert post(served, body, Sec_Fetch_Site="same-site").status_code == 403


@pytest.mark.parametrize("path", ["", "page.js", "page.css", "about", "missing", "faces"])
def test_every_answer_says_what_a_browser_may_do(served: Served, path: str) -> None:
    headers = requests.get(served.address + path, timeout=10).headers
    assert headers["Content-Security-Policy"].startswith("default-src 'none'; ")
    assert "unsafe" not in headers["Content-Security-Policy"]
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "no-referrer"
    assert headers["Cache-Control"] == "no-store"
    assert "server" not in headers


def test_the_page_names_all_that_is_used_and_nothing_elsewhere(served: Served) -> None:
    text = requests.get(served.address, timeout=10).text
    files = {path.name for path in page.HERE.iterdir() if path.suffix in (".css", ".js")}
    scripts = "".join(requests.get(served.address + name, timeout=10).text for name in files)
    assert "://" not in text + scripts
    reader = Reader(text.replace("<input", "<img"))  # which have no end either
    assert all(button.get("type") == "button" for button in reader.of("button"))
    for name in files - {"page.css", "page.js"}:
        assert f'"./{name}"' in scripts


def face(expected_error: float) -> Face:
    points = np.zeros((68, 2), np.float32)
    points[45] = 40, 0
    return Face(np.zeros(4, np.float32), points, expected_error, {}, {}, {}, np.zeros(1, np.float32))


def test_the_error_to_expect_is_said_in_words() -> None:
    assert "3.0% of the distance between the eyes, about 1 pixel: close enough" in error_in_words(face(0.03), 0.1)
    assert "less than a pixel" in error_in_words(face(0.02), 0.1)
    assert "20.0% of the distance between the eyes, about 8 pixels: too much" in error_in_words(face(0.2), 0.1)
    assert "at least 50.0%" in error_in_words(face(0.5), 0.1)
    assert "no points of a face" in error_in_words(face(np.inf), 0.1)


@pytest.mark.parametrize(("expected_error", "count"), [(0.03, 68), (np.inf, 0)])
def test_points_that_are_no_faces_are_not_told(models_folder: Path, expected_error: float, count: int) -> None:
    about = load_models(models_folder).about
    shares = np.full(len(about.classes), 1 / len(about.classes), np.float32)
    seen = replace(
        face(expected_error), joined=shares, fell_back={"vanilla": False}, probabilities={"vanilla/cnn1": shares}
    )
    (told,) = about_faces("a.jpg", np.zeros((9, 9, 3), np.uint8), [seen], about)["faces"]
    assert len(told["points"]) == count


def test_models_are_found_as_for_photographs(models_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_words, "FOLDERS", (models_folder,))
    with listen(0) as taken:
        port = str(taken.getsockname()[1])
        for command in (serve_command, webcam):
            assert "is taken" in refused(command.main, ["--port", port])


def test_wrong_words_no_models_and_no_port_are_one_line(tmp_path: Path, models_folder: Path) -> None:
    assert "fercrop serve: argument --port: invalid int" in refused(main, ["--port", "many"])
    assert "make repro" in refused(main, ["--models", str(tmp_path)])
    with listen(0) as taken:
        port = str(taken.getsockname()[1])
        line = refused(main, ["--models", str(models_folder), "--port", port])
        assert line == f"port {port}: is taken by another program; give another with --port"
    assert "cannot be had" in refused(listen, 70_000)
