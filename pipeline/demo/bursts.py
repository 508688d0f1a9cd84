"""Demo selfies: a folder a class, nine pictures a burst, which differ by as much as a hand moves in a second."""

from pathlib import Path

import cv2
import numpy as np

from pipeline.demo.action_units import random_activations
from pipeline.demo.look import random_look
from pipeline.demo.photo import Image, developed, photograph
from pipeline.demo.relief import View
from pipeline.demo.shape import random_shape

FOLDER = "folder"
CLASSES = ("angry", "happy", "neutral", "sad", "surprise")
BURSTS = 8  # of each class
PICTURES = 9  # of each burst
SIDE = 256  # pixels
STREAM = 200  # keeps this set's generators apart from those of the others

# Standard deviations of what a hand that holds a camera moves: yaw, pitch, roll (degrees), x, y (pixels). It comes no
# closer: how a head is painted, and so what the generator draws next, depends on the scale.
SHAKE = np.array([1.5, 1.0, 1.0, 2.0, 2.0])
GRAIN = 4.0  # grey levels, the noise of each picture


def draw_bursts(folder: Path, seed: int, bursts: int = BURSTS) -> None:
    """Writes `folder/CLASS/burst012_3.jpg`, so many bursts of each class, numbered through all classes."""
    for part, name in enumerate(CLASSES):
        place = folder / FOLDER / name
        place.mkdir(parents=True)
        for number in range(part * bursts, (part + 1) * bursts):
            for picture in range(PICTURES):
                file = cv2.imencode(".jpg", draw_picture(seed, name, number, picture), [cv2.IMWRITE_JPEG_QUALITY, 90])[
                    1
                ]
                (place / f"burst{number:03d}_{picture}.jpg").write_bytes(file.tobytes())


def draw_picture(seed: int, name: str, burst: int, picture: int) -> Image:
    """One of a burst, (256, 256, 3): all of it show one face, look, place and light."""
    of_burst = np.random.default_rng([seed, STREAM, burst])
    of_picture = np.random.default_rng([seed, STREAM, burst, picture])
    activations = random_activations(name, of_burst.triangular(0.4, 0.8, 1.2), of_burst)
    look, shape = random_look(of_burst, covered=0.05), random_shape(of_burst)
    yaw, pitch, roll = np.clip(of_burst.normal(0, [6, 4, 4]), -18, 18)
    scale = SIDE * of_burst.uniform(0.2, 0.3)
    yaw, pitch, roll, x, y = np.array([yaw, pitch, roll, SIDE / 2, SIDE / 2]) + of_picture.normal(0, SHAKE)
    # The generator goes on alike in every picture, so that the room, its light and the exposure are the same.
    image, _ = photograph(shape, look, activations, View(yaw, pitch, roll, scale, x, y), SIDE, of_burst)
    image = developed(image, of_burst, blur=1.0, noise=0)
    return np.clip(np.rint(image + of_picture.normal(0, GRAIN, image.shape)), 0, 255).astype(np.uint8)
