"""The demo data: exact points, expressions that move them the right way, and the published formats and defects."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
import pandas as pd
import pytest
from defusedxml import ElementTree

from pipeline.data.twin_search import find_twins
from pipeline.demo import fer, ibug, relief
from pipeline.demo.action_units import ACTION_UNITS, EXPRESSIONS, moved, random_activations
from pipeline.demo.head import paint_head
from pipeline.demo.look import random_look
from pipeline.demo.shape import Shape, neutral_points, random_shape
from pipeline.faces.points import MIRROR
from pipeline.params import load_params

FER_ROWS = {"Training": 300, "PublicTest": 100, "PrivateTest": 100}
PHOTOGRAPHS = {"afw": 2, "helen/trainset": 3, "helen/testset": 2, "ibug": 6}


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    drawn = tmp_path_factory.mktemp("demo")
    fer.draw_fer(drawn, seed=0, rows=FER_ROWS)
    ibug.draw_ibug(drawn, seed=0, photographs=PHOTOGRAPHS)
    return drawn


@pytest.fixture(scope="module")
def rows(folder: Path) -> pd.DataFrame:
    return pd.read_csv(folder / "fer2013.csv")


@pytest.fixture(scope="module")
def votes(folder: Path) -> pd.DataFrame:
    return pd.read_csv(folder / "fer2013new.csv")


# The parametric face


@pytest.mark.parametrize("seed", range(5))
def test_a_neutral_face_is_its_own_mirror_image(seed: int) -> None:
    points = neutral_points(random_shape(np.random.default_rng(seed)))
    np.testing.assert_allclose(points[MIRROR] * [-1, 1], points, atol=1e-12)


@pytest.mark.parametrize("unit", ACTION_UNITS)
def test_action_units_move_both_halves_alike(unit: int) -> None:
    points = moved(neutral_points(Shape()), {unit: 1.0})
    np.testing.assert_allclose(points[MIRROR] * [-1, 1], points, atol=1e-12)


@pytest.mark.parametrize(
    ("unit", "indices", "direction"),
    [
        (1, [20, 21, 22, 23], "up"),  # inner brows
        (2, [17, 18, 25, 26], "up"),  # outer brows
        (4, [20, 21, 22, 23], "down"),
        (5, [37, 38, 43, 44], "up"),  # upper lids
        (6, [40, 41, 46, 47], "up"),  # lower lids
        (9, [31, 35], "up"),  # wings of the nose
        (12, [48, 54], "up"),  # mouth corners
        (15, [48, 54], "down"),
        (26, [57, 66, 8], "down"),  # lower lip, its inner edge, chin
        (43, [37, 38, 43, 44], "down"),
    ],
)
def test_action_units_move_their_points_the_way_facs_says(unit: int, indices: list[int], direction: str) -> None:
    rest = neutral_points(Shape())
    rise = rest[indices, 1] - moved(rest, {unit: 1.0})[indices, 1]  # y grows downwards
    assert (rise > 0.01).all() if direction == "up" else (rise < -0.01).all()


def test_the_jaw_drop_opens_the_lips_and_the_tightener_does_not() -> None:
    def gap(unit: int) -> float:
        points = moved(neutral_points(Shape()), {unit: 1.0})
        return float(points[66, 1] - points[62, 1])

    assert gap(26) > 0.25
    assert gap(23) < 0.03


@pytest.mark.parametrize("name", EXPRESSIONS)
def test_features_stay_in_order_in_every_expression(name: str) -> None:
    for seed in range(20):
        rng = np.random.default_rng(seed)
        points = moved(neutral_points(random_shape(rng)), random_activations(name, 1.15, rng))
        x, y = points.T
        assert (np.diff(x[:17]) > 0).all(), "the jaw runs from left to right"
        assert (np.diff(x[17:27]) > 0).all(), "so do the brows"
        assert (np.diff(y[27:31]) > 0).all(), "the bridge of the nose runs down"
        assert (y[[37, 38, 43, 44]] <= y[[41, 40, 47, 46]]).all(), "upper lids lie above lower lids"
        assert (np.diff(x[48:55]) > 0).all(), "the upper lip runs from corner to corner"
        assert (y[[51, 62, 66, 57, 8]] == np.maximum.accumulate(y[[51, 62, 66, 57, 8]])).all(), "lips, then chin"
        assert y[17:27].max() < y[[36, 39, 42, 45]].min(), "the brows lie above the eyes"


@pytest.mark.parametrize(("yaw", "pitch", "roll"), [(0, 0, 0), (25, 0, 0), (-32, 18, 20), (32, -18, -32)])
def test_pixels_and_points_turn_by_the_same_rule(yaw: float, pitch: float, roll: float) -> None:
    view = relief.View(yaw, pitch, roll, scale=50, x=100, y=110)
    points, depth = neutral_points(Shape()), relief.depth_map({})
    seen = relief.projected(points, depth, view)
    places = relief.places_seen(depth, view, 220, 200)
    x, y = seen.T.astype(np.float32)[:, None]
    back = np.stack([cv2.remap(plane, x, y, cv2.INTER_LINEAR)[0] for plane in places], axis=1)
    assert np.abs(back - points).max() * view.scale < 0.5  # pixels


def test_painted_features_lie_on_their_points() -> None:
    rng = np.random.default_rng(3)
    points = neutral_points(Shape())
    bald = replace(random_look(rng, covered=0), style=None, beard="none", glasses="none")
    head = paint_head(points, bald, {}, 40, rng)

    def shown(places: npt.NDArray[np.float64]) -> npt.NDArray[Any]:
        return np.asarray(relief.sampled(head, places.T[:, None].astype(np.float32))[0])

    jaw = points[2:15]
    assert (shown(jaw * 0.96)[:, 3] == 255).all()  # skin up to the jaw's points
    assert (shown(jaw * 1.03)[2:-2, 3] < 26).all()  # next to nothing beyond, but for the ears
    skin = shown(points[[2, 14]] * 0.7)[:, :3].mean()
    for line in (points[17:22], points[22:27], points[60:65]):
        assert (shown(line[1:-1])[:, :3].mean(axis=1) < 0.8 * skin).all()  # brows and the lips' seam are darker


# FER2013 and FER+


def test_fer2013_has_kaggles_columns_and_usages_in_order(rows: pd.DataFrame) -> None:
    assert list(rows.columns) == ["emotion", "pixels", "Usage"]
    assert rows["Usage"].tolist() == [usage for usage, count in FER_ROWS.items() for _ in range(count)]
    assert set(rows["emotion"]) == set(range(7))
    images = np.array([np.array(text.split(), dtype=int) for text in rows["pixels"]])
    assert images.shape == (500, 48 * 48)
    assert images.min() >= 0
    assert images.max() <= 255


def test_ferplus_has_its_columns_ten_votes_and_a_name_unless_the_image_is_blank(
    rows: pd.DataFrame, votes: pd.DataFrame
) -> None:
    assert list(votes.columns) == ["Usage", "Image name", *fer.VOTE_COLUMNS]
    assert votes["Usage"].tolist() == rows["Usage"].tolist()
    assert (votes[fer.VOTE_COLUMNS].sum(axis=1) == fer.VOTERS).all()
    blank = np.array([len(set(text.split())) == 1 for text in rows["pixels"]])
    assert blank.any()
    assert votes["Image name"].isna().tolist() == blank.tolist()
    assert (votes.loc[blank, "NF"] == 10).all()
    named = votes["Image name"].dropna()
    assert named.tolist() == [f"fer{row:07d}.png" for row in named.index]


def test_votes_mostly_agree_with_the_labels(rows: pd.DataFrame, votes: pd.DataFrame) -> None:
    voted = ["anger", "disgust", "fear", "happiness", "sadness", "surprise", "neutral"]
    agree = votes[voted].to_numpy().argmax(axis=1) == rows["emotion"].to_numpy()
    assert 0.6 < agree.mean() < 0.98  # weak expressions and wrong labels disagree


def test_some_images_occur_in_two_splits_and_some_of_them_with_two_labels(rows: pd.DataFrame) -> None:
    groups = rows.groupby("pixels")
    assert (groups["Usage"].nunique() > 1).any()
    assert (groups["emotion"].nunique() > 1).any()


@pytest.fixture(scope="module")
def drawn() -> list[fer.Row]:
    """The demo's rows as `dvc repro` draws them."""
    return [row for _, row in fer.draw_rows(0, fer.ROWS)]


