"""Pictures show what they are given, where it is, and are the same bytes every time."""

import io
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image

from pipeline import figures, pictures
from pipeline.params import Edges, PointSet
from pipeline.regions import whole_boxes

FACE = Edges(left=1, right=17, top=20, bottom=9)
MOUTH = PointSet.model_validate({"points": "49-68", "margin": 0.3})


def black(side: int = 48) -> npt.NDArray[np.uint8]:
    return np.zeros((side, side), np.uint8)


def random_faces(count: int) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.float32]]:
    rng = np.random.default_rng(0)
    images = rng.integers(60, 190, (count, 48, 48), np.uint8)
    return images, rng.uniform(8, 40, (count, 68, 2)).astype(np.float32)


def has(image: npt.NDArray[np.uint8], colour: pictures.Colour) -> bool:
    return bool((image == colour).all(axis=-1).any())


def read(png: bytes) -> npt.NDArray[np.uint8]:
    return np.asarray(Image.open(io.BytesIO(png)).convert("RGB"))


def test_save_png_keeps_every_pixel(tmp_path: Path) -> None:
    image = np.random.default_rng(0).integers(0, 256, (20, 30, 3), np.uint8)
    pictures.save_png(tmp_path / "new" / "a.png", image)
    np.testing.assert_array_equal(read((tmp_path / "new" / "a.png").read_bytes()), image)
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["a.png"]


def test_enlarge_gives_rgb_and_keeps_colours() -> None:
    assert pictures.enlarge(black(), 4).shape == (192, 192, 3)
    red = np.zeros((8, 6, 3), np.uint8)
    red[..., 0] = 200
    enlarged = pictures.enlarge(red, 3)
    assert enlarged.shape == (24, 18, 3)
    assert (enlarged == (200, 0, 0)).all()


def test_a_point_is_drawn_over_the_pixel_that_it_names() -> None:
    image = black()
    image[31, 12] = 255
    enlarged = pictures.enlarge(image, 8).astype(float)
    drawn = pictures.draw_points(
        np.zeros((384, 384, 3), np.uint8), np.array([[12, 31]], np.float32), 8, pictures.WHITE, lines=False
    )
    for picture in (enlarged, drawn.astype(float)):
        y, x = np.indices(picture.shape[:2])
        weight = np.clip(picture[..., 0], 0, None)
        assert (x * weight).sum() / weight.sum() == pytest.approx(12 * 8 + 3.5, abs=0.3)
        assert (y * weight).sum() / weight.sum() == pytest.approx(31 * 8 + 3.5, abs=0.3)


def test_drawing_leaves_its_input_alone_and_bears_points_far_outside() -> None:
    canvas = pictures.enlarge(black(), 4)
    points = np.full((68, 2), 1e30, np.float32)
    points[3] = -1e30, 20
    pictures.draw_points(canvas, points, 4)
    pictures.draw_box(canvas, np.array([4, 4, 20, 20], np.float32), 4)
    assert not canvas.any()


def test_a_box_frames_its_pixels() -> None:
    drawn = pictures.draw_box(pictures.enlarge(black(), 4), np.array([9.5, 4.5, 19.5, 29.5], np.float32), 4)
    y, x = np.nonzero(drawn.any(axis=2))
    assert (x.min(), x.max(), y.min(), y.max()) == (
        40,
        79,
        20,
        119,
    )  # pixels 10 to 19 and 5 to 29, four times
    assert not drawn[24:116, 44:76].any()
    whole = pictures.draw_box(pictures.enlarge(black(), 4), whole_boxes(1, (48, 48))[0], 4)
    assert (whole[0] == pictures.YELLOW).all()
    assert (whole[:, -1] == pictures.YELLOW).all()


def test_grid_lays_tiles_row_by_row_with_captions_above() -> None:
    tiles = np.stack([np.full((20, 40, 3), value, np.uint8) for value in (50, 100, 150, 200, 250)])
    plain = pictures.grid(tiles, 3)
    pad = pictures.PADDING
    assert plain.shape == (2 * 20 + 3 * pad, 3 * 40 + 4 * pad, 3)
    assert (plain[pad : pad + 20, 2 * pad + 40 : 2 * pad + 80] == 100).all()
    assert (plain[2 * pad + 20 : 2 * pad + 40, pad : pad + 40] == 200).all()
    captioned = pictures.grid(tiles, 3, ["a", "b", "c", "d", "a much too long caption"])
    assert captioned.shape[0] == plain.shape[0] + 2 * pictures.LINE
    assert captioned.shape[1] == plain.shape[1]
    assert (captioned[pad + pictures.LINE : pad + pictures.LINE + 20, pad : pad + 40] == 50).all()
    head = captioned[pad : pad + pictures.LINE, pad : pad + 40]
    assert head.max() > 200  # letters


