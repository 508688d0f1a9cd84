"""Data sets that are not FER2013 go through the whole graph, without one change of code."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
import pandas as pd
import pytest
from picture_files import write_picture
from projects import ROOT, copy_settings, set_parameter, write_faces, write_landmark_model, write_photographs
from sample_sets import refused

from pipeline.classifiers.classifier_file import load_classifier
from pipeline.data.expressions import About, Expressions
from pipeline.data.roles import Roles
from pipeline.evaluation.predictions import Predictions
from pipeline.params import load_params
from pipeline.regions.variants import Variant
from pipeline.report import sample
from stages import (
    atlas,
    calibrate_trust,
    compare,
    crop,
    define_regions,
    evaluate,
    evaluate_landmarks,
    leak,
    locate_landmarks,
    look_inside,
    obtain,
    prepare_expressions,
    publish,
    recompute,
    train,
)

pytestmark = pytest.mark.slow


SPLIT = "{shares: [0.6, 0.2, 0.2], group: subject}"


def smooth(count: int, side: int, channels: int) -> npt.NDArray[np.uint8]:
    """Images that look like nothing, each like itself alone."""
    noise = np.random.default_rng(0).normal(128, 300, (count, side, side, channels))
    images = np.stack([cv2.GaussianBlur(image, (0, 0), 3).reshape(side, side, channels) for image in noise])
    whole: npt.NDArray[np.uint8] = images.clip(0, 255).astype(np.uint8)
    return whole if channels == 3 else whole[..., 0]


def five_classes_in_colour() -> Expressions:
    """5 classes, 64 pixels, colour, no published split, 10 subjects of 12 images."""
    count = 120
    return Expressions(
        about=About(name="selfies", classes=("bored", "cross", "glad", "gloomy", "startled")),
        images=smooth(count, 64, 3),
        labels=(np.arange(count) % 5).astype(np.uint8),
        votes=np.zeros((count, 0), np.uint16),
        split=np.full(count, ""),
        subject=np.array([f"person {row // 12}" for row in range(count)]),
    )


def eight_classes_with_votes() -> Expressions:
    """8 classes, 49 pixels, grey, votes for 9 choices, a published split of other names."""
    count = 128
    names = ("neutral", "happiness", "surprise", "sadness", "anger", "disgust", "fear", "contempt")
    labels = np.arange(count) % 8
    votes = np.eye(9, dtype=np.uint16)[labels] * 7 + np.eye(9, dtype=np.uint16)[(labels + 1) % 9] * 3
    return Expressions(
        about=About(
            name="voted",
            classes=names,
            votes={**{name: name for name in names}, "nobody": None},
            no_face="nobody",
            splits={"learn": "train", "tune": "validation", "judge": "test"},
        ),
        images=smooth(count, 49, 1),
        labels=labels.astype(np.uint8),
        votes=votes,
        split=np.repeat(["learn", "tune", "judge"], [64, 32, 32]),
        subject=np.full(count, ""),
    )


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with small settings, 300-W and a landmark model, all but the expression data set."""
    monkeypatch.chdir(tmp_path)
    copy_settings()
    write_photographs()
    for key, value in {"source": "real", "expressions": "prepared", "networks": "[cnn1, googlenet]"}.items():
        set_parameter(key, value)
    set_parameter("  networks", "[cnn1, googlenet]")  # of the atlas
    set_parameter("images", "2")
    recipes = Path("recipes.yaml")
    for line in ("epochs", "patience"):
        recipes.write_text("\n".join(_once(line, text) for text in recipes.read_text().split("\n")))
    # As the landmark model's: a process has one precision.
    recipes.write_text(recipes.read_text().replace("precision: auto", "precision: fp32"))
    return tmp_path


def _once(key: str, line: str) -> str:
    """An epoch is enough."""
    before, found, _ = line.partition(f"{key}: ")
    return f"{before}{key}: 1" if found and not before.strip() else line


def go_through(expressions: Expressions) -> None:
    """What `dvc repro` runs, on a data set in fercrop's own format."""
    Path("data/raw").mkdir(parents=True, exist_ok=True)
    expressions.save(Path("data/raw/prepared"))
    obtain.main()
    prepare_expressions.main()
    go_on()


