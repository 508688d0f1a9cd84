"""Pictures show what they are given, where it is, and are the same bytes every time."""

import io
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image

from pipeline.data.expressions import SPLITS, Expressions
from pipeline.data.twins import Twins
from pipeline.regions.cutting import whole_boxes
from pipeline.regions.definitions import Edges, PointSet
from pipeline.report import pictures

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


def audit_tiles(
    expressions: Expressions, twins: Twins, monkeypatch: pytest.MonkeyPatch
) -> tuple[list[str], list[npt.NDArray[np.uint8]]]:
    """The titles of an audit's sheet, and for each of them its tiles, (4, 96, 96, 3)."""
    titles = []
    draw = pictures._titled

    def note(title: str, sheet: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
        titles.append(title)
        return draw(title, sheet)

    monkeypatch.setattr(pictures, "_titled", note)
    sheet = pictures.audit_sheet(expressions, twins, columns=4)
    head, step = 2 * (pictures.LINE + pictures.PADDING), 96 + pictures.PADDING
    high = head + step
    assert sheet.shape == (len(titles) * high, 4 * step + pictures.PADDING, 3)
    tiles = [
        np.stack([sheet[row * high + head :][:96, pictures.PADDING + step * place :][:, :96] for place in range(4)])
        for row in range(len(titles))
    ]
    return titles, tiles


def shown(tile: npt.NDArray[np.uint8], images: npt.NDArray[np.uint8]) -> int:
    """Which of the images a tile shows; -1 if it is empty."""
    if (tile == pictures.PAPER).all():
        return -1
    same = [np.array_equal(tile, pictures.enlarge(image, 2)) for image in images]
    return same.index(True)


def test_audit_sheet_without_any_finding_is_empty(monkeypatch: pytest.MonkeyPatch) -> None:
    images, _ = random_faces(3)
    alone = np.arange(3, dtype=np.int32)
    expressions = Expressions(
        images=images,
        labels=np.zeros(3, np.uint8),
        votes=np.zeros((3, 10), np.uint8),
        split=np.array(SPLITS),
        for_training=np.array([True, False, False]),
    )
    titles, rows = audit_tiles(expressions, Twins(alone, alone), monkeypatch)
    assert [title.rpartition(": ")[2] for title in titles if ": " in title] == ["0 rows"] * 5
    assert all((tiles == pictures.PAPER).all() for tiles in rows)


def test_audit_sheet_shows_each_finding_and_the_twins_below_theirs(monkeypatch: pytest.MonkeyPatch) -> None:
    """Rows 0 to 9 are Training, 10 to 19 PublicTest, 20 to 39 PrivateTest; the labels all are 3 but for two."""
    images, _ = random_faces(40)
    images[20:28] = images[:8]  # copies of training images, one of them with another label
    copies, groups = np.arange(40, dtype=np.int32), np.arange(40, dtype=np.int32)
    copies[20:28] = groups[20:28] = np.arange(8)
    groups[38] = 15  # what is nearly the same as a validation image
    images[30:32], images[33] = 9, 200
    images[33, 0] = 205  # nearly constant
    votes = np.zeros((40, 10), np.uint8)
    votes[17] = votes[18] = [0, 0, 0, 0, 0, 0, 0, 0, 4, 6]
    votes[18] = [0, 0, 0, 0, 0, 0, 0, 0, 5, 5]  # no majority
    labels = np.full(40, 3, np.uint8)
    copies[31] = groups[31] = 30
    labels[20], labels[31] = 4, 5
    split = np.repeat(SPLITS, (10, 10, 20))
    expressions = Expressions(images, labels, votes, split, split == "Training")
    titles, rows = audit_tiles(expressions, Twins(copies, groups), monkeypatch)
    found = [[shown(tile, images) for tile in tiles] for tiles in rows]
    assert list(zip(titles, found, strict=True)) == [
        # Spread over all that there are; a copy looks like the first of its group.
        ("PrivateTest images identical to a Training or PublicTest image: 8 rows", [0, 2, 5, 7]),
        ("their twins there", [0, 2, 5, 7]),
        ("PrivateTest images nearly the same as one: 1 row", [38, -1, -1, -1]),
        ("their twins there", [15, -1, -1, -1]),
        ("identical images whose labels differ, but for constant ones: 2 rows", [0, 0, -1, -1]),
        ("nearly constant: 3 rows", [30, 30, 33, -1]),
        ("no face, say most FER+ voters: 1 row", [17, -1, -1, -1]),
    ]
