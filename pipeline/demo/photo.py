"""From a person and an expression to a photograph: background, body, light, camera."""

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from pipeline.demo.action_units import Activations, moved
from pipeline.demo.canvas import BLACK, Canvas, mix, smooth
from pipeline.demo.head import paint_head
from pipeline.demo.look import Look, random_colour
from pipeline.demo.relief import View, depth_map, places_seen, projected, sampled, shading
from pipeline.demo.shape import Points, Shape, neutral_points

Image = npt.NDArray[np.uint8]


@dataclass(frozen=True)
class Light:
    """Where the light stands, in the camera's axes, and the share of it that comes from everywhere."""

    direction: npt.NDArray[np.float64]
    ambient: float


def random_light(rng: np.random.Generator) -> Light:
    """From the front, mostly from above, at times from one side."""
    direction = np.array([rng.normal(0, 0.6), rng.uniform(-0.9, 0.1), 1.0])
    return Light(direction=direction, ambient=float(rng.uniform(0.35, 0.65)))


def photograph(
    shape: Shape,
    look: Look,
    activations: Activations,
    view: View,
    size: int,
    rng: np.random.Generator,
    from_behind: bool = False,
) -> tuple[Image, Points]:
    """A sharp colour photograph, (size, size, 3) uint8, and its 68 points in pixels, (68, 2)."""
    points = moved(neutral_points(shape), activations)
    depth = depth_map(activations)
    light = random_light(rng)
    head = paint_head(points, look, activations, view.scale, rng, from_behind)

    places = places_seen(depth, view, size, size)
    painted = sampled(head, places)
    bright = sampled(shading(depth, view, light.direction, light.ambient), places)
    seen = projected(points, depth, view)
    scene = background(size, rng)
    paint_body(scene, seen, look, view)
    bare = 1 - painted[..., 3:] / np.float32(255)
    image = painted[..., :3] * bright[..., None] + scene * bare
    return np.clip(np.rint(image), 0, 255).astype(np.uint8), seen


def background(size: int, rng: np.random.Generator) -> Image:
    """Uneven light, a few things, out of focus: (size, size, 3)."""
    patches = np.clip(np.array(random_colour(rng)) + rng.normal(0, 12, (5, 5, 3)), 0, 255).astype(np.uint8)
    scene = np.asarray(cv2.resize(patches, (size, size), interpolation=cv2.INTER_CUBIC), dtype=np.uint8)
    canvas = Canvas(scene, (0.0, 0.0), float(size))
    for _ in range(rng.integers(0, 7)):
        place, reach = rng.uniform(-0.2, 1.2, 2), rng.normal(0, 0.22, (rng.integers(3, 6), 2))
        rounded = rng.random() < 0.5
        canvas.fill(smooth(place + reach, closed=True) if rounded else place + reach, random_colour(rng))
    return np.asarray(cv2.GaussianBlur(scene, (0, 0), size * rng.uniform(0.004, 0.03)), dtype=np.uint8)


def paint_body(scene: Image, seen: Points, look: Look, view: View) -> None:
    """Neck and shoulders below the jaw, upright however the head is tilted."""
    middle, chin = seen[[4, 12]].mean(axis=0), seen[8]
    x, y = middle[0], max(middle[1], chin[1] - 0.5 * view.scale)
    body = Canvas(scene, (-x / view.scale, -y / view.scale), view.scale)
    body.fill([[-0.62, -0.4], [0.62, -0.4], [0.7, 1.4], [-0.7, 1.4]], mix(look.skin, BLACK, 0.4))
    shoulder = np.array([[0.72, 0.85], [2.4, 1.3], [2.8, 6.0]])
    body.fill([[0.0, 1.3], *shoulder, *(shoulder * [-1.0, 1.0])[::-1]], look.cloth)


def developed(image: Image, rng: np.random.Generator, blur: float, noise: float) -> Image:
    """What a camera makes of it, (h, w, 3): blur, automatic exposure, contrast and noise.

    Args:
        blur: the largest standard deviation, pixels.
        noise: the largest standard deviation, grey levels.
    """
    sigma = rng.uniform(0, blur)
    if sigma > 0.25:  # less than that changes nothing
        image = np.asarray(cv2.GaussianBlur(image, (0, 0), sigma), dtype=np.uint8)
    # Grey levels' mean and spread vary as much as in FER2013, but a flat scene stays flatter than others.
    exposure, spread = rng.normal(120, 20), rng.uniform(35, 70)
    contrast = np.clip(spread / max(image.std(), 1.0), 0.7, 1.6)
    grain = rng.standard_normal(image.shape, dtype=np.float32) * np.float32(rng.uniform(0, noise))
    result = (image - np.float32(image.mean())) * np.float32(contrast) + np.float32(exposure) + grain
    return np.clip(np.rint(result), 0, 255).astype(np.uint8)
