"""What ends a stage early is one line with the cause and the remedy, exit status 1, and nothing half-done."""

from __future__ import annotations

import errno
import json
import os
import re
import resource
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
import pytest
from new_networks import new_network
from projects import RAW, ROOT, copy_settings, set_parameter, write_faces, write_landmark_model, write_photographs
from sample_sets import expression_set
from torch import nn

import stages
from pipeline.classifiers.applying import probabilities
from pipeline.classifiers.cells import Cell
from pipeline.classifiers.classifier_file import save_classifier
from pipeline.common.files import InputError, digest_folder
from pipeline.data.roles import Roles
from pipeline.data.twins import Twins
from pipeline.evaluation.predictions import Predictions
from pipeline.evaluation.results import Landmarks
from pipeline.faces.detectors import face_alignment as fan
from pipeline.faces.detectors import xception
from pipeline.faces.guess import Guess
from pipeline.faces.hard_faces import KINDS
from pipeline.faces.located import Located
from pipeline.faces.photographs import DLIB_FOLDER, LABELS
from pipeline.faces.trials import TEST_SPLITS, VIEWS
from pipeline.faces.trust import Trust
from pipeline.params import load_params
from pipeline.regions.boxes import whole_boxes
from pipeline.regions.cutting import Cut
from pipeline.regions.variants import Variant, save_variant
from stages import (
    calibrate_trust,
    check,
    crop,
    define_regions,
    evaluate,
    evaluate_landmarks,
    locate_landmarks,
    obtain,
    prepare_expressions,
    prepare_faces,
    train_landmarks,
)

SET = RAW / DLIB_FOLDER

USAGES = ("Training", "PublicTest", "PrivateTest")
# One grey level an image: the Training and the PublicTest image are the same.
PIXELS = [" ".join([level] * 48 * 48) for level in "778"]


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project's folder that is the working directory, with small published data sets in data/raw."""
    monkeypatch.chdir(tmp_path)
    copy_settings()
    set_parameter("source", "real")
    write_photographs()
    rows = [f"3,{pixels},{usage}\n" for pixels, usage in zip(PIXELS, USAGES, strict=True)]
    (RAW / "fer2013.csv").write_text("emotion,pixels,Usage\n" + "".join(rows))
    return tmp_path


def change(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))


def files() -> dict[str, float]:
    """All files of the project's folder, also the hidden ones, with their time."""
    return {str(path): path.stat().st_mtime for path in Path().rglob("*") if path.is_file()}


def refuse(main: Callable[..., None], *words: str) -> str:
    """The line with which a stage ends; it leaves nothing."""
    before = files()
    with pytest.raises(BaseException) as caught:  # noqa: PT011 (told apart by one_line)
        main(*words)
    line = stages.one_line(caught.value)
    assert line is not None, caught.value
    assert "\n" not in line
    assert files() == before
    return line


def run(*words: str, limit: int | None = None) -> subprocess.CompletedProcess[str]:
    """Run a stage as DVC does; no file may grow beyond `limit` bytes."""

    def limited() -> None:
        if limit is not None:
            resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))

    return subprocess.run(command(*words), env=environment(), capture_output=True, text=True, preexec_fn=limited)


def command(stage: str, *words: str) -> list[str]:
    return [sys.executable, "-m", f"stages.{stage}", *words]


def environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1"}


def told(status: int, output: str) -> str:
    """What was said of an error: one line, and the status of an error."""
    assert status == 1, output
    lines = output.splitlines()
    assert len(lines) == 1, output
    assert lines[0].startswith("error: ")
    return lines[0].removeprefix("error: ")


def parts() -> list[str]:
    return [name for name in files() if ".part" in name]


