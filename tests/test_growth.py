"""benchmarks.growth writes images that are read as they are, and measures what it says."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from sample_sets import smooth_images

from benchmarks.growth import anonymous, exponent, watched, write_images
from pipeline.data.readers.fer2013 import read_fer2013
from pipeline.data.twin_search import find_twins


def test_images_are_repeated_and_no_two_are_twins(tmp_path: Path) -> None:
    source = smooth_images(40)
    write_images(tmp_path / "fer2013.csv", source, 120)
    found = read_fer2013(tmp_path / "fer2013.csv", None)
    assert len(found) == 120
    assert set(found.split.tolist()) == {"Training", "PublicTest", "PrivateTest"}
    assert len(np.unique(find_twins(found.images, 0.85).twins)) > 110


def test_an_exponent_is_that_of_a_power() -> None:
    assert exponent([5, 36, 100], [3 * count**1.7 for count in (5, 36, 100)]) == pytest.approx(1.7)


def test_the_peak_is_seen_after_memory_is_given_back() -> None:
    before = anonymous()
    with watched() as seen:
        held = np.ones(25_000_000)  # 200 MB
        held += 1
        del held
    assert 190e6 < max(seen) - before < 230e6
