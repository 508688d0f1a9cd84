"""Broken data sets at the stages that read them: refused in one line, or what is not used is named in one."""

from __future__ import annotations

import gzip
import os
import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from permissions import modes_apply
from PIL import Image
from projects import FACES, RAW, copy_settings, set_parameter, write_photographs

import stages
from pipeline.data.expressions import Expressions
from pipeline.data.readers import fer2013
from pipeline.faces.face_images import Faces
from pipeline.faces.photographs import FOLDERS, LABELS
from stages import obtain, prepare_expressions, prepare_faces

USAGES = ("Training", "Training", "PublicTest", "PrivateTest", "PrivateTest")
CHOICES = "neutral,happiness,surprise,sadness,anger,disgust,fear,contempt,unknown,NF"
FIRST = FACES / "afw/image_1.jpg"


@pytest.fixture(autouse=True)
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A project's folder that is the working directory, with small published data sets in data/raw."""
    monkeypatch.chdir(tmp_path)
    copy_settings()
    set_parameter("source", "real")
    write_photographs()
    pixels = np.random.default_rng(0).integers(0, 256, (len(USAGES), 48 * 48))
    rows = [f"3,{' '.join(map(str, image))},{usage}\n" for image, usage in zip(pixels, USAGES, strict=True)]
    (RAW / "fer2013.csv").write_text("emotion,pixels,Usage\n" + "".join(rows))
    votes = [f"{usage},fer000000{row}.png,{row},{9 - row},0,0,0,0,0,0,0,1\n" for row, usage in enumerate(USAGES)]
    (RAW / "fer2013new.csv").write_text(f"Usage,Image name,{CHOICES}\n" + "".join(votes))


def read_faces() -> None:
    obtain.main()
    prepare_faces.main()


def read_expressions() -> None:
    obtain.main()
    prepare_expressions.main()


def refused(read: Callable[[], None]) -> str:
    """The line with which a stage ends; what it writes is not there."""
    with modes_apply(), pytest.raises(BaseException) as caught:  # noqa: PT011 (told apart by one_line)
        read()
    line = stages.one_line(caught.value)
    assert line is not None, repr(caught.value)
    assert len(line.splitlines()) == 1
    assert len(line) <= 500
    assert not Path("data/faces.npz").exists()
    assert not Path("data/expressions").exists()
    return line


def edit(path: Path, old: str, new: str) -> None:
    text, changes = re.subn(old, new, path.read_text(), count=1)
    assert changes == 1
    path.write_text(text)


def use_official_layout() -> None:
    for labels in LABELS:
        (FACES / labels).unlink()


# ---- photographs that are damaged inside


