"""Facial expressions as action units, and how each unit moves the 68 points.

The units and the expressions' combinations follow the Facial Action Coding System (P. Ekman, W. V. Friesen,
J. C. Hager, "Facial Action Coding System", 2002, and its table of emotion predictions, EMFACS).
"""

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from pipeline.demo.shape import Points
from pipeline.faces.points import COUNT, MIRROR

# How far each unit moves the points of the image's left half and the midline at full strength, that of a posed
# expression; the right half mirrors it. Point (0-based): (outwards, upwards) in eye distances.
ACTION_UNITS: dict[int, dict[int, tuple[float, float]]] = {
    # inner brow raiser (frontalis, medial part)
    1: {21: (0.01, 0.20), 20: (0.0, 0.14), 19: (0.0, 0.06), 18: (0.0, 0.01)},
    # outer brow raiser (frontalis, lateral part)
    2: {17: (0.0, 0.12), 18: (0.0, 0.17), 19: (0.0, 0.15), 20: (0.0, 0.07)},
    # brow lowerer (corrugator): down and together
    4: {21: (-0.07, -0.13), 20: (-0.06, -0.14), 19: (-0.04, -0.10), 18: (-0.02, -0.05), 17: (0.0, -0.01)},
    # upper lid raiser
    5: {37: (0.0, 0.06), 38: (0.0, 0.06)},
    # cheek raiser (orbicularis oculi, orbital part): the lower lid is pushed up
    6: {40: (0.0, 0.04), 41: (0.0, 0.045), 37: (0.0, -0.02), 38: (0.0, -0.015), 18: (0.0, -0.02)},
    # lid tightener
    7: {40: (0.0, 0.03), 41: (0.0, 0.03), 37: (0.0, -0.03), 38: (0.0, -0.03)},
    # nose wrinkler: wings and lip up, brows pulled down
    9: {31: (0.03, 0.08), 32: (0.0, 0.05), 33: (0.0, 0.03), 30: (0.0, 0.03), 21: (-0.02, -0.08),
        20: (0.0, -0.07), 19: (0.0, -0.04), 49: (0.0, 0.06), 50: (0.0, 0.09), 51: (0.0, 0.07), 61: (0.0, 0.06),
        62: (0.0, 0.06), 40: (0.0, 0.02), 41: (0.0, 0.02), 37: (0.0, -0.025), 38: (0.0, -0.03)},
    # upper lip raiser
    10: {49: (0.02, 0.09), 50: (0.01, 0.11), 51: (0.0, 0.08), 61: (0.0, 0.09), 62: (0.0, 0.08),
         31: (0.01, 0.03)},
    # lip corner puller (zygomaticus major)
    12: {48: (0.17, 0.17), 60: (0.16, 0.16), 49: (0.08, 0.07), 50: (0.02, 0.0), 51: (0.0, -0.01),
         59: (0.09, 0.06), 58: (0.03, 0.02), 61: (0.03, 0.01), 67: (0.03, 0.01)},
    # lip corner depressor (triangularis)
    15: {48: (0.0, -0.16), 60: (0.0, -0.14), 49: (0.0, -0.05), 59: (0.01, -0.07), 61: (0.0, -0.01)},
    # lower lip depressor
    16: {59: (0.01, -0.04), 58: (0.01, -0.09), 57: (0.0, -0.09), 67: (0.01, -0.08), 66: (0.0, -0.08)},
    # chin raiser (mentalis): the lower lip pushes the upper one up
    17: {57: (0.0, 0.04), 58: (0.0, 0.05), 59: (0.0, 0.03), 66: (0.0, 0.04), 67: (0.0, 0.04), 61: (0.0, 0.04),
         62: (0.0, 0.04), 50: (0.0, 0.03), 51: (0.0, 0.04), 8: (0.0, 0.03)},
    # lip stretcher (risorius): corners straight outwards
    20: {48: (0.17, -0.03), 60: (0.16, -0.03), 49: (0.08, -0.01), 59: (0.09, -0.02), 58: (0.03, 0.0),
         50: (0.02, -0.01)},
    # lip tightener (orbicularis oris): narrow, pressed lips
    23: {48: (-0.07, 0.0), 60: (-0.06, 0.0), 49: (-0.02, -0.03), 50: (0.0, -0.06), 51: (0.0, -0.05),
         57: (0.0, 0.07), 58: (0.0, 0.07), 59: (-0.02, 0.04)},
    # lips part
    25: {57: (0.0, -0.06), 58: (0.0, -0.06), 59: (0.0, -0.03), 66: (0.0, -0.09), 67: (0.0, -0.085),
         61: (0.0, 0.02), 62: (0.0, 0.02), 50: (0.0, 0.02), 51: (0.0, 0.02)},
    # jaw drop
    26: {57: (0.0, -0.34), 58: (0.0, -0.33), 59: (-0.01, -0.25), 66: (0.0, -0.33), 67: (0.0, -0.30),
         48: (-0.05, -0.10), 60: (-0.05, -0.10), 8: (0.0, -0.26), 7: (0.0, -0.25), 6: (0.0, -0.21),
         5: (0.0, -0.15), 4: (0.0, -0.08), 3: (0.0, -0.03)},
    # eyes closing
    43: {37: (0.0, -0.10), 38: (0.0, -0.10)},
}  # fmt: skip


