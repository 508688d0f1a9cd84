"""The stages that look inside classifiers, on a project of a few images, and their command for any image."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from made_up import frontal_face
from new_networks import new_network
from PIL import Image
from projects import ROOT, copy_settings, set_parameter
from sample_sets import expression_set, refused

from pipeline.classifiers.cells import Cell
from pipeline.classifiers.classifier_file import save_classifier
from pipeline.common.files import InputError
from pipeline.data.roles import Roles
from pipeline.data.twins import Twins
from pipeline.faces.located import Located
from pipeline.inside.part_values import PartValues
from pipeline.params import load_params
from pipeline.regions.boxes import whole_boxes
from pipeline.regions.cutting import Cut
from pipeline.regions.variants import Variant, save_variant
from stages import atlas, evaluate, look_inside

COUNT, TEST = 56, 14
SHEETS = {"filters.png", "activations.png", "saliency.png", "looked.json"}


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """All that the two stages read: images of noise, found faces, and a classifier that was never trained."""
    monkeypatch.chdir(tmp_path)
    copy_settings()
    set_parameter("  networks", "[cnn1]")
    set_parameter("images", "all")
    expressions = expression_set(COUNT)
    cut = Cut.upright(whole_boxes(COUNT, (48, 48)))
    save_variant(Path("data/variants/vanilla"), expressions, "vanilla", "whole", cut, [expressions.images], 48)
    role = np.repeat(["train", "validation", "test"], (COUNT - 2 * TEST, TEST, TEST))
    Roles(role, role == "validation").save(Path("data/roles.npz"))
    own = np.arange(COUNT, dtype=np.int32)
    Twins(own, own).save(Path("data/twins.npz"))
    points = np.repeat(frontal_face()[None], COUNT, axis=0)
    expected_error = np.full(COUNT, 0.05, np.float32)
    expected_error[[COUNT - 3, COUNT - 2]] = 0.2, np.inf
    Located(points, expected_error).save(Path("data/landmarks.npz"))
    recipe = load_params().classifier_recipe("cnn1").model_copy(update={"precision": "fp32"})
    cell = Cell("vanilla", "cnn1", 0)
    variant = Variant.load(Path("data/variants/vanilla"))
    path = Path(f"models/classifiers/{cell.path}.safetensors")
    save_classifier(path, new_network("cnn1"), variant, cell, recipe, "", 0, {})
    return tmp_path


def test_the_atlas_is_asked_of_test_images_whose_points_are_trusted(project: Path) -> None:
    atlas.main("cnn1", "0")
    found = PartValues.load(Path("reports/inside/atlas/cnn1-0"))
    assert (found.asked.test, found.asked.trusted) == (TEST, TEST - 2)
    assert found.rows.tolist() == [*range(COUNT - TEST, COUNT - 3), COUNT - 1]
    assert found.values.shape == (TEST - 2, 2, 128)
    np.testing.assert_allclose(found.points, np.repeat(frontal_face()[None], TEST - 2, axis=0), atol=1e-4)
    before = {path.name: path.read_bytes() for path in Path("reports/inside/atlas/cnn1-0").iterdir()}
    atlas.main("cnn1", "0")
    assert {path.name: path.read_bytes() for path in Path("reports/inside/atlas/cnn1-0").iterdir()} == before


def test_without_points_to_be_trusted_it_says_what_to_change(project: Path) -> None:
    set_parameter("max_error", "0.01")
    assert refused(atlas.main, "cnn1", "0") == (
        "data/landmarks.npz: no test image has points to be trusted; raise landmarks.max_error"
    )


def test_the_sheets_of_a_classifier_are_drawn(project: Path) -> None:
    evaluate.main("vanilla", "cnn1", "0")
    look_inside.main("vanilla", "cnn1", "0")
    folder = Path("reports/inside/sheets/vanilla/cnn1-0")
    assert {path.name for path in folder.iterdir()} == SHEETS | {"answers.png"}
    assert json.loads((folder / "looked.json").read_text())["layer"] == "5"


def test_images_of_ones_own_are_looked_at_and_the_stages_sheets_are_kept(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    Image.new("RGB", (70, 50), (90, 120, 200)).save("me.png")
    look_inside.main("vanilla", "cnn1", "0", "--layer", "3", "me.png", "me.png")
    folder = Path("reports/inside/asked/vanilla/cnn1-0")
    assert {path.name for path in folder.iterdir()} == SHEETS
    assert json.loads((folder / "looked.json").read_text())["layer"] == "3"
    said = capsys.readouterr().out
    assert "3: 20 maps of 37 x 37" in said
    assert str(folder) in said
    assert not Path("reports/inside/sheets").exists()


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (("--layer", "conv9", "me.png"), "--layer: cnn1 has no layer 'conv9' that gives maps, only 0, 1, 2, 3, 4, 5"),
        (("me.png", "--layer"), "--layer: needs the name of a layer behind it"),
        (("you.png",), "you.png: missing; give the path of another image"),
    ],
)
def test_a_mistake_is_one_line_and_leaves_nothing(project: Path, words: tuple[str, ...], line: str) -> None:
    Image.new("L", (48, 48), 90).save("me.png")
    assert refused(look_inside.main, "vanilla", "cnn1", "0", *words) == line
    assert not Path("reports").exists() or not [path for path in Path("reports").rglob("*") if path.is_file()]


def test_another_region_than_params_yaml_has_is_refused(project: Path) -> None:
    with pytest.raises(InputError, match="regions: has no 'ears'"):
        look_inside.main("ears", "cnn1", "0")


def test_too_few_words_show_the_usage(project: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "stages.look_inside", "vanilla"],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr.strip()) == (
        1,
        "error: usage: python -m stages.look_inside REGION NETWORK SEED ...",
    )