def go_on() -> None:
    """What follows once the data set is prepared."""
    params = load_params()
    write_faces()
    write_landmark_model()
    calibrate_trust.main()
    evaluate_landmarks.main()
    define_regions.main()
    locate_landmarks.main()
    set_parameter("max_error", "10")  # nothing that an untrained model finds is to be trusted, and here all is
    for region in params.regions:
        crop.main(region)
        for network in params.networks:
            train.main(region, network, "0")
            evaluate.main(region, network, "0")
    for network in params.networks:
        atlas.main(network, "0")
        look_inside.main("vanilla", network, "0")
    compare.main()


def check(expressions: Expressions, side: int) -> None:
    """Every stage knows the classes, and each image was cut to the side from the original once."""
    about = expressions.about
    variant = Variant.load(Path("data/variants/mouth"))
    assert variant.images.shape == (len(expressions), side, side, *expressions.images.shape[3:])
    assert not variant.fell_back.any()
    scores = json.loads(Path("reports/classifiers/mouth/cnn1-0/metrics.json").read_bytes())
    assert tuple(scores["protocols"]["test"]["per_class"]) == about.classes
    predictions = pd.read_parquet("reports/classifiers/mouth/cnn1-0/predictions.parquet")
    assert [name for name in map(str, predictions) if name.startswith("p_")] == [f"p_{name}" for name in about.classes]
    page = Path("reports/index.html").read_text()
    assert all(name in page for name in about.classes)
    worth = pd.read_csv("reports/comparison/atlas.csv")
    assert set(worth["expression"]) <= {*about.classes, "all expressions"}
    assert np.isfinite(worth[["value", "low", "high"]]).all(axis=None)
    classifier = load_classifier(Path("models/classifiers/mouth/cnn1-0.safetensors"))
    assert classifier.classes == about.classes
    assert classifier.shape == (len(about.classes), expressions.channels, side)


def test_five_classes_in_colour_of_ten_subjects_without_a_split(project: Path) -> None:
    set_parameter("split", SPLIT)
    expressions = five_classes_in_colour()
    go_through(expressions)
    check(expressions, 48)
    role = Roles.load(Path("data/roles.npz")).role
    people = {name: set(expressions.subject[role == name]) for name in ("train", "validation", "test")}
    assert [len(group) for group in people.values()] == [6, 2, 2]
    assert not people["train"] & people["test"]


def test_folds_by_person_and_another_data_set_beside_them(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sample, "DRAWS", 200)
    set_parameter("split", "{folds: 3, group: subject}")
    set_parameter("networks", "[cnn1]")
    set_parameter("  networks", "[cnn1]")
    set_parameter("settings", "{}\n  outside: {expressions: prepared, classes: {calm: bored, happy: glad}}")
    expressions = five_classes_in_colour()
    elsewhere = replace(
        five_classes_in_colour(),
        about=About(name="others", classes=("calm", "cross", "happy", "gloomy", "smug")),
        images=smooth(120, 64, 3)[:, ::-1],
    )
    elsewhere.save(Path("data/raw/outside/prepared"))
    go_through(expressions)
    said = Predictions.load(Path("reports/classifiers/mouth/cnn1-0/predictions.parquet"))
    roles = Roles.load(Path("data/roles.npz"))
    assert said.role.tolist() == ["test"] * 120 + ["outside"] * 96 + ["validation"] * 120
    assert len(set(said.groups[:120].tolist())) == 10
    tested = dict(zip(said.row[:120].tolist(), said.fold[:120].tolist(), strict=True))
    for number, meanwhile in enumerate(roles.folds):
        assert {row for row, fold in tested.items() if fold == number} == set(
            np.flatnonzero(meanwhile.role == "test").tolist()
        )
    scores = pd.read_csv("reports/comparison/scores.csv").set_index("protocol")["n"]
    assert (scores["test"].unique(), scores["validation"].unique(), scores["outside"].unique()) == (120, 120, 96)
    page = " ".join(Path("reports/index.html").read_text().split())
    assert "in one of 3 folds (the images of a person together)" in page
    assert "worth 10 independent ones, taken by people and groups of twins" in page
    assert "Left out, since the networks have no class for them: smug (24 images)." in page
    by_class = pd.read_csv("reports/comparison/by_class.csv")
    assert set(by_class["fold"].astype(str)) == {"all", "0", "1", "2"}
    publish.main("published")
    shutil.copytree("reports", "before")
    leak.main("before", "reports")
    recompute.main("published")


