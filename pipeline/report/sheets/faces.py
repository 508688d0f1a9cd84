"""Contact sheets of faces with their landmarks."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from pipeline.report.sheets.canvas import GREEN, WHITE, Pixels, draw_points, enlarge, grid, titled


def faces_sheet(
    images: Pixels,
    true: npt.NDArray[np.float32],
    predicted: npt.NDArray[np.float32] | None = None,
    captions: Sequence[str] | None = None,
    columns: int = 4,
) -> Pixels:
    """Faces with their true points in white and, where given, the predicted ones in green.

    Args:
        images: (N, H, W) or (N, H, W, 3), N at least 1; small ones are enlarged to 192 pixels or more.
        true: (N, 68, 2), in their pixels.
        predicted: (N, 68, 2), in their pixels; a face with points that are not finite shows none.
        captions: one line a face, its error for example.
        columns: faces a row.
    """
    scale = -(-192 // images.shape[1])
    tiles = []
    for row, image in enumerate(images):
        tile = draw_points(enlarge(image, scale), true[row], scale, WHITE, lines=predicted is None)
        if predicted is not None and np.isfinite(predicted[row]).all():
            tile = draw_points(tile, predicted[row], scale, GREEN)
        tiles.append(tile)
    sheet = grid(np.stack(tiles), columns, captions)
    return sheet if predicted is None else titled("white: true points    green: predicted", sheet)
