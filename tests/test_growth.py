"""benchmarks.growth writes images that are read as they are, and measures what it says."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from sample_sets import smooth_images

from benchmarks.growth import anonymous, changed, exponents, growth, read, watched, write_csv, write_pictures
from pipeline.data.expressions import Expressions
from pipeline.data.pictures import resized
from pipeline.data.twin_search import find_twins


def test_images_are_repeated_and_no_two_are_twins(tmp_path: Path) -> None:
    write_csv(tmp_path, changed(smooth_images(40), 120))
    read(tmp_path)
    found = Expressions.load(tmp_path / "expressions")
    assert len(found) == 120
    assert set(found.split.tolist()) == {"Training", "PublicTest", "PrivateTest"}
    assert len(np.unique(find_twins(found.images, 0.85).twins)) > 110


def test_pictures_are_the_same_images_large_and_in_colour(tmp_path: Path) -> None:
    images = [*changed(smooth_images(40), 30)]
    write_pictures(tmp_path, images)
    read(tmp_path)
    found = Expressions.load(tmp_path / "expressions")
    assert found.images.shape == (30, 256, 256, 3)
    assert np.abs(resized(found.images[0, ..., 1], 48).astype(int) - images[0]).mean() < 3
    assert len(np.unique(find_twins(found.images, 0.85).twins)) > 27


COUNTS = [5, 36, 100]


def test_an_exponent_is_that_of_a_power() -> None:
    found = exponents(COUNTS, [3 * count**1.7 for count in COUNTS])
    assert found == pytest.approx({"from 5 to 36": 1.7, "from 36 to 100": 1.7, "over all": 1.7})
    assert exponents([5], [1.0]) == {}


def test_growth_that_is_hidden_in_the_whole_is_told() -> None:
    """All pairs of many, after what is always done."""
    found = [(5**0.8, 10**9), (36**0.8, 10**9), (36**0.8 * (100 / 36) ** 1.5, 2 * 10**9 + 1)]
    told, too_much = growth("find_twins", COUNTS, found)
    assert len(told) == 6
    assert told[2].startswith("find_twins: time grows with exponent 1.0")
    assert too_much == [
        "find_twins: time grows with exponent 1.50 from 36 to 100, above 1.1",
        "find_twins: takes 2,000 MB of 100 images, above 2,000",
    ]
    assert growth("cut", COUNTS, [(5.0, 10**9), (36.0, 10**9), (100.0, 10**9)])[1] == []


def test_the_peak_is_seen_after_memory_is_given_back() -> None:
    before = anonymous()
    with watched() as seen:
        held = np.ones(25_000_000)  # 200 MB
        held += 1
        del held
    assert 190e6 < max(seen) - before < 230e6