FOLDER = Path("data/raw/folder")
COUNTS = {"bored": 16, "cross": 16, "glad": 16, "gloomy": 16, "startled": 3}


def write_folder() -> dict[str, npt.NDArray[np.uint8]]:
    """Pictures of 256 pixels in colour, every other one a PNG, every third one stored turned; by their names."""
    images = smooth(sum(COUNTS.values()), 256, 3)
    names = [f"{name}/{number:02}" for name, count in COUNTS.items() for number in range(count)]
    shown = {}
    for row, (name, image) in enumerate(zip(names, images, strict=True)):
        path = FOLDER / f"{name}.{'png' if row % 2 else 'jpg'}"
        stored, orientation = (np.rot90(image), 6) if row % 3 == 0 else (image, None)  # 6: to be turned to the right
        write_picture(path, np.ascontiguousarray(stored), orientation=orientation)
        shown[path.relative_to(FOLDER).as_posix()] = image
    return shown


def test_a_folder_of_large_pictures_of_all_kinds_and_one_that_is_broken(project: Path) -> None:
    set_parameter("expressions", "folder")
    set_parameter("split", "{shares: [0.6, 0.2, 0.2]}")
    set_parameter("networks", "[cnn1]")
    set_parameter("  networks", "[cnn1]")
    shown = write_folder()
    broken = FOLDER / "glad/99.jpg"
    broken.write_bytes((FOLDER / "glad/00.jpg").read_bytes()[:2000])
    obtain.main()
    said = refused(prepare_expressions.main)
    assert said.startswith(f"{broken}: damaged")
    assert said.endswith("; remove it, or put a whole one in its place")
    assert not Path("data/expressions").exists()

    broken.unlink()
    obtain.main()
    prepare_expressions.main()
    expressions = Expressions.load(Path("data/expressions"))
    assert expressions.about.classes == tuple(COUNTS)
    assert np.bincount(expressions.labels).tolist() == [*COUNTS.values()]
    upright = np.stack([shown[name] for name in sorted(shown)])
    assert np.abs(expressions.images.astype(int) - upright).mean() < 3  # JPEG
    audit = json.loads(Path("reports/expressions/audit.json").read_bytes())
    assert sum(of["startled"] for of in audit["classes"].values()) == 3
    go_on()
    check(expressions, 48)


def test_eight_classes_with_votes_and_other_names_of_splits(project: Path) -> None:
    set_parameter("side", "40")
    recipes = Path("recipes.yaml")
    recipes.write_text(recipes.read_text().replace("votes: 0.0", "votes: 1.0"))
    expressions = eight_classes_with_votes()
    go_through(expressions)
    check(expressions, 40)
    role = Roles.load(Path("data/roles.npz")).role
    assert role.tolist() == ["train"] * 64 + ["validation"] * 32 + ["test"] * 32


def test_a_classifiers_file_alone_is_enough_to_classify_a_cut_image(
    project: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    set_parameter("split", SPLIT)
    expressions = five_classes_in_colour()
    go_through(expressions)
    image = Variant.load(Path("data/variants/mouth")).images[7]
    said = pd.read_parquet("reports/classifiers/mouth/cnn1-0/predictions.parquet").iloc[7]
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    shutil.copy("models/classifiers/mouth/cnn1-0.safetensors", elsewhere)
    image = np.array(image)
    monkeypatch.chdir(elsewhere)  # where neither params.yaml nor any data are
    classifier = load_classifier(Path("cnn1-0.safetensors"))
    answer = classifier.classify(image)
    assert list(answer) == list(expressions.about.classes)
    assert list(answer.values()) == pytest.approx([said[f"p_{name}"] for name in answer], abs=5e-3)  # bfloat16
    assert classifier.header.region == {"points": " ".join(map(str, range(49, 69))), "margin": 0.3}
    assert (classifier.header.data_set, classifier.header.cell) == ("selfies", ("mouth", "cnn1", 0, None))
    assert set(classifier.header.scores) == {"choosing"}
    assert ROOT not in Path.cwd().parents
