"""What sheets are drawn with shows what it is given, where it is."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image

from pipeline.regions.boxes import whole_boxes
from pipeline.report.sheets import canvas


def black(side: int = 48) -> npt.NDArray[np.uint8]:
    return np.zeros((side, side), np.uint8)


def read(png: bytes) -> npt.NDArray[np.uint8]:
    return np.asarray(Image.open(io.BytesIO(png)).convert("RGB"))


def test_save_png_keeps_every_pixel(tmp_path: Path) -> None:
    image = np.random.default_rng(0).integers(0, 256, (20, 30, 3), np.uint8)
    canvas.save_png(tmp_path / "new" / "a.png", image)
    np.testing.assert_array_equal(read((tmp_path / "new" / "a.png").read_bytes()), image)
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["a.png"]


def test_enlarge_gives_rgb_and_keeps_colours() -> None:
    assert canvas.enlarge(black(), 4).shape == (192, 192, 3)
    red = np.zeros((8, 6, 3), np.uint8)
    red[..., 0] = 200
    enlarged = canvas.enlarge(red, 3)
    assert enlarged.shape == (24, 18, 3)
    assert (enlarged == (200, 0, 0)).all()


def test_a_point_is_drawn_over_the_pixel_that_it_names() -> None:
    image = black()
    image[31, 12] = 255
    enlarged = canvas.enlarge(image, 8).astype(float)
    drawn = canvas.draw_points(
        np.zeros((384, 384, 3), np.uint8), np.array([[12, 31]], np.float32), 8, canvas.WHITE, lines=False
    )
    for picture in (enlarged, drawn.astype(float)):
        y, x = np.indices(picture.shape[:2])
        weight = np.clip(picture[..., 0], 0, None)
        assert (x * weight).sum() / weight.sum() == pytest.approx(12 * 8 + 3.5, abs=0.3)
        assert (y * weight).sum() / weight.sum() == pytest.approx(31 * 8 + 3.5, abs=0.3)


def test_drawing_leaves_its_input_alone_and_bears_points_far_outside() -> None:
    drawn = canvas.enlarge(black(), 4)
    points = np.full((68, 2), 1e30, np.float32)
    points[3] = -1e30, 20
    canvas.draw_points(drawn, points, 4)
    canvas.draw_box(drawn, np.array([4, 4, 20, 20], np.float32), 4)
    assert not drawn.any()


def test_a_box_frames_its_pixels() -> None:
    drawn = canvas.draw_box(canvas.enlarge(black(), 4), np.array([9.5, 4.5, 19.5, 29.5], np.float32), 4)
    y, x = np.nonzero(drawn.any(axis=2))
    assert (x.min(), x.max(), y.min(), y.max()) == (
        40,
        79,
        20,
        119,
    )  # pixels 10 to 19 and 5 to 29, four times
    assert not drawn[24:116, 44:76].any()
    whole = canvas.draw_box(canvas.enlarge(black(), 4), whole_boxes(1, (48, 48))[0], 4)
    assert (whole[0] == canvas.YELLOW).all()
    assert (whole[:, -1] == canvas.YELLOW).all()


def test_grid_lays_tiles_row_by_row_with_captions_above() -> None:
    tiles = np.stack([np.full((20, 40, 3), value, np.uint8) for value in (50, 100, 150, 200, 250)])
    plain = canvas.grid(tiles, 3)
    pad = canvas.PADDING
    assert plain.shape == (2 * 20 + 3 * pad, 3 * 40 + 4 * pad, 3)
    assert (plain[pad : pad + 20, 2 * pad + 40 : 2 * pad + 80] == 100).all()
    assert (plain[2 * pad + 20 : 2 * pad + 40, pad : pad + 40] == 200).all()
    captioned = canvas.grid(tiles, 3, ["a", "b", "c", "d", "a much too long caption"])
    assert captioned.shape[0] == plain.shape[0] + 2 * canvas.LINE
    assert captioned.shape[1] == plain.shape[1]
    assert (captioned[pad + canvas.LINE : pad + canvas.LINE + 20, pad : pad + 40] == 50).all()
    head = captioned[pad : pad + canvas.LINE, pad : pad + 40]
    assert head.max() > 200  # letters


def test_grid_refuses_nothing_and_the_wrong_number_of_captions() -> None:
    tiles = np.zeros((2, 4, 4, 3), np.uint8)
    with pytest.raises(ValueError, match="no tiles"):
        canvas.grid(tiles[:0], 3)
    with pytest.raises(ValueError, match="1 captions for 2 tiles"):
        canvas.grid(tiles, 3, ["a"])
