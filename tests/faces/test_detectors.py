"""Landmark detectors give points in the pixels of the image, uncertainty what is doubtful, and say what they lack."""

from __future__ import annotations

import os
import shutil
import sys
from functools import lru_cache
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.error import URLError

import cv2
import dlib
import numpy as np
import numpy.typing as npt
import pytest
import torch
from projects import write_landmark_model
from torch import nn
from torch.nn import functional

from pipeline.common import device
from pipeline.common.files import InputError
from pipeline.common.weights import save_network
from pipeline.faces import detectors, points
from pipeline.faces.detector_settings import LandmarkSettings
from pipeline.faces.detectors import dlib as dlib_trees
from pipeline.faces.detectors import face_alignment as fan
from pipeline.faces.detectors import xception
from pipeline.faces.guess import Guess, find
from pipeline.faces.network import landmark_network
from pipeline.faces.squares import INPUT, TIGHT, Squares

os.environ["NUMBA_DISABLE_JIT"] = "1"  # compiling its one function would take face-alignment half a minute
from face_alignment import FaceAlignment  # noqa: E402
from face_alignment.models import FAN  # noqa: E402

Images = npt.NDArray[np.uint8]
Points = npt.NDArray[np.float32]


def photographs(count: int = 5, side: int = 48) -> Images:
    return np.random.default_rng(0).integers(0, 256, (count, side, side)).astype(np.uint8)


def with_spots(places: npt.NDArray[Any], side: int, width: float) -> Images:
    """Dark images, each with one bright spot."""
    y, x = np.mgrid[:side, :side]
    spots = [np.exp(-((x - column) ** 2 + (y - row) ** 2) / (2 * width**2)) for column, row in places]
    return np.array([20 + 200 * spot for spot in spots]).astype(np.uint8)


def settings(**changes: Any) -> LandmarkSettings:
    content = {"provider": "xception", "compare": [], "mirror": False, "max_error": 0.1, **changes}
    return LandmarkSettings.model_validate(content)


# fercrop's own


class Spotter(nn.Module):
    """Finds the brightest place of the image and gives it as all 68 points, in the model's own units."""

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        assert images.shape[1:] == (1, INPUT, INPUT)
        assert images.min() >= -1
        assert images.max() <= 1
        place = images.flatten(1).argmax(1)
        x, y = place % INPUT, place // INPUT
        found = torch.stack([(x + 0.5) / INPUT - 0.5, (y + 0.5) / INPUT - 0.5, torch.zeros_like(x)], 1)
        return found[:, None].expand(-1, points.COUNT, -1)


class Constant(nn.Module):
    """Gives the same for every image: points, a spread, and votes that nobody needs."""

    def __init__(self, shape: Points, spread: float) -> None:
        super().__init__()
        self.given = torch.cat([torch.from_numpy(shape), torch.full((len(shape), 1), spread), torch.ones(68, 4)], 1)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return self.given.expand(len(images), -1, -1)


@lru_cache
def network(head: str) -> nn.Module:
    """An untrained model whose batch normalisation has seen some noise, else its numbers would run into millions."""
    torch.manual_seed(0)
    made = landmark_network(points=points.COUNT, width=0.125, head=head)
    for layer in made.modules():
        if isinstance(layer, nn.BatchNorm2d):
            layer.momentum = 1.0
            nn.init.uniform_(layer.weight, 0.5, 1.5)
            nn.init.uniform_(layer.bias, -0.2, 0.2)
        if isinstance(layer, nn.Conv2d) and layer.out_channels == 3 * points.COUNT:
            nn.init.normal_(layer.weight, std=0.1)
    with torch.no_grad():
        made(torch.randn(8, 1, INPUT, INPUT))
    return made.eval()


def symmetric() -> Points:
    """A shape like its mirror image, in fractions of the side."""
    shape = np.random.default_rng(1).uniform(-0.3, 0.3, (points.COUNT, 2)).astype(np.float32)
    return ((shape + shape[points.MIRROR] * (-1, 1)) / 2).astype(np.float32)


