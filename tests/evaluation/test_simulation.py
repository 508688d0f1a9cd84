"""Are the intervals and tests of the report right? On hundreds of drawn comparisons of which the truth is known.

`python -m stages.simulate` does the same with more of them, at FER2013's size; docs/statistics.md has its figures.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from studies import row_of

from pipeline.common.files import InputError
from pipeline.evaluation.rates import measure_rates
from pipeline.evaluation.resampling import bootstrap, interval, resample
from pipeline.evaluation.simulation import GROUP_SIZES, PRIOR, World
from stages import simulate

# A third of FER2013's test images.
THIRD = (1156, 17, 1, 1)
MANY_TWINS = (150, 75, 45, 30)  # 73% of 555 rows have one

WORLD = World(networks=3, seeds=3, luck=0.013, difference=0.0, group_sizes=THIRD)


def test_a_drawn_test_set_has_the_groups_of_private_test() -> None:
    groups = WORLD.groups
    assert len(World(1, 1, 0.0, 0.0).groups) == 3589
    assert np.bincount(np.bincount(groups))[1:].tolist() == list(THIRD)
    assert sum(size * many for size, many in enumerate(GROUP_SIZES, 1)) == 3589


def test_the_truth_is_what_many_drawn_comparisons_come_to() -> None:
    """In 200 of them, with luck as large as to matter, on the mean over all trainings."""
    world = replace(WORLD, seeds=1, luck=0.04, difference=0.05)
    scores = []
    for labels, predicted, _ in world.draw(200, seed=1):
        flat = predicted.reshape(-1, len(labels))
        found = bootstrap(labels, flat, np.ones((1, len(labels)), np.float32), len(PRIOR))
        scores.append([found.accuracy.reshape(2, 3).mean(axis=1), found.macro_f1.reshape(2, 3).mean(axis=1)])
    accuracy, macro_f1 = np.mean(scores, axis=0)
    truth = world.truth()
    assert truth["accuracy"][0] - truth["accuracy"][1] == pytest.approx(0.05)
    assert accuracy == pytest.approx(truth["accuracy"], abs=0.004)
    assert macro_f1 == pytest.approx(truth["macro_f1"], abs=0.006)
    assert truth["recall"].shape == (2, 7)


def test_luck_is_the_spread_of_a_trainings_accuracy() -> None:
    world = World(networks=1, seeds=400, luck=0.03, difference=0.0, group_sizes=THIRD)
    ((labels, predicted, _),) = world.draw(1, seed=0)
    accuracies = (predicted[0, 0] == labels).mean(axis=1)
    # What an image and a training have to do with each other adds half a point on these images.
    assert accuracies.std(ddof=1) == pytest.approx(0.03, rel=0.12)


@pytest.mark.slow
@pytest.mark.parametrize("luck", [0.0, 0.013])
@pytest.mark.parametrize("seeds", [2, 3, 5])
def test_with_several_seeds_intervals_hold_and_tests_keep_their_level(seeds: int, luck: float) -> None:
    rates = measure_rates(replace(WORLD, seeds=seeds, luck=luck), count=300)
    print(f"\n{seeds} seeds, luck {luck}\n{rates.to_string()}")
    of = rates[rates["of"] != "McNemar as trained"]
    assert of["covered"].dropna().between(0.9, 0.995).all()
    assert (of.loc[of["of"].str.startswith("difference"), "found"] <= 0.08).all()


@pytest.mark.slow
def test_one_seed_would_call_luck_a_difference() -> None:
    """That is why with one seed nothing is called significant."""
    rates = measure_rates(World(networks=3, seeds=1, luck=0.013, difference=0.0), count=200)
    assert row_of(rates, of="difference of accuracy, a network")["covered"] < 0.8
    assert row_of(rates, of="McNemar as trained")["found"] > 0.2
    assert rates["detectable"].isna().all()


@pytest.mark.slow
def test_what_is_detectable_is_detected_in_80_percent() -> None:
    name = "difference of accuracy, mean of networks"
    detectable = row_of(measure_rates(replace(WORLD, seeds=5), count=100), of=name)["detectable"]
    rates = measure_rates(replace(WORLD, seeds=5, difference=float(detectable)), count=300, seed=1)
    assert row_of(rates, of=name)["found"] == pytest.approx(0.8, abs=0.07)


@pytest.mark.slow
def test_rows_drawn_without_their_twins_give_intervals_that_are_too_narrow() -> None:
    world = World(networks=1, seeds=1, luck=0.0, difference=0.0, group_sizes=MANY_TWINS)
    truth, covered = world.truth()["accuracy"][0], []
    for seed, (labels, predicted, _) in enumerate(world.draw(600, seed=0)):
        for units in (world.groups, np.arange(len(labels))):
            draws = bootstrap(labels, predicted[0, 0], resample(units, 300, seed), len(PRIOR)).accuracy[:, 0]
            low, high = interval(draws)
            covered.append(low <= truth <= high)
    by_group, by_row = np.mean(covered[::2]), np.mean(covered[1::2])
    assert by_group >= 0.92
    assert by_row <= 0.87


# As it is read


def test_the_tables_have_a_row_a_thing_estimated_and_number_of_seeds(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(simulate, "SEEDS", (1, 3))
    monkeypatch.setattr(simulate, "LUCK", (0.005,))

    def rates(case: tuple[World, int]) -> pd.DataFrame:
        world, count = case
        several = world.seeds > 1
        found = {
            "covered": 0.951,
            "found": count / 1000 if several else np.nan,
            "detectable": 0.0213 * several or np.nan,
        }
        rows = [{"of": "difference of accuracy", **found}, {"of": "McNemar as trained", "found": 0.42}]
        about = {"seeds": world.seeds, "luck": world.luck, "difference": world.difference}
        return pd.DataFrame(rows, columns=["of", "covered", "found", "detectable"]).assign(**about)

    cases = [(World(5, seeds, 0.005, gap), 60) for seeds in (1, 3) for gap in simulate.DIFFERENCES]
    tables = simulate.tables_of(pd.concat([rates(case) for case in cases], ignore_index=True))
    holds, level, detectable, powers = (table[1:] for table in tables.values())
    assert holds == [["difference of accuracy", "1", "95.1%"], ["difference of accuracy", "3", "95.1%"]]
    assert level == [
        ["difference of accuracy", "3", "6.0%"],
        ["McNemar as trained", "1", "42.0%"],
        ["McNemar as trained", "3", "42.0%"],
    ]
    assert detectable == [["difference of accuracy", "3", "2.1"]]
    assert powers == [["difference of accuracy", "3", "0.5", "6.0%", "6.0%", "6.0%"]]


@pytest.mark.parametrize("count", ["many", "0", "-5"])
def test_a_number_is_asked_for(count: str) -> None:
    with pytest.raises(InputError, match=r"^usage: python -m stages\.simulate COUNT"):
        simulate.main(count)
