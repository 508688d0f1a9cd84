"""Drawing with sub-pixel, anti-aliased shapes given in eye distances."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

import cv2
import numpy as np
import numpy.typing as npt

Colour = tuple[float, float, float]  # blue, green, red, 0 to 255

BLACK: Colour = (12.0, 10.0, 10.0)  # as black as things in photographs are
WHITE: Colour = (255.0, 255.0, 255.0)

SHIFT = 4  # OpenCV takes coordinates as integers with this many binary places


@dataclass
class Canvas:
    """An image onto which shapes in a frame of their own are drawn.

    `image` is uint8, (height, width), (height, width, 3) or (height, width, 4). A fourth channel is how much of
    the pixel is covered, and the colours are premultiplied by it: drawing opaque shapes on zeros gives that.
    The frame's `origin` falls on pixel (0, 0), and its unit is `scale` pixels.
    """

    image: npt.NDArray[np.uint8]
    origin: tuple[float, float]
    scale: float

    def pixels(self, points: npt.ArrayLike) -> npt.NDArray[np.float64]:
        """Points of the frame, (n, 2), in pixels."""
        return (np.asarray(points, dtype=np.float64) - self.origin) * self.scale

    def fill(self, outline: npt.ArrayLike, colour: Colour | float) -> None:
        """Fills a closed outline, (n, 2)."""
        cv2.fillPoly(self.image, [self._fixed(outline)], paint(colour), cv2.LINE_AA, SHIFT)

    def line(self, path: npt.ArrayLike, colour: Colour | float, width: float) -> None:
        """Draws an open path, (n, 2), `width` in units of the frame and at least one pixel."""
        pixels = max(1, round(width * self.scale))
        cv2.polylines(self.image, [self._fixed(path)], False, paint(colour), pixels, cv2.LINE_AA, SHIFT)

    def lines(self, paths: npt.NDArray[np.float64], colour: Colour | float) -> None:
        """Draws many hair lines at once, (count, n, 2)."""
        fixed = self._fixed(paths.reshape(-1, 2)).reshape(paths.shape)
        cv2.polylines(self.image, list(fixed), False, paint(colour), 1, cv2.LINE_AA, SHIFT)

    def ellipse(self, centre: npt.ArrayLike, radii: tuple[float, float], colour: Colour | float) -> None:
        """Fills an upright ellipse."""
        self.fill(np.asarray(centre) + unit_circle() * radii, colour)

    def inside(self, outline: npt.ArrayLike, draw: Callable[["Canvas"], None]) -> None:
        """Lets `draw` paint, but keeps of it only what falls inside the outline."""
        points = self.pixels(outline)
        height, width = self.image.shape[:2]
        left, top = np.clip(np.floor(points.min(axis=0)).astype(int) - 1, 0, [width, height])
        right, bottom = np.clip(np.ceil(points.max(axis=0)).astype(int) + 2, 0, [width, height])
        if right <= left or bottom <= top:
            return
        origin = (self.origin[0] + left / self.scale, self.origin[1] + top / self.scale)
        part = self.image[top:bottom, left:right]
        drawn = Canvas(part.copy(), origin, self.scale)
        draw(drawn)
        mask = Canvas(np.zeros(part.shape[:2], np.uint8), origin, self.scale)
        mask.fill(outline, 255)
        share = mask.image[..., None].astype(np.float32) / 255
        part[:] = np.rint(part * (1 - share) + drawn.image * share).astype(np.uint8)

    def _fixed(self, points: npt.ArrayLike) -> npt.NDArray[np.int32]:
        return np.rint(self.pixels(points) * (1 << SHIFT)).astype(np.int32)


def paint(colour: Colour | float) -> tuple[float, ...]:
    """A colour as OpenCV wants it: opaque where it has three channels."""
    return (*colour, 255.0) if isinstance(colour, tuple) else (float(colour),)


def mix(first: Colour, second: Colour, share: float) -> Colour:
    """`share` of the second colour in the first."""
    blue, green, red = (a + (b - a) * share for a, b in zip(first, second, strict=True))
    return blue, green, red


def smooth(points: npt.ArrayLike, closed: bool) -> npt.NDArray[np.float64]:
    """A Catmull-Rom curve through the points, (n, 2), four samples a span."""
    knots = np.asarray(points, dtype=np.float64)
    return catmull_rom(len(knots), closed) @ knots


@cache
def catmull_rom(count: int, closed: bool, samples: int = 4) -> npt.NDArray[np.float64]:
    """The matrix that turns `count` knots into points on the Catmull-Rom curve through them."""
    step = np.arange(samples)[:, None] / samples
    weights = 0.5 * np.hstack([-step + 2 * step**2 - step**3, 2 - 5 * step**2 + 3 * step**3,
                               step + 4 * step**2 - 3 * step**3, step**3 - step**2])  # fmt: skip
    spans = count if closed else count - 1
    matrix = np.zeros((spans * samples, count))
    for span in range(spans):
        for neighbour in range(4):
            knot = span + neighbour - 1
            knot = knot % count if closed else min(max(knot, 0), count - 1)
            matrix[span * samples : (span + 1) * samples, knot] += weights[:, neighbour]
    if closed:
        return matrix
    return np.vstack([matrix, np.eye(count)[-1]])


@cache
def unit_circle() -> npt.NDArray[np.float64]:
    """Points on the unit circle, (24, 2)."""
    angle = np.linspace(0, 2 * np.pi, 24, endpoint=False)
    return np.stack([np.cos(angle), np.sin(angle)], axis=1)