@dataclass(frozen=True)
class Expression:
    """Action units with their usual strength, and others with how often they come along at half strength."""

    always: dict[int, float]
    sometimes: dict[int, float] = field(default_factory=dict)


# In the order of FER2013's labels, 0 to 6.
EXPRESSIONS: dict[str, Expression] = {
    "angry": Expression({4: 1.0, 5: 0.4, 7: 0.8, 23: 1.0}, {10: 0.25, 25: 0.2, 17: 0.4}),
    "disgust": Expression({9: 1.0, 10: 0.5, 15: 0.4, 16: 0.6}, {4: 0.5, 7: 0.4, 25: 0.5, 17: 0.3}),
    "fear": Expression({1: 0.9, 2: 0.5, 4: 0.6, 5: 1.0, 20: 1.0, 25: 0.6}, {26: 0.6}),
    "happy": Expression({6: 0.9, 12: 1.0}, {25: 0.75, 26: 0.25, 43: 0.1}),
    "sad": Expression({1: 1.0, 4: 0.6, 15: 1.0}, {17: 0.5, 43: 0.4, 7: 0.2}),
    "surprise": Expression({1: 0.9, 2: 0.9, 5: 0.8, 26: 1.0}, {25: 0.5}),
    "neutral": Expression({}),
}

Activations = dict[int, float]  # action unit: strength, 0 (absent) to about 1.2


def random_activations(name: str, intensity: float, rng: np.random.Generator) -> Activations:
    """One showing of the expression: each unit varies by itself, and a stray unit or two stirs weakly."""
    expression = EXPRESSIONS[name]
    activations: Activations = {}
    for unit in ACTION_UNITS:
        stray = 0.15 * rng.random() if rng.random() < 0.2 else 0.0
        usual = expression.always.get(unit, 0.0) * rng.uniform(0.65, 1.25)
        joins = rng.random() < expression.sometimes.get(unit, 0.0)
        extra = rng.uniform(0.3, 0.8) if joins else 0.0
        activations[unit] = stray + intensity * max(usual, extra)
    return activations


def unit_moves() -> npt.NDArray[np.float64]:
    """The table of action units as displacements of both halves of the face, (units, 68, 2)."""
    moves = np.zeros((len(ACTION_UNITS), COUNT, 2))
    for move, table in zip(moves, ACTION_UNITS.values(), strict=True):
        for index, (outwards, upwards) in table.items():
            move[MIRROR[index]] = outwards, -upwards
            move[index] = -outwards, -upwards  # written second: the midline's points are their own mirrors
    return moves


UNIT_MOVES = unit_moves()

# Points above and below each other that opposite units may push through one another.
UPPER_LIDS, LOWER_LIDS = [37, 38, 43, 44, 61, 62, 63], [41, 40, 47, 46, 67, 66, 65]  # and the inner lips
UPPER_LIP, ABOVE_OPENING = [49, 50, 51, 52, 53], [61, 61, 62, 63, 63]
LOWER_LIP, BELOW_OPENING = [55, 56, 57, 58, 59], [65, 65, 66, 67, 67]
THINNEST_LIP = 0.035  # of a pressed lip, eye distances


def moved(points: Points, activations: Activations) -> Points:
    """The (68, 2) points of a frontal face, in eye distances, after the action units acted on it."""
    strengths = np.array([activations.get(unit, 0.0) for unit in ACTION_UNITS])
    return kept_in_order(points + np.tensordot(strengths, UNIT_MOVES, axes=1))


def kept_in_order(points: Points) -> Points:
    """Pulls apart lids and lips that opposite units pushed through each other."""
    result = points.copy()
    y = result[:, 1]
    overlap = np.maximum(0, y[UPPER_LIDS] - y[LOWER_LIDS])
    y[UPPER_LIDS] -= overlap / 2
    y[LOWER_LIDS] += overlap / 2
    y[UPPER_LIP] = np.minimum(y[UPPER_LIP], y[ABOVE_OPENING] - THINNEST_LIP)
    y[LOWER_LIP] = np.maximum(y[LOWER_LIP], y[BELOW_OPENING] + THINNEST_LIP)
    return result
