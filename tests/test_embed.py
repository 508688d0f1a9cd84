"""The stage embed: a frozen network looks at each image once, whatever is trained on what comes of that."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from imagenet_weights import NETWORK, put_weights
from made_up_variants import make_variant
from projects import ROOT, copy_settings
from ruamel.yaml import YAML
from sample_sets import refused

from pipeline.classifiers import imagenet
from pipeline.classifiers.classifier_file import load_classifier
from pipeline.classifiers.layers import Enlarged
from pipeline.classifiers.lessons import save_lessons
from pipeline.classifiers.targets import Lessons
from pipeline.common.settings import read_yaml
from pipeline.data.roles import assign_roles, read_split
from pipeline.regions.boxes import whole_boxes
from pipeline.regions.cutting import Cut
from pipeline.regions.variants import save_variant
from stages import embed, learning_rates, teach, train

MADE = make_variant((32, 16, 8))
COUNT = len(MADE.role)
FILE = Path(f"data/embeddings/vanilla/{NETWORK}.npz")
EPOCHS = 2
TAUGHT_FOR = EPOCHS + 1
CONTROL = {"name": "control", "region": "vanilla", "network": NETWORK, "teachers": [], "epochs": TAUGHT_FOR}
STUDENT = {**CONTROL, "name": "joined", "teachers": ["vanilla", "mouth"], "share": 0.5}


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A region's images, a frozen network, and one that is trained as a whole; three seeds and a student."""
    monkeypatch.chdir(tmp_path)
    put_weights(imagenet.WEIGHTS)
    copy_settings()
    change("params.yaml", networks=[NETWORK, "cnn1"], seeds=[0, 1, 2], students=[STUDENT, CONTROL])
    change("params.yaml", atlas={"region": "vanilla", "networks": ["cnn1"], "images": 1})
    recipes: Any = read_yaml(Path("recipes.yaml"), "")
    recipe = recipes["demo"]["classifiers"][NETWORK]
    recipe |= {"epochs": EPOCHS, "patience": EPOCHS, "precision": "fp32"}
    recipe |= {"network": {"pretrained": True, "frozen": True, "side": 32}}
    recipe["augment"] = {**dict.fromkeys(recipe["augment"], 0.0), "flip": False}
    change("recipes.yaml", **recipes)
    write_images()
    MADE.roles.save(Path("data/roles.npz"))
    return tmp_path


