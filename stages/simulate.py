"""Draw comparisons of which the truth is known, and say how often the report's intervals and tests are right.

`python -m stages.simulate 600` takes all processors some minutes; 600 comparisons are drawn in each case without a
difference, and a third of them in each case with one.
"""

from __future__ import annotations

import os
import signal
from concurrent.futures import ProcessPoolExecutor
from itertools import product
from multiprocessing import active_children, get_context

import pandas as pd
from tqdm import tqdm

from pipeline.common.files import InputError
from pipeline.evaluation.rates import MOST, measure_rates
from pipeline.evaluation.simulation import World
from pipeline.report.tables import Rows, markdown_table, records, where
from pipeline.report.words import percent, points
from stages import run

NETWORKS, SEEDS, LUCK, DIFFERENCES = 5, (1, 2, 3, 5, 10), (0.0, 0.005, 0.013), (0.0, 0.01, 0.02, 0.04)

MOST_DIGITS = 9  # of a number of comparisons

# What there is none of where regions do not differ.
NONE = ("difference", "any", "recall", "leak", "McNemar")


def main(count: str) -> None:
    if not count.isdecimal() or len(count) > MOST_DIGITS or int(count) < 30:
        raise InputError(f"usage: python -m stages.simulate COUNT, a whole number from 30, not {count!r}")
    worlds = [World(NETWORKS, *case) for case in product(SEEDS, LUCK, DIFFERENCES)]
    # Joined regions gain over joined trainings wherever regions differ, so that its level is seen where they do not.
    joinable = [seeds for seeds in SEEDS if 2 < seeds <= MOST]
    worlds += [World(1, seeds, luck, 0.0, region=0.0) for seeds, luck in product(joinable, LUCK)]
    cases = [(world, int(count)) for world in worlds]
    # Arrays as small as these are multiplied as fast by one thread, and the cases share the processors.
    os.environ["OMP_NUM_THREADS"] = "1"
    with ProcessPoolExecutor(mp_context=get_context("spawn")) as pool:
        try:
            # An interrupt reaches all processes; the workers, which inherit this, leave it to us to tell of it.
            told_by = signal.signal(signal.SIGINT, signal.SIG_IGN)
            found = pool.map(_measure, cases)
            signal.signal(signal.SIGINT, told_by)
            parts = list(tqdm(found, "simulating", len(cases), disable=None))
        except BaseException:
            for worker in active_children():
                worker.terminate()
            raise
    table = pd.concat(parts, ignore_index=True)
    for title, rows in tables_of(table).items():
        print(f"\n**{title}**\n\n{markdown_table(rows)}")


def _measure(case: tuple[World, int]) -> pd.DataFrame:
    world, count = case
    rates = measure_rates(world, count if not world.difference else count // 3)
    if not world.region:
        gains = where(rates, of="gain of joined regions over joined trainings")
        rates = gains.assign(of=f"{gains['of'].item()}, regions that are the same")
    return rates.assign(seeds=world.seeds, luck=world.luck, difference=world.difference)


def tables_of(table: pd.DataFrame) -> dict[str, Rows]:
    """A table a question: a row a thing estimated and number of seeds, a column a case."""
    names = list(dict.fromkeys(table["of"]))
    intervals = [name for name in names if where(table, of=name)["covered"].notna().any()]
    luck = [f"luck {points(of)}" for of in LUCK]
    found = {"Intervals that hold the truth, all differences": [["of", "seeds", *luck]]}
    found["Tests with p < 5% where there is no difference"] = [["of", "seeds", *luck]]
    found["What is said to be found in 80% of cases, in points"] = [["of", "seeds", *luck]]
    for title, names_of, column, part in zip(
        found,
        (intervals, names, intervals),
        ("covered", "found", "detectable"),
        (table, where(table, difference=0.0), table),
        strict=True,
    ):
        if column == "found":  # of what is 0 in truth
            names_of = [name for name in names_of if name.startswith(NONE) or name.endswith("the same")]
        for name, seeds in product(names_of, SEEDS):
            rates = [where(part, of=name, seeds=seeds, luck=of)[column].mean() for of in LUCK]
            if pd.notna(rates).any():
                write = points if column == "detectable" else percent
                found[title].append([name, str(seeds), *map(write, rates)])
    powers = [["of", "seeds", "luck", *(f"{points(of)} points" for of in DIFFERENCES[1:])]]
    for name, seeds, of in product(names, SEEDS, LUCK):
        rows = records(where(table, of=name, seeds=seeds, luck=of))
        rates = [row["found"] for row in rows if row["difference"] and name.startswith("difference of accuracy")]
        if rates and pd.notna(rates).all():
            powers.append([name, str(seeds), points(of), *map(percent, rates)])
    return {**found, "True differences that are found": powers}


if __name__ == "__main__":
    run(main)
