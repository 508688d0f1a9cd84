"""Sheets of what is inside a classifier, and of its answers."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from sample_sets import expression_set, refused
from tiny_networks import classifier_of, tiny_network

from pipeline.inside.saliency import SIMILAR
from pipeline.report.sheets.answers import answers_sheet
from pipeline.report.sheets.canvas import PAPER
from pipeline.report.sheets.inside import (
    NEGATIVE,
    POSITIVE,
    activations_sheet,
    draw_inside,
    filters_sheet,
    saliency_sheet,
    signed,
)

CLASSES = ("angry", "disgust", "fear", "happy", "sad", "surprise", "neutral")
IMAGES = np.random.default_rng(0).integers(0, 256, (3, 16, 16)).astype(np.uint8)


def has(sheet: np.ndarray, colour: tuple[int, int, int]) -> bool:
    return bool((sheet == colour).all(axis=-1).any())


def test_numbers_have_a_colour_by_sign_and_white_is_nothing() -> None:
    drawn = signed(np.array([[2.0, -2.0, 0.0, 9.0]]), 2.0)
    np.testing.assert_array_equal(drawn[0], [POSITIVE, NEGATIVE, (255, 255, 255), POSITIVE])
    assert (signed(np.zeros((2, 2)), 0.0) == 255).all()


def test_filters_share_a_scale() -> None:
    """One filter has the largest weight of all, and only it is in full colour."""
    filters = np.full((20, 1, 3, 3), 0.1, np.float32)
    filters[7] = 1.0
    sheet = filters_sheet(filters)
    assert 48 * 48 * 0.9 < (sheet == POSITIVE).all(axis=-1).sum() <= 48 * 48
    assert filters_sheet(np.random.default_rng(0).normal(size=(64, 3, 7, 7)).astype(np.float32)).ndim == 3


def test_activations_share_a_scale_over_all_images() -> None:
    maps = np.zeros((3, 2, 4, 4), np.float32)
    maps[0, 0, :2], maps[1, 1, :2] = 5, -1
    sheet = activations_sheet(IMAGES, list("abc"), maps, "layer")
    assert has(sheet, POSITIVE)
    assert not has(sheet, NEGATIVE)  # a fifth of full colour


def test_a_method_that_random_weights_hardly_change_is_not_drawn() -> None:
    maps = np.random.default_rng(0).normal(size=(3, 16, 16)).astype(np.float32)
    shown = saliency_sheet(IMAGES, list("abc"), {"method": (maps, SIMILAR - 0.01)})
    left_out = saliency_sheet(IMAGES, list("abc"), {"method": (maps, SIMILAR)})
    assert has(shown, POSITIVE)
    assert not has(left_out, POSITIVE)
    assert left_out.shape[0] < shown.shape[0]


def test_all_is_drawn_into_a_folder(tmp_path: Path) -> None:
    classifier = classifier_of(tiny_network(), CLASSES, 16)
    said = draw_inside(tmp_path, classifier, IMAGES, ["one", "two", "three"], None)
    assert said.splitlines() == [
        "0: 8 maps of 16 x 16", "1: 8 maps of 16 x 16", "2: 8 maps of 8 x 8",
    ]  # fmt: skip
    assert {path.name for path in tmp_path.iterdir()} == {
        "filters.png", "activations.png", "saliency.png", "looked.json",
    }  # fmt: skip
    looked = json.loads((tmp_path / "looked.json").read_text())
    assert (looked["layer"], looked["layers"], looked["limit"]) == ("2", ["0", "1", "2"], SIMILAR)
    assert looked["similar_to_random"].keys() == {"Grad-CAM at 2", "integrated gradients"}
    draw_inside(tmp_path, classifier, IMAGES, ["one", "two", "three"], "1")
    assert json.loads((tmp_path / "looked.json").read_text())["layer"] == "1"
    assert "no layer 'body.fc'" in refused(draw_inside, tmp_path, classifier, IMAGES, ["a", "b", "c"], "body.fc")


@pytest.mark.parametrize("channels", [1, 3])
def test_answers_are_sorted_by_the_probability_of_the_true_class(channels: int) -> None:
    """Each image is as light as its true class is probable: a row goes from light to dark."""
    count = 70
    expressions = expression_set(count, channels=channels)
    probabilities = np.random.default_rng(0).dirichlet(np.ones(7), count).astype(np.float32)
    true = probabilities[np.arange(count), expressions.labels]
    expressions.images[:] = (255 * true).astype(np.uint8).reshape(-1, *[1] * (expressions.images.ndim - 1))
    rows = np.arange(count)
    sheet = answers_sheet(expressions, rows, probabilities)
    height = sheet.shape[0] // 7
    for code in range(7):
        levels = [int(sheet[code * height + height // 2, 6 + 118 * column + 50, 0]) for column in range(12)]
        own = np.sort((255 * true[expressions.labels == code]).astype(np.uint8).astype(int))
        assert levels[:4] == own[::-1][:4].tolist()
        assert levels[4:8] == own[:4].tolist()
        assert set(levels[8:]) <= set(own.tolist())


def test_a_class_of_few_images_leaves_places_empty() -> None:
    expressions = expression_set(7)
    sheet = answers_sheet(expressions, np.arange(7), np.full((7, 7), 1 / 7, np.float32))
    assert tuple(sheet[80, 6 + 118 * 2 + 50]) == PAPER
