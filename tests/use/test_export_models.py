"""`stages.export_models`: the best classifier of each region by what its training chose by, whole or not at all."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from made_up_variants import make_variant
from projects import copy_settings, set_parameter
from sample_sets import refused
from tiny_models import tiny_landmarks

from pipeline.classifiers import networks
from pipeline.classifiers.cells import Cell
from pipeline.classifiers.classifier_file import load_classifier, save_classifier
from pipeline.classifiers.network_settings import Shape
from pipeline.common.weights import save_network
from pipeline.faces.detectors import xception
from pipeline.faces.located import Located
from pipeline.faces.trust import Trust
from pipeline.params import load_params
from pipeline.regions.boxes import whole_boxes
from pipeline.regions.cutting import Cut
from pipeline.regions.variants import save_variant
from pipeline.use.models import answer, load_models
from stages import export_models, release

ACCURACIES = {"cnn1": 0.3, "cnn4": 0.6}


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project of one region that is trained: a better classifier beside a worse one."""
    monkeypatch.chdir(tmp_path)
    copy_settings()
    text = Path("params.yaml").read_text()
    start, end = text.index("regions:"), text.index("networks:")
    Path("params.yaml").write_text(f"{text[:start]}regions: {{vanilla: whole}}\nreference: vanilla\n{text[end:]}")
    set_parameter("networks", "[cnn1, cnn4]")
    Path("params.yaml").write_text(Path("params.yaml").read_text().replace("[cnn2, googlenet]", "[cnn1]"))
    made_up = make_variant()
    variant = made_up.variant
    variant.save(Path("data/expressions"))
    cut = Cut.upright(whole_boxes(len(variant), (48, 48)))
    save_variant(Path("data/variants/vanilla"), variant, "vanilla", "whole", cut, [variant.images], 48)
    made_up.roles.save(Path("data/roles.npz"))
    places = np.random.default_rng(0).uniform(10, 38, (len(variant), 68, 2)).astype(np.float32)
    Located(places, np.full(len(variant), 0.05, np.float32)).save(Path("data/landmarks.npz"))
    Trust("xception", np.array([0.0, 0.5]), np.array([0.0, 0.5])).save(Path("models/trust.json"))
    recipe = {"width": 0.05, "head": "voting", "precision": "fp32"}
    save_network(xception.MODEL, tiny_landmarks(), {"network": "xception", "recipe": recipe})
    for name, accuracy in ACCURACIES.items():
        torch.manual_seed(0)
        made = load_params().classifier_recipe(name)
        made = made.model_copy(update={"network": networks.settings_of(name)(), "precision": "fp32"})
        network = networks.build(name, networks.settings_of(name)(), Shape.of(variant))
        scores = {"choosing": {"accuracy": accuracy, "log_loss": 1.0}}
        path = Path(f"models/classifiers/vanilla/{name}-0.safetensors")
        save_classifier(path, network, variant, Cell("vanilla", name, 0), made, "ab12", 1, scores)
    return tmp_path


def test_the_best_of_a_region_is_exported(project: Path) -> None:
    export_models.main("exported")
    models = load_models(Path("exported"))
    (one,) = models.classifiers
    assert one.about.name == "vanilla/cnn4"
    assert one.about.scores["choosing"]["accuracy"] == ACCURACIES["cnn4"]
    images = make_variant().variant.images[:3]
    expected = load_classifier(Path("models/classifiers/vanilla/cnn4-0.safetensors")).probabilities(images)
    found = answer(one.session, images[:, None].astype(np.float32))
    np.testing.assert_allclose(found, expected, atol=1e-4)


def test_what_was_released_says_the_same_in_half_precision(project: Path) -> None:
    release.main("landmarks", "vanilla/cnn4-0")
    path = Path("models/classifiers/vanilla/cnn4-0.safetensors")
    ours, theirs = load_classifier(path), load_classifier(Path("pretrained/classifiers/vanilla-cnn4.safetensors"))
    assert theirs.header == ours.header
    export_models.main("exported", "shipped")
    trained, shipped = (json.loads(Path(f"exported/{name}").read_text()) for name in ("models.json", "trust.json"))
    assert [one["network"] for one in trained["classifiers"]] == ["cnn4"]
    assert shipped["error"] == [0.0, 0.5]
    images = make_variant().variant.images[:20]
    found = answer(load_models(Path("exported")).classifiers[0].session, images[:, None].astype(np.float32))
    for expected in (ours, theirs):
        np.testing.assert_allclose(found, expected.probabilities(images), atol=0.01)
    export_models.main("here")
    framing = json.loads(Path("here/models.json").read_text())["framing"]
    assert framing == trained["framing"]


def test_where_nothing_was_released_is_one_line(project: Path) -> None:
    assert "pretrained/classifiers: holds no classifier" in refused(export_models.main, "exported", "shipped")
    release.main("vanilla/cnn4-0")
    Path("pretrained/classifiers/shown.json").write_text('{"side": 3}')
    assert "pretrained/classifiers/shown.json: side: " in refused(export_models.main, "exported", "shipped")


def test_what_is_not_trained_is_one_line_and_nothing_is_written(project: Path) -> None:
    for path in Path("models/classifiers/vanilla").iterdir():
        path.unlink()
    assert "models/classifiers/vanilla/cnn1-0.safetensors: missing" in refused(export_models.main, "exported")
    assert not Path("exported").exists()


def test_what_is_not_an_export_is_not_replaced(project: Path) -> None:
    Path("mine").mkdir()
    Path("mine/thesis.txt").write_text("mine")
    assert "name another folder" in refused(export_models.main, "mine")
    assert "name another folder" in refused(export_models.main, ".")
    assert "name another folder" in refused(export_models.main, "params.yaml")
    assert Path("mine/thesis.txt").read_text() == "mine"
    export_models.main("exported")
    export_models.main("exported")
    Path("exported/notes.txt").write_text("mine")
    assert "exported/notes.txt: is no file of the export" in refused(export_models.main, "exported")
    assert Path("exported/notes.txt").read_text() == "mine"


@pytest.mark.parametrize(
    ("key", "value", "says"), [("provider", "dlib", "is not exported"), ("mirror", "true", "false")]
)
def test_points_that_cannot_be_found_so_are_refused(project: Path, key: str, value: str, says: str) -> None:
    set_parameter(key, value)
    assert says in refused(export_models.main, "exported")
