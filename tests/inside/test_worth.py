"""What parts are worth by expression, and the chance of images and seeds."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from part_answers import LABELS, made_up

from pipeline.common.files import InputError
from pipeline.inside.worth import ALL, BOTH, confusions, ends, means_by_class, part_worth, stacked


def test_means_are_those_of_each_class_and_of_all_classes_alike() -> None:
    values = np.random.default_rng(0).random((2, len(LABELS), 5))
    means = means_by_class(values, LABELS, np.arange(len(LABELS)), 20)
    angry, happy = values[:, :3].mean(axis=(0, 1)), values[:, 3:].mean(axis=(0, 1))
    assert means.classes == [0, 1]
    np.testing.assert_allclose(means.actual, [angry, happy, (angry + happy) / 2])
    assert means.drawn.shape == (20, 3, 5)
    np.testing.assert_allclose(means.drawn[:, 2], means.drawn[:, :2].mean(axis=1))


def test_an_interval_is_as_wide_as_the_normal_approximation_says() -> None:
    values = np.random.default_rng(0).normal(size=(1, 400, 1))
    means = means_by_class(values, np.zeros(400, np.uint8), np.arange(400), 2000)
    low, high = ends(means.drawn[:, 0, 0])
    assert high - low == pytest.approx(2 * 1.96 / 20, rel=0.1)


def test_twins_are_drawn_together() -> None:
    """Forty copies each of ten images are no more than ten images."""
    ten = np.random.default_rng(0).normal(size=(1, 10, 1))
    alone = means_by_class(ten, np.zeros(10, np.uint8), np.arange(10), 2000)
    copied = means_by_class(np.repeat(ten, 40, axis=1), np.zeros(400, np.uint8), np.repeat(np.arange(10), 40), 2000)
    widths = [np.subtract(*ends(each.drawn[:, 0, 0])[::-1]) for each in (alone, copied)]
    assert widths[1] == pytest.approx(widths[0], rel=0.1)


def test_seeds_are_drawn_too() -> None:
    """Seeds that differ and images that do not: the interval is that of the seeds, and without them nothing."""
    values = np.repeat(np.array([0.0, 0.3, 0.6])[:, None, None], 50, axis=1)
    labels, groups = np.zeros(50, np.uint8), np.arange(50)
    low, high = ends(means_by_class(values, labels, groups, 2000).drawn[:, 0, 0])
    assert (low, high) == pytest.approx((0.0, 0.6), abs=0.11)
    one = ends(means_by_class(values[1:2], labels, groups, 50).drawn[:, 0, 0])
    assert one == pytest.approx((0.3, 0.3))


def test_the_table_has_every_part_by_every_way() -> None:
    found = made_up()
    table, means = part_worth([found], 50)
    assert len(table) == 3 * 3 * 3 * 2  # methods, fillings and both, angry happy and all, parts
    of = {"method": "hidden", "filling": "noise", "expression": "happy", "part": "mouth"}
    row = table[np.logical_and.reduce([table[name] == value for name, value in of.items()])].iloc[0]
    happy = found.values[3:, 1]
    assert row["n"] == 4
    assert row["value"] == pytest.approx((happy[:, 0b11] - happy[:, 0b01]).mean())
    assert row["low"] < row["value"] < row["high"]
    both = table[(table.filling == BOTH) & (table.method == "shapley") & (table.expression == ALL)]
    np.testing.assert_allclose(both["value"], means["shapley"].actual[-1, -1])
    assert both["n"].tolist() == [7, 7]


def test_seeds_must_have_been_shown_the_same() -> None:
    assert stacked([made_up(0), made_up(1)]).shape == (2, 7, 3, 4)
    for other in (
        made_up(1, rows=np.arange(7, dtype=np.int32)),
        replace(made_up(1), asked=made_up(1).asked.model_copy(update={"parts": ["mouth", "eyes"]})),
    ):
        with pytest.raises(InputError, match="cnn1-1: of other images than those of seed 0"):
            stacked([made_up(0), other])


def test_what_is_confused_when_a_part_is_hidden() -> None:
    """All happy images are called so but one; without the mouth with either filling, three are called sad."""
    called = np.repeat(LABELS[:, None, None], 2, axis=1).repeat(3, axis=2)
    called[6] = 2
    called[3:5, :, 2] = 2
    table = confusions([made_up(called=called)], 200, most=5)
    assert len(table) == 1
    row = table.iloc[0]
    assert (row["part"], row["expression"], row["called"], row["n"]) == ("mouth", "happy", "sad", 4)
    assert (row["before"], row["after"], row["gain"]) == (0.25, 0.75, 0.5)
    assert 0 <= row["low"] < 0.5 < row["high"] <= 1
