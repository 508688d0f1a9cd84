"""The 68-point scheme: mirroring keeps every point's meaning, and users' numbers are read."""

from __future__ import annotations

import numpy as np
import pytest

from pipeline.faces import points
from pipeline.faces.points import (
    BROWS,
    CONTOURS,
    COUNT,
    EYES,
    JAW,
    LIPS,
    MIRROR,
    NOSE,
    interocular,
    mirror,
    parse_numbers,
)


def test_mirroring_twice_changes_nothing() -> None:
    np.testing.assert_array_equal(MIRROR[MIRROR], np.arange(COUNT))
    found = np.random.default_rng(0).uniform(0, 47, (3, COUNT, 2)).astype(np.float32)
    np.testing.assert_allclose(mirror(mirror(found, 48), 48), found, atol=1e-5)


@pytest.mark.parametrize("part", [JAW, BROWS, NOSE, EYES, LIPS])
def test_a_part_is_mirrored_to_itself(part: range) -> None:
    assert set(MIRROR[list(part)]) == set(part)


def test_every_line_is_mirrored_to_a_line() -> None:
    lines = {frozenset(line) for line, _ in CONTOURS}
    assert sorted(point for line in lines for point in line) == list(range(COUNT))
    for line in lines:
        assert frozenset(MIRROR[list(line)].tolist()) in lines


def test_neighbours_stay_neighbours() -> None:
    """What a renumbering that only swaps sets of points would get wrong."""
    joined = set()
    for line, closed in CONTOURS:
        pairs = [*zip(line, line[1:], strict=False), *([(line[-1], line[0])] if closed else [])]
        joined |= {frozenset(pair) for pair in pairs}
    assert {frozenset(MIRROR[list(pair)].tolist()) for pair in joined} == joined


def test_the_published_pairs() -> None:
    """By 1-based numbers, from the iBUG figure."""
    pairs = [
        (1, 17),
        (18, 27),
        (37, 46),
        (40, 43),
        (38, 45),
        (41, 48),
        (42, 47),
        (32, 36),
        (49, 55),
        (61, 65),
        (68, 66),
    ]
    for left, right in pairs:
        assert MIRROR[left - 1] == right - 1
    on_the_axis = [index + 1 for index in range(COUNT) if MIRROR[index] == index]
    assert on_the_axis == [9, 28, 29, 30, 31, 34, 52, 58, 63, 67]


def test_mirrored_points_lie_where_the_mirrored_images_pixels_lie() -> None:
    image = np.zeros((5, 8), np.uint8)
    found = np.zeros((COUNT, 2), np.float32)
    found[0] = (2, 3)
    image[3, 2] = 1
    x, y = mirror(found, image.shape[1])[MIRROR[0]]
    assert image[:, ::-1][int(y), int(x)] == 1


def test_mirroring_leaves_its_input_alone() -> None:
    found = np.ones((COUNT, 2), np.float32)
    mirror(found, 10)
    assert (found == 1).all()


def test_the_inter_ocular_distance_is_that_of_points_37_and_46() -> None:
    found = np.zeros((2, COUNT, 2), np.float32)
    found[0, 36], found[0, 45] = (1, 2), (4, 6)
    np.testing.assert_array_equal(interocular(found), [5, 0])


@pytest.mark.parametrize(
    ("text", "numbers"),
    [
        ("1", [1]),
        ("68", [68]),
        ("18-20", [18, 19, 20]),
        ("18-20 37", [18, 19, 20, 37]),
        ("31, 1-2", [1, 2, 31]),
        (" 5,4 ,3\t4 ", [3, 4, 5]),
        ("1-3 2-4", [1, 2, 3, 4]),
        ("7-7", [7]),
    ],
)
def test_numbers_are_read(text: str, numbers: list[int]) -> None:
    assert parse_numbers(text) == tuple(numbers)
    assert parse_numbers("1-68") == tuple(range(1, points.COUNT + 1))


@pytest.mark.parametrize("text", ["", " ", "a", "1-", "-1", "1--2", "1 - 2", "1.5", "1;2", "1,", "1-2-3", "0x1", "²"])
def test_what_is_no_number_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is neither a point number nor a range; write for example 18-27 37-48"):
        parse_numbers(text)


@pytest.mark.parametrize("text", ["0", "69", "0-5", "60-69", "5-4", "1 99999999999999999999"])
def test_numbers_out_of_range_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is outside 1 to 68, or runs backwards"):
        parse_numbers(text)
