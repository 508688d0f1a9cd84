"""Demo images of expressions in the formats of FER2013 (Kaggle) and FER+, with the real sets' defects.

FER2013: I. Goodfellow et al., "Challenges in Representation Learning", 2013.
FER+: E. Barsoum et al., "Training Deep Networks for Facial Expression Recognition with Crowd-Sourced Label
Distribution", 2016.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from pipeline.demo.action_units import EXPRESSIONS, random_activations
from pipeline.demo.look import random_look
from pipeline.demo.photo import Image, background, developed, photograph
from pipeline.demo.relief import View
from pipeline.demo.shape import random_shape

ROWS = {"Training": 640, "PublicTest": 200, "PrivateTest": 200}
SIDE = 48  # of an image, pixels
DRAWN = 96  # drawn at twice that and averaged down, which is what a camera's small image is

NAMES = list(EXPRESSIONS)
LABELS = len(NAMES)
# How often each expression is shown: uneven as in FER2013, but with enough of the rare ones to learn from.
FREQUENCIES = [0.13, 0.09, 0.14, 0.23, 0.15, 0.12, 0.14]

# The defects of the real set; shares of all rows.
BLANK, NO_FACE, TWIN = 0.005, 0.010, 0.035
WRONG_LABEL = 0.04
CONFLICT = 0.3  # of the twins have another label than their original
# FER2013 came from web searches, which find one photograph on several sites: of the twins this share is not the same
# file but was cut, lightened and compressed anew, and some of these were mirrored.
SAVED_AGAIN, MIRRORED = 0.4, 0.25
REACH = 1.0  # pixels that the new cut begins further up, down, left or right, at most

VOTE_COLUMNS = ["neutral", "happiness", "surprise", "sadness", "anger", "disgust", "fear", "contempt"]
VOTE_COLUMNS += ["unknown", "NF"]
VOTERS = 10
# What the voters see in each expression when it is clear, and when it is weak: shares in the columns' order.
CLEAR = {
    "angry": [0.04, 0, 0, 0.03, 0.86, 0.05, 0, 0.02, 0, 0],
    "disgust": [0.03, 0, 0, 0.04, 0.16, 0.71, 0.02, 0.04, 0, 0],
    "fear": [0.02, 0, 0.18, 0.05, 0.02, 0.03, 0.70, 0, 0, 0],
    "happy": [0.04, 0.95, 0.01, 0, 0, 0, 0, 0, 0, 0],
    "sad": [0.10, 0, 0, 0.83, 0.02, 0.02, 0.03, 0, 0, 0],
    "surprise": [0.02, 0.03, 0.86, 0, 0, 0, 0.09, 0, 0, 0],
    "neutral": [0.86, 0.03, 0.01, 0.06, 0.02, 0, 0, 0.02, 0, 0],
}
WEAK = {
    "angry": [0.45, 0, 0, 0.12, 0.33, 0.03, 0, 0.04, 0.03, 0],
    "disgust": [0.35, 0, 0, 0.14, 0.20, 0.22, 0, 0.06, 0.03, 0],
    "fear": [0.35, 0, 0.20, 0.17, 0, 0, 0.25, 0, 0.03, 0],
    "happy": [0.50, 0.45, 0, 0, 0, 0, 0, 0.03, 0.02, 0],
    "sad": [0.55, 0, 0, 0.36, 0.04, 0, 0.02, 0, 0.03, 0],
    "surprise": [0.45, 0.03, 0.40, 0.02, 0, 0, 0.08, 0, 0.02, 0],
    "neutral": [0.80, 0.05, 0, 0.09, 0.03, 0, 0, 0.01, 0.02, 0],
}
NOT_A_FACE = [0, 0, 0, 0, 0, 0, 0, 0, 0.4, 0.6]


@dataclass(frozen=True)
class Row:
    """One image with its label and its votes."""

    image: Image  # (48, 48), grey
    label: int
    votes: npt.NDArray[np.int64]  # (10,), in the order of VOTE_COLUMNS
    named: bool = True  # FER+ gives no name to images that cannot be used
    original: "Row | None" = None  # which it repeats


def draw_fer(folder: Path, seed: int, rows: Mapping[str, int] = ROWS) -> None:
    """Writes `fer2013.csv` and `fer2013new.csv` with so many rows of each usage."""
    drawn = draw_rows(seed, rows)
    with (folder / "fer2013.csv").open("w", newline="\n") as file:
        file.write("emotion,pixels,Usage\n")
        for usage, row in drawn:
            file.write(f"{row.label},{' '.join(map(str, row.image.ravel().tolist()))},{usage}\n")
    with (folder / "fer2013new.csv").open("w", newline="\n") as file:
        file.write(f"Usage,Image name,{','.join(VOTE_COLUMNS)}\n")
        for number, (usage, row) in enumerate(drawn):
            name = f"fer{number:07d}.png" if row.named else ""
            file.write(f"{usage},{name},{','.join(map(str, row.votes.tolist()))}\n")


def draw_rows(seed: int, rows: Mapping[str, int]) -> list[tuple[str, Row]]:
    """The rows with their usage, Training first.

    A twin repeats the Training row of half its number, in Training as in the other usages: so twins straddle
    the splits, and which row is repeated does not depend on how many there are.
    """
    training: list[Row] = []
    drawn: list[tuple[str, Row]] = []
    for part, (usage, count) in enumerate(rows.items()):
        for index in range(count):
            rng = np.random.default_rng([seed, part, index])
            original = training[index // 2] if index // 2 < len(training) else None
            row = draw_row(original, rng)
            drawn.append((usage, row))
            if usage == "Training":
                training.append(row)
    return drawn


def draw_row(original: Row | None, rng: np.random.Generator) -> Row:
    """One row: a face, or now and then a defect; `original` is the row it repeats if it turns out a twin."""
    kind = rng.random()
    label = int(rng.choice(LABELS, p=FREQUENCIES))
    if kind < BLANK:
        votes = VOTERS * np.eye(len(VOTE_COLUMNS), dtype=np.int64)[-1]
        return Row(np.full((SIDE, SIDE), rng.integers(256), np.uint8), label, votes, named=False)
    if kind < BLANK + NO_FACE:
        return Row(small(draw_no_face(rng), rng), label, rng.multinomial(VOTERS, NOT_A_FACE))
    if kind < BLANK + NO_FACE + TWIN and original is not None:
        label = other(original.label, rng) if rng.random() < CONFLICT else original.label
        image = saved_again(original.image, rng) if rng.random() < SAVED_AGAIN else original.image
        return replace(original, image=image, label=label, original=original)
    image, clarity = draw_face(NAMES[label], rng)
    shares = clarity * np.array(CLEAR[NAMES[label]]) + (1 - clarity) * np.array(WEAK[NAMES[label]])
    votes = rng.multinomial(VOTERS, shares)
    return Row(image, other(label, rng) if rng.random() < WRONG_LABEL else label, votes)


def other(label: int, rng: np.random.Generator) -> int:
    """Any label but this one."""
    return int((label + rng.integers(1, LABELS)) % LABELS)


def random_view(rng: np.random.Generator) -> View:
    """A face that fills the frame from the brows to the chin, roughly straight and roughly in the middle."""
    yaw, pitch, roll = np.clip(rng.normal(0, [6, 4, 4]), -18, 18)
    x, y = DRAWN / 2 + rng.normal(0, 0.015 * DRAWN, 2) - [0, 0.02 * DRAWN]
    return View(yaw, pitch, roll, scale=DRAWN * rng.uniform(0.35, 0.40), x=x, y=y)


def draw_face(name: str, rng: np.random.Generator) -> tuple[Image, float]:
    """A face that shows an expression, (48, 48) grey, and how clearly it shows it, 0 to 1."""
    intensity = rng.triangular(0.7, 1.1, 1.4)  # mostly clear, some weak
    activations = random_activations(name, intensity, rng)
    look = random_look(rng, covered=0.05)
    image, _ = photograph(random_shape(rng), look, activations, random_view(rng), DRAWN, rng)
    return small(image, rng), float(np.clip((intensity - 0.4) / 0.6, 0, 1))


def draw_no_face(rng: np.random.Generator) -> Image:
    """What a face detector took for a face: clutter, or the back of a head."""
    if rng.random() < 0.5:
        return background(DRAWN, rng)
    look = random_look(rng, covered=0.0)
    return photograph(random_shape(rng), look, {}, random_view(rng), DRAWN, rng, from_behind=True)[0]


def small(image: Image, rng: np.random.Generator) -> Image:
    """The photograph in grey, developed and reduced to 48 pixels; some were JPEG files on the way."""
    grey = cv2.cvtColor(developed(image, rng, blur=1.4, noise=9), cv2.COLOR_BGR2GRAY)
    reduced = np.asarray(cv2.resize(grey, (SIDE, SIDE), interpolation=cv2.INTER_AREA), dtype=np.uint8)
    return reduced if rng.random() > 0.3 else compressed(reduced, int(rng.integers(40, 90)))


def saved_again(image: Image, rng: np.random.Generator) -> Image:
    """The same photograph, (48, 48) grey, as another site has it."""
    if rng.random() < MIRRORED:
        image = image[:, ::-1]
    x, y = rng.uniform(-REACH, REACH, 2)
    moved = np.array([[1, 0, x], [0, 1, y]])
    cut = cv2.warpAffine(np.ascontiguousarray(image), moved, (SIDE, SIDE), borderMode=cv2.BORDER_REPLICATE)
    lightened = np.rint(cut * rng.uniform(0.9, 1.1) + rng.uniform(-12, 12))
    return compressed(np.clip(lightened, 0, 255).astype(np.uint8), int(rng.integers(50, 90)))


def compressed(image: Image, quality: int) -> Image:
    """What a JPEG file of that quality, 0 to 100, keeps of a grey image."""
    _, file = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, quality])
    return np.asarray(cv2.imdecode(file, cv2.IMREAD_GRAYSCALE), dtype=np.uint8)
