"""300-W: both layouts read alike, points land where they should, and each kind of damage is one line."""

from __future__ import annotations

import io
import re
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image

from pipeline.common.files import InputError
from pipeline.faces import points
from pipeline.faces.face_images import SIDE, SPAN, Faces, cut_square
from pipeline.faces.ibug import read_300w
from pipeline.faces.photographs import FOLDERS, LABELS, files_300w, find_photographs
from pipeline.faces.pts import read_pts

TRAIN = ("afw/1_1.jpg", "helen/trainset/2_1.jpg", "lfpw/trainset/image_0003.png")
TEST = ("helen/testset/4_1.jpg", "lfpw/testset/image_0005.png", "ibug/image_006 _01.jpg")
NAMES = (*TRAIN, *TEST)


def draw_points(seed: int = 0) -> npt.NDArray[np.float64]:
    """68 points, 0-based, that fill the box from (20, 15) to (60, 65)."""
    found = np.random.default_rng(seed).uniform((20, 15), (60, 65), (points.COUNT, 2))
    found[:2] = (20, 15), (60, 65)
    return found


def write_pts(path: Path, found: npt.NDArray[np.float64]) -> None:
    rows = "\n".join(f"{x:.6f} {y:.6f}" for x, y in found + 1)
    path.write_text(f"version: 1\nn_points:  {len(found)}\n{{\n{rows}\n}}\n")


def write_image(path: Path, mode: str = "RGB") -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.random.default_rng(len(path.name)).integers(0, 256, (90, 80, 3)).astype(np.uint8)
    Image.fromarray(pixels).convert(mode).save(path)


def xml_image(name: str, found: npt.NDArray[np.float64]) -> str:
    parts = "".join(f"<part name='{i:02}' x='{x:.0f}' y='{y:.0f}'/>\n" for i, (x, y) in enumerate(found))
    return (
        f"<image file='{name}' width='80' height='90'>\n"
        f"<box top='1' left='2' width='50' height='60'>\n{parts}</box></image>\n"
    )


def write_xml(path: Path, names: tuple[str, ...]) -> None:
    images = "".join(xml_image(name, draw_points(NAMES.index(name))) for name in names)
    path.write_text(f"<?xml version='1.0' encoding='ISO-8859-1'?>\n<dataset><images>\n{images}</images></dataset>\n")


def write_official(root: Path, names: tuple[str, ...] = NAMES) -> Path:
    for name in names:
        write_image(root / name)
        write_pts((root / name).with_suffix(".pts"), draw_points(NAMES.index(name)))
    return root


def write_dlib(root: Path) -> Path:
    write_official(root)
    write_xml(root / LABELS[0], TRAIN)
    write_xml(root / LABELS[1], TEST)
    return root


def change(path: Path, old: str, new: str) -> None:
    text, changes = re.subn(old, new, path.read_text(), count=1)
    assert changes == 1
    path.write_text(text)


def read(root: Path) -> Faces:
    """The data set that lies in a folder."""
    return read_300w(find_photographs(root))


def refuse(root: Path) -> str:
    """The message with which the data set is refused; it is one line."""
    with pytest.raises(InputError) as caught:
        read(root)
    message = str(caught.value)
    assert "\n" not in message
    return message


def check_read(faces: Faces) -> None:
    assert faces.name.tolist() == sorted(NAMES)
    assert faces.images.shape == (len(NAMES), SIDE, SIDE, 3)
    by_name = dict(zip(faces.name.tolist(), range(len(faces)), strict=True))
    for number, name in enumerate(NAMES):
        row = by_name[name]
        assert faces.subset[row] == name.split("/")[0]
        expected = "common" if "testset" in name else "challenging" if "ibug" in name else None
        assert faces.split[row] == expected or (expected is None and faces.split[row] in ("train", "validation"))
        # The face's box is 50 pixels at its largest: the square 90, so that a pixel becomes 224 / 90.
        moved = (draw_points(number) - draw_points(number)[0]) * SIDE / 90
        assert np.allclose(faces.points[row] - faces.points[row, 0], moved, atol=1e-3)


