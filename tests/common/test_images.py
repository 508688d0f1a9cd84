"""Images from outside: whole ones are read as they are stored, and damage of any kind is one line."""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from sample_sets import refused

from pipeline.common import images
from pipeline.common.files import InputError
from pipeline.common.images import read_image

REMEDY = "restore it"
PIXELS = np.random.default_rng(0).integers(0, 256, (90, 80, 3)).astype(np.uint8)


@pytest.mark.parametrize("suffix", [".jpg", ".png"])
@pytest.mark.parametrize("share", [0.0, 0.02, 0.5, 0.9])
def test_refuses_a_truncated_image(tmp_path: Path, suffix: str, share: float) -> None:
    path = tmp_path / f"a{suffix}"
    Image.fromarray(PIXELS).save(path)
    content = path.read_bytes()
    path.write_bytes(content[: round(share * len(content))])
    with pytest.raises(InputError, match=rf"a\{suffix}: (damaged|is neither JPEG nor PNG).*; restore it"):
        read_image(path, REMEDY)


def test_refuses_what_is_no_jpeg_or_png(tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_text("<html>not found</html>")
    Image.new("RGB", (80, 90)).save(tmp_path / "a.gif")
    for name in ("a.jpg", "a.gif"):
        said = f"{tmp_path / name}: is neither JPEG nor PNG; {REMEDY}"
        assert refused(read_image, tmp_path / name, REMEDY) == said


def test_refuses_sixteen_bits(tmp_path: Path) -> None:
    Image.fromarray(np.full((9, 9), 4000, np.uint16)).save(tmp_path / "a.png")
    with pytest.raises(InputError, match=r"a\.png: has more than 8 bits a pixel; restore"):
        read_image(tmp_path / "a.png", REMEDY)


@pytest.mark.parametrize(
    ("mode", "suffix"), [("L", ".jpg"), ("CMYK", ".jpg"), ("L", ".png"), ("RGBA", ".png"), ("P", ".png")]
)
def test_every_kind_of_image_becomes_rgb(tmp_path: Path, mode: str, suffix: str) -> None:
    path = tmp_path / f"a{suffix}"
    Image.new("RGB", (8, 8), (200, 60, 20)).convert(mode, palette=Image.Palette.ADAPTIVE).save(path)
    found = read_image(path, REMEDY)
    assert found.shape == (8, 8, 3)
    assert found.dtype == np.uint8
    grey = 0.299 * 200 + 0.587 * 60 + 0.114 * 20
    expected = (grey, grey, grey) if mode == "L" else (200, 60, 20)
    assert np.abs(found - np.array(expected)).max() < 4


def test_exif_rotation_is_ignored(tmp_path: Path) -> None:
    pixels = Image.fromarray(np.arange(60 * 80 * 3).reshape(60, 80, 3).astype(np.uint8))
    exif = Image.Exif()
    exif[0x0112] = 6  # rotate by 90 degrees to see it upright
    pixels.save(tmp_path / "plain.png")
    pixels.save(tmp_path / "turned.png", exif=exif)
    assert Image.open(tmp_path / "turned.png").getexif()[0x0112] == 6
    for name in ("plain.png", "turned.png"):
        assert np.array_equal(read_image(tmp_path / name, REMEDY), np.asarray(pixels))


# ---- damage of which decoders say nothing


def cut_in_half(content: bytes) -> bytes:
    """And with an end marker, as if it were whole."""
    return content[: len(content) // 2] + b"\xff\xd9"


def drop_a_twentieth(content: bytes) -> bytes:
    middle = len(content) // 2
    return content[:middle] + content[middle + len(content) // 20 :]


@pytest.mark.parametrize("damage", [cut_in_half, drop_a_twentieth])
@pytest.mark.parametrize(
    "settings", [{}, {"progressive": True}, {"restart_marker_blocks": 4}, {"quality": 95, "subsampling": 0}]
)
@pytest.mark.parametrize("mode", ["RGB", "L", "CMYK"])
def test_a_jpeg_damaged_inside_is_refused(
    tmp_path: Path, mode: str, settings: dict[str, int], damage: Callable[[bytes], bytes]
) -> None:
    path = tmp_path / "a.jpg"
    Image.fromarray(PIXELS).convert(mode).save(path, **settings)  # type: ignore[arg-type]
    whole = read_image(path, REMEDY)
    assert np.array_equal(whole, np.asarray(Image.open(path).convert("RGB")))
    path.write_bytes(damage(path.read_bytes()))
    said = refused(read_image, path, REMEDY)
    assert said.startswith(f"{path}: damaged (")
    assert said.endswith(f"); {REMEDY}")


def test_a_png_of_other_pixels_than_it_has_a_check_sum_of_is_refused(tmp_path: Path) -> None:
    """The usual decoder stops at the last pixel, before all check sums."""
    path = tmp_path / "a.png"
    grey = Image.fromarray(PIXELS).convert("L")
    grey.save(path)
    content = bytearray(path.read_bytes())
    content[content.rindex(b"IEND") - 16] ^= 1  # of the last pixels
    path.write_bytes(content)
    assert not np.array_equal(np.asarray(Image.open(path)), np.asarray(grey))
    assert f"{path}: damaged" in refused(read_image, path, REMEDY)


def test_a_photograph_of_a_phone_with_another_one_behind_it_is_read(tmp_path: Path) -> None:
    path = tmp_path / "a.jpg"
    first, second = Image.fromarray(PIXELS), Image.new("RGB", (10, 10))
    first.save(path, format="MPO", save_all=True, append_images=[second])
    assert Image.open(path).format == "MPO"
    assert read_image(path, REMEDY).shape == PIXELS.shape


# ---- limits


def test_more_pixels_than_the_limit_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.png"
    Image.fromarray(PIXELS).save(path)
    monkeypatch.setattr(images, "MAX_PIXELS", 90 * 80)
    assert np.array_equal(read_image(path, REMEDY), PIXELS)
    monkeypatch.setattr(images, "MAX_PIXELS", 90 * 80 - 1)
    assert refused(read_image, path, REMEDY) == f"{path}: has 80 x 90 pixels, more than 7,199; reduce it"


def test_a_size_that_no_file_can_have_is_refused(tmp_path: Path, recwarn: pytest.WarningsRecorder) -> None:
    path = tmp_path / "a.png"
    for width in (11_000, 1 << 30):  # of these Pillow warns, and refuses the other itself
        buffer = io.BytesIO()
        Image.new("1", (8, 8)).save(buffer, "PNG")
        content = bytearray(buffer.getvalue())
        content[16:24] = struct.pack(">II", width, width)
        content[29:33] = struct.pack(">I", zlib.crc32(content[12:29]))
        path.write_bytes(content)
        assert f"{path}: " in refused(read_image, path, REMEDY)
    assert not recwarn.list


def test_a_file_that_is_too_large_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.png"
    Image.fromarray(PIXELS).save(path)
    monkeypatch.setattr(images, "MAX_BYTES", 1000)
    assert f"{path}: is larger than 1,000 bytes" in refused(read_image, path, REMEDY)
