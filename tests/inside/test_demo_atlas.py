"""On drawn faces it is known which points move in which expression: the atlas finds the parts that they lie in."""

from __future__ import annotations

from itertools import permutations

import numpy as np
import numpy.typing as npt
import pytest
import torch
from new_networks import new_network
from scipy.stats import spearmanr
from tiny_networks import classifier_of
from torch.nn import functional

from pipeline.demo.action_units import ACTION_UNITS, EXPRESSIONS, UNIT_MOVES, random_activations
from pipeline.demo.fer import DRAWN, SIDE, random_view, small
from pipeline.demo.look import random_look
from pipeline.demo.photo import photograph
from pipeline.demo.shape import random_shape
from pipeline.faces.points import BROWS, EYES, JAW, LIPS, NOSE
from pipeline.inside.coalitions import answers, shapley
from pipeline.inside.fillings import FILLINGS
from pipeline.params import load_params
from pipeline.regions.parts import label_parts

PARTS = load_params().parts
POINTS = {"eyes": EYES, "brows": BROWS, "mouth": LIPS, "nose": NOSE, "cheeks_and_jaw": JAW}
JOINS = 0.55  # mean strength of a unit that sometimes comes along, see `random_activations`


def expected() -> dict[str, float]:
    """How much each part tells expressions apart: the squared distance of its points between two of them, mean over
    all pairs, in squared eye distances."""
    moves = []
    for expression in EXPRESSIONS.values():
        strengths = [max(expression.always.get(u, 0), JOINS * expression.sometimes.get(u, 0)) for u in ACTION_UNITS]
        moves.append(np.tensordot(strengths, UNIT_MOVES, axes=1))
    pairs = [(one - other) ** 2 for one, other in permutations(moves, 2)]
    squared = np.mean(pairs, axis=0).sum(axis=1)
    return {name: float(squared[list(points)].sum()) for name, points in POINTS.items()}


def test_what_is_expected_follows_from_the_drawing_code() -> None:
    """The order that docs/inside.md states."""
    worth = expected()
    assert sorted(worth, key=lambda name: -worth[name]) == ["mouth", "brows", "cheeks_and_jaw", "eyes", "nose"]


def drawn_faces(count: int, seed: int) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.uint8], npt.NDArray[np.float32]]:
    """Images (count, 48, 48), their expressions in turn, and the true points; none is covered or spoilt."""
    images, labels, points = [], [], []
    for number in range(count):
        rng = np.random.default_rng([seed, number])
        label = number % len(EXPRESSIONS)
        activations = random_activations(list(EXPRESSIONS)[label], 1.2, rng)
        image, places = photograph(
            random_shape(rng), random_look(rng, covered=0.0), activations, random_view(rng), DRAWN, rng
        )
        images.append(small(image, rng))
        labels.append(label)
        points.append((places + 0.5) * SIDE / DRAWN - 0.5)
    return np.stack(images), np.array(labels, np.uint8), np.stack(points).astype(np.float32)


@pytest.mark.slow
def test_a_network_that_learnt_drawn_faces_relies_on_the_parts_that_move() -> None:
    network = new_network("cnn1")
    images, labels, _ = drawn_faces(840, 0)
    seen = torch.from_numpy(images.astype(np.float32))[:, None] / 127.5 - 1
    true = torch.from_numpy(labels.astype(np.int64))
    optimizer, generator = torch.optim.AdamW(network.parameters(), 1e-3), torch.Generator().manual_seed(0)
    for _ in range(8):
        for rows in torch.randperm(len(seen), generator=generator).split(32):  # type: ignore[no-untyped-call]
            optimizer.zero_grad()
            functional.cross_entropy(network(seen[rows]), true[rows]).backward()  # type: ignore[no-untyped-call]
            optimizer.step()
    images, labels, points = drawn_faces(70, 1)
    classifier = classifier_of(network, tuple(EXPRESSIONS), SIDE)
    right = classifier.probabilities(images).argmax(axis=1) == labels
    assert right.mean() > 0.4  # chance is a seventh
    where = label_parts(points, PARTS, SIDE)
    said = [
        answers(classifier.probabilities, images, fill(images), where, len(PARTS), name)
        for name, fill in FILLINGS.items()
    ]
    worth = shapley(np.mean(said, axis=0)[np.arange(len(labels)), :, labels]).mean(axis=0)
    found = dict(zip(PARTS, worth.tolist(), strict=True))
    assert max(found, key=lambda name: found[name]) == "mouth"
    order = [found[name] for name in POINTS]
    assert spearmanr(order, [expected()[name] for name in POINTS]).statistic >= 0.7
    assert max(abs(found["outside"]), abs(found["forehead"])) < 0.25 * found["mouth"]