# Mistakes in what the user gave: what is replaced in which file, and what the line says of it.


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("recipe: demo", "colour: red\nrecipe: demo", "params.yaml: colour: unknown key; may be data, "),
        (
            "flip: true",
            "flip: si",
            "recipes.yaml: demo.classifiers.cnn1.augment.flip: .* boolean, not 'si'",
        ),
        ("left: 1,", "left: 0,", "params.yaml: regions.face.left: .* greater than or equal to 1, not 0"),
        ("49-68", "49-69", "params.yaml: regions.mouth.points: '49-69' is outside 1 to 68"),
        ("  mouth:", "  ../mouth:", "params.yaml: regions.../mouth: a region's name becomes a file name: use letters"),
    ],
)
def test_mistakes_in_params(project: Path, old: str, new: str, says: str) -> None:
    change(Path("recipes.yaml" if "flip" in old else "params.yaml"), old, new)
    for stage in (check.main, obtain.main, prepare_faces.main):
        assert_says(says, refuse(stage))


def assert_says(pattern: str, line: str) -> None:
    assert re.match(pattern, line), line


def test_a_missing_data_set(project: Path) -> None:
    (RAW / "fer2013.csv").rename("elsewhere")
    line = refuse(obtain.main)
    assert line.startswith("data/raw: missing ")
    assert "fer2013.csv" in line
    assert line.endswith("put it into data/raw, as data/raw/README.md says")


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        (" 7,Pu", ",Pu", r"data/raw/fer2013\.csv: line 3: has 2,303 pixels, not 2,304; download the file again"),
        (" 7,Pu", " 256,Pu", r"data/raw/fer2013\.csv: line 3: pixel 256 is not within 0 to 255; download"),
        ("3,7", "7,7", r"data/raw/fer2013\.csv: line 2: emotion is '7', not one of 0 to 6; download"),
        ("PublicTest", "", r"data/raw/fer2013\.csv: line 3: Usage is '', not one of Training, PublicTest, PrivateTest"),
        (",Usage", "", r"data/raw/fer2013\.csv: "),
        ("PublicTest", "Training", r"data/raw/fer2013\.csv: has no row whose Usage is PublicTest; download"),
    ],
)
def test_a_damaged_csv(project: Path, old: str, new: str, says: str) -> None:
    change(RAW / "fer2013.csv", old, new)
    obtain.main()
    assert_says(says, refuse(prepare_expressions.main))


def test_an_empty_csv(project: Path) -> None:
    (RAW / "fer2013.csv").write_bytes(b"")
    obtain.main()
    assert refuse(prepare_expressions.main).startswith("data/raw/fer2013.csv: is empty; download it again from Kaggle")
    (RAW / "fer2013.csv").write_text("emotion,pixels,Usage\n")
    assert "no rows; download it again" in refuse(prepare_expressions.main)


@pytest.mark.parametrize(
    ("file", "old", "new", "says"),
    [
        (
            "afw/image_1.pts",
            "10 10\n",
            "",
            r".*afw/image_1\.pts: says n_points: 68 and holds 67 points, not 68; restore",
        ),
        (
            "afw/image_1.pts",
            "10 10\n",
            "ten 10\n",
            r".*afw/image_1\.pts: point 1 is 'ten 10', not two numbers; restore",
        ),
    ],
)
def test_damaged_points(project: Path, file: str, old: str, new: str, says: str) -> None:
    obtain.main()
    change(SET / file, old, new)
    assert_says(says, refuse(prepare_faces.main))


def test_a_truncated_photograph(project: Path) -> None:
    obtain.main()
    path = SET / "afw/image_1.jpg"
    path.write_bytes(path.read_bytes()[:-500])
    assert_says(
        r".*afw/image_1\.jpg: damaged \(.*\); restore it from the published archive", refuse(prepare_faces.main)
    )


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("<part name='67' x='37' y='43'/>", "", "must have each part 00 to 67 once, and lacks 67; restore it"),
        ("<dataset>", "<!DOCTYPE d [<!ENTITY e 'x'>]><dataset>", r"is not valid XML \(.*\); restore it"),
        ("file='afw/image_1.jpg'", "file='../../x'", r"file='\.\./\.\./x' leads out of .*; remove that entry"),
        ("</dataset>", "", r"is not valid XML \(.*\); restore it"),
    ],
)
def test_a_damaged_xml(project: Path, old: str, new: str, says: str) -> None:
    obtain.main()
    for path in SET.rglob("*.pts"):
        path.unlink()
    change(SET / LABELS[0], old, new)
    for stage in (obtain.main, prepare_faces.main):
        assert_says(rf"{SET / LABELS[0]}: (afw/image_1\.jpg: )?{says}", refuse(stage))


