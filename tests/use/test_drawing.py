"""Drawings hold all that was found, and never take the place of what fercrop did not draw."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
from PIL import Image
from sample_sets import refused

from pipeline.use.drawing import draw, save_drawing
from pipeline.use.faces import Face

CLASSES = ("happy", "sad")


def face_with(regions: int) -> Face:
    """A face whose crops have a grey level of their own, 101, 102, and so on."""
    names = [f"region{number}" for number in range(1, regions + 1)]
    return Face(
        box=np.array([10, 10, 30, 30], np.float32),
        points=np.full((68, 2), 20, np.float32),
        expected_error=0.05,
        crops={name: np.full((48, 48), 100 + number, np.uint8) for number, name in enumerate(names, 1)},
        fell_back=dict.fromkeys(names, False),
        probabilities={},
        joined=np.array([0.7, 0.3], np.float32),
    )


def test_all_crops_are_in_the_picture() -> None:
    for regions in (1, 4, 5, 9):
        picture = draw(np.full((40, 40, 3), 255, np.uint8), [face_with(regions)], CLASSES)
        levels, counts = np.unique(picture[..., 0], return_counts=True)
        whole = dict(zip(levels.tolist(), counts.tolist(), strict=True))
        assert min(whole.get(100 + number, 0) for number in range(1, regions + 1)) >= 96 * 96, regions


def test_only_drawings_are_replaced(tmp_path: Path) -> None:
    one, other = np.zeros((4, 4, 3), np.uint8), np.full((4, 4, 3), 9, np.uint8)
    path = tmp_path / "a.png"
    save_drawing(one, path)
    save_drawing(other, path)
    with Image.open(path) as image:
        assert np.asarray(image).max() == 9
    Image.fromarray(one).save(tmp_path / "mine.png")
    (tmp_path / "note.png").write_text("no picture")
    (tmp_path / "cut.png").write_bytes(path.read_bytes()[:20])
    (tmp_path / "link.png").symlink_to("absent")
    (tmp_path / "folder.png").mkdir()
    os.mkfifo(tmp_path / "pipe.png")
    for name in ("mine", "note", "cut", "link", "folder", "pipe"):
        assert f"{name}.png: is there, and is no drawing" in refused(save_drawing, other, tmp_path / f"{name}.png")
    assert (tmp_path / "note.png").read_text() == "no picture"
