"""Pictures from outside: any format and size is read upright, cut to a square and resized; what is broken is named."""

from __future__ import annotations

import os
import tracemalloc
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from picture_files import draw, write_picture
from sample_sets import refused
from skimage.data import astronaut

from pipeline.common import images
from pipeline.data.grey import to_grey
from pipeline.data.pictures import list_classes, read_picture, read_squares

PORTRAIT = astronaut()  # type: ignore[no-untyped-call]
REMEDY = "remove it, or put a whole one in its place"


@pytest.mark.parametrize(
    ("name", "options", "off"),
    [
        ("a.png", {}, 0),
        ("a.bmp", {}, 0),
        ("a.tiff", {"compression": "tiff_lzw"}, 0),
        ("a.webp", {"lossless": True}, 0),
        ("a.jpg", {"quality": 95}, 12),
        ("a.gif", {}, 40),  # 256 colours
        ("a.tiff", {"mode": "P"}, 60),
        ("a.png", {"mode": "RGBA"}, 0),
        ("picture of mine", {"format": "PNG"}, 0),
    ],
)
def test_a_picture_of_any_format_is_read(tmp_path: Path, name: str, options: dict[str, Any], off: int) -> None:
    drawn = draw(30, 20)
    found = read_picture(write_picture(tmp_path / name, drawn, **options))
    assert found.shape == (30, 20, 3)
    assert found.dtype == np.uint8
    assert np.abs(found.astype(int) - drawn).max() <= off


@pytest.mark.parametrize(("orientation", "turns"), [(1, 0), (3, 2), (6, 1), (8, 3)])
def test_a_picture_is_turned_as_exif_says(tmp_path: Path, orientation: int, turns: int) -> None:
    upright = draw(30, 20)
    stored = np.ascontiguousarray(np.rot90(upright, turns))  # turned to the left: EXIF says by how much to turn back
    found = read_picture(write_picture(tmp_path / "a.png", stored, orientation=orientation))
    np.testing.assert_array_equal(found, upright)


def test_a_grey_picture_and_one_with_two_levels_are_read_in_colour(tmp_path: Path) -> None:
    for mode in ("L", "1"):
        found = read_picture(write_picture(tmp_path / "a.png", draw(9, 7), mode=mode))
        assert found.shape == (9, 7, 3)
        assert (found == found[..., :1]).all()


@pytest.mark.parametrize("name", ["a.jpg", "a.png", "a.tiff", "a.gif", "a.webp"])
@pytest.mark.parametrize("share", [0.02, 0.5, 0.9])
def test_a_file_that_was_cut_short_is_one_line(tmp_path: Path, name: str, share: float) -> None:
    path = write_picture(tmp_path / name, np.random.default_rng(0).integers(0, 256, (60, 60, 3), np.uint8))
    content = path.read_bytes()
    path.write_bytes(content[: round(share * len(content))])
    message = refused(read_picture, path)
    assert message.startswith(f"{path}: ")
    assert message.endswith(REMEDY)


def test_what_is_no_picture_is_one_line(tmp_path: Path) -> None:
    path = tmp_path / "notes.txt"
    path.write_text("not a picture")
    assert refused(read_picture, path) == (
        f"{path}: is neither BMP nor GIF nor JPEG nor PNG nor PPM nor TIFF nor WEBP; {REMEDY}"
    )
    assert refused(read_picture, tmp_path / "b.png") == f"{tmp_path / 'b.png'}: missing; {REMEDY}"


def test_more_than_8_bits_are_not_clipped(tmp_path: Path) -> None:
    path = write_picture(tmp_path / "a.png", np.full((9, 9), 40_000, np.uint16))
    assert refused(read_picture, path) == f"{path}: has more than 8 bits a pixel; {REMEDY}"


def test_a_picture_beyond_the_limits_is_not_decoded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write_picture(tmp_path / "a.png", draw(30, 20))
    monkeypatch.setattr(images, "MAX_PIXELS", 599)
    assert refused(read_picture, path) == f"{path}: has 20 x 30 pixels, more than 599; reduce it"
    monkeypatch.setattr(images, "MAX_BYTES", 10)
    assert refused(read_picture, path).startswith(f"{path}: is larger than 10 bytes")