def halve(content: bytes) -> bytes:
    return content[: len(content) // 2] + b"\xff\xd9"


def drop_a_part(content: bytes) -> bytes:
    middle = len(content) // 2
    return content[:middle] + content[middle + len(content) // 20 :]


@pytest.mark.parametrize("damage", [halve, drop_a_part])
def test_a_jpeg_damaged_inside_is_refused(damage: Callable[[bytes], bytes]) -> None:
    FIRST.write_bytes(damage(FIRST.read_bytes()))
    Image.open(FIRST).load()  # the usual decoder has no objection
    said = refused(read_faces)
    assert re.fullmatch(rf"{FIRST}: damaged \(.*\); restore it from the published archive", said)


def test_damaged_photographs_are_counted() -> None:
    for folder in ("afw", "helen/trainset", "ibug"):
        path = FACES / folder / "image_1.jpg"
        path.write_bytes(halve(path.read_bytes()))
    said = refused(read_faces)
    assert said.startswith(f"{FIRST}: damaged")
    assert said.endswith("(2 more of 6 are to be mended: helen/trainset/image_1.jpg, ibug/image_1.jpg)")


def test_another_photograph_under_the_name_is_refused() -> None:
    edit(FACES / LABELS[0], "<image file='afw/image_1.jpg'>", "<image file='afw/image_1.jpg' width='60' height='61'>")
    assert f"{FIRST}: is 60 x 60 pixels, but 60 x 61 in the XML; restore it" in refused(read_faces)


# ---- photographs that are not there, or not used


def said_of_faces(capsys: pytest.CaptureFixture[str]) -> list[str]:
    read_faces()
    return capsys.readouterr().out.splitlines()


def test_what_there_is_stands_beside_what_was_published(capsys: pytest.CaptureFixture[str]) -> None:
    assert said_of_faces(capsys) == [
        "300-W: 3 of 3,148 for training (afw 1 of 337, helen/trainset 1 of 2,000, lfpw/trainset 1 of 811), "
        "2 of 554 in the common test set (helen/testset 1 of 330, lfpw/testset 1 of 224), "
        "1 of 135 in the challenging one"
    ]


@pytest.mark.parametrize("folder", ["lfpw/trainset", "helen/testset", "ibug"])
def test_an_absent_folder_is_named(capsys: pytest.CaptureFixture[str], folder: str) -> None:
    use_official_layout()
    (FACES / folder).rename("elsewhere")
    said = said_of_faces(capsys)
    assert len(said) == 1
    assert {"lfpw/trainset": "lfpw/trainset 0 of 811", "helen/testset": "helen/testset 0 of 330", "ibug": "0 of 135"}[
        folder
    ] in said[0]


def test_an_image_without_points_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    use_official_layout()
    for folder in ("afw", "ibug"):
        (FACES / folder / "image_1.pts").unlink()
        Image.new("RGB", (60, 60)).save(FACES / folder / "image_2.png")
    said = said_of_faces(capsys)
    names = "afw/image_1.jpg, afw/image_2.png, ibug/image_1.jpg and 1 more"
    assert said[1:] == [f"300-W: not used, since they have no points beside them: 4 ({names})"]
    assert len(Faces.load(Path("data/faces.npz"))) == 4


def test_what_the_xml_does_not_list_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    Image.new("RGB", (60, 60)).save(FACES / "helen/testset/new.jpg")
    FIRST.with_suffix(".pts").rename(FACES / "helen/testset/new.pts")
    (FACES / "helen/trainset/a_mirror.jpg").touch()
    (FACES / "helen/elsewhere.PNG").touch()
    (FACES / "ibug/more").symlink_to("../afw")
    said = said_of_faces(capsys)
    assert said[1:] == [
        "300-W: without a .pts file, and so with the XML's whole pixels for points: 1 (afw/image_1.jpg)",
        "300-W: not used, since they stand in neither XML file: 2 (helen/testset/new.jpg, helen/testset/new.pts)",
        f"300-W: not used, since they are in none of {', '.join(FOLDERS)}: 1 (helen/elsewhere.PNG)",
        "300-W: not used, since they are mirrored copies: 1 (helen/trainset/a_mirror.jpg)",
        "300-W: not used, since they are links to folders: 1 (ibug/more)",
    ]


def test_names_that_a_terminal_cannot_show_are_written_as_in_python(capsys: pytest.CaptureFixture[str]) -> None:
    (FACES / "afw" / os.fsdecode(b"\xff")).symlink_to("../ibug")
    Image.new("RGB", (60, 60)).save(FACES / "afw/a\nb.png")
    assert said_of_faces(capsys)[1:] == [
        "300-W: not used, since they stand in neither XML file: 1 ('afw/a\\nb.png')",
        "300-W: not used, since they are links to folders: 1 ('afw/\\udcff')",
    ]


@pytest.mark.parametrize("layout", ["dlib", "official"])
def test_a_point_file_in_capitals_is_read(layout: str, capsys: pytest.CaptureFixture[str]) -> None:
    read_faces()
    before = Faces.load(Path("data/faces.npz"))
    if layout == "official":
        use_official_layout()
    FIRST.with_suffix(".pts").rename(FIRST.with_suffix(".PTS"))
    read_faces()
    after = Faces.load(Path("data/faces.npz"))
    assert np.array_equal(before.points, after.points)
    assert "not used" not in capsys.readouterr().out


@pytest.mark.parametrize("folder", ["", "helen", "lfpw/trainset", "afw"])
def test_a_folder_that_may_not_be_looked_into_is_not_passed_over(folder: str) -> None:
    use_official_layout()
    (FACES / folder).chmod(0)
    said = refused(read_faces)
    (FACES / folder).chmod(0o755)
    assert re.fullmatch(rf"{FACES / folder}.*: not permitted; change its owner or mode and run again", said)


def test_two_files_of_one_name_are_refused() -> None:
    use_official_layout()
    Image.new("RGB", (60, 60)).save(FIRST.with_suffix(".png"))
    assert "afw/image_1.jpg: afw/image_1.png would be the same; remove one of them" in refused(read_faces)


def test_a_name_that_is_no_text_is_refused() -> None:
    FIRST.rename(FIRST.parent / os.fsdecode(b"\xff.jpg"))
    assert r"the name b'afw/\xff.jpg' is no UTF-8 text; rename the file" in refused(read_faces)


# ---- points


def test_points_that_are_not_those_of_the_xml_are_refused() -> None:
    path = FIRST.with_suffix(".pts")
    rows = path.read_text().splitlines()
    moved = [f"{int(row.split()[0]) + 5} {row.split()[1]}" for row in rows[3:-1]]
    path.write_text("\n".join([*rows[:3], *moved, "}"]))
    assert f"{path}: point 1 lies 4 pixels from where the XML has it; restore it" in refused(read_faces)


def test_points_that_are_shifted_by_one_number_are_refused() -> None:
    path = FIRST.with_suffix(".pts")
    use_official_layout()
    numbers = path.read_text().split("{")[1].split("}")[0].split()
    path.write_text("version: 1\nn_points: 68\n{\n10\n" + "\n".join(numbers[:-1]) + "\n}\n")
    assert "holds 136 points, not 68; restore it" in refused(read_faces)
    rows = [" ".join(numbers[index : index + 2]) for index in range(2, len(numbers), 2)]
    path.write_text("\n".join(["version: 1", "n_points: 68", "{", "10", *rows, "5", "}"]))
    assert "holds 69 points, not 68; restore it" in refused(read_faces)


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        (r"\n10 10\n", "\n1_0 10\n", "point 1 is '1_0 10', not two numbers"),
        ("n_points: 68", f"n_points: {'6' * 5000}", "must begin with version: 1 and n_points: 68"),
    ],
)
def test_numbers_are_read_strictly(old: str, new: str, says: str) -> None:
    edit(FIRST.with_suffix(".pts"), old, new)
    assert f"afw/image_1.pts: {says}; restore it" in refused(read_faces)


