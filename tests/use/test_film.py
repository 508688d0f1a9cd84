"""Films: frames with their times, faces followed, and what is written of them."""

from __future__ import annotations

import csv
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image
from sample_sets import refused
from served_page import PORTRAIT
from tiny_models import write_models

from fercrop.film import main
from pipeline.common.files import InputError
from pipeline.use.faces import Face
from pipeline.use.film import Film, write_film
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
    assert (film.read, film.cut_short()) == (20, None)


def test_of_a_film_cut_short_there_is_what_there_is(tmp_path: Path) -> None:
    path = write(tmp_path / "a.avi", [PORTRAIT] * 20)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    film = Film(path)
    count = len(list(film))
    assert 5 < count < 15
    assert film.cut_short() == f"{path}: has only {count} of the 20 frames that it names; perhaps it was cut short"


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


def face(left: float, size: float = 10) -> Face:
    box = np.array([left, 0, left + size, size], np.float32)
    return Face(box, np.zeros((68, 2), np.float32), 0.1, {}, {}, {}, np.zeros(1, np.float32))


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
    assert {row["seconds"] for row in with_face} == {"0.000", "0.200"}
    before, after = ({row["track"] for row in with_face if row["frame"] == number} for number in ("0", "2"))
    assert before & after  # moved by eight pixels it is the same face
    (blank_row,) = [row for row in rows if row["frame"] == "4"]
    assert (blank_row["faces"], blank_row["track"], blank_row["expression"]) == ("0", "", "")
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
    assert [path.name for path in tmp_path.iterdir()] == ["a.mp4"]
