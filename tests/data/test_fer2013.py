"""FER2013 and FER+: what is published reads; each kind of damage is one line with the file, the row and the remedy."""

from __future__ import annotations

import gzip
import lzma
import re
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from sample_sets import refused

from pipeline.data import tables
from pipeline.data.expressions import Expressions
from pipeline.data.ferplus import VOTES
from pipeline.data.readers.fer2013 import CLASSES, SPLITS, read_fer2013

ROWS = 6
LABELS = [0, 3, 6, 2, 3, 1]
# FER+ names no image that shows no face, and counts on or not.
IMAGE_NAMES = ["fer0000000.png", "fer0000001.png", "", "fer0000003.png", "", "fer0000004.png"]
USAGE = ["Training", "Training", "PublicTest", "PrivateTest", "Training", "PrivateTest"]


def draw_images() -> npt.NDArray[np.uint8]:
    """Six images, of which 0 and 3, and 1 and 5, are the same."""
    images = np.random.default_rng(0).integers(0, 256, (ROWS, 48, 48)).astype(np.uint8)
    images[0, 0, :2] = (0, 255)  # both ends of the range
    images[3], images[5] = images[0], images[1]
    return images


def fer2013_lines() -> list[str]:
    pixels = [" ".join(map(str, image.ravel())) for image in draw_images()]
    return ["emotion,pixels,Usage", *(f"{a},{b},{c}" for a, b, c in zip(LABELS, pixels, USAGE, strict=True))]


def write_fer2013(folder: Path, lines: list[str] | None = None, end: str = "\n") -> Path:
    path = folder / "fer2013.csv"
    path.write_bytes("".join(line + end for line in lines or fer2013_lines()).encode())
    return path


def draw_votes() -> npt.NDArray[np.int64]:
    return np.random.default_rng(1).multinomial(10, np.full(10, 0.1), ROWS)


def ferplus_lines() -> list[str]:
    return [
        f"Usage,Image name,{','.join(VOTES)}",
        *(
            f"{usage},{name},{','.join(map(str, row))}"
            for usage, name, row in zip(USAGE, IMAGE_NAMES, draw_votes(), strict=True)
        ),
    ]


def write_ferplus(folder: Path, lines: list[str] | None = None) -> Path:
    path = folder / "fer2013new.csv"
    path.write_text("\n".join(lines or ferplus_lines()) + "\n")
    return path


def refuse(csv: Path, ferplus: Path | None = None) -> str:
    return refused(read_fer2013, csv, ferplus)


def check_read(found: Expressions) -> None:
    assert np.array_equal(found.images, draw_images())
    assert found.images.dtype == np.uint8
    assert found.labels.tolist() == LABELS
    assert found.split.tolist() == USAGE
    assert found.subject.tolist() == [""] * ROWS
    assert found.about.name == "FER2013"
    assert found.about.classes == ("angry", "disgust", "fear", "happy", "sad", "surprise", "neutral")
    assert found.about.splits == {"Training": "train", "PublicTest": "validation", "PrivateTest": "test"}


def test_reads_the_published_csv(tmp_path: Path) -> None:
    found = read_fer2013(write_fer2013(tmp_path), None)
    check_read(found)
    assert len(found) == ROWS
    assert (found.votes.shape, found.about.votes, found.about.no_face) == ((ROWS, 0), {}, None)
    assert CLASSES[found.labels[1]] == "happy"


def test_reads_votes(tmp_path: Path) -> None:
    found = read_fer2013(write_fer2013(tmp_path), write_ferplus(tmp_path))
    check_read(found)
    assert np.array_equal(found.votes, draw_votes())
    assert found.votes.dtype == np.uint16
    assert found.about.no_face == "NF"
    assert found.about.votes == {
        "neutral": "neutral",
        "happiness": "happy",
        "surprise": "surprise",
        "sadness": "sad",
        "anger": "angry",
        "disgust": "disgust",
        "fear": "fear",
        "contempt": None,
        "unknown": None,
        "NF": None,
    }