def test_reads_the_official_folders(tmp_path: Path) -> None:
    check_read(read(write_official(tmp_path)))


def test_reads_dlibs_layout_as_the_same(tmp_path: Path) -> None:
    found = read(write_dlib(tmp_path / "dlib"))
    check_read(found)
    official = read(write_official(tmp_path / "official"))
    for name, array in vars(official).items():
        assert np.array_equal(getattr(found, name), array)


def test_without_pts_the_parts_of_the_xml_count(tmp_path: Path) -> None:
    root = write_dlib(tmp_path)
    for name in NAMES:
        (root / name).with_suffix(".pts").unlink()
    found = read(root)
    row = found.name.tolist().index(TRAIN[1])
    whole = np.rint(draw_points(1))
    assert np.allclose(found.points[row] - found.points[row, 0], (whole - whole[0]) * SIDE / 90, atol=1e-3)


def test_mirrored_copies_and_strangers_are_left_out(tmp_path: Path) -> None:
    root = write_dlib(tmp_path)
    change(
        root / LABELS[0], "</images>", f"{xml_image('afw/1_1_mirror.jpg', draw_points())}</images>"
    )  # which is not even there
    (root / "afw" / "notes.txt").write_text("mine")
    assert [photograph.name for photograph in find_photographs(root).used] == sorted(NAMES)
    assert len(files_300w(root)) == 2 + 2 * len(NAMES)
    official = write_official(tmp_path / "official")
    write_pts(official / "afw" / "1_1_mirror.pts", draw_points())
    (official / "afw" / "._1_1.pts").write_bytes(b"\0")  # what macOS leaves in archives
    assert [photograph.name for photograph in find_photographs(official).used] == sorted(NAMES)
    assert len(files_300w(official)) == 2 * len(NAMES)


def test_validation_is_about_a_tenth_of_training_and_keeps_photographs_whole(tmp_path: Path) -> None:
    for number in range(200):
        for face in (1, 2):
            path = tmp_path / f"helen/trainset/{number}_{face}.jpg"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.touch()
            path.with_suffix(".pts").touch()
    for folder in ("helen/testset", "ibug"):
        for number in range(60):
            path = tmp_path / folder / f"{number}_1.jpg"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.touch()
            path.with_suffix(".pts").touch()
    split = {photograph.name: photograph.split for photograph in find_photographs(tmp_path).used}
    training = [value for name, value in split.items() if "trainset" in name]
    assert set(training) == {"train", "validation"}
    assert 20 <= training.count("validation") <= 60  # of 400
    assert all(
        split[f"helen/trainset/{number}_1.jpg"] == split[f"helen/trainset/{number}_2.jpg"] for number in range(200)
    )
    assert {split[name] for name in split if "testset" in name} == {"common"}
    assert {split[name] for name in split if "ibug" in name} == {"challenging"}


def test_folders_of_the_literature() -> None:
    assert sorted(FOLDERS.values()) == ["challenging", "common", "common", "train", "train", "train"]


# ---- points files