def test_a_square_in_the_middle_is_cut_and_resized(tmp_path: Path) -> None:
    pixels = np.zeros((40, 60, 3), np.uint8)
    pixels[:, 10:50] = 200
    path = write_picture(tmp_path / "a.png", pixels)
    for side in (16, 64):
        for colour in (True, False):
            squares, lost = read_squares([path, path], side, colour, "centre")
            assert squares.shape == ((2, side, side, 3) if colour else (2, side, side))
            assert (squares == 200).all()
            assert not lost.any()


def test_many_pictures_are_not_held_in_memory_together(tmp_path: Path) -> None:
    path = write_picture(tmp_path / "a.png", draw(20, 20))
    tracemalloc.start()
    squares, _ = read_squares([path] * 40, 400, True, "centre")
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert squares.shape == (40, 400, 400, 3)
    assert (squares[39] == squares[0]).all()
    assert most < squares.nbytes / 5


def test_grey_is_that_of_the_colours(tmp_path: Path) -> None:
    pixels = draw(20, 20)
    path = write_picture(tmp_path / "a.png", pixels)
    np.testing.assert_array_equal(read_squares([path], 20, False, "centre")[0], to_grey(pixels[None]))


def test_a_face_is_cut_out_whole(tmp_path: Path) -> None:
    """That of an astronaut: from the hair to below the chin, with her eyes in the upper half."""
    portrait = write_picture(tmp_path / "a.png", PORTRAIT)
    face = PORTRAIT[64:194, 158:288]  # looked up by eye
    squares, lost = read_squares([portrait, write_picture(tmp_path / "b.png", draw(99, 99))], 64, True, "face")
    assert lost.tolist() == [False, True]
    shown = read_squares([write_picture(tmp_path / "c.png", face)], 64, True, "centre")[0][0]
    alike = np.corrcoef(squares[0].ravel(), shown.ravel())[0, 1]
    middle = np.corrcoef(read_squares([portrait], 64, True, "centre")[0][0].ravel(), shown.ravel())[0, 1]
    assert alike > 0.8 > middle + 0.4
    np.testing.assert_array_equal(squares[1], read_squares([tmp_path / "b.png"], 64, True, "centre")[0][0])


def test_a_face_at_the_edge_is_completed_by_the_edge(tmp_path: Path) -> None:
    top = PORTRAIT[70:, 150:]
    squares, lost = read_squares([write_picture(tmp_path / "a.png", top)], 64, True, "face")
    assert not lost.any()
    assert (squares[0][0] == squares[0][1]).all(axis=-1).mean() > 0.9


# Sub-folders


def test_the_sub_folders_are_the_classes(tmp_path: Path) -> None:
    for name in ("b/2.png", "b/10.png", "a/x.jpg", "a/.DS_Store", "a/Thumbs.db", ".trash/1.png"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    (tmp_path / "README.md").touch()
    found = list_classes(tmp_path)
    assert {name: [file.name for file in files] for name, files in found.items()} == {
        "a": ["x.jpg"],
        "b": ["10.png", "2.png"],
    }


def test_more_sub_folders_than_labels_are_one_line(tmp_path: Path) -> None:
    for number in range(257):
        (tmp_path / f"{number:03}").mkdir()
        (tmp_path / f"{number:03}/1.png").touch()
    assert refused(list_classes, tmp_path) == (
        f"{tmp_path}: has 257 sub-folders, a class each, and may have 256; join some"
    )
    (tmp_path / "256/1.png").unlink()
    (tmp_path / "256").rmdir()
    assert len(list_classes(tmp_path)) == 256


def test_folders_that_are_no_classes_are_one_line(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a/1.png").touch()
    assert refused(list_classes, tmp_path) == (
        f"{tmp_path}: has one sub-folder, and needs two or more, a class each; see docs/your_images.md"
    )
    (tmp_path / "b").mkdir()
    assert refused(list_classes, tmp_path) == (
        f"{tmp_path / 'b'}: holds no picture of its class; put some there, or remove the folder"
    )
    for name in ("c\n", os.fsdecode(b"\xe4")):
        (tmp_path / "b").rename(tmp_path / name)
        assert refused(list_classes, tmp_path).endswith(": has a name that cannot be shown; rename the folder")
        (tmp_path / name).rename(tmp_path / "b")
    (tmp_path / "b/inner").mkdir()
    assert refused(list_classes, tmp_path) == (
        f"{tmp_path / 'b/inner'}: is a folder in that of a class; put its pictures into {tmp_path / 'b'}, or remove it"
    )
