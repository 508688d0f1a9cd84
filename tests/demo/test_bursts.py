"""Demo selfies: a folder a class that the reader of folders takes; pictures of a burst are hardly different."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from pipeline.data.readers import folder as reader
from pipeline.data.sources import Sources
from pipeline.demo import bursts

COUNT = 2  # bursts of each class


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("bursts")
    bursts.draw_bursts(folder, seed=0, bursts=COUNT)
    return folder


def test_the_reader_knows_the_bursts_by_their_names(drawn: Path) -> None:
    settings = reader.Settings(colour=False, subject="^(burst[0-9]+)_")
    found = reader.read(Sources({"expressions": drawn / bursts.FOLDER}), settings)
    assert found.about.classes == bursts.CLASSES
    assert found.images.shape == (5 * COUNT * 9, 256, 256)
    names, sizes = np.unique(found.subject, return_counts=True)
    assert len(names) == 5 * COUNT
    assert set(sizes) == {9}
    assert all(len(set(found.labels[found.subject == name])) == 1 for name in names)


def test_pictures_of_a_burst_differ_less_than_bursts_do() -> None:
    every = np.stack([[bursts.draw_picture(0, "happy", burst, picture) for picture in range(3)] for burst in range(4)])
    small = np.stack([[cv2.resize(one, (32, 32), interpolation=cv2.INTER_AREA) for one in of] for of in every])
    small = small.astype(float)
    within = np.abs(small[:, 1:] - small[:, :1]).mean()
    across = np.abs(small[1:] - small[:1]).mean()
    assert 1 < within < across / 3
    assert (every[0, 0] != every[0, 1]).any()


def test_a_picture_depends_on_its_numbers_alone(drawn: Path) -> None:
    again = bursts.draw_picture(0, "angry", 1, 4)
    stored = cv2.imread(str(drawn / "folder/angry/burst001_4.jpg"))
    assert stored is not None
    assert np.abs(stored.astype(int) - again).mean() < 6  # what JPEG changes
    assert (again != bursts.draw_picture(1, "angry", 1, 4)).any()