def test_a_stage_before_its_inputs_says_so(project: Path) -> None:
    assert refuse(prepare_faces.main) == "data/real/sources.json: missing; run `dvc repro` to make it"


def test_a_defect_of_ours_keeps_its_traceback() -> None:
    assert stages.one_line(ValueError("no mistake of the user's")) is None
    assert stages.one_line(OSError(5, "input/output error")) is None


def test_files_that_may_not_be_read_are_named() -> None:
    line = stages.one_line(PermissionError(13, "denied", "data/raw/fer2013.csv"))
    assert line == "data/raw/fer2013.csv: not permitted; change its owner or mode and run again"


# What counts as a twin, and what follows from it


def smooth_images(count: int) -> npt.NDArray[np.uint8]:
    noise = np.random.default_rng(0).normal(128, 300, (count, 48, 48))
    return np.stack([cv2.GaussianBlur(image, (0, 0), 3) for image in noise]).clip(0, 255).astype(np.uint8)


def write_expressions() -> None:
    """Three images in Training: 0 is a near twin of test image 4, 1 the same as validation image 3; 5 is on its own."""
    images = smooth_images(6)
    images[4] = np.clip(images[0, :, ::-1] * 0.9 + 12, 0, 255)
    images[3] = images[1]
    usages = np.repeat(USAGES, (3, 1, 2))
    lines = [f"3,{' '.join(map(str, image.ravel()))},{usage}\n" for image, usage in zip(images, usages, strict=True)]
    (RAW / "fer2013.csv").write_text("emotion,pixels,Usage\n" + "".join(lines))


def test_twins_are_trained_on_or_left_out_as_params_yaml_says(project: Path) -> None:
    write_expressions()
    obtain.main()
    kept = {"true": ["train"] * 3, "false": ["unused", "unused", "train"]}
    for value, training in kept.items():
        set_parameter("train_on", value)
        prepare_expressions.main()
        role = Roles.load(Path("data/roles.npz")).role
        assert role.tolist() == [*training, "validation", "test", "test"]
        assert Twins.load(Path("data/twins.npz")).twins.tolist() == [0, 1, 2, 1, 0, 3]
        counted = json.loads(Path("reports/expressions/audit.json").read_bytes())
        assert counted["images"].get("unused", 0) == training.count("unused")
        assert (counted["copies"]["test_rows_known"], counted["twins"]["test_rows_known"]) == (0, 1)
        names = {path.name for path in Path("reports/expressions").iterdir()}
        assert names == {"audit.json", "split.json", "classes.png", "audit.png"}


