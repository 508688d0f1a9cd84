"""Films: frames with their times, faces followed, and what is written of them."""

from __future__ import annotations

import csv
import re
import resource
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image
from sample_sets import refused
from served_page import PORTRAIT
from tiny_models import write_models

from fercrop import _words
from fercrop import film as command
from fercrop.film import main
from pipeline.common.ending import one_line
from pipeline.common.files import InputError, together
from pipeline.use.faces import Face
from pipeline.use.film import Film, Frame, Seen, write_film
from pipeline.use.film_drawing import draw_faces
from pipeline.use.tracks import PATIENCE, Tracker, overlap

RATE = 10


def write(path: Path, frames: list[npt.NDArray[np.uint8]]) -> Path:
    """With OpenCV itself: what is read is not to depend on how we write."""
    height, width = frames[0].shape[:2]
    code = cv2.VideoWriter.fourcc(*{".mp4": "mp4v", ".avi": "MJPG"}[path.suffix])
    writer = cv2.VideoWriter(str(path), code, RATE, (width, height))
    for frame in frames:
        writer.write(np.ascontiguousarray(frame[..., ::-1]))
    writer.release()
    return path


def greys(count: int) -> list[npt.NDArray[np.uint8]]:
    """Each frame a little brighter; its red a little more so."""
    frames = [np.full((64, 96, 3), 20 + 5 * number, np.uint8) for number in range(count)]
    for frame in frames:
        frame[..., 0] += 20
    return frames


@pytest.mark.parametrize("name", ["a.mp4", "a.avi"])
@pytest.mark.parametrize("every", [1, 4])
def test_frames_come_with_number_and_time(tmp_path: Path, name: str, every: int) -> None:
    film = Film(write(tmp_path / name, greys(20)), every)
    frames = list(film)
    assert [frame.number for frame in frames] == list(range(0, 20, every))
    assert [frame.seconds for frame in frames] == pytest.approx([number / RATE for number in range(0, 20, every)])
    for frame in frames:
        assert frame.pixels.shape == (64, 96, 3)
        level = 20 + 5 * frame.number
        np.testing.assert_allclose(frame.pixels.mean((0, 1)), (level + 20, level, level), atol=4)
    assert (film.read, film.missing()) == (20, None)


def test_of_a_film_cut_short_there_is_what_there_is(tmp_path: Path) -> None:
    path = write(tmp_path / "a.avi", [PORTRAIT] * 20)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    film = Film(path)
    count = len(list(film))
    assert 5 < count < 15
    assert film.missing() == f"{path}: has only {count} of the 20 frames that it names, perhaps it was cut short"


def damage(path: Path, *numbers: int) -> Path:
    """Zeros in place of frames of an AVI; there must be an index behind them, as OpenCV writes it."""
    content = bytearray(path.read_bytes())
    frames = [found.start() for found in re.finditer(b"00dc", content[: content.rindex(b"idx1")])]
    starts = [start for start in frames if content[start + 8 : start + 10] == b"\xff\xd8"]  # of a JPEG
    for number in numbers:
        start = starts[number]
        size = int.from_bytes(content[start + 4 : start + 8], "little")
        content[start + 8 : start + 8 + size] = bytes(size)
    path.write_bytes(content)
    return path


@pytest.mark.parametrize(("every", "wanted"), [(1, [1, 2, 4, 5, 6, 7, 8, 9]), (2, [2, 4, 6, 8])])
def test_frames_that_cannot_be_decoded_are_passed_over_and_told(tmp_path: Path, every: int, wanted: list[int]) -> None:
    film = Film(damage(write(tmp_path / "a.avi", greys(10)), 0, 3), every)
    frames = list(film)
    assert [frame.number for frame in frames] == wanted
    assert [frame.seconds for frame in frames] == pytest.approx([number / RATE for number in wanted])
    for frame in frames:
        assert frame.pixels[..., 1].mean() == pytest.approx(20 + 5 * frame.number, abs=4)
    assert film.missing() == f"{film.path}: 2 of its frames cannot be decoded and were left out"


def test_a_film_of_which_no_wanted_frame_can_be_decoded_is_refused_in_one_line(tmp_path: Path) -> None:
    path = damage(write(tmp_path / "a.avi", greys(10)), *range(0, 10, 2))
    assert len(list(Film(path))) == 5
    assert "no frames that can be read" in refused(list, Film(path, every=2))


def test_what_is_no_film_is_refused_in_one_line(tmp_path: Path) -> None:
    path = tmp_path / "a.mp4"
    assert "missing" in refused(Film, path)
    for content in (b"", b"no film", write(tmp_path / "b.mp4", greys(9)).read_bytes()[:300]):
        path.write_bytes(content)
        assert "cannot be read as a film" in refused(Film, path)