def test_pts_counts_from_one(tmp_path: Path) -> None:
    write_pts(tmp_path / "a.pts", draw_points())
    assert np.allclose(read_pts(tmp_path / "a.pts"), draw_points(), atol=1e-5)
    assert "21.000000 16.000000" in (tmp_path / "a.pts").read_text()


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (r"\n[\d.]+ [\d.]+\n\}", "\n}", "says n_points: 68 and holds 67 points, not 68"),
        (r"\n\}", "\n1 2\n}", "says n_points: 68 and holds 69 points, not 68"),
        (r"\n\}", "\n1\n}", "says n_points: 68 and holds 69 points, not 68"),
        (r"n_points:  68", "n_points: 67", "says n_points: 67 and holds 68 points, not 68"),
        (r"n_points:  68", "", "must begin with version: 1 and n_points: 68"),
        (r"n_points:  68", f"n_points: {'6' * 5000}", "must begin with version: 1 and n_points: 68"),
        (r"n_points:  68", "n_points: 68 69", "must begin with version: 1 and n_points: 68"),
        (r"\{\n([\d.]+) ([\d.]+)\n", "{\n10 \\1\n\\2\n", "says n_points: 68 and holds 69 points, not 68"),
        (r"(?s)\{\n[\d.]+ [\d.]+\n(.*)\n\}", "{\n10\n\\1\n5\n}", "says n_points: 68 and holds 69 points, not 68"),
        (r"\n([\d.]+) ([\d.]+)\n\}", "\n\\1\n}", "point 68 is "),
        (r"[\d.]+\n\}", "left\n}", "point 68 is "),
        (r"[\d.]+\n\}", "1_0\n}", "point 68 is "),
        (r"[\d.]+\n\}", "0x1A\n}", "point 68 is "),
        (r"[\d.]+\n\}", "nan\n}", "point 68 is "),
        (r"[\d.]+\n\}", "-inf\n}", "point 68 is "),
        (r"[\d.]+\n\}", "1e999\n}", "point 68 is not finite"),
        (r"\{", "", "the points must stand between { and }"),
        (r"\}", "", "the points must stand between { and }"),
        (r"[\d.]+\n\}", "\u00e9\n}", "is no text"),
        (r"(?s).*", "", "is empty"),
        (r"[\d.]+\n\}", "140\n}", "point 68 lies far outside of the 80 x 90 image"),
        (r"[\d.]+\n\}", "1e300\n}", "point 68 lies far outside of the 80 x 90 image"),
    ],
)
def test_refuses_a_wrong_pts(tmp_path: Path, old: str, new: str, message: str) -> None:
    root = write_official(tmp_path)
    change(root / "afw/1_1.pts", old, new)
    said = refuse(root)
    assert f"afw/1_1.pts: {message}" in said
    assert "restore it from the published archive" in said


def test_refuses_points_that_are_all_outside_or_the_same(tmp_path: Path) -> None:
    root = write_official(tmp_path)
    write_pts(root / "afw/1_1.pts", draw_points() + (40, 0))
    assert len(read(root)) == len(NAMES)  # half of the face is still inside
    write_pts(root / "afw/1_1.pts", draw_points() + (60.5, 0))
    assert "afw/1_1.pts: all points lie outside of the 80 x 90 image; restore" in refuse(root)
    write_pts(root / "afw/1_1.pts", np.full((68, 2), 30.0))
    assert "afw/1_1.pts: all points are the same; restore" in refuse(root)


def test_refuses_pts_without_image(tmp_path: Path) -> None:
    root = write_official(tmp_path)
    (root / "afw/1_1.jpg").unlink()
    assert "afw/1_1.pts: the image beside it (.jpg or .png) is missing; restore" in refuse(root)