@pytest.mark.parametrize("target", ["image_1.pts", "nowhere"])
def test_a_point_file_that_leads_nowhere_is_not_replaced_by_the_xml(target: str) -> None:
    path = FIRST.with_suffix(".pts")
    path.unlink()
    path.symlink_to(target)
    assert "image_1.pts" in refused(read_faces)


def test_a_path_in_the_xml_that_is_too_long_is_refused() -> None:
    edit(FACES / LABELS[0], "afw/image_1.jpg", f"afw/{'a' * 300}.jpg")
    said = refused(read_faces)
    assert said.startswith(f"{FACES / LABELS[0]}: file='afw/aaaa")
    assert "is longer than 255 characters; restore it" in said


# ---- FER2013


def said_of_expressions(capsys: pytest.CaptureFixture[str]) -> list[str]:
    read_expressions()
    return capsys.readouterr().out.splitlines()


def test_rows_stand_beside_the_published_ones(capsys: pytest.CaptureFixture[str]) -> None:
    assert said_of_expressions(capsys) == [
        "FER2013: 2 of 28,709 Training, 1 of 3,589 PublicTest, 2 of 3,589 PrivateTest"
    ]
    (RAW / "fer2013new.csv").unlink()
    assert said_of_expressions(capsys)[1:] == ["FER+: fer2013new.csv is not there, so nobody's votes are known"]


def test_a_table_that_was_cut_at_the_end_of_a_line_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    published = {"Training": 2, "PublicTest": 1, "PrivateTest": 3}
    monkeypatch.setattr(fer2013, "PUBLISHED", published, raising=False)
    assert f"{RAW}/fer2013.csv: was cut after 2 of the 3 PrivateTest rows; download it again" in refused(
        read_expressions
    )


def test_a_column_that_stands_twice_is_refused() -> None:
    path = RAW / "fer2013.csv"
    header, *rows = path.read_text().splitlines()
    path.write_text("\n".join([f"emotion,{header}", *(f"0,{row}" for row in rows)]) + "\n")
    assert f"{path}: line 1: has the column emotion twice; download it again" in refused(read_expressions)