def test_a_film_without_frames_is_refused_in_one_line(tmp_path: Path) -> None:
    path = write(tmp_path / "a.avi", greys(3))
    content = path.read_bytes()
    path.write_bytes(content[: content.index(b"movi") + 4])
    assert str(path) in refused(lambda: list(Film(path)))


def face(left: float, size: float = 10, points: float = 0, expected_error: float = 0.1) -> Face:
    box = np.array([left, 0, left + size, size], np.float32)
    return Face(box, np.full((68, 2), points, np.float32), expected_error, {}, {}, {}, np.ones(1, np.float32))


@pytest.mark.parametrize(("expected_error", "drawn"), [(0.1, True), (np.inf, False)])
def test_points_that_are_no_faces_are_not_drawn(expected_error: float, drawn: bool) -> None:
    seen = Seen(
        Frame(0, 0, np.zeros((300, 300, 3), np.uint8)), [face(5, points=250, expected_error=expected_error)], [1]
    )
    assert draw_faces(seen, ["happy"])[245:255, 245:255].any() == drawn


def test_faces_keep_their_numbers() -> None:
    tracker = Tracker()
    assert tracker.follow(0, [face(0), face(100)]) == [1, 2]
    assert tracker.follow(0.1, [face(103), face(2)]) == [2, 1]  # in whatever order they are found
    assert tracker.follow(0.2, [face(4)]) == [1]
    assert tracker.follow(0.2 + PATIENCE, [face(104), face(6)]) == [3, 1]  # the second was away for too long
    assert tracker.follow(0.3 + PATIENCE, [face(6, 9), face(6)]) == [4, 1]  # who shares more has the number


def test_frames_that_are_far_apart_are_followed_too() -> None:
    tracker = Tracker()
    assert [tracker.follow(3 * PATIENCE * number, [face(number)]) for number in range(3)] == [[1], [1], [1]]


def test_overlap_is_intersection_over_union() -> None:
    boxes = np.array([[0.0, 0, 10, 10], [5, 0, 15, 10], [20, 20, 30, 30], [0, 0, 0, 0]])
    np.testing.assert_allclose(overlap(boxes, np.array([0.0, 0, 10, 10])), [1, 1 / 3, 0, 0])


def test_a_written_film_is_whole_or_not_there(tmp_path: Path) -> None:
    frames = [frame[:63, :95] for frame in greys(5)]  # odd sides, which no codec takes
    with write_film(tmp_path / "a.mp4", RATE) as add:
        for frame in frames:
            add(frame)
    assert [frame.pixels.shape for frame in Film(tmp_path / "a.mp4")] == [(62, 94, 3)] * 5

    def fail() -> None:
        with write_film(tmp_path / "b.mp4", RATE) as add:
            add(frames[0])
            raise InputError("enough")

    assert refused(fail) == "enough"
    assert [path.name for path in tmp_path.iterdir()] == ["a.mp4"]


@pytest.mark.parametrize("name", ["a.mp4", "a.avi", "a.webm"])
@pytest.mark.parametrize("rate", [RATE, 25 / 3])
def test_a_film_for_which_there_is_no_room_is_refused(tmp_path: Path, name: str, rate: float) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (60, 120, 160, 3)).astype(np.uint8)

    def add_all() -> None:
        with write_film(tmp_path / name, rate) as add:
            for frame in noise:
                add(frame)

    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (150_000, limits[1]))  # bytes of a file
    try:
        assert "could not be written to its end" in refused(add_all)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert not [*tmp_path.iterdir()]
    add_all()
    assert len(list(Film(tmp_path / name))) == 60


def test_a_written_film_waits_for_what_is_written_together_with_it(tmp_path: Path) -> None:
    (tmp_path / "a.avi").write_bytes(b"old")

    def fail() -> None:
        with together():
            with write_film(tmp_path / "a.avi", RATE) as add:
                add(greys(1)[0])
            raise InputError("enough")

    assert refused(fail) == "enough"
    assert (tmp_path / "a.avi").read_bytes() == b"old"


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> str:
    folder = tmp_path_factory.mktemp("models")
    write_models(folder)
    return str(folder)


