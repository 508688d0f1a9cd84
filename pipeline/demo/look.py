"""What a person looks like beyond the shape of the face: skin, hair, glasses and what covers the face."""

from dataclasses import dataclass

import numpy as np

from pipeline.demo.canvas import Colour, mix

# Blue, green, red, from light to dark.
SKINS: tuple[Colour, ...] = ((190, 208, 238), (160, 186, 226), (128, 160, 208), (95, 128, 180), (66, 92, 140),
                             (46, 64, 100))  # fmt: skip
HAIRS: tuple[Colour, ...] = ((28, 26, 26), (34, 46, 66), (48, 76, 112), (100, 150, 196), (40, 70, 140),
                             (165, 168, 172))  # fmt: skip


@dataclass(frozen=True)
class HairStyle:
    """Lengths in eye distances; y grows downwards from the eyes."""

    volume: float  # how far the hair stands out from the skull
    hairline: float  # y of the hairline above the nose
    length: float  # y where the hair at the back ends
    locks: float  # how far hair beside the face covers the cheeks
    curl: float = 0.0  # how far its outline waves in and out


HAIR_STYLES: dict[str, HairStyle] = {
    "short": HairStyle(volume=0.14, hairline=-1.02, length=0.1, locks=0.0),
    "receding": HairStyle(volume=0.07, hairline=-1.30, length=0.1, locks=0.0),
    "fringe": HairStyle(volume=0.18, hairline=-0.62, length=0.7, locks=0.08),
    "bob": HairStyle(volume=0.24, hairline=-0.98, length=1.35, locks=0.16),
    "long": HairStyle(volume=0.22, hairline=-1.05, length=2.6, locks=0.12),
    "tied back": HairStyle(volume=0.08, hairline=-1.06, length=0.0, locks=0.0),
    "full curls": HairStyle(volume=0.42, hairline=-0.90, length=0.9, locks=0.10, curl=0.06),
}


@dataclass(frozen=True)
class Look:
    """Everything about a person's appearance that the expression does not change."""

    skin: Colour
    lips: Colour
    iris: Colour
    hair: Colour
    cloth: Colour
    style: HairStyle | None  # None is bald
    parting: float  # x where the hairline is highest, eye distances
    brow_thickness: float  # eye distances
    age: float  # 0 to 1: how deep the creases of the resting face are
    beard: str  # "none", "stubble", "moustache" or "full"
    glasses: str  # "none", "clear" or "dark"
    cover: str  # what hides a part of the face: "none", "hand", "scarf" or "hair"
    side: int  # -1 or 1: on which side a hand or hair comes in
    gaze: tuple[float, float]  # how far the irises are off the middle of the eyes, eye distances


def random_look(rng: np.random.Generator, covered: float) -> Look:
    """One person; `covered` is the chance that something hides a part of the face."""
    tone = rng.uniform(0, len(SKINS) - 1.001)
    skin = mix(SKINS[int(tone)], SKINS[int(tone) + 1], tone % 1)
    hair = mix(HAIRS[rng.integers(len(HAIRS))], HAIRS[rng.integers(2)], rng.uniform(0, 0.8))
    male = rng.random() < 0.5
    beards, often = ["none", "stubble", "moustache", "full"], [0.6, 0.2, 0.08, 0.12]
    styles = ["short", "receding", "fringe"] if male else ["fringe", "bob", "long", "tied back", "full curls"]
    return Look(
        skin=skin,
        lips=mix(skin, (70, 50, 150), rng.uniform(0.3, 0.5) if male else rng.uniform(0.4, 0.8)),
        iris=mix((40, 60, 85), (140, 120, 80), float(rng.random() ** 2)),
        hair=hair,
        cloth=random_colour(rng),
        style=None if male and rng.random() < 0.12 else HAIR_STYLES[styles[rng.integers(len(styles))]],
        parting=float(rng.uniform(-0.5, 0.5)),
        brow_thickness=float(rng.uniform(0.085, 0.13) if male else rng.uniform(0.06, 0.10)),
        age=float(rng.random() ** 2),
        beard=str(rng.choice(beards, p=often)) if male else "none",
        glasses=str(rng.choice(["none", "clear", "dark"], p=[0.85, 0.14, 0.01])),
        cover=str(rng.choice(["hand", "scarf", "hair"])) if rng.random() < covered else "none",
        side=int(rng.choice([-1, 1])),
        gaze=(float(rng.normal(0, 0.03)), float(rng.normal(0, 0.01))),
    )


def random_colour(rng: np.random.Generator) -> Colour:
    """Any colour, of cloth or of things in the background; greyish ones are likelier."""
    grey = rng.uniform(20, 235)
    blue, green, red = np.clip(grey + rng.normal(0, 25, size=3), 0, 255)
    return float(blue), float(green), float(red)