def test_grid_refuses_nothing_and_the_wrong_number_of_captions() -> None:
    tiles = np.zeros((2, 4, 4, 3), np.uint8)
    with pytest.raises(ValueError, match="no tiles"):
        pictures.grid(tiles[:0], 3)
    with pytest.raises(ValueError, match="1 captions for 2 tiles"):
        pictures.grid(tiles, 3, ["a"])


def test_region_sheet_shows_one_that_fell_back_however_rare() -> None:
    images, points = random_faces(200)
    boxes = np.tile(np.array([10, 10, 30, 30], np.float32), (200, 1))
    fell_back = np.zeros(200, np.bool_)
    trusted = pictures.region_sheet(images, points, boxes, images, fell_back, count=8)
    assert has(trusted, pictures.YELLOW)
    assert not has(trusted, pictures.RED)
    fell_back[77], points[77] = True, np.nan
    rare = pictures.region_sheet(images, points, boxes, images, fell_back, count=8)
    assert has(rare, pictures.YELLOW)
    assert has(rare, pictures.RED)
    assert rare.shape == trusted.shape


def test_region_sheet_of_fewer_images_than_it_would_show() -> None:
    images, points = random_faces(1)
    crops = np.full_like(images, 77)
    sheet = pictures.region_sheet(images, points, whole_boxes(1, (48, 48)), crops, np.array([False]))
    assert (sheet == 77).all(axis=2).sum() >= 144 * 144  # the crop stands there, enlarged and not drawn upon


def test_faces_sheet_shows_the_true_points_in_white_and_predicted_ones_in_green() -> None:
    points = np.random.default_rng(0).uniform(8, 40, (2, 68, 2)).astype(np.float32)
    images = np.stack([black(), black()])
    alone = pictures.faces_sheet(images, points)
    assert has(alone, pictures.WHITE)
    assert not has(alone, pictures.GREEN)
    compared = pictures.faces_sheet(images, points, points + 5, ["3.1%", "4.0%"])
    assert has(compared, pictures.WHITE)
    assert has(compared, pictures.GREEN)
    missed = pictures.faces_sheet(images, points, np.full_like(points, np.nan))
    assert has(missed, pictures.WHITE)
    assert not has(missed, pictures.GREEN)


def test_preview_sheet_has_two_columns_a_region_and_marks_what_defines_it() -> None:
    images, points = random_faces(3)
    sheet = pictures.preview_sheet(images, points, {"vanilla": "whole", "face": FACE, "mouth": MOUTH})
    tile = 48 * 3 + pictures.PADDING
    assert sheet.shape[1] == 3 * (2 * tile + pictures.PADDING)
    first, second = sheet[:, : sheet.shape[1] // 3], sheet[:, sheet.shape[1] // 3 : 2 * sheet.shape[1] // 3]
    assert has(first, pictures.YELLOW)
    assert not has(first, pictures.MAGENTA)
    assert has(second, pictures.YELLOW)
    assert has(second, pictures.MAGENTA)


def test_preview_sheet_keeps_an_untrusted_image_whole() -> None:
    images, points = random_faces(2)
    images[1] = 77
    points[0, 0] = np.nan
    sheet = pictures.preview_sheet(images, points, {"face": FACE}, np.array([True, False]))
    assert has(sheet, pictures.RED)
    assert not has(sheet, pictures.YELLOW)
    assert (sheet == 77).all(axis=2).sum() > 144 * 144


@pytest.mark.filterwarnings("error")  # of a division by zero
def test_confusion_png_shades_the_row_and_bears_a_class_without_rows() -> None:
    png = figures.confusion_png([[9, 1, 0], [0, 0, 0], [0, 0, 5]], ["a", "b", "c"])
    assert png == figures.confusion_png([[9, 1, 0], [0, 0, 0], [0, 0, 5]], ["a", "b", "c"])
    assert has(read(png), (8, 48, 107))  # the darkest blue: all of row c in one cell
    assert png != figures.confusion_png([[1, 9, 0], [0, 0, 0], [0, 0, 5]], ["a", "b", "c"])


def test_curves_png_is_the_same_bytes_and_names_no_software() -> None:
    curves = {
        "train_loss": (range(4), [4.0, 3.0, 2.0, 1.5]),
        "validation_loss": (range(4), [4.0, 3.5, 3.0, 3.1]),
    }
    png = figures.curves_png(curves, "mouth", "loss")
    assert png == figures.curves_png(curves, "mouth", "loss")
    assert b"matplotlib" not in png.lower()
    assert (read(png) < 250).any()


def test_error_curves_end_at_the_limit_and_bear_faces_that_were_not_found() -> None:
    errors = np.array([0.02, 0.04, np.inf])
    png = figures.error_curves_png({"common": errors}, 0.1)
    assert png == figures.error_curves_png({"common": np.array([0.04, 0.5, 0.02])}, 0.1)  # beyond the limit alike
    image = read(png).astype(int)
    blue = (np.abs(image - (31, 119, 180)).sum(axis=2) < 40).nonzero()
    assert blue[1].max() > 0.95 * image.shape[1]  # drawn on to the right end, at two thirds