def test_reads_in_blocks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tables, "BLOCK", 40_000)  # four rows or so
    votes = [f"{line},{'x' * 16_000}" for line in ferplus_lines()]  # two rows or so
    found = read_fer2013(write_fer2013(tmp_path), write_ferplus(tmp_path, votes))
    check_read(found)
    assert np.array_equal(found.votes, draw_votes())


def compress_gz(path: Path) -> Path:
    target = path.with_name("fer2013.csv.gz")
    target.write_bytes(gzip.compress(path.read_bytes()))
    return target


def compress_xz(path: Path) -> Path:
    target = path.with_name("fer2013.csv.xz")
    target.write_bytes(lzma.compress(path.read_bytes()))
    return target


def compress_zip(path: Path) -> Path:
    target = path.with_name("fer2013.csv.zip")
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("fer2013/example_submission.csv", "id,emotion\n1,0\n")
        archive.write(path, "fer2013/fer2013.csv")
    return target


COMPRESS = [compress_gz, compress_xz, compress_zip]


@pytest.mark.parametrize("compress", COMPRESS)
def test_reads_compressed(tmp_path: Path, compress: Callable[[Path], Path]) -> None:
    check_read(read_fer2013(compress(write_fer2013(tmp_path)), None))


@pytest.mark.parametrize("compress", COMPRESS)
def test_refuses_truncated_archive(tmp_path: Path, compress: Callable[[Path], Path]) -> None:
    archive = compress(write_fer2013(tmp_path))
    archive.write_bytes(archive.read_bytes()[:-200])
    message = refuse(archive)
    assert re.search(rf"{archive.name}: is not a whole (gzip|xz|zip) file .*; download it again", message)


@pytest.mark.parametrize("compress", COMPRESS)
def test_refuses_what_is_only_named_like_an_archive(tmp_path: Path, compress: Callable[[Path], Path]) -> None:
    archive = compress(write_fer2013(tmp_path))
    archive.write_bytes(b"<html>please log in</html>" * 40)
    assert re.search(rf"{archive.name}: is not a whole (gzip|xz|zip) file", refuse(archive))


@pytest.mark.parametrize("compress", COMPRESS)
def test_refuses_changed_bytes_in_archive(tmp_path: Path, compress: Callable[[Path], Path]) -> None:
    archive = compress(write_fer2013(tmp_path))
    content = bytearray(archive.read_bytes())
    middle = len(content) // 2
    content[middle : middle + 50] = bytes(50)
    archive.write_bytes(content)
    assert f"{archive.name}: is not a whole" in refuse(archive)


def test_refuses_zip_without_the_table(tmp_path: Path) -> None:
    archive = tmp_path / "fer2013.csv.zip"
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("other.csv", "a\n1\n")
    assert "fer2013.csv.zip: holds 0 files fer2013.csv, not one" in refuse(archive)


def test_refuses_an_encrypted_zip(tmp_path: Path) -> None:
    archive = compress_zip(write_fer2013(tmp_path))
    content = bytearray(archive.read_bytes())
    content[content.rindex(b"PK\1\2") + 8] |= 1  # the last entry's flag in the table of contents
    archive.write_bytes(content)
    assert "fer2013.csv.zip: is encrypted; unpack fer2013.csv beside it" in refuse(archive)


def test_columns_in_any_order_with_others_between(tmp_path: Path) -> None:
    rows = [line.split(",") for line in fer2013_lines()]
    lines = [f"{usage}, x, {pixels}, {emotion}" for emotion, pixels, usage in rows]
    lines[0] = "Usage, note, pixels, emotion"
    check_read(read_fer2013(write_fer2013(tmp_path, lines), None))


def test_crlf_byte_order_mark_and_blank_lines(tmp_path: Path) -> None:
    lines = fer2013_lines()
    lines[0] = "\ufeff" + lines[0]
    check_read(read_fer2013(write_fer2013(tmp_path, [*lines, "", ""], end="\r\n"), None))


@pytest.mark.parametrize("blank", ["  ", "\t", " \t "])
def test_reads_other_white_space_and_leading_zeros(tmp_path: Path, blank: str) -> None:
    lines = fer2013_lines()
    lines[3] = re.sub(r" (\d) ", r" 000\1 ", lines[3]).replace(" ", blank)
    assert "0007" in lines[3]
    check_read(read_fer2013(write_fer2013(tmp_path, lines), None))


