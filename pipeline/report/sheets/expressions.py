"""Contact sheets of an expression data set, and of what is wrong with it."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from pipeline.data.audit import conflicts, no_face
from pipeline.data.expressions import Expressions
from pipeline.data.grey import MIN_CONTRAST, contrast
from pipeline.data.roles import OUTSIDE
from pipeline.data.twins import Twins, known_rows
from pipeline.report.sheets.canvas import PAPER, Pixels, enlarge, grid, scale_to, titled

TILE = 96  # pixels that an image is enlarged to, about


def expressions_sheet(expressions: Expressions, role: npt.NDArray[np.str_], columns: int = 16) -> Pixels:
    """A row a class, from left to right train images spread evenly over the data set.

    Args:
        expressions: of N images.
        role: (N,), what each is for; at least one trains.
        columns: images a row.
    """
    scale = scale_to(TILE, expressions.images)
    tiles = []
    train = role == "train"
    for code in np.unique(expressions.labels[train]):
        rows = np.flatnonzero(train & (expressions.labels == code))
        shown = rows[np.linspace(0, len(rows) - 1, columns).round().astype(int)]
        row = grid(np.stack([enlarge(expressions.images[number], scale) for number in shown]), columns)
        tiles.append(titled(expressions.about.classes[code], row))
    return np.concatenate(tiles)


def audit_sheet(expressions: Expressions, role: npt.NDArray[np.str_], twins: Twins, columns: int = 16) -> Pixels:
    """What the audit found, a row a finding: test images and below them the twins that they have in other roles;
    identical images with different labels; nearly constant images; what voters call no face.

    Findings are spread evenly over the data set, but for those with different labels, which are the first ones, group
    by group; each image has its role's initials and its class above it.
    """
    images, classes = expressions.images, expressions.about.classes
    scale = scale_to(TILE, images)
    captions = [f"{where[:2]}: {classes[code]}" for where, code in zip(role.tolist(), expressions.labels, strict=True)]

    def row(title: str, rows: npt.NDArray[np.int64]) -> Pixels:
        tiles = [enlarge(images[number], scale) for number in rows]
        tiles += [np.full_like(enlarge(images[0], scale), PAPER)] * (columns - len(tiles))
        names = [captions[number] for number in rows] + [""] * (columns - len(rows))
        return titled(title, grid(np.stack(tiles), columns, names))

    def spread(rows: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
        return np.asarray(rows[np.linspace(0, len(rows) - 1, min(columns, len(rows))).round().astype(int)])

    def count(rows: npt.NDArray[np.int64]) -> str:
        return f"{len(rows):,} row{'' if len(rows) == 1 else 's'}"

    sheet = []
    test, elsewhere = role == "test", ~np.isin(role, ["test", OUTSIDE])
    copied, known = test & known_rows(twins.copies, role), test & known_rows(twins.twins, role)
    for title, groups, wanted in (
        ("identical to an image of another role", twins.copies, copied),
        ("nearly the same as one", twins.twins, known & ~copied),
    ):
        rows = np.flatnonzero(wanted)
        shown = spread(rows)
        their_twins = [np.flatnonzero((groups == groups[number]) & elsewhere)[0] for number in shown]
        sheet.append(row(f"Test images {title}: {count(rows)}", shown))
        sheet.append(row("their twins there", np.array(their_twins, np.int64)))
    conflicting = conflicts(twins.copies, expressions.labels)
    rows = np.flatnonzero(conflicting & (contrast(images) >= MIN_CONTRAST))
    pairs = rows[np.argsort(twins.copies[rows], kind="stable")]
    sheet.append(row(f"identical images whose labels differ, but for constant ones: {count(rows)}", pairs[:columns]))
    rows = np.flatnonzero(contrast(images) < MIN_CONTRAST)
    sheet.append(row(f"nearly constant: {count(rows)}", spread(rows)))
    rows = np.flatnonzero(no_face(expressions))
    sheet.append(row(f"no face, say most voters: {count(rows)}", spread(rows)))
    return np.concatenate(sheet)
