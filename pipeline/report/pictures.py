"""Pictures to judge the work by eye: contact sheets of faces, regions and what is wrong with a data set.

Images are uint8, grey (H, W) or RGB (H, W, 3); what comes back is RGB. A small image is enlarged first
(`enlarge`) and drawn on afterwards, with points and boxes given in pixels of the small one.
"""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFont

from pipeline.common.files import write_bytes
from pipeline.data.audit import conflicts, no_face
from pipeline.data.expressions import CLASSES, MIN_CONTRAST, Expressions, contrast
from pipeline.data.twins import Twins, known_rows
from pipeline.faces.points import CONTOURS
from pipeline.regions.cutting import boxes as region_boxes
from pipeline.regions.cutting import cut, used_points, whole_boxes
from pipeline.regions.definitions import Region

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


def lighten(png: bytes, width: int = 1200) -> bytes:
    """The same picture as JPEG, at most `width` pixels wide: a fifth of the bytes for a sheet of photographs."""
    image = Image.open(io.BytesIO(png)).convert("RGB")
    if image.width > width:
        image = image.resize((width, round(image.height * width / image.width)), Image.Resampling.LANCZOS)
    file = io.BytesIO()
    image.save(file, "JPEG", quality=80)
    return file.getvalue()


def enlarge(image: Pixels, scale: int) -> Pixels:
    """The image `scale` times as large, in RGB."""
    colour = image if image.ndim == 3 else np.repeat(image[:, :, np.newaxis], 3, axis=2)
    height, width = image.shape[:2]
    return np.asarray(Image.fromarray(colour).resize((width * scale, height * scale), Image.Resampling.BICUBIC))


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


def draw_box(image: Pixels, box: npt.NDArray[np.float32], scale: int, colour: Colour = YELLOW) -> Pixels:
    """Draw a box (4,), in continuous pixel edges of the image before `enlarge` made it `scale` times as
    large."""
    drawn = image.copy()
    (x0, y0), (x1, y1) = np.rint((box.reshape(2, 2) + 0.5) * scale).astype(int).tolist()
    # The line's two pixels lie inside the box, so that the box of the whole image is seen too.
    cv2.rectangle(drawn, (x0, y0), (x1 - 1, y1 - 1), colour, 1)
    cv2.rectangle(drawn, (x0 + 1, y0 + 1), (x1 - 2, y1 - 2), colour, 1)
    return drawn


def _fixed(points: npt.NDArray[np.float32], scale: int) -> npt.NDArray[np.int32]:
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


def _titled(title: str, sheet: Pixels) -> Pixels:
    """The sheet with a line of text above it."""
    strip = np.full((LINE + PADDING, sheet.shape[1], 3), PAPER, np.uint8)
    strip[PADDING:, PADDING:] = _caption(title, sheet.shape[1] - PADDING)
    return np.concatenate([strip, sheet])


def expressions_sheet(images: Pixels, labels: npt.NDArray[np.uint8], columns: int = 16, scale: int = 2) -> Pixels:
    """A row a class, from left to right images spread evenly over the data set.

    Args:
        images: (N, H, W), N at least 1.
        labels: (N,), their classes.
        columns: images a row.
        scale: how much images are enlarged.
    """
    tiles = []
    for code in np.unique(labels):
        rows = np.flatnonzero(labels == code)
        shown = rows[np.linspace(0, len(rows) - 1, columns).round().astype(int)]
        row = grid(np.stack([enlarge(images[number], scale) for number in shown]), columns)
        tiles.append(_titled(CLASSES[code], row))
    return np.concatenate(tiles)


