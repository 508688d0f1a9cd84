"""`fercrop photo.jpg`: a line a face, a line for every mistake, pictures of what was found; and no torch."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from projects import ROOT
from skimage import data
from tiny_models import write_models

from fercrop.__main__ import commands, split

PORTRAIT = data.astronaut()  # type: ignore[no-untyped-call]  # public domain
FACE = (224, 115)


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of models."""
    folder = tmp_path_factory.mktemp("models")
    write_models(folder)
    return folder


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A portrait, two of them in one picture, and a picture without a face."""
    Image.fromarray(PORTRAIT).save(tmp_path / "one.jpg", quality=95)
    Image.fromarray(np.concatenate([PORTRAIT, PORTRAIT[:, ::-1]], axis=1)).save(tmp_path / "two.png")
    Image.new("RGB", (200, 150), "grey").save(tmp_path / "none.png")
    return tmp_path


def fercrop(*words: object) -> subprocess.CompletedProcess[str]:
    """Run the command where torch cannot be imported."""
    code = "import sys\nsys.modules['torch'] = None\nfrom fercrop.__main__ import main\nmain()"
    words = (sys.executable, "-c", code, *words)
    return subprocess.run([*map(str, words)], cwd=ROOT, capture_output=True, text=True, check=False)


def test_a_line_a_face(models: Path, folder: Path) -> None:
    names = ("one.jpg", "none.png", "two.png")
    done = fercrop(*(folder / name for name in names), "--models", models, "--draw", folder / "drawn")
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert [Path(line.split(":")[0]).name for line in lines] == ["one.jpg", "none.png", "two.png", "two.png"]
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
    for words, said in (
        ((), "required: PHOTO"),
        ((folder / "one.jpg", "--models", folder), "models.json: missing"),
        ((folder / "one.jpg", "--models", models, "--detector", "eye"), "invalid choice"),
    ):
        done = fercrop(*words)
        assert (done.returncode, done.stdout) == (1, "")
        assert len(done.stderr.splitlines()) == 1, done.stderr
        assert said in done.stderr


def test_a_photograph_that_cannot_be_read_does_not_stop_the_others(models: Path, folder: Path) -> None:
    (folder / "bad.jpg").write_bytes((folder / "one.jpg").read_bytes()[:5000])
    done = fercrop(folder / "bad.jpg", folder / "absent.jpg", folder / "none.png", "--models", models)
    assert done.returncode == 1
    assert done.stdout.splitlines()[2].endswith("none.png: no face")
    assert len(done.stderr.splitlines()) == 1
    assert "bad.jpg: damaged" in done.stderr
    assert "1 more" in done.stderr


def test_help_names_every_command() -> None:
    done = fercrop("--help")
    assert done.returncode == 0
    for name, said in commands().items():
        assert said, name
        assert name == "look" or f"{name} " in done.stdout


def test_a_photograph_is_no_command() -> None:
    assert split(["look", "a.jpg"]) == ("look", ["a.jpg"])
    assert split(["a.jpg", "look"]) == ("look", ["a.jpg", "look"])
    assert split(["_words"]) == ("look", ["_words"])


@pytest.mark.slow
@pytest.mark.parametrize("orientation", [1, 6])
def test_a_photograph_of_100_megapixels_takes_less_than_2_gb(models: Path, tmp_path: Path, orientation: int) -> None:
    large = Image.fromarray(PORTRAIT).resize((10_000, 10_000), Image.Resampling.BICUBIC)
    exif = Image.Exif()
    exif[274] = orientation
    large.save(tmp_path / "large.jpg", exif=exif)
    del large
    code = f"""
import resource, sys
sys.argv = ["fercrop", {str(tmp_path / "large.jpg")!r}, "--models", {str(models)!r}, "--detector", "dlib"]
import fercrop.look
fercrop.look.main(sys.argv[1:])
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    *lines, peak = done.stdout.splitlines()
    assert int(peak) * 1024 < 2e9, f"{int(peak) / 1e6:.2f} GB"
    assert len(lines) == 1
    assert ("face at" in lines[0]) == (orientation == 1), lines  # a face on its side is not found