def test_a_value_may_hold_line_breaks_wherever_a_block_ends(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tables, "BLOCK", 40_000)
    header, *rows = fer2013_lines()
    parts = [row.split(",") for row in rows]
    broken = [f'{emotion},"{pixels.replace(" 1", chr(10) + "1")}",{usage}' for emotion, pixels, usage in parts]
    check_read(read_fer2013(write_fer2013(tmp_path, [header, *broken]), None))


def test_empty_lines_at_the_end_may_fill_a_block(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tables, "BLOCK", 40_000)
    check_read(read_fer2013(write_fer2013(tmp_path, [*fer2013_lines(), *[""] * 200_000]), None))


def test_a_quotation_mark_that_is_not_closed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tables, "BLOCK", 20_000)
    lines = fer2013_lines()
    lines[3] = lines[3].replace(",", ',"', 1)
    assert re.search(
        r"after line [123]: .* a quotation mark is not closed; download", refuse(write_fer2013(tmp_path, lines))
    )


def test_reads_quoted_values_and_lines_between(tmp_path: Path) -> None:
    lines = [",".join(f'"{value}"' for value in line.split(",")) for line in fer2013_lines()]
    lines.insert(3, "")
    check_read(read_fer2013(write_fer2013(tmp_path, ["", *lines]), None))


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (r",\d+ ", ",", "has 2,303 pixels, not 2,304"),
        (r",\d+ ", ",1 1 ", "has 2,305 pixels, not 2,304"),
        (r",.*,", ",,", "has 0 pixels, not 2,304"),
        (r",\d+ ", ",256 ", "pixel 256 is not within 0 to 255"),
        (r",\d+ ", ",-1 ", "pixel -1 is not within 0 to 255"),
        (r",\d+ ", ",65536 ", "pixel 65536 is not within 0 to 255"),
        (r",\d+ ", ",99999999999999999999999 ", "is not within 0 to 255"),
        (r",\d+ ", ",1.5 ", "pixel '1.5' is not a whole number"),
        (r",\d+ ", ",many ", "pixel 'many' is not a whole number"),
        (r",\d+ ", ",nan ", "pixel 'nan' is not a whole number"),
        (r",\d+ ", ",\uff11 ", "pixel '\uff11' is not a whole number"),
        (r",\d+ ", ",1\0 ", "is not a whole number"),
        (r",\d+ ", f",{'0' * 9999} ", "pixel 00000000000000000000 is not within 0 to 255"),
        (r",\d+ ", ",\xff ", "is not a whole number"),
        (r",\d+ ", ",0256 ", "pixel 0256 is not within 0 to 255"),
        (r"^\d", "7", "emotion is '7', not one of 0 to 6"),
        (r"^\d", "-1", "emotion is '-1', not one of 0 to 6"),
        (r"^\d", "happy", "emotion is 'happy', not one of 0 to 6"),
        (r"^\d", "", "emotion is '', not one of 0 to 6"),
        (r"^\d", "256", "emotion is '256', not one of 0 to 6"),
        (r"[A-Za-z]+$", "Testing", "Usage is 'Testing', not one of Training, PublicTest, PrivateTest"),
        (r"[A-Za-z]+$", "TrainingTraining", "Usage is 'TrainingTraining', not one of"),
        (r",[A-Za-z]+$", ",", "Usage is '', not one of"),
        (r",[A-Za-z]+$", "", "has 2 columns, not 3"),
        (r"$", ",x", "has 4 columns, not 3"),
    ],
)
@pytest.mark.parametrize("line", [2, 6])
def test_refuses_a_wrong_row(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, line: int, old: str, new: str, message: str
) -> None:
    monkeypatch.setattr(tables, "BLOCK", 36_000)  # line 6 is in the second block
    lines = fer2013_lines()
    lines[line - 1], changes = re.subn(old, new, lines[line - 1], count=1)
    assert changes == 1
    said = refuse(write_fer2013(tmp_path, lines))
    assert f"fer2013.csv: line {line}: " in said
    assert message in said
    assert re.search("download (the file|it) again", said)


