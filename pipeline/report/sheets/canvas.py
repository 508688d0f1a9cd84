"""What contact sheets are drawn with: enlarged images, points, boxes, tiles and captions.

Images are uint8, grey (H, W) or RGB (H, W, 3); what comes back is RGB. A small image is enlarged first
(`enlarge`) and drawn on afterwards, with points and boxes given in pixels of the small one.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFont

from pipeline.common.files import write_bytes
from pipeline.faces.points import CONTOURS

Pixels = npt.NDArray[np.uint8]
Colour = tuple[int, int, int]

WHITE: Colour = (255, 255, 255)
GREEN: Colour = (60, 230, 90)
CYAN: Colour = (70, 200, 255)
YELLOW: Colour = (255, 214, 0)
MAGENTA: Colour = (255, 70, 230)
RED: Colour = (255, 60, 60)
PAPER: Colour = (28, 28, 32)  # dark, so that grey faces and coloured lines both stand out

PADDING = 6  # pixels between the tiles of a sheet
TEXT = 13  # height of a caption's letters, in pixels
LINE = TEXT + 5  # height of a caption's line, in pixels

SHIFT = 4  # OpenCV draws at fractions of a pixel when coordinates are given in 1/2**SHIFT pixels


def save_png(path: Path, image: Pixels) -> None:
    """Write an RGB image (H, W, 3) as a whole PNG file."""
    written, content = cv2.imencode(".png", cv2.cvtColor(image, cv2.COLOR_RGB2BGR))
    if not written:
        raise ValueError(f"an image {image.shape} cannot be written as PNG")
    write_bytes(path, content.tobytes())


def enlarge(image: Pixels, scale: int) -> Pixels:
    """The image `scale` times as large, in RGB."""
    height, width = image.shape[:2]
    return resize(image, (width * scale, height * scale))


def resize(image: Pixels, size: tuple[int, int]) -> Pixels:
    """The image in this width and height, in RGB."""
    colour = image if image.ndim == 3 else np.repeat(image[:, :, np.newaxis], 3, axis=2)
    return np.asarray(Image.fromarray(colour).resize(size, Image.Resampling.BICUBIC))


def scale_to(side: int, images: Pixels) -> int:
    """How much images (N, H, W, ...) are enlarged to be about so many pixels wide; large ones are not."""
    return max(1, side // int(images.shape[2]))


def draw_points(
    image: Pixels, points: npt.NDArray[np.float32], scale: int, colour: Colour = WHITE, lines: bool = True
) -> Pixels:
    """Draw points, and the contours of the face that join them.

    Args:
        image: from `enlarge`.
        points: (68, 2), in pixels of the image before it was enlarged; or any (K, 2) where `lines` is False.
        scale: how much the image was enlarged.
        colour: of the points; lines have it at half strength.
        lines: whether contours are drawn.
    """
    drawn = image.copy()
    places = _fixed(points, scale)
    if lines:
        for part, closed in CONTOURS:
            cv2.polylines(drawn, [places[part]], closed, colour, 1, cv2.LINE_AA, SHIFT)
        drawn = cv2.addWeighted(image, 0.5, drawn, 0.5, 0).astype(np.uint8)
    radius = round(max(1.0, 0.4 * scale) * 2**SHIFT)
    for x, y in places.tolist():
        cv2.circle(drawn, (x, y), radius, colour, -1, cv2.LINE_AA, SHIFT)
    return drawn


def draw_box(
    image: Pixels, box: npt.NDArray[np.float32], scale: int, colour: Colour = YELLOW, turn: float = 0.0
) -> Pixels:
    """Draw a box (4,), in continuous pixel edges of the image before `enlarge` made it `scale` times as
    large; turned about its centre by so many radians."""
    drawn = image.copy()
    if turn:
        low, high = box.astype(np.float64).reshape(2, 2)
        corners = np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]]) * (high - low) / 2
        rotation = np.array([[np.cos(turn), np.sin(turn)], [-np.sin(turn), np.cos(turn)]])
        places = _fixed(corners @ rotation + (low + high) / 2, scale)
        return np.asarray(cv2.polylines(drawn, [places], True, colour, 2, cv2.LINE_AA, SHIFT), np.uint8)
    (x0, y0), (x1, y1) = np.rint((box.reshape(2, 2) + 0.5) * scale).astype(int).tolist()
    # The line's two pixels lie inside the box, so that the box of the whole image is seen too.
    cv2.rectangle(drawn, (x0, y0), (x1 - 1, y1 - 1), colour, 1)
    cv2.rectangle(drawn, (x0 + 1, y0 + 1), (x1 - 2, y1 - 2), colour, 1)
    return drawn


def _fixed(points: npt.NDArray[np.floating[Any]], scale: int) -> npt.NDArray[np.int32]:
    """Points in pixels before enlarging, as OpenCV's fixed-point places in the enlarged image."""
    enlarged = (points.astype(np.float64) + 0.5) * scale - 0.5
    # A point far outside is not seen anyhow, and must not overflow.
    places: npt.NDArray[np.int32] = np.rint(np.clip(enlarged, -1e4, 1e4) * 2**SHIFT).astype(np.int32)
    return places


def grid(tiles: Pixels, columns: int, captions: Sequence[str] | None = None) -> Pixels:
    """Lay tiles out in rows, each with its caption above.

    Args:
        tiles: (N, h, w, 3), N at least 1.
        columns: tiles a row.
        captions: one line a tile; what is wider than the tile is cut off.

    Raises:
        ValueError: there are no tiles, or not as many captions as tiles.
    """
    if not len(tiles):
        raise ValueError("no tiles to lay out")
    if captions is not None and len(captions) != len(tiles):
        raise ValueError(f"{len(captions)} captions for {len(tiles)} tiles")
    height, width = tiles.shape[1:3]
    head = LINE if captions is not None else 0
    columns = min(columns, len(tiles))
    step_x, step_y = width + PADDING, head + height + PADDING
    rows = -(-len(tiles) // columns)
    sheet = np.full((rows * step_y + PADDING, columns * step_x + PADDING, 3), PAPER, np.uint8)
    for number, tile in enumerate(tiles):
        x, y = PADDING + number % columns * step_x, PADDING + number // columns * step_y
        if captions is not None:
            sheet[y : y + head, x : x + width] = _caption(captions[number], width)
        sheet[y + head : y + head + height, x : x + width] = tile
    return sheet


def _caption(text: str, width: int) -> Pixels:
    """A line of text, (LINE, width, 3)."""
    strip = Image.new("RGB", (width, LINE), PAPER)
    ImageDraw.Draw(strip).text((1, 0), text, fill=WHITE, font=ImageFont.load_default(TEXT))
    return np.asarray(strip)


def titled(title: str, sheet: Pixels) -> Pixels:
    """The sheet with a line of text above it."""
    strip = np.full((LINE + PADDING, sheet.shape[1], 3), PAPER, np.uint8)
    strip[PADDING:, PADDING:] = _caption(title, sheet.shape[1] - PADDING)
    return np.concatenate([strip, sheet])