# ---- dlib's XML


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (r"<part name='67'.*/>", "", "afw/1_1.jpg: must have each part 00 to 67 once, and lacks 67"),
        (r"name='67'", "name='66'", "afw/1_1.jpg: must have each part 00 to 67 once, and lacks 67"),
        (r"name='67'", "name='68'", "afw/1_1.jpg: must have each part 00 to 67 once, and lacks 67"),
        (r"</box>", "<part name='00' x='1' y='1'/></box>", "must have each part 00 to 67 once"),
        (r"(?s)<box.*?</box>", "", "must have each part 00 to 67 once, and lacks 00, 01, 02, 03, 04"),
        (r"(name='03') x='\d+'", r"\1 x='left'", "part 03 is at ['left', '"),
        (r"(name='03') x='\d+'", r"\1 x='1.5'", "part 03 is at ['1.5', '"),
        (r"(name='03') x='\d+'", r"\1", "part 03 is at ['', '"),
        (r"(name='03') x='\d+'", r"\1 x='99999999999999'", "part 03 is at ['99999999999999', '"),
        (r"afw/1_1.jpg", "../../x.jpg", "file='../../x.jpg' leads out of"),
        (r"afw/1_1.jpg", "/etc/hostname", "file='/etc/hostname' leads out of"),
        (r"afw/1_1.jpg", "cofw/1_1.jpg", "file='cofw/1_1.jpg' is in none of afw, helen/trainset"),
        (r"file='[^']*'", "", "file='' is in none of"),
        (r"afw/1_1.jpg", "helen/trainset/2_1.jpg", "helen/trainset/2_1.jpg stands twice in"),
        (r"afw/1_1.jpg", "afw/../helen/trainset/2_1.jpg", "helen/trainset/2_1.jpg stands twice in"),
        (r"</dataset>", "", "is not valid XML (no element found"),
        (r"(?s).*", "", "is not valid XML (no element found"),
        (r"width='80'", "width='wide'", "afw/1_1.jpg: its width and height are ['wide', '90'], no whole numbers"),
        (r"width='80' ", "", "afw/1_1.jpg: its width and height are [None, '90'], no whole numbers"),
        (r"afw/1_1.jpg", "afw/" + "a" * 252, "file='afw/aaa"),
        (r"ISO-8859-1", "nonsense", "is not valid XML"),
        (r"<dataset>", "<!DOCTYPE d [<!ENTITY a 'b'>]><dataset>", "is not valid XML (DTDForbidden"),
        (
            r"<dataset>",
            "<!DOCTYPE d SYSTEM 'file:///etc/hostname'><dataset>",
            "is not valid XML (DTDForbidden",
        ),
    ],
)
def test_refuses_a_wrong_xml(tmp_path: Path, old: str, new: str, message: str) -> None:
    root = write_dlib(tmp_path)
    change(root / LABELS[0], old, new)
    said = refuse(root)
    assert message in said
    assert LABELS[0] in said
    assert "restore it from the published archive" in said or "remove that entry" in said


def test_refuses_what_the_xml_lists_and_is_not_there(tmp_path: Path) -> None:
    root = write_dlib(tmp_path)
    (root / "afw/1_1.jpg").unlink()
    assert re.search(rf"afw/1_1\.jpg: missing, but .*{LABELS[0]} lists it; restore", refuse(root))


@pytest.mark.parametrize("labels", LABELS)
def test_needs_both_xml_files(tmp_path: Path, labels: str) -> None:
    root = write_dlib(tmp_path)
    (root / labels).unlink()
    assert f"{labels}: missing; restore" in refuse(root)


@pytest.mark.parametrize("write", [write_dlib, write_official])
@pytest.mark.parametrize("linked", ["afw", "afw/1_1.jpg", "afw/1_1.pts"])
def test_refuses_links_that_lead_out(tmp_path: Path, write: Any, linked: str) -> None:
    root = write(tmp_path / "set")
    (root / linked).rename(tmp_path / "elsewhere")
    (root / linked).symlink_to(tmp_path / "elsewhere")
    said = refuse(root)
    assert "file='afw/1_1." in said
    assert "leads out of" in said
    assert "remove that entry" in said


def test_the_data_set_itself_may_be_a_link(tmp_path: Path) -> None:
    write_dlib(tmp_path / "disk")
    (tmp_path / "set").symlink_to(tmp_path / "disk")
    check_read(read(tmp_path / "set"))


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (TEST, "has no images to train on; put those of afw, helen/trainset, lfpw/trainset there"),
        ((*TRAIN, TEST[2]), "has no images to test on; put those of helen/testset, lfpw/testset there"),
        ((), "has no images to train on"),
    ],
)
def test_refuses_a_set_without_training_or_test(tmp_path: Path, names: tuple[str, ...], message: str) -> None:
    assert message in refuse(write_official(tmp_path, names))