@pytest.fixture
def looks(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many images the body of a network is shown each time; one is made up, of which features are counted."""
    seen: list[int] = []
    forward = Enlarged.forward

    def count(body: Enlarged, images: torch.Tensor) -> torch.Tensor:
        seen.append(len(images))
        return forward(body, images)

    monkeypatch.setattr(Enlarged, "forward", count)
    return seen


def change(name: str, **keys: Any) -> None:
    content: Any = read_yaml(Path(name), "")
    with Path(name).open("w") as file:
        YAML(typ="safe", pure=True).dump({**content, **keys}, file)


def write_images(darker: int = 0) -> None:
    cut = Cut.upright(whole_boxes(COUNT, (48, 48)))
    images = MADE.variant.images // (1 + darker)
    save_variant(Path("data/variants/vanilla"), MADE.variant, "vanilla", "whole", cut, [images], 48)


def test_every_image_is_looked_at_once_for_all_seeds(project: Path, looks: list[int]) -> None:
    embed.main("vanilla", NETWORK)
    assert looks == [1, COUNT]
    looks.clear()
    for seed in "012":
        train.main("vanilla", NETWORK, seed)
    assert looks == [1, 1, 1]
    models = [load_classifier(Path(f"models/classifiers/vanilla/{NETWORK}-{seed}.safetensors")) for seed in "01"]
    one, other = (model.network.state_dict() for model in models)
    assert torch.equal(one["body.body.conv_stem.weight"], other["body.body.conv_stem.weight"])
    assert not torch.equal(one["last.1.weight"], other["last.1.weight"])


def test_every_image_is_looked_at_once_for_all_folds(project: Path, looks: list[int]) -> None:
    change("params.yaml", split={"folds": 3, "group": "none"}, students=[])
    twins = np.arange(COUNT, dtype=np.int32)
    assign_roles(MADE.variant, twins, read_split({"folds": 3}), True).save(Path("data/roles.npz"))
    embed.main("vanilla", NETWORK)
    assert looks == [1, COUNT]
    looks.clear()
    train.main("vanilla", NETWORK, "0")
    assert looks == [1, 1, 1]


def test_a_student_learns_from_the_embeddings_of_its_region(project: Path, looks: list[int]) -> None:
    embed.main("vanilla", NETWORK)
    rows = np.flatnonzero(MADE.role == "train").astype(np.int32)
    answers = np.full((len(rows), 7), 1 / 7, np.float32)
    save_lessons(Path("data/lessons/joined-0.npz"), Lessons.of(rows, answers, 0.5))
    looks.clear()
    assert refused(teach.main, "joined", "0", str(EPOCHS)) == (
        f"params.yaml: students: 'joined' has epochs: {TAUGHT_FOR}, not {EPOCHS}; run `dvc repro`"
    )
    teach.main("joined", "0", str(TAUGHT_FOR))
    assert looks == [1]
    curve = Path(f"reports/training/joined/{NETWORK}-0/plots/metrics/train_loss.tsv").read_text()
    assert len(curve.splitlines()) == 1 + TAUGHT_FOR
    student = load_classifier(Path(f"models/classifiers/joined/{NETWORK}-0.safetensors"))
    assert student.header.cell == ("joined", NETWORK, 0, None)
    FILE.unlink()
    assert refused(teach.main, "joined", "0", str(TAUGHT_FOR)) == f"{FILE}: missing; run `dvc repro` to make it"


def test_learning_rates_are_tried_side_by_side_and_nothing_is_kept(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    embed.main("vanilla", NETWORK)
    before = sorted(Path().rglob("*"))
    learning_rates.main("vanilla", NETWORK, "2", "0.1", "1e-9")
    high, low = [line for line in capsys.readouterr().out.splitlines() if "of the validation images" in line]
    assert "learning rate 0.1: " in high
    assert "learning rate 1e-09: " in low
    assert high.partition("log loss")[2] != low.partition("log loss")[2]
    assert sorted(Path().rglob("*")) == before


@pytest.mark.parametrize(("epochs", "rate"), [("0", "0.1"), ("2", "fast"), ("2", "-1"), ("2", "nan")])
def test_a_learning_rate_that_cannot_be_is_one_line(project: Path, epochs: str, rate: str) -> None:
    says = refused(learning_rates.main, "vanilla", NETWORK, epochs, rate)
    assert says.startswith("usage: python -m stages.learning_rates ")


def test_embeddings_of_images_that_were_cut_anew_are_refused(project: Path) -> None:
    embed.main("vanilla", NETWORK)
    before = FILE.read_bytes()
    embed.main("vanilla", NETWORK)
    assert FILE.read_bytes() == before
    write_images(darker=1)
    assert refused(train.main, "vanilla", NETWORK, "0") == (
        f"{FILE}: was computed of other images than {NETWORK} is trained on; delete it and run `dvc repro`"
    )
    embed.main("vanilla", NETWORK)
    train.main("vanilla", NETWORK, "0")


def test_the_file_of_a_network_that_is_trained_as_a_whole_depends_on_nothing(project: Path) -> None:
    """Neither on images, which need not even be there, nor on any other setting; and it is written without torch."""
    path = Path("data/embeddings/vanilla/cnn1.npz")
    embed.main("vanilla", "cnn1")
    before = path.read_bytes()
    write_images(darker=1)
    recipes: Any = read_yaml(Path("recipes.yaml"), "")
    recipes["demo"]["classifiers"]["cnn1"]["precision"] = "bf16"
    change("recipes.yaml", **recipes)
    embed.main("vanilla", "cnn1")
    assert path.read_bytes() == before
    (project / "data/variants").rename(project / "away")
    script = "import sys; from stages import embed; embed.main('vanilla', 'cnn1'); print('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", script], env={"PYTHONPATH": str(ROOT)}, capture_output=True, text=True)
    assert (done.stdout, done.stderr) == ("False\n", "")
    assert path.read_bytes() == before
    assert len(before) < 1000


def test_a_region_or_a_network_that_there_is_not_is_one_line(project: Path) -> None:
    assert refused(embed.main, "joined", NETWORK).startswith("params.yaml: regions: has no 'joined', only ")
    assert refused(embed.main, "vanilla", "cnn2") == (
        f"params.yaml: networks: has no 'cnn2', only {NETWORK}, cnn1; add it"
    )
