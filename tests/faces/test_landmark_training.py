"""The landmark model trains on faces, and on those alone that are there to learn from."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
import pytest
import torch
from torch import nn

from pipeline.common.files import InputError
from pipeline.demo import ibug
from pipeline.faces import points
from pipeline.faces import training as landmarks
from pipeline.faces.augmentation import augment_face
from pipeline.faces.detectors.xception import detector
from pipeline.faces.errors import nme
from pipeline.faces.face_images import SIDE, Faces
from pipeline.faces.ibug import read_300w
from pipeline.faces.losses import LOSSES
from pipeline.faces.network import landmark_network
from pipeline.faces.photographs import find_photographs
from pipeline.faces.recipe import LandmarkRecipe
from pipeline.faces.squares import INPUT, GreyFace, cut_squares

PHOTOGRAPHS = {"helen/trainset": 10, "helen/testset": 2}


def make_recipe(**changes: Any) -> LandmarkRecipe:
    settings = {
        "width": 0.125, "head": "direct", "epochs": 2, "batch": 4, "learning_rate": 1e-3, "weight_decay": 0.05,
        "optimizer": "adamw", "schedule": "one_cycle", "ema_decay": 0.0, "patience": 2, "precision": "fp32",
        "loss": "wing",
    }  # fmt: skip
    return LandmarkRecipe.model_validate({**settings, **changes})


@pytest.fixture(scope="module")
def faces(tmp_path_factory: pytest.TempPathFactory) -> Faces:
    folder = tmp_path_factory.mktemp("demo")
    ibug.draw_ibug(folder, seed=0, photographs=PHOTOGRAPHS)
    drawn = read_300w(find_photographs(folder / ibug.FOLDER))
    split = np.array(["common", "common", *["train"] * 8, *["validation"] * 2])
    assert drawn.name[1].startswith("helen/testset")
    return replace(drawn, split=split)


def train(faces: Faces, checkpoint: Path, **changes: Any) -> tuple[nn.Module, list[dict[str, float]]]:
    network, progress = landmarks.train(faces, make_recipe(**changes), 0, {}, checkpoint, lambda *_: None)
    return network, progress.history


@pytest.mark.parametrize(("head", "loss"), [("direct", "soft_wing"), ("voting", "nme_votes")])
def test_training_on_a_handful_of_faces_gives_finite_points(faces: Faces, tmp_path: Path, head: str, loss: str) -> None:
    model, history = train(faces, tmp_path / "checkpoint.pt", head=head, loss=loss, epochs=1)
    assert len(history) == 1
    assert np.isfinite(list(history[0].values())).all()
    found = detector(model, "fp32")(np.random.default_rng(0).integers(0, 256, (5, 48, 48)).astype(np.uint8), False)
    assert np.isfinite(found.points).all()
    assert np.isfinite(found.uncertainty).all()


def test_the_score_is_that_of_the_validation_faces_at_48_pixels(faces: Faces, tmp_path: Path) -> None:
    model, history = train(faces, tmp_path / "checkpoint.pt")
    held_out = faces.where(faces.split == "validation")
    shown, true = cut_squares(held_out.images, held_out.points, 48, seed=0)
    assert shown.shape == (2, 48, 48)
    error = nme(detector(model, "fp32")(shown, False).points, true).mean()
    assert min(epoch["validation_nme"] for epoch in history) == pytest.approx(error, rel=1e-3)
    assert [epoch["validation_score"] for epoch in history] == [-epoch["validation_nme"] for epoch in history]


def test_the_network_sees_each_face_once_with_its_points_as_fractions_of_the_side(
    faces: Faces, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """0 is in the middle, and half a side more is the edge of the outermost pixel, not its middle."""
    targets: list[torch.Tensor] = []

    def change(image: npt.NDArray[np.uint8], face: npt.NDArray[np.float32], _: int) -> GreyFace:
        grey = cv2.resize(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY), (INPUT, INPUT), interpolation=cv2.INTER_AREA)
        return grey.astype(np.uint8), ((face + 0.5) * (INPUT / SIDE) - 0.5).astype(np.float32)

    def keep(outputs: torch.Tensor, wanted: torch.Tensor) -> torch.Tensor:
        targets.extend(wanted)
        return outputs.square().mean()

    monkeypatch.setattr(landmarks, "augment_face", change)
    monkeypatch.setitem(LOSSES, "l2", keep)
    train(faces, tmp_path / "checkpoint.pt", loss="l2", epochs=1)
    seen = sorted(target.tolist() for target in targets)
    expected = sorted(((face + 0.5) / SIDE - 0.5).tolist() for face in faces.points[faces.split == "train"])
    np.testing.assert_allclose(seen, expected, atol=1e-5)


def test_every_epoch_changes_the_faces_anew_and_the_same_for_the_same_seed(
    faces: Faces, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[int] = []

    def note(image: npt.NDArray[np.uint8], face: npt.NDArray[np.float32], seed: int) -> GreyFace:
        asked.append(seed)
        return augment_face(image, face, seed)

    monkeypatch.setattr(landmarks, "augment_face", note)
    _, first = train(faces, tmp_path / "one.pt")
    _, again = train(faces, tmp_path / "other.pt")
    count = int((faces.split == "train").sum())
    assert first == again
    assert asked[: 2 * count] == asked[2 * count :]
    assert len(set(asked)) == 2 * count


def test_two_processes_change_faces_as_one_does(faces: Faces) -> None:
    rows = np.flatnonzero(faces.split == "train")
    recipe = make_recipe(batch=4)

    def drawn(process: int, processes: int) -> list[tuple[torch.Tensor, torch.Tensor]]:
        return list(landmarks._batches(faces, rows, recipe, 0)(1, slice(process, None, processes)))

    for whole, first, second in zip(drawn(0, 1), drawn(0, 2), drawn(1, 2), strict=True):
        for part in (0, 1):
            assert torch.equal(whole[part][0::2], first[part])
            assert torch.equal(whole[part][1::2], second[part])


def test_the_untrained_model_gives_the_mean_face(faces: Faces) -> None:
    torch.manual_seed(0)
    model = landmark_network(points=points.COUNT, width=0.125, head="direct")
    rows = np.flatnonzero(faces.split == "train")
    landmarks._start_at_mean_shape(model, faces, rows)
    _, true = cut_squares(faces.images[rows], faces.points[rows], INPUT)
    with torch.no_grad():
        found = model.train()(torch.randn(8, 1, INPUT, INPUT)).numpy()[..., :2]
    mean = np.repeat(true.mean(0)[None], 8, axis=0)
    assert nme((found + 0.5) * INPUT - 0.5, mean).max() < 0.3


def test_test_faces_have_no_part_in_training(faces: Faces, tmp_path: Path) -> None:
    garbage = replace(faces, images=faces.images.copy(), points=faces.points.copy())
    for array in (garbage.images, garbage.points):
        array[garbage.split == "common"] = 3
    (one, first), (other, second) = (
        train(data, tmp_path / f"{number}.pt", epochs=1) for number, data in enumerate((faces, garbage))
    )
    assert first == second
    for name, value in one.state_dict().items():
        assert torch.equal(value, other.state_dict()[name])


@pytest.mark.parametrize("split", ["train", "validation"])
def test_a_set_without_faces_to_learn_or_to_choose_by_is_refused(faces: Faces, tmp_path: Path, split: str) -> None:
    with pytest.raises(InputError, match=r"^data/faces\.npz: no training or no validation faces; check the data set"):
        train(faces.where(faces.split != split), tmp_path / "checkpoint.pt")
    assert list(tmp_path.iterdir()) == []
