"""A split in folds, from the data set to the scores: every row is scored once, by a network that never saw it."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
import torch
from made_up_variants import CLASSES, make_variant
from projects import copy_settings, set_parameter

from pipeline.classifiers import training
from pipeline.classifiers.applying import probabilities
from pipeline.classifiers.classifier_file import load_classifier
from pipeline.classifiers.ensemble import Ensemble
from pipeline.data.roles import Roles, assign_roles, read_split
from pipeline.data.twins import Twins
from pipeline.evaluation.predictions import Predictions
from pipeline.regions.boxes import whole_boxes
from pipeline.regions.cutting import Cut
from pipeline.regions.variants import Variant, save_variant
from stages import evaluate, train

COUNT = 60
CELL = ("vanilla", "cnn1", "0")
PATH = Path("models/classifiers/vanilla/cnn1-0.safetensors")


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A region's images in which two classes can be told apart, split in three folds, and twins in the first rows."""
    monkeypatch.chdir(tmp_path)
    copy_settings()
    set_parameter("split", "{folds: 3, group: none}")
    recipes = Path("recipes.yaml")
    text = recipes.read_text()
    start = text.index("&demo_cnn")
    recipes.write_text(text[:start] + re.sub("precision: auto", "precision: fp32", text[start:], count=1))
    variant = make_variant((COUNT, 0, 0)).variant
    save_variant(
        Path("data/variants/vanilla"), variant, "vanilla", "whole",
        Cut.upright(whole_boxes(COUNT, (48, 48))), [variant.images], 48,
    )  # fmt: skip
    twins = np.arange(COUNT, dtype=np.int32)
    twins[1:12:2] = twins[0:12:2]
    Twins(twins, twins).save(Path("data/twins.npz"))
    assign_roles(variant, twins, read_split({"folds": 3}), True).save(Path("data/roles.npz"))
    return tmp_path


def by_fold() -> npt.NDArray[np.str_]:
    return np.stack([fold.role for fold in Roles.load(Path("data/roles.npz")).folds])


def test_every_row_is_scored_by_the_network_that_did_not_see_it(project: Path) -> None:
    train.main(*CELL)
    evaluate.main(*CELL)
    classifier = load_classifier(PATH)
    variant = Variant.load(Path("data/variants/vanilla"))
    said = Predictions.load(Path("reports/classifiers/vanilla/cnn1-0/predictions.parquet"))
    assert said.role.tolist() == ["test"] * COUNT + ["validation"] * COUNT
    assert said.row.tolist() == [*range(COUNT)] * 2
    for fold, role in enumerate(by_fold()):
        network = classifier.of_fold(fold).network
        for name in ("test", "validation"):
            of = (said.role == name) & (said.fold == fold)
            assert said.row[of].tolist() == np.flatnonzero(role == name).tolist()
            expected = probabilities(network, variant.images[said.row[of]], "fp32")
            np.testing.assert_allclose(said.probabilities[of], expected, atol=1e-6)
    assert (said.labels == variant.labels[said.row]).all()
    assert (said.probabilities.argmax(1) == said.labels).mean() > 0.7


def test_a_networks_test_rows_have_no_part_in_it(project: Path) -> None:
    train.main(*CELL)
    before = load_classifier(PATH).of_fold(1).network.state_dict()
    variant = Variant.load(Path("data/variants/vanilla"))
    images = variant.images.copy()
    images[by_fold()[1] == "test"] = 0
    cut = Cut.upright(variant.boxes)
    save_variant(Path("data/variants/vanilla"), variant, "vanilla", "whole", cut, [images], 48)
    train.main(*CELL)
    after = load_classifier(PATH)
    assert all(torch.equal(value, before[name]) for name, value in after.of_fold(1).network.state_dict().items())


def test_scores_are_by_fold_and_pooled(project: Path) -> None:
    train.main(*CELL)
    evaluate.main(*CELL)
    found = json.loads(Path("reports/classifiers/vanilla/cnn1-0/metrics.json").read_text())
    assert len(found["folds"]) == 3
    twins = Twins.load(Path("data/twins.npz")).twins
    for protocol in ("validation", "validation_unique", "test", "test_unique"):
        pooled, folds = found["protocols"][protocol], [fold[protocol] for fold in found["folds"]]
        assert pooled["n"] == sum(fold["n"] for fold in folds)
        assert pooled["accuracy"] == pytest.approx(sum(fold["accuracy"] * fold["n"] for fold in folds) / pooled["n"])
        for name in CLASSES:
            assert pooled["per_class"][name]["support"] == sum(fold["per_class"][name]["support"] for fold in folds)
    assert found["protocols"]["test"]["n"] == found["protocols"]["validation"]["n"] == COUNT
    tested = (by_fold() == "test").argmax(0)
    apart = sum(tested[row] != tested[row + 1] for row in range(0, 12, 2) if twins[row] == twins[row + 1])
    assert apart > 0
    assert found["protocols"]["test_unique"]["n"] == COUNT - 2 * apart


def test_each_fold_has_its_curves_and_the_checkpoints_go_in_the_end(project: Path) -> None:
    train.main(*CELL)
    folder = Path("reports/training/vanilla/cnn1-0")
    assert sorted(path.name for path in folder.iterdir()) == ["fold-0", "fold-1", "fold-2"]
    assert all((path / "plots/metrics/train_loss.tsv").is_file() for path in folder.iterdir())
    assert list(Path(".checkpoints").iterdir()) == []
    header = load_classifier(PATH).header
    assert (header.folds, header.cell) == (3, ("vanilla", "cnn1", 0, None))
    assert len(header.epoch) == 3  # type: ignore[arg-type]


def test_folds_that_are_done_are_not_trained_again(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    train.main(*CELL)
    whole = load_classifier(PATH).network.state_dict()
    PATH.unlink()
    asked: list[str] = []
    train_one = training.train

    def interrupted(*given: object, **more: object) -> object:
        asked.append(str(given[-1]))
        if len(asked) == 3:
            raise KeyboardInterrupt
        return train_one(*given, **more)  # type: ignore[arg-type]

    with monkeypatch.context() as patch:
        patch.setattr(train, "train", interrupted)
        with pytest.raises(KeyboardInterrupt):
            train.main(*CELL)
    assert asked == [f"cnn1 on vanilla, fold {fold}" for fold in range(3)]
    assert len(list(Path(".checkpoints").iterdir())) == 2
    assert not PATH.exists()
    train.main(*CELL)
    again = load_classifier(PATH).network.state_dict()
    assert all(torch.equal(value, whole[name]) for name, value in again.items())


def test_a_new_image_is_judged_by_all_folds_on_average(project: Path) -> None:
    train.main(*CELL)
    classifier = load_classifier(PATH)
    assert isinstance(classifier.network, Ensemble)
    images = Variant.load(Path("data/variants/vanilla")).images[:5]
    each = [classifier.of_fold(fold).probabilities(images) for fold in range(3)]
    np.testing.assert_allclose(classifier.probabilities(images), np.mean(each, axis=0), atol=1e-6)