def change_votes(*order: int) -> None:
    """The rows of FER+, from 0, in this order."""
    path = RAW / "fer2013new.csv"
    header, *rows = path.read_text().splitlines()
    path.write_text("\n".join([header, *(rows[row] for row in order)]) + "\n")


@pytest.mark.parametrize("order", [(1, 0, 2, 3, 4), (0, 1, 2, 4, 3)])
def test_votes_that_have_changed_places_within_a_split_are_refused(order: tuple[int, ...]) -> None:
    change_votes(*order)
    said = refused(read_expressions)
    assert re.search(r"fer2013new\.csv: line \d: Image name 'fer\d+\.png' comes after", said)
    assert "both must be the published files in the published order" in said


def test_votes_that_stand_twice_are_refused() -> None:
    change_votes(0, 0, 2, 3, 4)
    said = refused(read_expressions)
    assert "fer2013new.csv: line 2: Image name 'fer0000000.png' stands on another line too" in said


def test_a_few_shared_names_among_thousands_are_named(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pipeline.data.ferplus.MAX_SHARED", 0.5)
    change_votes(0, 0, 2, 3, 4)
    said = "FER+: 2 rows share their image's name with another row (lines 2, 3)"
    assert said_of_expressions(capsys)[1:] == [said]


@pytest.mark.parametrize(("votes", "sum_"), [("10,10,10,10,10,10,10,10,10,10", 100), ("0,0,0,0,0,0,0,0,0,0", 0)])
def test_more_votes_than_people_are_refused(votes: str, sum_: int) -> None:
    edit(RAW / "fer2013new.csv", r"0000001\.png,.*", f"0000001.png,{votes}")
    assert f"fer2013new.csv: line 3: has {sum_} votes, not 1 to 10; download it again" in refused(read_expressions)


def test_a_name_that_is_no_name_is_refused() -> None:
    edit(RAW / "fer2013new.csv", r"fer0000001\.png", "1")
    assert "line 3: Image name is '1', not as fer0000123.png" in refused(read_expressions)


def test_compressed_votes_are_read() -> None:
    path = RAW / "fer2013new.csv"
    path.with_name("fer2013new.csv.gz").write_bytes(gzip.compress(path.read_bytes()))
    path.unlink()
    read_expressions()
    assert Expressions.load(Path("data/expressions")).votes[:, 0].tolist() == [0, 1, 2, 3, 4]


# ---- what lies where a file is expected


@pytest.mark.parametrize("name", ["fer2013.csv", "fer2013new.csv"])
def test_a_link_a_folder_or_a_pipe_in_the_place_of_a_table_is_told(name: str) -> None:
    path = RAW / name
    path.unlink()
    path.symlink_to("nowhere")
    assert f"{path}: is a link that leads nowhere; put the published file there" in refused(read_expressions)
    path.unlink()
    path.mkdir()
    assert f"{path}: is a folder; put the published file there" in refused(read_expressions)
    path.rmdir()
    os.mkfifo(path)
    assert f"{path}: is no file but a device or a pipe; put the published file there" in refused(read_expressions)


@pytest.mark.parametrize("path", [FACES / LABELS[0], FIRST.with_suffix(".pts"), FIRST])
def test_a_folder_in_the_place_of_a_file_of_300w_is_told(path: Path) -> None:
    if path.suffix == ".xml":
        path.unlink()
        path.mkdir()
        assert f"{path}: is a folder; restore it" in refused(read_faces)
        return
    use_official_layout()
    path.unlink()
    path.mkdir()
    if path.suffix == ".jpg":
        assert "afw/image_1.pts: the image beside it (.jpg or .png) is missing" in refused(read_faces)
    else:
        read_faces()
        assert "afw/image_1.jpg" not in Faces.load(Path("data/faces.npz")).name


@pytest.mark.parametrize(
    ("path", "read"),
    [
        (RAW / "fer2013.csv", prepare_expressions.main),
        (RAW / "fer2013new.csv", prepare_expressions.main),
        (FACES / LABELS[0], prepare_faces.main),
        (FIRST, prepare_faces.main),
        (FIRST.with_suffix(".pts"), prepare_faces.main),
    ],
)
def test_an_unreadable_file_is_not_to_be_downloaded_again(path: Path, read: Callable[[], None]) -> None:
    obtain.main()
    path.chmod(0)
    assert refused(read) == f"{path}: not permitted; change its owner or mode and run again"
