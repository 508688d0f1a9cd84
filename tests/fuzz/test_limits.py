"""What is small on disk and large in memory, or slow to read: within the stated limits of time and memory."""

from __future__ import annotations

import gzip
import lzma
import struct
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image

from fuzz.cases import Outcome, run_case
from fuzz.families import faces
from fuzz.family import Family
from pipeline.data.readers.fer2013 import read_fer2013
from pipeline.faces.ibug import read_300w
from pipeline.faces.photographs import LABELS, find_photographs

HEADER = b"emotion,pixels,Usage\n"


def outcome(write: Callable[[Path], None], read: Callable[[Path], object]) -> Outcome:
    """How reading what is written ends, in a process that is bound to 20 s and 2 GB."""
    return run_case(Family("limit", write, read, lambda folder, value: None, (lambda rng, folder: None,)), 0)


def write_repeatedly(path: Path, part: bytes, count: int) -> None:
    """Without having all of it in memory, which counts as what reading takes."""
    with path.open("wb") as file:
        for _ in range(count):
            file.write(part)


def read_table(folder: Path) -> object:
    return read_fer2013(next(folder.iterdir()), None)


def read_faces(folder: Path) -> object:
    return read_300w(find_photographs(folder))


def strip(width: int, folder: Path) -> None:
    """A photograph one pixel high, and points from its one end to the other."""
    faces._write_official(folder)
    path = folder / faces.TRAIN[2]
    Image.new("RGB", (width, 1)).save(path)
    rows = "\n".join(f"{1 + number * (width - 1) // 67} 1" for number in range(68))
    path.with_suffix(".pts").write_text(f"version: 1\nn_points: 68\n{{\n{rows}\n}}\n")


@pytest.mark.parametrize("width", [20_000, 100_000])
def test_a_strip_of_a_photograph(width: int) -> None:
    found = outcome(lambda folder: strip(width, folder), read_faces)
    assert found.kind == "refused", found.said
    assert "image_0003.pts: the face is more than 6,000 pixels large; reduce the photograph" in found.said
    assert found.megabytes < 100


def test_the_largest_face_that_is_read() -> None:
    found = outcome(lambda folder: strip(6_000, folder), read_faces)
    assert found.kind == "read", found.said
    assert found.megabytes < 1000


def large_png(side: int, mode: str, folder: Path) -> None:
    faces._write_official(folder)
    Image.new(mode, (side, side)).save(folder / faces.TRAIN[2], compress_level=1)


def test_a_photograph_of_169_million_pixels() -> None:
    found = outcome(lambda folder: large_png(13_000, "1", folder), read_faces)
    assert found.kind == "refused", found.said
    assert "image_0003.png: has 13,000 x 13,000 pixels, more than 100,000,000; reduce it" in found.said
    assert found.megabytes < 200  # as much as writing it took


def test_a_photograph_that_claims_more_pixels_than_there_can_be() -> None:
    def write(folder: Path) -> None:
        faces._write_official(folder)
        path = folder / faces.TRAIN[2]
        content = bytearray(path.read_bytes())
        content[16:24] = struct.pack(">II", 1 << 30, 1 << 30)
        content[29:33] = struct.pack(">I", zlib.crc32(content[12:29]))
        path.write_bytes(content)

    found = outcome(write, read_faces)
    assert found.kind == "refused", found.said
    assert "image_0003.png: " in found.said
    assert found.megabytes < 100


@pytest.mark.slow
@pytest.mark.parametrize("mode", ["L", "RGB", "RGBA", "CMYK"])
def test_the_largest_photograph_that_is_read(mode: str) -> None:
    def write(folder: Path) -> None:
        faces._write_official(folder)
        path = folder / (faces.TRAIN[0] if mode == "CMYK" else faces.TRAIN[2])
        Image.new(mode, (10_000, 10_000)).save(path)

    found = outcome(write, read_faces)
    assert found.kind == "read", found.said


def test_a_jpeg_of_thousands_of_scans() -> None:
    def write(folder: Path) -> None:
        faces._write_official(folder)
        path = folder / faces.TRAIN[0]
        Image.new("L", (8_000, 8_000)).save(path, progressive=True)
        content = path.read_bytes()
        last = content.rindex(b"\xff\xda")
        path.write_bytes(content[:-2] + content[last:-2] * 5_000 + content[-2:])

    found = outcome(write, read_faces)
    assert found.kind == "refused", found.said
    assert "1_1.jpg: damaged (more than 100 scans); restore it" in found.said


def test_blank_lines_before_the_header() -> None:
    found = outcome(lambda folder: write_repeatedly(folder / "fer2013.csv", b"\n" * 4096, 50_000), read_table)
    assert found.kind == "refused", found.said
    assert "fer2013.csv: is empty" in found.said
    assert found.seconds < 5
    assert found.megabytes < 100


@pytest.mark.parametrize("filler", [b"\n", b"\0"])
@pytest.mark.parametrize("compress", [gzip.compress, lzma.compress])
def test_an_archive_that_holds_any_number_of_bytes(filler: bytes, compress: Callable[[bytes], bytes]) -> None:
    """Both formats may be written one after the other, and read as one."""

    def write(folder: Path) -> None:
        part = compress(filler * ((16 << 20) // len(filler)))
        suffix = "gz" if compress is gzip.compress else "xz"
        (folder / f"fer2013.csv.{suffix}").write_bytes(compress(HEADER) + part * 200)

    found = outcome(write, read_table)
    assert found.kind == "refused", found.said
    assert found.megabytes < 500
    if filler == b"\n":
        assert "holds more than 1,073,741,824 bytes, more than any such table; remove it" in found.said


def test_a_zip_archive_of_very_many_files() -> None:
    def write(folder: Path) -> None:
        with zipfile.ZipFile(folder / "fer2013.csv.zip", "w") as archive:
            for number in range(25_000):
                archive.writestr(f"{number}.csv", b"")

    found = outcome(write, read_table)
    assert found.kind == "refused", found.said
    assert "fer2013.csv.zip: holds too many files; download it again from Kaggle" in found.said


@pytest.mark.parametrize("filler", [b"<p/>", b"<p a='1'/>", b"<box><part name='1'/></box>"])
def test_an_xml_of_nothing_but_elements(filler: bytes) -> None:
    def write(folder: Path) -> None:
        faces._write_dlib(folder)
        count = (31 << 20) // len(filler)
        (folder / LABELS[0]).write_bytes(b"<dataset><images><image>" + filler * count + b"</image></images></dataset>")

    found = outcome(write, find_photographs)
    assert found.kind == "refused", found.said
    assert "labels_ibug_300W_train.xml: has more than 1,000 elements for one image; restore it" in found.said


def test_an_xml_that_is_too_large() -> None:
    def write(folder: Path) -> None:
        faces._write_dlib(folder)
        with (folder / LABELS[0]).open("ab") as file:
            file.truncate(1 << 30)

    found = outcome(write, find_photographs)
    assert found.kind == "refused", found.said
    assert "is larger than 67,108,864 bytes; restore it" in found.said


def test_a_pts_that_is_too_large() -> None:
    def write(folder: Path) -> None:
        faces._write_official(folder)
        write_repeatedly(folder / "afw/1_1.pts", b"1" * 4096, 50_000)

    found = outcome(write, read_faces)
    assert found.kind == "refused", found.said
    assert "1_1.pts: is larger than 1,048,576 bytes" in found.said
    assert found.megabytes < 100
