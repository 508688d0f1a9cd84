"""Sheets of a set of expression images show each finding."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest
from made_up import CLASSES, random_faces

from pipeline.data.expressions import About, Expressions
from pipeline.data.twins import Twins
from pipeline.report.sheets import expressions as sheets
from pipeline.report.sheets.canvas import LINE, PADDING, PAPER, enlarge, titled


def data_set(
    images: npt.NDArray[np.uint8], labels: npt.NDArray[np.uint8], votes: npt.NDArray[np.uint16] | None = None
) -> Expressions:
    """In which people could vote for a class, or for no face."""
    about = About(name="made up", classes=CLASSES, votes={"happy": "happy", "nobody": None}, no_face="nobody")
    count = len(images)
    votes = np.zeros((count, 2), np.uint16) if votes is None else votes
    return Expressions(about, images, labels, votes, np.full(count, ""), np.full(count, ""))


def audit_tiles(
    expressions: Expressions, role: npt.NDArray[np.str_], twins: Twins, monkeypatch: pytest.MonkeyPatch
) -> tuple[list[str], list[npt.NDArray[np.uint8]]]:
    """The titles of an audit's sheet, and for each of them its tiles, (4, 96, 96, 3)."""
    titles = []
    draw = titled

    def note(title: str, sheet: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
        titles.append(title)
        return draw(title, sheet)

    monkeypatch.setattr(sheets, "titled", note)
    sheet = sheets.audit_sheet(expressions, role, twins, columns=4)
    head, step = 2 * (LINE + PADDING), 96 + PADDING
    high = head + step
    assert sheet.shape == (len(titles) * high, 4 * step + PADDING, 3)
    tiles = [
        np.stack([sheet[row * high + head :][:96, PADDING + step * place :][:, :96] for place in range(4)])
        for row in range(len(titles))
    ]
    return titles, tiles


def shown(tile: npt.NDArray[np.uint8], images: npt.NDArray[np.uint8]) -> int:
    """Which of the images a tile shows; -1 if it is empty."""
    if (tile == PAPER).all():
        return -1
    same = [np.array_equal(tile, enlarge(image, 2)) for image in images]
    return same.index(True)


def test_audit_sheet_without_any_finding_is_empty(monkeypatch: pytest.MonkeyPatch) -> None:
    images, _ = random_faces(3)
    alone = np.arange(3, dtype=np.int32)
    expressions = data_set(images, np.zeros(3, np.uint8))
    titles, rows = audit_tiles(expressions, np.array(["train", "validation", "test"]), Twins(alone, alone), monkeypatch)
    assert [title.rpartition(": ")[2] for title in titles if ": " in title] == ["0 rows"] * 5
    assert all((tiles == PAPER).all() for tiles in rows)


def test_audit_sheet_shows_each_finding_and_the_twins_below_theirs(monkeypatch: pytest.MonkeyPatch) -> None:
    """Rows 0 to 9 are for training, 10 to 19 for validation, 20 to 39 for test; the labels all are 3 but for two."""
    images, _ = random_faces(40)
    images[20:28] = images[:8]  # copies of training images, one of them with another label
    copies, groups = np.arange(40, dtype=np.int32), np.arange(40, dtype=np.int32)
    copies[20:28] = groups[20:28] = np.arange(8)
    groups[38] = 15  # what is nearly the same as a validation image
    images[30:32], images[33] = 9, 200
    images[33, 0] = 205  # nearly constant
    votes = np.zeros((40, 2), np.uint16)
    votes[17] = 4, 6
    votes[18] = 5, 5  # no majority
    labels = np.full(40, 3, np.uint8)
    copies[31] = groups[31] = 30
    labels[20], labels[31] = 4, 5
    role = np.repeat(["train", "validation", "test"], (10, 10, 20))
    titles, rows = audit_tiles(data_set(images, labels, votes), role, Twins(copies, groups), monkeypatch)
    found = [[shown(tile, images) for tile in tiles] for tiles in rows]
    assert list(zip(titles, found, strict=True)) == [
        # Spread over all that there are; a copy looks like the first of its group.
        ("Test images identical to an image of another role: 8 rows", [0, 2, 5, 7]),
        ("their twins there", [0, 2, 5, 7]),
        ("Test images nearly the same as one: 1 row", [38, -1, -1, -1]),
        ("their twins there", [15, -1, -1, -1]),
        ("identical images whose labels differ, but for constant ones: 2 rows", [0, 0, -1, -1]),
        ("nearly constant: 3 rows", [30, 30, 33, -1]),
        ("no face, say most voters: 1 row", [17, -1, -1, -1]),
    ]