def test_the_command_writes_table_film_and_plot(
    tmp_path: Path, models: str, capsys: pytest.CaptureFixture[str]
) -> None:
    blank = np.full_like(PORTRAIT, 128)
    film = write(tmp_path / "a.mp4", [PORTRAIT, PORTRAIT, np.roll(PORTRAIT, 8, 1), PORTRAIT, blank, PORTRAIT])
    outputs = {
        name: tmp_path / f"out{ending}" for name, ending in [("csv", ".csv"), ("draw", ".mp4"), ("plot", ".png")]
    }
    words = [word for name, path in outputs.items() for word in (f"--{name}", str(path))]
    main([str(film), *words, "--every", "2", "--models", models])
    rows = list(csv.DictReader(outputs["csv"].read_text().splitlines()))
    with_face = [row for row in rows if row["frame"] != "4"]
    assert [*rows[0]][:6] == ["file", "frame", "seconds", "track", "outcome", "face"]
    assert {(row["file"], row["outcome"], row["seconds"]) for row in with_face} == {
        ("a.mp4", "face", "0.0"), ("a.mp4", "face", "0.2"),
    }  # fmt: skip
    for row in with_face:
        shares = [float(share) for name, share in row.items() if name.startswith("p_") and "/" not in name]
        assert max(shares) == float(row["probability"])
    before, after = ({row["track"] for row in with_face if row["frame"] == number} for number in ("0", "2"))
    assert before & after  # moved by eight pixels it is the same face
    (blank_row,) = [row for row in rows if row["frame"] == "4"]
    assert (blank_row["outcome"], blank_row["track"], blank_row["expression"]) == ("no face", "", "")
    drawn = [frame.pixels for frame in Film(outputs["draw"])]
    assert len(drawn) == 3
    apart = [
        np.abs(shown.astype(int) - true).mean() for shown, true in zip(drawn, [PORTRAIT, PORTRAIT, blank], strict=True)
    ]
    assert apart[0] > 2 * apart[2]  # nothing is drawn where there is no face
    with Image.open(outputs["plot"]) as plot:
        assert plot.width > plot.height > 200
    assert "6 frames" in capsys.readouterr().out


def test_mistakes_are_one_line_before_any_work(tmp_path: Path, models: str) -> None:
    film = write(tmp_path / "a.mp4", greys(2))
    assert "is the film itself" in refused(main, [str(film), "--draw", str(film), "--models", models])
    assert ".webm" in refused(main, [str(film), "--draw", str(tmp_path / "out.gif"), "--models", models])
    assert "make repro" in refused(main, [str(film), "--models", str(tmp_path)])
    assert "whole number" in refused(main, [str(film), "--every", "0"])
    assert [path.name for path in tmp_path.iterdir()] == ["a.mp4"]


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (["--csv", "taken"], "taken: is a folder"),
        (["--plot", "taken"], "taken: is a folder"),
        (["--csv", "a.csv", "--plot", "a.csv"], "a.csv: is another output too"),
        (["--csv", "out.txt"], ".csv or .parquet"),
        (["--csv", "film.avi/a.csv"], "film.avi"),
        (["--plot", "film.avi/a.png"], "film.avi"),
    ],
)
def test_outputs_that_cannot_be_are_told_before_any_work(
    tmp_path: Path, models: str, monkeypatch: pytest.MonkeyPatch, words: list[str], line: str
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("pipeline.use.film.look", lambda *_: pytest.fail("a frame was looked at"))
    (tmp_path / "taken").mkdir()
    write(tmp_path / "film.avi", greys(2))
    (tmp_path / "out.avi").write_bytes(b"old")
    with pytest.raises((InputError, OSError)) as caught:
        main(["film.avi", "--draw", "out.avi", *words, "--models", models])
    assert line in (one_line(caught.value) or "")
    assert (tmp_path / "out.avi").read_bytes() == b"old"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["film.avi", "out.avi", "taken"]


def test_models_are_found_as_for_photographs(tmp_path: Path, models: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(_words, "FOLDERS", (tmp_path / "absent", Path(models)))
    main([str(write(tmp_path / "a.avi", greys(1))), "--csv", "a.csv"])
    assert "no face" in (tmp_path / "a.csv").read_text()


def test_rows_of_a_film_are_written_as_they_come(tmp_path: Path, models: str, monkeypatch: pytest.MonkeyPatch) -> None:
    there: list[int] = []

    def draw(seen: Seen, classes: Sequence[str]) -> npt.NDArray[np.uint8]:
        there.append((tmp_path / ".out.csv.part").stat().st_size)
        return seen.frame.pixels

    monkeypatch.setattr("pipeline.use.film.look", lambda *_: [])
    monkeypatch.setattr(command, "draw_faces", draw)
    film = write(tmp_path / "a.avi", greys(20) * 50)
    main([str(film), "--csv", str(tmp_path / "out.csv"), "--draw", str(tmp_path / "out.avi"), "--models", models])
    assert there[-1] > 0.5 * (tmp_path / "out.csv").stat().st_size
