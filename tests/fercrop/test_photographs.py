"""`fercrop photo.jpg`: a line a face, a line for every mistake, pictures of what was found; and no torch."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from commands import FACE, PORTRAIT, ROOT, fercrop, refusal
from PIL import Image

from fercrop._photographs import _targets


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A portrait, two of them in one picture, and a picture without a face."""
    Image.fromarray(PORTRAIT).save(tmp_path / "one.png")
    Image.fromarray(np.concatenate([PORTRAIT, PORTRAIT[:, ::-1]], axis=1)).save(tmp_path / "two.png")
    Image.new("RGB", (200, 150), "grey").save(tmp_path / "none.png")
    return tmp_path


def test_a_line_a_face(models: Path, folder: Path) -> None:
    names = ("one.png", "none.png", "two.png")
    done = fercrop(*(folder / name for name in names), "--models", models, "--draw", folder / "drawn")
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    named = [Path(line.split(":")[0]).name for line in lines]
    assert named[:3] == ["one.png", "none.png", "two.png"]
    assert len(named) >= 4  # in the large picture something else may pass for a face
    assert lines[1].endswith("none.png: no face")
    corners = lines[0].split("face at ")[1].split(", points")[0].split(" to ")
    (left, top), (right, bottom) = ([int(part) for part in corner.split(",")] for corner in corners)
    assert left < FACE[0] < right
    assert top < FACE[1] < bottom
    assert lines[0].endswith("%")
    with Image.open(folder / "drawn/one.png") as drawn:
        assert drawn.size == (512 + 420, 512)
        changed = np.asarray(drawn)[:, :512] != PORTRAIT
    assert changed[top : bottom + 1, left : right + 1].any(-1).mean() > 0.001
    assert {path.name for path in (folder / "drawn").iterdir()} == {"one.png", "two.png", "none.png"}


def test_mistakes_are_one_line_and_status_1(models: Path, folder: Path) -> None:
    assert "required: PHOTO" in refusal()
    assert "models.json: missing" in refusal(folder / "one.png", "--models", folder)
    assert "invalid choice" in refusal(folder / "one.png", "--models", models, "--detector", "eye")
    assert "name a table" in refusal(folder, "--models", models)
    assert "ends in .csv or .parquet" in refusal(folder, "--models", models, "--csv", folder / "a.txt")
    for words in (["--labels"], ["--points"], ["--jobs", 2], ["--map", "joy=happy"], ["--scheduler", "here:1"]):
        assert f"{words[0]}: is for a folder" in refusal(folder / "one.png", "--models", models, *words)
    assert "--map and --subject: go with --labels" in refusal(folder, "--csv", folder / "a.csv", "--subject", "(.)")
    assert "has no group" in refusal(folder, "--labels", "--subject", "[A-Z]+")
    assert "no regular expression" in refusal(folder, "--labels", "--subject", "(")
    (folder / "film.mp4").write_bytes(b"no film")
    assert "film.mp4: cannot be read as a film" in refusal(folder / "film.mp4", "--models", models)
    assert "film.mp4: is a film; name it alone" in refusal(folder / "one.png", folder / "film.mp4")


def test_no_photograph_is_drawn_over(models: Path, folder: Path) -> None:
    names = [folder / name for name in ("one.png", "two.png")]
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    assert "one.png: is one of the photographs" in refusal(*names, "--models", models, "--draw", folder)
    assert f"{folder}: holds the photographs" in refusal(folder, "--csv", folder / "a.csv", "--draw", folder)
    done = fercrop(folder / "two.png", "--models", models, "--draw", folder / "drawn")
    assert done.returncode == 0, done.stderr
    (folder / "drawn/none.png").write_bytes(before["none.png"])
    done = fercrop(folder / "two.png", folder / "none.png", "--models", models, "--draw", folder / "drawn")
    assert "drawn/none.png: is there, and is no drawing" in done.stderr
    assert (folder / "drawn/none.png").read_bytes() == before["none.png"]
    assert {path.name: path.read_bytes() for path in folder.glob("*.png")} == before


def test_a_small_face_in_a_large_photograph_is_found_if_asked_for(models: Path, tmp_path: Path) -> None:
    large = np.full((2000, 2000, 3), 128, np.uint8)
    large[700:1212, 900:1412] = PORTRAIT
    Image.fromarray(large).save(tmp_path / "large.png")
    words = (tmp_path / "large.png", "--models", models)
    assert "no face" in fercrop(*words).stdout
    assert "face at" in fercrop(*words, "--search", 2000).stdout
    assert "is no side of 100 to 20000 pixels" in refusal(*words, "--search", 20)


def test_pictures_of_one_name_are_told_apart() -> None:
    paths = [Path(name) for name in ("x/a.jpg", "y/a.jpg", "a-2.jpg", "a.png")]
    assert [target.name for target in _targets(Path("drawn"), paths).values()] == [
        "a.png", "a-2.png", "a-2-2.png", "a-3.png",
    ]  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("orientation", [1, 6])
def test_a_photograph_of_100_megapixels_takes_less_than_2_gb(models: Path, tmp_path: Path, orientation: int) -> None:
    large = Image.fromarray(PORTRAIT).resize((10_000, 10_000), Image.Resampling.BICUBIC)
    exif = Image.Exif()
    exif[274] = orientation
    large.save(tmp_path / "large.jpg", exif=exif)
    del large
    code = f"""
import sys
from pathlib import Path
sys.argv = ["fercrop", {str(tmp_path / "large.jpg")!r}, "--models", {str(models)!r}, "--detector", "dlib"]
import fercrop._photographs
fercrop._photographs.main(sys.argv[1:])
# Not ru_maxrss, which begins with the memory of the process that started this one.
print(next(line.split()[1] for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM")))
"""
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    *lines, peak = done.stdout.splitlines()
    assert int(peak) * 1024 < 2e9, f"{int(peak) / 1e6:.2f} GB"
    assert all("large.jpg: " in line for line in lines)
    assert orientation != 1 or "face at" in lines[0], lines