def test_some_twins_are_the_same_file_and_some_were_saved_again(drawn: list[fer.Row]) -> None:
    twins = [(row, row.original) for row in drawn if row.original is not None]
    same = [np.array_equal(row.image, original.image) for row, original in twins]
    assert 0.02 * len(drawn) < len(twins) < 0.05 * len(drawn)
    assert 0.2 < 1 - np.mean(same) < 0.6
    for row, original in twins:
        assert (row.votes == original.votes).all()
        assert any(original is other for other in drawn)
    assert 0.1 < np.mean([row.label != original.label for row, original in twins]) < 0.5


def test_a_photograph_that_was_saved_again_is_the_same_one_at_times_mirrored() -> None:
    straight, turned = [], []
    for seed in range(60):
        rng = np.random.default_rng(seed)
        image, _ = fer.draw_face(fer.NAMES[seed % 7], rng)
        again = fer.saved_again(image, rng)
        assert again.shape == image.shape
        assert again.dtype == np.uint8
        assert (again != image).any()
        straight.append(np.corrcoef(image.ravel(), again.ravel())[0, 1])
        turned.append(np.corrcoef(image[:, ::-1].ravel(), again.ravel())[0, 1])
    best = np.maximum(straight, turned)
    assert best.min() > 0.6  # a noisy face with little contrast, moved
    assert np.median(best) > 0.9
    assert 0.1 < (np.array(turned) > straight).mean() < 0.4


