"""Hair on the head and on the face."""

import cv2
import numpy as np
import numpy.typing as npt

from pipeline.demo.canvas import BLACK, WHITE, Canvas, Colour, mix, smooth
from pipeline.demo.look import HairStyle, Look
from pipeline.demo.relief import head_canvas
from pipeline.demo.shape import Points, forehead

STRANDS = 40  # single hairs drawn, half of them lighter and half darker than the rest
BEARD_STRENGTH = {"stubble": 0.30, "moustache": 0.85, "full": 0.85}  # share of the skin that it hides


def hair_outline(points: Points, style: HairStyle, down_to: float) -> Points:
    """The outer edge of the hair, from height `down_to` on the left over the crown to the right."""
    crown = forehead(points)
    radial = crown / np.linalg.norm(crown, axis=1, keepdims=True)
    waves = np.cos(np.linspace(0, 17 * np.pi, len(crown)))[:, None]
    outer = crown + radial * (style.volume + style.curl * waves)
    if down_to <= outer[0, 1]:
        return np.asarray(outer)
    # Beside the face the hair widens a little on its way down and turns in at its end.
    fall = np.array([[0.97, 1.0], [1.06, 0.9], [1.06, 0.5]]) * [outer[0, 0], down_to]
    return np.concatenate([fall, outer, fall[::-1] * [-1.0, 1.0]])


def paint_back_hair(canvas: Canvas, points: Points, look: Look) -> None:
    """The hair behind the head, painted before the face."""
    if look.style is not None:
        canvas.fill(hair_outline(points, look.style, look.style.length), mix(look.hair, BLACK, 0.35))


def paint_front_hair(canvas: Canvas, points: Points, look: Look, rng: np.random.Generator) -> None:
    """The hair above the forehead and the locks beside the face."""
    style = look.style
    if style is None:
        return
    outer = hair_outline(points, style, points[0, 1])
    line = hairline(points, look.parting, style)
    canvas.fill(np.concatenate([outer, line[::-1]]), look.hair)
    if style.locks:
        for side, temple in ((-1, points[0]), (1, points[16])):
            canvas.fill(temple + lock(style) * [side, 1.0], look.hair)
    paint_strands(canvas, outer, line, look.hair, rng)


def paint_hair_all_over(canvas: Canvas, points: Points, look: Look, rng: np.random.Generator) -> None:
    """The back of a head."""
    crown, nape = forehead(points) * 1.05, smooth(points[:17] * [1.05, 0.9], closed=False)
    canvas.fill(np.concatenate([crown, nape[::-1]]), look.hair)
    paint_strands(canvas, crown, nape, look.hair, rng)


def hairline(points: Points, parting: float, style: HairStyle) -> Points:
    """The lower edge of the hair on the forehead, left to right, highest at the parting, (15, 2)."""
    left, right = points[0], points[16]
    x = np.linspace(left[0], right[0], 15)
    away = np.where(x < parting, (x - parting) / (left[0] - parting), (x - parting) / (right[0] - parting))
    temple = left[1] - 0.15
    return np.stack([x, style.hairline + (temple - style.hairline) * away**3], axis=1)


def lock(style: HairStyle) -> Points:
    """The outline of the hair that falls beside the face, from the temple, (outwards, down)."""
    inner, outer, end = -style.locks, style.volume, style.length
    return smooth([[inner - 0.1, -0.75], [inner, 0.0], [0.8 * inner, 0.6 * end], [0.05, end],
                   [outer, 0.95 * end], [outer + 0.05, 0.0], [0.8 * outer, -0.6]], closed=True)  # fmt: skip


def paint_strands(canvas: Canvas, outer: Points, inner: Points, hair: Colour, rng: np.random.Generator) -> None:
    """Single hairs, lighter and darker, that run from one edge of the hair to the other."""
    share = np.sort(rng.random(STRANDS))
    starts = along(outer, share)
    ends = along(inner, np.clip(share + rng.normal(0, 0.04, STRANDS), 0, 1))
    way = np.array([0.03, 0.97])[None, :, None]
    paths = starts[:, None] * (1 - way) + ends[:, None] * way
    canvas.lines(paths[::2], mix(hair, WHITE, 0.12))
    canvas.lines(paths[1::2], mix(hair, BLACK, 0.4))


def along(path: Points, share: npt.NDArray[np.float64]) -> Points:
    """Places at the given shares of a path's knots, (n, 2)."""
    knots = share * (len(path) - 1)
    return np.stack([np.interp(knots, np.arange(len(path)), path[:, axis]) for axis in (0, 1)], axis=1)


def paint_beard(canvas: Canvas, points: Points, look: Look, rng: np.random.Generator) -> None:
    """Hair on the jaw, the chin and above the lip, painted before the mouth so that the lips stay free."""
    if look.beard == "none":
        return
    mask = head_canvas(canvas.image.shape[0])
    if look.beard != "moustache":
        cheeks = [points[14] - [0.12, 0.0], points[54] + [0.15, -0.1], points[33] + [0.1, 0.1],
                  points[33] + [-0.1, 0.1], points[48] - [0.15, 0.1], points[2] + [0.12, 0.0]]  # fmt: skip
        mask.fill(np.concatenate([smooth(points[2:15], closed=False), cheeks]), 255)
    lip = [points[48] - [0.06, -0.05], points[33] + [-0.2, 0.07], points[33] + [0.2, 0.07],
           points[54] + [0.06, 0.05], points[51] - [0.0, 0.02]]  # fmt: skip
    mask.fill(smooth(lip, closed=True), 255)
    soft = np.asarray(cv2.GaussianBlur(mask.image, (0, 0), 0.04 * canvas.scale), dtype=np.float32)
    share = BEARD_STRENGTH[look.beard] / 255 * soft * rng.uniform(0.8, 1, soft.shape)
    colours = canvas.image[..., :3]
    colours[:] = colours + (np.array(mix(look.hair, BLACK, 0.2)) - colours) * share[..., None]