def audit_sheet(expressions: Expressions, twins: Twins, columns: int = 16, scale: int = 2) -> Pixels:
    """What the audit found, a row a finding: test images and below them the twins that they have in other splits;
    identical images with different labels; nearly constant images; what FER+ voters call no face.

    Findings are spread evenly over the data set, but for those with different labels, which are the first ones, group
    by group; each image has its split's initials and its class above it.
    """
    images, split = expressions.images, expressions.split
    initials = np.array([name.removesuffix("Test")[:2] for name in split.tolist()])
    captions = [f"{where}: {CLASSES[code]}" for where, code in zip(initials, expressions.labels, strict=True)]

    def row(title: str, rows: npt.NDArray[np.int64]) -> Pixels:
        tiles = [enlarge(images[number], scale) for number in rows]
        tiles += [np.full_like(enlarge(images[0], scale), PAPER)] * (columns - len(tiles))
        names = [captions[number] for number in rows] + [""] * (columns - len(rows))
        return _titled(title, grid(np.stack(tiles), columns, names))

    def spread(rows: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
        return np.asarray(rows[np.linspace(0, len(rows) - 1, min(columns, len(rows))).round().astype(int)])

    def count(rows: npt.NDArray[np.int64]) -> str:
        return f"{len(rows):,} row{'' if len(rows) == 1 else 's'}"

    sheet = []
    copied, known = known_rows(twins.copies, split), known_rows(twins.twins, split)
    for title, groups, wanted in (
        ("identical to a Training or PublicTest image", twins.copies, copied),
        ("nearly the same as one", twins.twins, known & ~copied),
    ):
        rows = np.flatnonzero(wanted)
        shown = spread(rows)
        elsewhere = [np.flatnonzero((groups == groups[number]) & (split != "PrivateTest"))[0] for number in shown]
        sheet.append(row(f"PrivateTest images {title}: {count(rows)}", shown))
        sheet.append(row("their twins there", np.array(elsewhere, np.int64)))
    conflicting = conflicts(twins.copies, expressions.labels)
    rows = np.flatnonzero(conflicting & (contrast(images) >= MIN_CONTRAST))
    pairs = rows[np.argsort(twins.copies[rows], kind="stable")]
    sheet.append(row(f"identical images whose labels differ, but for constant ones: {count(rows)}", pairs[:columns]))
    rows = np.flatnonzero(contrast(images) < MIN_CONTRAST)
    sheet.append(row(f"nearly constant: {count(rows)}", spread(rows)))
    rows = np.flatnonzero(no_face(expressions.votes))
    sheet.append(row(f"no face, say most FER+ voters: {count(rows)}", spread(rows)))
    return np.concatenate(sheet)


def region_sheet(
    images: Pixels,
    points: npt.NDArray[np.float32],
    boxes: npt.NDArray[np.float32],
    crops: Pixels,
    fell_back: npt.NDArray[np.bool_],
    count: int = 24,
    columns: int = 4,
    scale: int = 3,
) -> Pixels:
    """Rows spread evenly over a data set: each image with its points and its box, and beside it what was cut
    out.

    Rows that fell back to the whole image come last, in their due share but at least one if there are any,
    with their points (where there are any) and their box in red.

    Args:
        images: (N, H, W), N at least 1.
        points: (N, 68, 2), in their pixels.
        boxes: (N, 4), what was cut.
        crops: (N, side, side), cut out, side = H.
        fell_back: (N,), True where the points were not trusted.
        count: how many rows of the data set are shown.
        columns: how many of them stand side by side.
        scale: how much images are enlarged.
    """
    spread = np.linspace(0, len(images) - 1, min(count, len(images))).round().astype(int)
    shown = np.argsort(fell_back, kind="stable")[spread]
    tiles, captions = [], []
    for row in shown:
        original = enlarge(images[row], scale)
        if np.isfinite(points[row]).all():
            original = draw_points(original, points[row], scale, RED if fell_back[row] else WHITE)
        original = draw_box(original, boxes[row], scale, RED if fell_back[row] else YELLOW)
        tiles.append(np.concatenate([original, enlarge(crops[row], scale)], axis=1))
        captions.append(f"row {row}: not trusted, kept whole" if fell_back[row] else f"row {row}")
    title = f"{len(shown)} of {len(images)} images, {fell_back.mean():.1%} of all kept whole"
    return _titled(title, grid(np.stack(tiles), columns, captions))


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
    return sheet if predicted is None else _titled("white: true points    green: predicted", sheet)


def preview_sheet(
    images: Pixels,
    points: npt.NDArray[np.float32],
    regions: Mapping[str, Region],
    trusted: npt.NDArray[np.bool_] | None = None,
    scale: int = 3,
) -> Pixels:
    """What every region would cut, to tune one by eye: a row an image, two columns a region.

    The left of the two shows the image with its points, those that define the region in magenta, and the box;
    the right one shows what is cut out. The box is red where the image is kept whole for want of trust.

    Args:
        images: (N, H, W), N at least 1, H = W.
        points: (N, 68, 2), in their pixels.
        regions: definitions by name, at least one.
        trusted: (N,), False where the image is kept whole whatever the region; all True where not given.
        scale: how much images are enlarged.
    """
    height, width = images.shape[1:3]
    usable = np.asarray(np.isfinite(points).all(axis=(1, 2)))
    if trusted is not None:
        usable &= trusted
    sheets = []
    for name, region in regions.items():
        where = whole_boxes(len(images), (width, height))
        where[usable] = region_boxes(points[usable], region, (width, height))
        crops = cut(images, where, height)
        used = [] if region == "whole" else list(used_points(region))
        tiles = []
        for row, image in enumerate(images):
            original = enlarge(image, scale)
            if usable[row]:
                original = draw_points(original, points[row], scale, CYAN)
                original = draw_box(original, where[row], scale)
                original = draw_points(original, points[row, used], scale, MAGENTA, lines=False)
            else:
                original = draw_box(original, where[row], scale, RED)
            tiles += [original, enlarge(crops[row], scale)]
        sheets.append(_titled(name, grid(np.stack(tiles), 2)))
    sheet = np.concatenate(sheets, axis=1)
    return _titled("yellow: cut   magenta: its points   red: not trusted", sheet)