def test_that_no_validation_image_is_without_a_twin_that_is_trained_on_is_said(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_expressions()
    obtain.main()
    said = {}
    for value in ("true", "false"):  # its only twin is trained on, or is not
        set_parameter("train_on", value)
        prepare_expressions.main()
        said[value] = "all of them choose the epoch" in capsys.readouterr().out
        assert np.flatnonzero(Roles.load(Path("data/roles.npz")).chooses).tolist() == [3]
    assert said == {"true": True, "false": False}


def test_what_counts_as_a_twin_changes_the_roles_only_if_twins_are_left_out_and_never_the_data_set(
    project: Path,
) -> None:
    """So that, with DVC, no classifier is trained anew."""
    write_expressions()
    obtain.main()
    made = {}
    for train_on in ("true", "false"):
        for correlation in ("0.94", "1"):
            set_parameter("train_on", train_on)
            set_parameter("min_correlation", correlation)
            prepare_expressions.main()
            made[train_on, correlation] = [
                digest_folder(Path("data/expressions")),
                *(Path(f"data/{name}.npz").read_bytes() for name in ("roles", "twins")),
            ]
    assert len({data_set for data_set, _, _ in made.values()}) == 1
    near, identical = made["true", "0.94"], made["true", "1"]
    assert near[1] == identical[1]
    assert near[2] != identical[2]
    assert made["false", "0.94"][1] != made["false", "1"][1]


def test_a_data_set_in_which_all_test_images_are_twins_is_refused_before_any_training(project: Path) -> None:
    write_expressions()
    header, *lines = (RAW / "fer2013.csv").read_text().splitlines(keepends=True)
    pixels = next(line for line in lines if "Training" in line).split(",")[1]
    copied = [line.replace(line.split(",")[1], pixels) if "PrivateTest" in line else line for line in lines]
    (RAW / "fer2013.csv").write_text("".join([header, *copied]))
    obtain.main()
    line = "params.yaml: twins.min_correlation: leaves no image for test_unique; raise it and run `dvc repro`"
    assert refuse(prepare_expressions.main) == line


def test_a_data_set_in_which_all_training_images_are_twins_is_refused_if_they_are_left_out(project: Path) -> None:
    write_expressions()
    lines = (RAW / "fer2013.csv").read_text().splitlines(keepends=True)
    del lines[3]  # the one training image without a twin
    (RAW / "fer2013.csv").write_text("".join(lines))
    obtain.main()
    set_parameter("train_on", "false")
    line = "params.yaml: split: leaves no image for train; set twins.train_on to true"
    assert refuse(prepare_expressions.main) == line


def test_evaluate_scores_test_unique_without_the_twins(project: Path) -> None:
    write_variant()
    groups = np.arange(240, dtype=np.int32)
    groups[200:210] = groups[:10]
    groups[160:165] = groups[10:15]
    Twins(np.arange(240, dtype=np.int32), groups).save(Path("data/twins.npz"))
    write_classifier()
    evaluate.main("vanilla", "cnn1", "0")
    folder = Path("reports/classifiers/vanilla/cnn1-0")
    scores = json.loads((folder / "metrics.json").read_bytes())["protocols"]
    counts = {protocol: score["n"] for protocol, score in scores.items()}
    unique = {"validation_unique": 35, "test_unique": 30}
    assert counts == {"validation": 40, "test": 40, "as_reported": 200, **unique}
    assert Predictions.load(folder / "predictions.parquet").twins.tolist() == groups.tolist()


def test_evaluate_scores_outside_images_under_a_protocol_of_their_own(project: Path) -> None:
    write_variant()
    role = np.repeat(["train", "validation", "test", "outside"], (140, 40, 40, 20))
    Roles(role, role == "validation").save(Path("data/roles.npz"))
    groups = np.arange(240, dtype=np.int32)
    groups[230:] = groups[180:190]  # of images that are tested on, which stay without a twin all the same
    Twins(groups, groups).save(Path("data/twins.npz"))
    network = write_classifier()
    evaluate.main("vanilla", "cnn1", "0")
    folder = Path("reports/classifiers/vanilla/cnn1-0")
    scores = json.loads((folder / "metrics.json").read_bytes())["protocols"]
    counts = {protocol: score["n"] for protocol, score in scores.items()}
    every = {
        "validation": 40,
        "validation_unique": 40,
        "test": 40,
        "test_unique": 40,
        "as_reported": 180,
        "outside": 20,
    }
    assert counts == every
    variant = Variant.load(Path("data/variants/vanilla"))
    said = probabilities(network, variant.images[220:], "fp32").argmax(1)
    assert scores["outside"]["accuracy"] == (said == variant.labels[220:]).mean()
    found = Predictions.load(folder / "predictions.parquet")
    assert found.role.tolist() == role.tolist()
    assert found.unique[180:].all()


def test_evaluate_leaves_out_validation_unique_where_it_has_no_image(project: Path) -> None:
    write_variant()
    groups = np.arange(240, dtype=np.int32)
    groups[160:200] = groups[:40]
    Twins(np.arange(240, dtype=np.int32), groups).save(Path("data/twins.npz"))
    write_classifier()
    evaluate.main("vanilla", "cnn1", "0")
    scores = json.loads(Path("reports/classifiers/vanilla/cnn1-0/metrics.json").read_bytes())["protocols"]
    assert scores.keys() == {"validation", "test", "test_unique", "as_reported"}


def test_evaluate_augments_at_test_time_what_was_not_trained_on(project: Path) -> None:
    set_parameter("test_time_augmentation", "ten", Path("recipes.yaml"))
    write_variant()
    Twins(np.arange(240, dtype=np.int32), np.arange(240, dtype=np.int32)).save(Path("data/twins.npz"))
    network = write_classifier()
    evaluate.main("vanilla", "cnn1", "0")
    found = Predictions.load(Path("reports/classifiers/vanilla/cnn1-0/predictions.parquet")).probabilities
    images = Variant.load(Path("data/variants/vanilla")).images
    # In fp32, since bfloat16 rounds batches of other sizes in other ways on some processors.
    once, often = (probabilities(network, images, "fp32", augmentation) for augmentation in ("none", "ten"))
    assert not np.allclose(once, often, atol=1e-4)
    assert np.allclose(found[:160], once[:160], atol=1e-6)
    assert np.allclose(found[160:], often[160:], atol=1e-6)


def test_evaluate_without_a_test_image_that_is_no_twin_says_what_to_change(project: Path) -> None:
    write_variant()
    every = np.zeros(240, np.int32)
    Twins(every, every).save(Path("data/twins.npz"))
    write_classifier()
    line = "params.yaml: twins.min_correlation: leaves no image for test_unique; raise it and run `dvc repro`"
    assert refuse(evaluate.main, "vanilla", "cnn1", "0") == line


# From faces to crops


def test_points_are_found_and_trusted_and_cut_by(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fan, "weights", lambda: Path("nowhere"))  # whether or not this machine has them
    write_expressions()
    obtain.main()
    prepare_expressions.main()
    write_faces()
    write_landmark_model()

    calibrate_trust.main()
    evaluate_landmarks.main()
    measured = Landmarks.model_validate(json.loads(Path("reports/landmarks/metrics.json").read_bytes()))
    assert (measured.provider, list(measured.providers)) == ("xception", ["xception"])
    assert {subset: views["grey_48"].n for subset, views in measured.providers["xception"].items()} == {
        "common": 6,
        "challenging": 6,
    }
    assert measured.trust.n == 12 * len(KINDS)
    expected = {"metrics.json", "points.npz", "error_curves.png", "trust.png"}
    expected |= {f"{kind}_{view}.png" for kind in ("errors_by_point", "worst", "random") for view in VIEWS}
    assert {path.name for path in Path("reports/landmarks").iterdir()} == expected

    define_regions.main()
    locate_landmarks.main()
    located = Located.load(Path("data/landmarks.npz"))
    assert np.isfinite(located.points).all()
    assert Trust.load(Path("models/trust.json"), "xception").provider == "xception"
    worst = float(np.median(located.expected_error))
    set_parameter("max_error", f"{worst:.9f}")
    crop.main("mouth")
    variant = Variant.load(Path("data/variants/mouth"))
    np.testing.assert_array_equal(variant.fell_back, located.expected_error > round(worst, 9))


def write_pretrained() -> None:
    """A landmark model as it comes with the project."""
    write_landmark_model()
    Path("pretrained").mkdir()
    Path("models/landmarks.safetensors").rename("pretrained/landmarks.safetensors")
    Trust("pretrained", np.array([0.0, 1.0]), np.array([0.0, 0.1])).save(Path("pretrained/trust.json"))
    set_parameter("provider", "pretrained")


@pytest.mark.parametrize("with_faces", [True, False])
def test_points_are_found_by_the_model_that_comes_with_the_project(project: Path, with_faces: bool) -> None:
    """Nothing is trained; on the faces of 300-W, if they are there, it is measured."""
    write_expressions()
    write_pretrained()
    if not with_faces:
        shutil.rmtree(SET)
    for main in (obtain.main, prepare_expressions.main, prepare_faces.main, train_landmarks.main):
        main()
    calibrate_trust.main()
    evaluate_landmarks.main()
    with pytest.raises(InputError, match="weights of none, no landmark model"):
        xception.open_model(xception.MODEL, mirror=False)
    measured = Landmarks.model_validate(json.loads(Path("reports/landmarks/metrics.json").read_bytes()))
    assert set(TEST_SPLITS) & measured.providers["pretrained"].keys() == (set(TEST_SPLITS) if with_faces else set())
    locate_landmarks.main()
    assert Located.load(Path("data/landmarks.npz")).expected_error.max() <= np.float32(0.1)


def test_without_the_model_that_comes_with_the_project_the_remedy_is_said(project: Path) -> None:
    write_expressions()
    set_parameter("provider", "pretrained")
    for main in (obtain.main, prepare_expressions.main, prepare_faces.main):
        main()
    train_landmarks.main()
    for main in (calibrate_trust.main, evaluate_landmarks.main):
        line = refuse(main)
        assert line.startswith("pretrained/")
        assert "missing; restore it with git" in line


def test_300w_is_needed_where_the_landmark_model_is_trained(project: Path) -> None:
    shutil.rmtree(SET)
    obtain.main()
    line = refuse(prepare_faces.main)
    assert "missing iBUG 300-W" in line
    assert "pretrained" in line


def test_an_image_without_contrast_is_never_cut(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    obtain.main()
    prepare_expressions.main()  # one grey level an image
    Trust("xception", np.array([0.0, 1.0]), np.array([0.0, 0.01])).save(Path("models/trust.json"))
    guess = Guess(np.zeros((3, 68, 2), np.float32), np.zeros(3, np.float32))
    monkeypatch.setattr(locate_landmarks, "open_detector", lambda *_: lambda *_: guess)
    locate_landmarks.main()
    assert Located.load(Path("data/landmarks.npz")).expected_error.tolist() == [np.inf] * 3


def test_points_by_dlib_without_its_file_say_what_is_missing(project: Path) -> None:
    write_faces()
    obtain.main()
    prepare_expressions.main()
    Trust("dlib", np.array([0.0, 1.0]), np.array([0.0, 0.1])).save(Path("models/trust.json"))
    set_parameter("provider", "dlib")
    for main in (calibrate_trust.main, evaluate_landmarks.main, locate_landmarks.main):
        line = refuse(main)
        assert line.startswith(
            "params.yaml: landmarks: dlib: pretrained/dlib/shape_predictor_68_face_landmarks.dat is "
        )


def test_points_without_a_trust_are_not_found(project: Path) -> None:
    obtain.main()
    prepare_expressions.main()
    assert refuse(locate_landmarks.main) == "models/trust.json: missing; run `dvc repro` to make it"


# As processes


def test_an_error_is_one_line_and_status_1(project: Path) -> None:
    obtain.main()
    (SET / "ibug/image_1.jpg").write_bytes(b"no image")
    before = files()
    done = run("prepare_faces")
    assert told(done.returncode, done.stderr).startswith(f"{SET}/ibug/image_1.jpg: is neither JPEG nor PNG; restore it")
    assert files() == before


def test_other_words_than_a_stage_takes_show_its_usage(project: Path) -> None:
    done = run("check", "twice")
    assert told(done.returncode, done.stderr) == "usage: python -m stages.check"


@pytest.mark.parametrize(
    ("stage", "output", "limit"),
    [("prepare_faces", "data/faces.npz", 200_000), ("prepare_expressions", "data/expressions", 5_000)],
)
def test_a_full_disk(project: Path, stage: str, output: str, limit: int) -> None:
    obtain.main()
    done = run(stage, limit=limit)
    line = told(done.returncode, done.stderr)
    assert line.startswith("no space left on the disk")
    assert "run again" in line
    assert not Path(output).exists()
    assert parts() == []
    assert run(stage).returncode == 0
    assert Path(output).exists()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_stage_leaves_nothing(project: Path, number: signal.Signals) -> None:
    set_parameter("source", "demo")
    before = files()
    with subprocess.Popen(command("obtain"), env=environment(), stderr=subprocess.PIPE, text=True) as process:
        wait_for(lambda: Path("data/.demo.part").exists(), process)
        time.sleep(0.2)
        output = interrupt(process, number)
    line = told(process.returncode, output)
    assert line == "interrupted; nothing half-done was kept, run the same command again to go on"
    assert files() == before
    assert not Path("data/demo").exists()
    assert not Path("data/.demo.part").exists()


def interrupt(process: subprocess.Popen[str], number: signal.Signals) -> str:
    """Interrupt a stage as a person does, who tries again if nothing happens: C code may lose an exception.

    Returns:
        what it said.
    """
    process.send_signal(number)
    try:
        return process.communicate(timeout=10)[1]
    except subprocess.TimeoutExpired:
        process.send_signal(number)
        return process.communicate(timeout=60)[1]


def wait_for(condition: Callable[[], bool], process: subprocess.Popen[str]) -> None:
    end = time.monotonic() + 60
    while not condition():
        assert process.poll() is None, "it ended too early"
        assert time.monotonic() < end
        time.sleep(0.01)


def write_variant() -> None:
    """A region's images, in which there is nothing to learn, and what each of them is for."""
    expressions = expression_set(240)
    cut = Cut.upright(whole_boxes(240, (48, 48)))
    save_variant(Path("data/variants/vanilla"), expressions, "vanilla", "whole", cut, [expressions.images], 48)
    role = np.repeat(["train", "validation", "test"], (160, 40, 40))
    Roles(role, role == "validation").save(Path("data/roles.npz"))


def write_classifier() -> nn.Module:
    """A classifier that was never trained."""
    network = new_network("cnn1")
    recipe = load_params().classifier_recipe("cnn1").model_copy(update={"precision": "fp32"})
    variant = Variant.load(Path("data/variants/vanilla"))
    path = Path("models/classifiers/vanilla/cnn1-0.safetensors")
    save_classifier(path, network, variant, Cell("vanilla", "cnn1", 0), recipe, "", 0, {})
    return network


def test_an_interrupted_training_goes_on_where_it_was(project: Path) -> None:
    text, changes = re.subn(r"(epochs|patience): \d+", r"\1: 12", Path("recipes.yaml").read_text())
    assert changes
    Path("recipes.yaml").write_text(text)
    write_variant()
    words = ("train", "vanilla", "cnn1", "0")
    with subprocess.Popen(
        command(*words), env=environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        for line in process.stdout:
            if "epoch 2 of 12" in line:
                break
        process.send_signal(signal.SIGINT)
        _, output = process.communicate(timeout=60)
    assert told(process.returncode, output).startswith("interrupted; ")
    assert not Path("models").exists()
    assert not any(path.is_file() for path in Path("reports").rglob("*"))
    assert parts() == []

    done = run(*words)
    assert done.returncode == 0, done.stderr
    assert ".checkpoints/vanilla-cnn1-0.pt: going on after epoch" in done.stdout
    assert "epoch 1 of" not in done.stdout
    assert Path("models/classifiers/vanilla/cnn1-0.safetensors").exists()
    curve = Path("reports/training/vanilla/cnn1-0/plots/metrics/train_loss.tsv").read_text().splitlines()
    assert len(curve) == 1 + 12
    assert list(Path(".checkpoints").iterdir()) == []


def test_a_training_on_a_full_disk_keeps_nothing_half_done(project: Path) -> None:
    write_variant()
    done = run("train", "vanilla", "cnn1", "0", limit=1_000_000)
    assert told(done.returncode, done.stderr).startswith("no space left on the disk")
    assert not Path("models").exists()
    assert parts() == []
    assert not Path(".checkpoints/vanilla-cnn1-0.pt").exists()


def test_input_errors_are_one_line() -> None:
    assert stages.one_line(InputError("two\nlines")) == "two lines"


@pytest.mark.parametrize("reader", ["head -c 0", "true"])
def test_a_closed_standard_output_is_no_failure(project: Path, reader: str) -> None:
    """Nobody reads what a stage prints; the pipe is closed long before it prints."""
    line = f"{sys.executable} -c 'import time; from stages import run; run(lambda: (time.sleep(1), print(1)) and None)'"
    done = subprocess.run(
        ["bash", "-o", "pipefail", "-c", f"{line} | {reader}"], env=environment(), capture_output=True, text=True
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_other_errors_of_files_are_one_line() -> None:
    for number in (errno.EROFS, errno.EISDIR, errno.ENAMETOOLONG, errno.ELOOP):
        line = stages.one_line(OSError(number, os.strerror(number), "data/faces.npz"))
        assert line is not None
        assert line.startswith("data/faces.npz: ")