@pytest.mark.parametrize("mirror", [False, True])
@pytest.mark.parametrize("side", [48, 128, 200])
def test_points_are_in_the_pixels_of_the_image(side: int, mirror: bool) -> None:
    expected = np.array([[side // 4, side // 3], [side // 2, side - 7], [side - 6, 5]])
    found = xception.detector(Spotter(), "fp32", mirror)(with_spots(expected, side, 2), False).points
    assert found.shape == (3, points.COUNT, 2)
    # All points are alike, so the mirror image's numbering does not matter.
    np.testing.assert_allclose(
        found, np.repeat(expected[:, None], points.COUNT, axis=1), atol=0.5 * max(1, side / INPUT)
    )


@pytest.mark.parametrize("head", ["direct", "voting"])
def test_the_mirrored_image_has_the_mirrored_points(head: str) -> None:
    images = photographs()
    locate = xception.detector(network(head), "fp32", mirror=True)
    found, mirrored = locate(images, False), locate(np.ascontiguousarray(images[:, :, ::-1]), False)
    np.testing.assert_allclose(mirrored.points, points.mirror(found.points, 48), atol=1e-2)
    np.testing.assert_allclose(mirrored.uncertainty, found.uncertainty, rtol=1e-2)
    assert np.ptp(found.points[:, 0, 0]) > 0.01  # else it would give every image the same


def test_the_doubt_of_identical_views_is_the_spread() -> None:
    for mirror in (False, True):
        found = xception.detector(Constant(symmetric(), 0.07), "fp32", mirror)(photographs(2), False)
        np.testing.assert_allclose(found.uncertainty, 0.07, atol=1e-5)
        np.testing.assert_allclose(found.points[1], (symmetric() + 0.5) * 48 - 0.5, atol=1e-4)


def test_views_that_differ_add_to_the_doubt_and_their_mean_is_given() -> None:
    moved = (symmetric() + (0.03, 0)).astype(np.float32)
    found = xception.detector(Constant(moved, 0.04), "fp32", mirror=True)(photographs(2), False)
    # Votes of two views of equal weight, 0.06 apart: variances within and between add up.
    np.testing.assert_allclose(found.uncertainty, 0.05, atol=1e-5)
    np.testing.assert_allclose(found.points[0], (symmetric() + 0.5) * 48 - 0.5, atol=1e-4)
    alone = xception.detector(Constant(moved, 0.04), "fp32")(photographs(2), False)
    np.testing.assert_allclose(alone.uncertainty, 0.04, atol=1e-5)
    np.testing.assert_allclose(alone.points[0], (moved + 0.5) * 48 - 0.5, atol=1e-4)


def test_a_locator_gives_what_its_network_gives() -> None:
    """Folding the batch normalisation changes nothing, nor does the batch."""
    images = photographs(xception.BATCH["cpu"] + 3, INPUT)
    for head in ("direct", "voting"):
        with torch.no_grad():
            raw = network(head)(xception.scale(torch.from_numpy(images)[:, None].float())).numpy()
        found = xception.detector(network(head), "fp32")(images, False)
        np.testing.assert_allclose(found.points, (raw[..., :2] + 0.5) * INPUT - 0.5, atol=0.02)
        np.testing.assert_allclose(found.uncertainty, raw[..., 2].mean(1), atol=1e-4)
        folded = xception.detector(network(head), "fp32").args[0]  # type: ignore[attr-defined]
        assert not any(isinstance(layer, nn.BatchNorm2d) for layer in folded.modules())


def test_several_threads_find_the_same_and_are_as_many_afterwards() -> None:
    images = photographs(2 * xception.BATCH["cpu"] + 1)
    locate = xception.detector(network("voting"), "fp32", mirror=True)
    before = torch.get_num_threads()
    try:
        torch.set_num_threads(1)
        one = locate(images, False)
        torch.set_num_threads(2)
        other = locate(images, False)
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(before)
    np.testing.assert_allclose(other.points, one.points, atol=1e-3)
    np.testing.assert_allclose(other.uncertainty, one.uncertainty, atol=1e-5)


def test_training_on_does_not_change_a_locator() -> None:
    torch.manual_seed(0)
    model = landmark_network(points=points.COUNT, width=0.125, head="voting").train()
    locate = xception.detector(model, "fp32")
    before = locate(photographs(2), False).points
    assert model.training
    assert any(isinstance(layer, nn.BatchNorm2d) for layer in model.modules())
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(1)
    np.testing.assert_array_equal(locate(photographs(2), False).points, before)


@pytest.mark.parametrize("head", ["direct", "voting"])
def test_a_saved_model_finds_the_same_points(tmp_path: Path, head: str) -> None:
    """One that does not vote has no uncertainty but that of the mirror image."""
    path = tmp_path / "landmarks.safetensors"
    save_network(
        path, network(head), {"network": "xception", "recipe": {"width": 0.125, "head": head, "precision": "fp32"}}
    )
    for mirror in (False, True):
        again = xception.open_model(path, mirror)(photographs(), False)
        expected = xception.detector(network(head), "fp32", mirror=mirror or head == "direct")(photographs(), False)
        np.testing.assert_allclose(again.points, expected.points, atol=1e-4)
        np.testing.assert_allclose(again.uncertainty, expected.uncertainty, atol=1e-4)
        assert (again.uncertainty > 0).all()


def test_no_images_have_no_points() -> None:
    found = xception.detector(network("voting"), "fp32")(photographs(0), False)
    assert found.points.shape == (0, points.COUNT, 2)
    assert found.uncertainty.shape == (0,)


# dlib's


def drawn_face(shift: npt.NDArray[Any], side: int = dlib_trees.SIDE) -> tuple[Images, Points]:
    """A blob for each eye, the nose and the mouth, and 68 points among them, moved by so much of the side."""
    shape = symmetric()[:, :2] * 0.9 + shift
    shape[0] = (-0.2, -0.1) + shift
    shape[16] = (0.2, -0.1) + shift
    for corner, x in zip(points.OUTER_EYE_CORNERS, (-0.2, 0.2), strict=True):
        shape[corner] = (x, -0.15) + shift
    y, x = np.mgrid[:side, :side]
    image: npt.NDArray[Any] = np.full((side, side), 40.0)
    for blob in ((-0.2, -0.15), (0.2, -0.15), (0, 0.05), (0, 0.25)):
        column, row = (np.array(blob) + shift + 0.5) * side - 0.5
        image = image + 180 * np.exp(-((x - column) ** 2 + (y - row) ** 2) / (2 * (0.05 * side) ** 2))
    return image.clip(0, 255).astype(np.uint8), ((shape + 0.5) * side - 0.5).astype(np.float32)


def shifts(count: int, seed: int) -> npt.NDArray[np.float64]:
    return np.random.default_rng(seed).uniform(-0.08, 0.08, (count, 2))


@pytest.fixture(scope="module")
def predictor(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A predictor trained on drawn faces, with the box that dlib's detector would give."""
    path = tmp_path_factory.mktemp("dlib") / "predictor.dat"
    return train_predictor(path, points.COUNT)


def train_predictor(path: Path, count: int) -> Path:
    box = dlib.rectangle(*(round(edge * dlib_trees.SIDE) for edge in dlib_trees.BOX))
    faces = [drawn_face(shift) for shift in shifts(60, seed=0)]
    shapes = [
        [dlib.full_object_detection(box, [dlib.point(int(x), int(y)) for x, y in face[:count].round()])]
        for _, face in faces
    ]
    options = dlib.shape_predictor_training_options()
    options.cascade_depth, options.num_trees_per_cascade_level, options.tree_depth = 2, 40, 3
    options.oversampling_amount, options.nu, options.num_test_splits = 3, 0.4, 20
    options.num_threads, options.be_verbose, options.random_seed = 1, False, "0"
    dlib.train_shape_predictor([image for image, _ in faces], shapes, options).save(str(path))
    return path


@pytest.mark.parametrize("side", [48, 128])
def test_dlibs_points_are_in_the_pixels_of_the_image(predictor: Path, side: int) -> None:
    moved = shifts(30, seed=1)
    images, true = (np.array(part) for part in zip(*(drawn_face(shift, side) for shift in moved), strict=True))
    found = dlib_trees.open_model(predictor)(images, False).points
    assert found.dtype == np.float32
    offsets = (found - true) / side
    # It is hardly trained; but it follows the faces, and is right on average.
    assert np.linalg.norm(offsets, axis=-1).mean() < 0.5 * np.linalg.norm(moved, axis=-1).mean()
    assert np.abs(offsets.mean((0, 1))).max() < 0.005
    assert np.corrcoef(found[:, 36, 0], moved[:, 0])[0, 1] > 0.8
    assert np.corrcoef(found[:, 36, 1], moved[:, 1])[0, 1] > 0.8


def test_dlibs_points_of_a_mirrored_image_are_mirrored_and_as_doubtful(predictor: Path) -> None:
    images = np.array([drawn_face(shift, 64)[0] for shift in shifts(4, seed=2)])
    locate = dlib_trees.open_model(predictor)
    found, mirrored = locate(images, False), locate(images[:, :, ::-1], False)
    np.testing.assert_allclose(mirrored.points, points.mirror(found.points, 64), atol=1e-3)
    np.testing.assert_allclose(mirrored.uncertainty, found.uncertainty, rtol=1e-4)
    assert (found.uncertainty > 0).all()
    assert found.uncertainty.shape == (4,)


def test_dlibs_doubt_is_how_far_the_views_are_apart(predictor: Path) -> None:
    image = drawn_face(np.array([0.03, 0.02]), 64)[0]
    opened = dlib_trees.open_predictor(predictor)
    straight = dlib_trees.predict(opened, image)
    back = points.mirror(dlib_trees.predict(opened, np.ascontiguousarray(image[:, ::-1])), 64)
    mean = (straight + back) / 2
    expected = np.hypot(*(straight - back).T).mean() / np.hypot(*(mean[45] - mean[36]))
    found = dlib_trees.open_model(predictor)(image[None], False)
    assert found.uncertainty.tolist() == pytest.approx([expected], rel=1e-4)
    np.testing.assert_allclose(found.points[0], mean, atol=1e-4)


def refuse(path: Path) -> str:
    with pytest.raises(InputError) as caught:
        dlib_trees.open_model(path)
    return str(caught.value)


def test_a_missing_predictor_is_named_with_where_to_get_it(tmp_path: Path) -> None:
    message = refuse(tmp_path / "predictor.dat")
    assert message.startswith(f"params.yaml: landmarks: dlib: {tmp_path}/predictor.dat is missing; ")
    assert "shape_predictor_68_face_landmarks.dat" in message


def test_a_damaged_predictor_is_refused(tmp_path: Path, predictor: Path) -> None:
    path = tmp_path / "predictor.dat"
    for content in (b"", b"no trees", predictor.read_bytes()[:1000]):
        path.write_bytes(content)
        message = refuse(path)
        assert message.startswith(f"{path}: no shape predictor of dlib's")
        assert message.endswith("; replace it")


def test_a_predictor_of_other_points_is_refused(tmp_path: Path) -> None:
    """Such as the one for 5 points, which lies beside the right one."""
    assert "68" in refuse(train_predictor(tmp_path / "predictor.dat", 5))


def test_dlib_is_asked_for_where_it_is_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "dlib", None)
    assert refuse(tmp_path / "predictor.dat").endswith("dlib is not installed; pip install dlib-bin")


# face-alignment's


class HeatMaps(nn.Module):
    """Gives what it sees as heat maps, a quarter as large: the brightest place is where every point lies."""

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return functional.avg_pool2d(images, 4).mean(1, keepdim=True).repeat(1, points.COUNT, 1, 1)


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder for weights, and no network."""

    def fail(*_: object, **__: object) -> None:
        raise URLError("no network")

    monkeypatch.setattr(torch.hub, "_hub_dir", str(tmp_path))
    monkeypatch.setattr(fan, "FOLDER", tmp_path)
    monkeypatch.setattr("face_alignment.utils.download_url_to_file", fail)
    return tmp_path


@pytest.fixture
def heat_maps(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(FaceAlignment, "_load_native", lambda *_: HeatMaps())


@pytest.mark.usefixtures("heat_maps")
@pytest.mark.parametrize("side", [48, 128])
def test_face_alignments_points_are_in_the_pixels_of_the_image(side: int) -> None:
    places = np.random.default_rng(0).uniform(side * 0.25, side * 0.75, (30, 2))
    found = fan.open_detector(settings())(with_spots(places, side, side / 20), False)
    assert found.points.dtype == found.uncertainty.dtype == np.float32
    offsets = found.points - places[:, None]
    # Cells of its heat maps are a fortieth of the side wide, and it rounds to whole pixels.
    assert np.abs(offsets).max() < 1.2 * max(1, side / 64)
    assert np.abs(offsets.mean((0, 1))).max() < 0.75


def test_face_alignment_is_told_what_the_points_span() -> None:
    span = np.array([[20.0, 30, 120, 130]])
    around = Squares.around(span)
    for side in (48, 128):
        boxes: list[Any] = []

        def note(image: Images, faces: list[Any], boxes: list[Any] = boxes, **_: bool) -> Any:
            boxes.append((faces, image.shape[0]))
            return [np.zeros((points.COUNT, 2))], [np.zeros(points.COUNT)], None

        fan._locate(SimpleNamespace(get_landmarks_from_image=note), photographs(1, side), False)
        ((found,), enlarged), *_ = boxes
        expected = around.inside(span.reshape(1, 2, 2).astype(np.float32), enlarged).ravel()
        np.testing.assert_allclose(found, expected, atol=1e-4)


@pytest.mark.usefixtures("heat_maps")
def test_face_alignments_doubt_is_how_far_peaks_stay_below_one() -> None:
    levels = np.array([51, 128, 255], np.uint8)
    images = np.repeat(np.repeat(levels[:, None, None], 48, 1), 48, 2)
    uncertainty = fan.open_detector(settings())(images, False).uncertainty
    np.testing.assert_allclose(uncertainty, 1 - levels / 255, atol=0.01)


def test_face_alignment_runs_with_weights_that_lie_where_it_looks(hub: Path) -> None:
    torch.manual_seed(0)
    path = fan.weights()
    assert path.is_relative_to(hub)
    path.parent.mkdir()
    torch.save(FAN(4).state_dict(), path)
    found = fan.open_detector(settings())(photographs(1), False)
    assert found.points.shape == (1, points.COUNT, 2)
    assert found.uncertainty.shape == (1,)
    assert np.isfinite(found.points).all()
    assert np.isfinite(found.uncertainty).all()


@pytest.mark.usefixtures("hub")
def test_weights_that_cannot_be_had_are_one_line_with_url_and_place() -> None:
    with pytest.raises(InputError) as caught:
        fan.open_detector(settings())
    message = str(caught.value)
    assert "\n" not in message
    assert message.startswith("params.yaml: landmarks: face_alignment has no weights (")
    assert "no network" in message
    assert message.endswith(
        f"; put https://www.adrianbulat.com/downloads/python-fan/{fan.weights().name} at {fan.weights()}"
    )


@pytest.mark.usefixtures("hub")
@pytest.mark.parametrize("content", [b"", b"garbage"])
def test_damaged_weights_are_refused(content: bytes) -> None:
    path = fan.weights()
    path.parent.mkdir()
    path.write_bytes(content)
    with pytest.raises(InputError) as caught:
        fan.open_detector(settings())
    assert str(path) in str(caught.value)


def test_face_alignment_is_asked_for_where_it_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "face_alignment", None)
    with pytest.raises(InputError, match=r"^params\.yaml: landmarks: face_alignment is not installed; "):
        fan.open_detector(settings())


# All of them


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, predictor: Path) -> Path:
    """A folder with a landmark model and dlib's predictor where they belong, and none of face-alignment's weights."""
    monkeypatch.chdir(tmp_path)
    write_landmark_model()
    dlib_trees.MODEL.parent.mkdir(parents=True)
    shutil.copy(predictor, dlib_trees.MODEL)
    return tmp_path


@pytest.mark.usefixtures("project", "heat_maps")
def test_a_detector_is_opened_by_its_name() -> None:
    asked = settings(mirror=True)
    images = photographs(2)
    expected = {
        "xception": xception.open_model(xception.MODEL, mirror=True),
        "dlib": dlib_trees.open_model(dlib_trees.MODEL),
        "face_alignment": fan.open_detector(asked),
    }
    assert detectors.names() == sorted([*expected, "pretrained"])  # see test_release.py
    for provider, detector in expected.items():
        found = detectors.open_detector(provider, asked)(images, False)
        np.testing.assert_array_equal(found.points, detector(images, False).points)
        np.testing.assert_array_equal(found.uncertainty, detector(images, False).uncertainty)


@pytest.mark.usefixtures("project")
def test_those_that_are_to_be_compared_are_opened_behind_the_provider_and_once() -> None:
    assert list(detectors.open_all(settings())) == ["xception"]
    assert list(detectors.open_all(settings(compare=["dlib", "xception"]))) == ["xception", "dlib"]
    assert list(detectors.open_all(settings(provider="dlib", compare=["xception"]))) == ["dlib", "xception"]


@pytest.mark.usefixtures("project", "hub")
@pytest.mark.parametrize("asked", [{"provider": "face_alignment"}, {"compare": ["face_alignment"]}])
def test_all_that_are_named_must_be_there(asked: dict[str, Any]) -> None:
    with pytest.raises(InputError, match="landmarks: face_alignment has no weights"):
        detectors.open_all(settings(**asked))


@pytest.mark.usefixtures("project")
def test_packages_that_are_missing_and_not_asked_for_are_not_missed(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("face_alignment", "face_alignment.api", "dlib"):
        monkeypatch.setitem(sys.modules, name, None)
    assert list(detectors.open_all(settings())) == ["xception"]


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_a_model_is_applied_in_the_precision_that_it_was_trained_in(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, precision: str
) -> None:
    asked: list[str] = []
    autocast = device.autocast

    def note(place: torch.device, precision: str = "auto") -> Any:
        asked.append(precision)
        return autocast(place, precision)

    monkeypatch.setattr(device, "autocast", note)
    header = {"network": "xception", "recipe": {"width": 0.125, "head": "voting", "precision": precision}}
    save_network(tmp_path / "a.safetensors", network("voting"), header)
    locate = xception.open_model(tmp_path / "a.safetensors", mirror=False)
    locate(np.zeros((1, 48, 48), np.uint8), False)
    assert asked == [precision]


# In photographs


def brightest(images: Images, _: bool) -> Guess:
    """All points at the middle of the bright spot."""
    y, x = np.mgrid[: images.shape[1], : images.shape[2]]
    weights = np.clip(images.astype(float) - 120, 0, None)
    total = weights.sum((1, 2))
    places = np.stack([(weights * x).sum((1, 2)) / total, (weights * y).sum((1, 2)) / total], 1)
    return Guess(np.repeat(places[:, None], points.COUNT, 1).astype(np.float32), total.astype(np.float32))


def test_points_of_photographs_are_in_their_pixels() -> None:
    sizes = ((90, 130), (300, 260), (41, 64))
    boxes = np.array([[20.0, 10, 100, 70], [30, 40, 230, 280], [-5, 3, 40, 39]])
    places = np.array([[50.0, 33], [180, 130], [11, 22]])
    images = []
    for size, place, box in zip(sizes, places, boxes, strict=True):
        square = with_spots(place[None], max(size), (box[2] - box[0]) / 20)[0]
        images.append(square[: size[0], : size[1]])
    coloured = [images[0], cv2.cvtColor(images[1], cv2.COLOR_GRAY2RGB), images[2]]
    found = find(brightest, coloured, boxes)
    np.testing.assert_allclose(found.points, np.repeat(places[:, None], points.COUNT, 1), atol=0.25)


def test_finding_in_boxes_is_cutting_squares_and_mapping_back() -> None:
    rng = np.random.default_rng(0)
    images = [rng.integers(0, 256, shape).astype(np.uint8) for shape in ((90, 130), (64, 41, 3), (48, 48))]
    boxes = np.array([[20, 30, 100, 80], [5.5, 2, 40, 61], [0, 0, 47, 47]])
    locate = xception.detector(network("voting"), "fp32")
    found = find(locate, images, boxes)
    for row, (image, (left, top, right, bottom)) in enumerate(zip(images, boxes, strict=True)):
        grey = Squares.around(boxes[row : row + 1]).cut([image], INPUT)
        alone = locate(grey, False)
        size = TIGHT * max(right - left, bottom - top)
        corner = np.array([(left + right) / 2, (top + bottom) / 2]) - size / 2
        expected = corner + (alone.points[0] + 0.5) * size / INPUT
        np.testing.assert_allclose(found.points[row], expected, atol=1e-2)
        np.testing.assert_allclose(found.uncertainty[row], alone.uncertainty[0], rtol=1e-3)