# ---- the cut


@pytest.mark.parametrize("scale", [0.4, 1.0, 1.7, 6.3])
@pytest.mark.parametrize("offset", [(0.0, 0.0), (-25.3, 11.6)])
def test_a_dot_lands_on_its_mapped_point(scale: float, offset: tuple[float, float]) -> None:
    """A bright blob drawn at a known point is where the mapped point says, also near the border."""
    rows, columns = np.mgrid[: int(230 * scale), : int(200 * scale)]
    rng = np.random.default_rng(3)
    found = rng.uniform((60 * scale, 50 * scale), (130 * scale, 140 * scale), (68, 2)) + np.array(offset) * scale
    for number in (0, 7, 33):
        x, y = found[number]
        blob = np.exp(-((columns - x) ** 2 + (rows - y) ** 2) / (2 * max(1.5, scale) ** 2))
        image = np.repeat((255 * blob).astype(np.uint8)[..., None], 3, axis=2)
        square, moved = cut_square(image, found)
        weight = square[..., 0].astype(float)
        down, right = np.mgrid[:SIDE, :SIDE]
        centre = (np.sum(right * weight) / weight.sum(), np.sum(down * weight) / weight.sum())
        assert np.abs(np.array(centre) - moved[number]).max() < 0.25


def test_the_square_spans_and_centres_as_promised() -> None:
    found = draw_points() * 10  # the box is 500 high and 400 wide
    square, moved = cut_square(np.zeros((900, 900, 3), np.uint8), found)
    assert square.shape == (SIDE, SIDE, 3)
    assert square.dtype == np.uint8
    assert moved.dtype == np.float32
    extent = np.ptp(moved, axis=0)
    assert extent.max() == pytest.approx(SIDE / SPAN, abs=0.1)
    middle = (moved.min(axis=0) + moved.max(axis=0)) / 2
    assert np.abs(middle - (SIDE - 1) / 2).max() < 0.5


def test_reducing_does_not_alias() -> None:
    stripes = np.zeros((1800, 1800, 3), np.uint8)
    stripes[:, ::2] = 255
    found = draw_points() * 16 + 200
    square, _ = cut_square(stripes, found)
    assert np.abs(square.astype(int) - 127).max() < 35


def test_the_edge_is_repeated() -> None:
    image = np.zeros((90, 80, 3), np.uint8)
    image[:, 0] = (250, 120, 10)
    square, _ = cut_square(image, draw_points() - (15, 0))
    assert np.array_equal(square[:, 0], np.tile((250, 120, 10), (SIDE, 1)))


# ---- saved and loaded


def test_saved_is_loaded_and_filtered(tmp_path: Path) -> None:
    found = read(write_official(tmp_path / "set"))
    found.save(tmp_path / "faces.npz")
    loaded = Faces.load(tmp_path / "faces.npz")
    for name, array in vars(found).items():
        assert np.array_equal(getattr(loaded, name), array)
        assert getattr(loaded, name).dtype == array.dtype
    common = loaded.where(loaded.split == "common")
    assert common.name.tolist() == ["helen/testset/4_1.jpg", "lfpw/testset/image_0005.png"]
    assert len(common) == len(common.points) == 2


def test_refuses_a_damaged_npz(tmp_path: Path) -> None:
    path = tmp_path / "faces.npz"
    read(write_official(tmp_path / "set")).save(path)
    path.write_bytes(path.read_bytes()[:-1000])
    with pytest.raises(InputError, match=r"faces\.npz: damaged .* delete it and run `dvc repro`"):
        Faces.load(path)
    buffer = io.BytesIO()
    np.savez(buffer, images=np.array([{"a": 1}], dtype=object))
    path.write_bytes(buffer.getvalue())
    with pytest.raises(InputError, match=r"faces\.npz: .* delete it and run `dvc repro`"):
        Faces.load(path)
