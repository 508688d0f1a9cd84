"""Parts alone, and networks that never saw anything else."""

from __future__ import annotations

import numpy as np
import pytest
from part_answers import CLASSES, LABELS, made_up

from pipeline.inside.retrained import beside_retrained, parts_shown
from pipeline.inside.worth import ALL
from pipeline.params import load_params
from pipeline.regions.definitions import read_region

PARTS = load_params().parts
NAMES = list(PARTS)


@pytest.mark.parametrize(
    ("region", "parts"),
    [
        ({"points": "49-68", "margin": 0.3}, ["mouth"]),
        ({"points": "18-27 37-48", "margin": 0.2}, ["eyes", "brows"]),
        ({"points": "37-48"}, ["eyes"]),
        ({"points": "49-60"}, None),  # half of the mouth's points
        ({"points": "48-68"}, None),  # and a point of an eye
        ({"points": "1-17"}, None),  # of no part's
        ({"left": 1, "right": 17, "top": 20, "bottom": 9}, None),
        ("whole", None),
    ],
)
def test_a_region_of_parts_is_told_by_its_points(region: object, parts: list[str] | None) -> None:
    found = parts_shown(read_region(region), PARTS)
    assert (None if found is None else [NAMES[number] for number in found]) == parts


def test_every_view_is_the_mean_probability_of_the_true_class() -> None:
    found = made_up()
    trained = np.random.default_rng(7).dirichlet(np.ones(3), (1, len(LABELS))).astype(np.float32)
    table = beside_retrained([found], "mouth", [1], trained, 100).set_index("expression")
    happy, values = slice(3, 7), found.values.mean(axis=1)
    row = table.loc["happy"]
    assert row["n"] == 4
    assert row["whole"] == pytest.approx(values[happy, 0b11].mean(), abs=1e-6)
    assert row["without"] == pytest.approx(values[happy, 0b01].mean(), abs=1e-6)
    assert row["only"] == pytest.approx(values[happy, 0b10].mean(), abs=1e-6)
    assert row["retrained"] == pytest.approx(trained[0, happy, 1].mean(), abs=1e-6)
    assert row["gap"] == pytest.approx(row["retrained"] - row["only"])
    assert row["gap_low"] <= row["gap"] <= row["gap_high"]
    assert list(table.index) == [*CLASSES[:2], ALL]
