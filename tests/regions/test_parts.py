"""Parts of the face: each pixel has just one, and it is the right one."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest
from made_up import frontal_face
from matplotlib.path import Path as Polygon
from sample_sets import random_points

from pipeline.demo.shape import Shape, forehead, neutral_points
from pipeline.params import load_params
from pipeline.regions.boxes import whole_boxes
from pipeline.regions.definitions import Outlined, read_part
from pipeline.regions.parts import label_parts, outlines, seen_points

SIDE = 48
PARTS = load_params().parts
NAMES = list(PARTS)


def part_at(labels: npt.NDArray[np.uint8], x: float, y: float) -> str:
    return NAMES[int(labels[round(float(y)), round(float(x))])]


@pytest.mark.parametrize("seed", range(3))
def test_they_cover_the_image_without_overlap_wherever_the_points_are(seed: int) -> None:
    labels = label_parts(random_points(4, -30, 80, seed), PARTS, SIDE)
    assert labels.shape == (4, SIDE, SIDE)
    assert labels.max() < len(PARTS)  # one number a pixel: none is left out, none counts twice


def test_every_part_lies_where_its_name_says() -> None:
    face = frontal_face()
    labels = label_parts(face[None], PARTS, SIDE)[0]
    assert set(np.unique(labels)) == set(range(len(PARTS)))
    assert part_at(labels, *face[36:42].mean(axis=0)) == "eyes"
    assert part_at(labels, *face[42:48].mean(axis=0)) == "eyes"
    assert part_at(labels, *face[17:22].mean(axis=0)) == "brows"
    assert part_at(labels, *face[[21, 22]].mean(axis=0)) == "brows"  # between the brows too
    assert part_at(labels, *face[30]) == "nose"
    assert part_at(labels, *face[48:60].mean(axis=0)) == "mouth"
    assert part_at(labels, *((face[4] + face[48]) / 2)) == "cheeks_and_jaw"
    assert part_at(labels, *((face[8] + face[57]) / 2)) == "cheeks_and_jaw"
    assert part_at(labels, 0, 47) == part_at(labels, 47, 0) == "outside"


def test_a_hull_without_margin_holds_the_pixels_within_it() -> None:
    """Against matplotlib's polygons; pixels within half a square of the grid of the outline may fall either way."""
    parts = {"mouth": Outlined(points=("49-60",)), "outside": read_part("rest")}  # type: ignore[arg-type]
    face = frontal_face()
    corners = outlines(face, parts["mouth"])[0]
    y, x = np.mgrid[:SIDE, :SIDE]
    centres = np.stack([x.ravel(), y.ravel()], axis=1)
    found = label_parts(face[None], parts, SIDE)[0].ravel() == 0
    within, around = (Polygon(corners).contains_points(centres, radius=sign * 0.25) for sign in (-1, 1))
    inner, outer = within & around, within | around
    assert inner.sum() > 20
    assert found[inner].all()
    assert not found[~outer].any()


def test_a_margin_is_in_interocular_distances() -> None:
    """A point grows to a disc."""
    face = frontal_face()
    reach = 0.5 * np.linalg.norm(face[36] - face[45])
    parts = {"nose": read_part({"points": "31", "margin": 0.5}), "outside": read_part("rest")}
    y, x = np.mgrid[:SIDE, :SIDE]
    distance = np.hypot(x - face[30, 0], y - face[30, 1])
    found = label_parts(face[None], parts, SIDE)[0] == 0
    assert found[distance < reach - 0.5].all()
    assert not found[distance > reach + 0.5].any()


def test_the_first_part_that_holds_a_pixel_has_it() -> None:
    face = frontal_face()
    small, large = read_part({"points": "31", "margin": 0.1}), read_part({"points": "31", "margin": 0.5})
    rest = read_part("rest")
    first = label_parts(face[None], {"a": small, "b": large, "c": rest}, SIDE)
    other = label_parts(face[None], {"b": large, "a": small, "c": rest}, SIDE)
    assert (first == 0).any()
    assert not (other == 1).any()


def test_a_face_ends_a_third_of_it_above_the_brows() -> None:
    """As far above the brows as these are above the nose's base, in line with both."""
    face = frontal_face()
    brows, base = face[17:27].mean(axis=0), face[33]
    arc = outlines(face, "forehead")[0][11:]
    along = (base - brows) / np.linalg.norm(base - brows)
    height = -((arc - brows) @ along).min()
    assert height == pytest.approx(np.linalg.norm(base - brows), rel=0.01)
    assert arc[0] == pytest.approx(face[16], abs=1e-4)
    assert arc[-1] == pytest.approx(face[0], abs=1e-4)


def test_the_rule_leaves_out_little_of_the_forehead_that_the_demo_draws() -> None:
    """The demo's skull is bare and higher than a hairline: most of the rule's forehead lies on it."""
    points = neutral_points(Shape())
    skull = Polygon(np.concatenate([points[:17][::-1], forehead(points)]))
    arc = outlines(points.astype(np.float32), "forehead")[0][11:]
    inward = points.mean(axis=0) + 0.95 * (arc - points.mean(axis=0))
    assert skull.contains_points(inward).mean() > 0.9


def test_a_turned_face_is_divided_alike() -> None:
    face, middle = frontal_face(), np.array([24.0, 24.0])
    turned = ((face - middle) @ np.array([[0, 1], [-1, 0]]) + middle).astype(np.float32)  # a quarter turn
    upright, lying = label_parts(np.stack([face, turned]), PARTS, SIDE)
    one, other = (np.bincount(labels.ravel(), minlength=len(PARTS))[:4] for labels in (upright, lying))
    np.testing.assert_allclose(one, other, rtol=0.15)


def test_points_that_are_not_finite_are_refused() -> None:
    points = random_points(2)
    points[1, 5] = np.nan
    with pytest.raises(ValueError, match="not finite"):
        label_parts(points, PARTS, SIDE)


def test_points_move_with_what_is_cut_out() -> None:
    points = random_points(1)
    np.testing.assert_allclose(seen_points(points, whole_boxes(1, (SIDE, SIDE)), SIDE), points, atol=1e-5)
    np.testing.assert_allclose(seen_points(points, whole_boxes(1, (SIDE, SIDE)), 96), 2 * points + 0.5, atol=1e-4)
    box = np.array([[9.5, 19.5, 33.5, 43.5]], np.float32)
    np.testing.assert_allclose(seen_points(points, box, 24), points - [10, 20], atol=1e-4)
