"""Sheets of answers: test images with what they show and what a classifier says of them."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from pipeline.data.expressions import Expressions
from pipeline.report.sheets.canvas import PAPER, Pixels, grid, resize, titled

TILE = 112  # pixels that an image is shown with
EACH = 4  # best, worst and random images of a class


def answers_sheet(
    expressions: Expressions, rows: npt.NDArray[np.intp], probabilities: npt.NDArray[np.float32], seed: int = 0
) -> Pixels:
    """A row a class: the images whose true class is most probable, least probable, and a random lot; each with what it
    is called and how probable that is, and where that is wrong how probable the true class is.

    Args:
        expressions: the data set.
        rows: (n,), its test images.
        probabilities: (n, classes), what a classifier says of these.
        seed: of the random lot.
    """
    rng = np.random.default_rng(seed)
    labels, classes = expressions.labels[rows], expressions.about.classes
    sheet = []
    for code in np.unique(labels):
        of = np.flatnonzero(labels == code)
        order = of[np.argsort(-probabilities[of, code], kind="stable")]
        lots = order[:EACH], order[::-1][:EACH], rng.choice(of, min(EACH, len(of)), replace=False)
        tiles, captions = [], []
        for lot in lots:
            for number in lot:
                tiles.append(resize(np.asarray(expressions.images[rows[number]]), (TILE, TILE)))
                captions.append(_caption(probabilities[number], int(code), classes))
            tiles += [np.full((TILE, TILE, 3), PAPER, np.uint8)] * (EACH - len(lot))
            captions += [""] * (EACH - len(lot))
        title = f"{classes[code]}: the {EACH} most probable, the {EACH} least probable, {EACH} at random"
        sheet.append(titled(title, grid(np.stack(tiles), 3 * EACH, captions)))
    return np.concatenate(sheet)


def _caption(probabilities: npt.NDArray[np.float32], code: int, classes: tuple[str, ...]) -> str:
    called = int(probabilities.argmax())
    text = f"{classes[called]} {probabilities[called]:.0%}"
    return text if called == code else f"{text}, {probabilities[code]:.0%}"