@pytest.mark.parametrize("column", ["emotion", "pixels", "Usage"])
def test_refuses_a_missing_column(tmp_path: Path, column: str) -> None:
    lines = fer2013_lines()
    lines[0] = lines[0].replace(column, "other")
    assert f"fer2013.csv: line 1: has no column {column}; download it again" in refuse(write_fer2013(tmp_path, lines))


@pytest.mark.parametrize("split", SPLITS)
def test_refuses_a_split_without_rows(tmp_path: Path, split: str) -> None:
    lines = [line for line in fer2013_lines() if not line.endswith(f",{split}")]
    assert f"fer2013.csv: has no row whose Usage is {split}; download" in refuse(write_fer2013(tmp_path, lines))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is empty; download it again"),
        (b"\n\n", "is empty; download it again"),
        (b"emotion,pixels,Usage\n", "holds a header and no rows; download it again"),
        (b"emotion,pixels,Usage\n\n\r\n", "holds a header and no rows; download it again"),
        (gzip.compress(b"emotion,pixels,Usage\n" * 9), "line 1: is not UTF-8 text"),
        (b'emotion,pixels,Usage\n0,"1 2 3,Training\n', "line 2: has 2 columns, not 3; download it again"),
        (b"emotion,pixels,Usage\n0,\xff,Training,x\n", "line 2: has 4 columns, not 3; download it again"),
        (b"emotion,pixels,Usage\n0," + b"1" * (1 << 21) + b",Training\n", "after line 1: is not a CSV file"),
        (b"emotion,pixels,Usage\r0,1 2,Training\r", "line 1: is not the header of a CSV file"),
        (bytes(300_000), "line 1: is not the header of a CSV file"),
        (b"x" * 200_000, "line 1: is not the header of a CSV file"),
    ],
)
def test_refuses_what_is_no_table(tmp_path: Path, content: bytes, message: str) -> None:
    path = tmp_path / "fer2013.csv"
    path.write_bytes(content)
    said = refuse(path)
    assert f"fer2013.csv: {message}" in said
    assert "download it again from Kaggle" in said


def test_refuses_a_missing_file(tmp_path: Path) -> None:
    assert "fer2013.csv: missing; download it again" in refuse(tmp_path / "fer2013.csv")


@pytest.mark.parametrize(
    ("line", "old", "new", "message"),
    [
        (3, r"^Training", "PublicTest", "line 3: Usage is 'PublicTest', but 'Training' in"),
        (3, r"^Training", "Trainin", "line 3: Usage is 'Trainin', not one of"),
        (7, r",\d+$", ",11", "line 7: NF is '11', not one of 0 to 10"),
        (7, r",\d+$", ",-1", "line 7: NF is '-1', not one of 0 to 10"),
        (7, r",\d+$", ",1.5", "line 7: NF is '1.5', not one of 0 to 10"),
        (7, r",\d+$", ",", "line 7: NF is '', not one of 0 to 10"),
        (7, r",\d+$", "", "line 7: has 11 columns, not 12; download it again"),
        (1, r"sadness", "sorrow", "line 1: has no column sadness; download it again"),
        (1, r"^Usage", "Split", "line 1: has no column Usage; download it again"),
    ],
)
def test_refuses_wrong_votes(tmp_path: Path, line: int, old: str, new: str, message: str) -> None:
    lines = ferplus_lines()
    lines[line - 1], changes = re.subn(old, new, lines[line - 1], count=1)
    assert changes == 1
    said = refuse(write_fer2013(tmp_path), write_ferplus(tmp_path, lines))
    assert f"fer2013new.csv: {message}" in said


@pytest.mark.parametrize("lines", [ferplus_lines()[:-1], [*ferplus_lines(), ferplus_lines()[-1]], ferplus_lines()[:1]])
def test_refuses_votes_for_other_rows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, lines: list[str]) -> None:
    monkeypatch.setattr(tables, "BLOCK", 36_000)
    lines = [f"{line},{'x' * 16_000}" for line in lines]  # so two rows a block
    said = refuse(write_fer2013(tmp_path), write_ferplus(tmp_path, lines))
    assert f"fer2013new.csv: has {len(lines) - 1} rows, but " in said
    assert "fer2013.csv has 6; both must be the published files" in said