def test_the_search_for_twins_finds_those_that_were_drawn_and_hardly_any_others(drawn: list[fer.Row]) -> None:
    number = {id(row): index for index, row in enumerate(drawn)}
    true = np.arange(len(drawn))
    for index, row in enumerate(drawn):
        if row.original is not None:
            true[index] = true[number[id(row.original)]]
    images = np.stack([row.image for row in drawn])
    threshold = load_params(Path(__file__).parents[2] / "params.yaml").twins.min_correlation
    found = find_twins(images, threshold).twins
    one, other = np.triu_indices(len(drawn), 1)
    alike, joined = true[one] == true[other], found[one] == found[other]
    assert joined[alike].mean() > 0.9
    # Drawn faces differ less than photographs do: head and background can come out alike by chance.
    assert (joined & ~alike).sum() <= 3


# iBUG 300-W


@pytest.mark.parametrize(
    ("split", "places"), [("train", ["afw", "helen/trainset"]), ("test", ["helen/testset", "ibug"])]
)
def test_xml_agrees_with_the_pts_files_and_the_images(folder: Path, split: str, places: list[str]) -> None:
    archive = folder / ibug.FOLDER
    listed = ElementTree.parse(archive / f"labels_ibug_300W_{split}.xml").findall("images/image")
    assert [item.attrib["file"] for item in listed] == [
        f"{place}/image_{index + 1:04d}.jpg" for place in places for index in range(PHOTOGRAPHS[place])
    ]
    for item in listed:
        photograph = archive / item.attrib["file"]
        size = int(item.attrib["height"]), int(item.attrib["width"])
        image = cv2.imread(str(photograph))
        assert image is not None
        assert image.shape == (*size, 3)
        (box,) = item.findall("box")
        left, top, wide, high = (int(box.attrib[name]) for name in ("left", "top", "width", "height"))
        assert 0 <= left < left + wide <= size[1]
        assert 0 <= top < top + high <= size[0]
        parts = np.array([[int(part.attrib["x"]), int(part.attrib["y"])] for part in box.findall("part")])
        points = read_pts(photograph.with_suffix(".pts"))
        assert np.abs(points - parts).max() <= 0.5 + 1e-6
        centre = points.mean(axis=0)
        assert left < centre[0] < left + wide
        assert top < centre[1] < top + high


def read_pts(path: Path) -> npt.NDArray[np.float64]:
    version, count, opening, *lines = path.read_text().splitlines()
    assert [version, count, opening, lines.pop()] == ["version: 1", "n_points:  68", "{", "}"]
    return np.array([line.split() for line in lines], dtype=np.float64) - 1


@pytest.mark.parametrize("challenging", [False, True])
def test_all_points_lie_inside_the_photograph(challenging: bool) -> None:
    for seed in range(40):
        image, points = ibug.draw_photograph(np.random.default_rng(seed), challenging)
        assert points.min() >= 0
        assert points.max() <= len(image) - 1


# Reproducibility


def test_the_same_seed_draws_the_same_bytes_and_another_seed_others(tmp_path: Path) -> None:
    for name, seed in (("first", 1), ("again", 1), ("other", 2)):
        (tmp_path / name).mkdir()
        fer.draw_fer(tmp_path / name, seed, {"Training": 6, "PublicTest": 2})
        ibug.draw_ibug(tmp_path / name, seed, {"afw": 1, "ibug": 1})
    first, again, other = (contents(tmp_path / name) for name in ("first", "again", "other"))
    assert first == again
    assert first.keys() == other.keys()
    assert all(first[name] != other[name] for name in first)


def test_drawing_more_images_leaves_the_first_ones_as_they_were() -> None:
    few = fer.draw_rows(0, {"Training": 4, "PublicTest": 3})
    many = fer.draw_rows(0, {"Training": 9, "PublicTest": 3})
    for (_, row), (_, same) in zip(few, many[:4] + many[9:], strict=True):
        assert (row.image == same.image).all()
        assert row.label == same.label
