"""Many cases of all readers together, or one of them again; see the package."""

from __future__ import annotations

import math
import os
import sys
import time
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

from tqdm import tqdm

from fuzz.cases import Outcome, run_case
from fuzz.families import FAMILIES

CASES = 2_400


def run_one(case: tuple[str, int]) -> Outcome:
    """The outcome of case `number` of the family `name`."""
    name, number = case
    return run_case(FAMILIES[name], number)


def run_all(count: int) -> bool:
    """Run so many cases, shared out evenly, and print how they ended; whether all ended as they should."""
    start = time.monotonic()
    cases = [(name, number) for number in range(math.ceil(count / len(FAMILIES))) for name in FAMILIES]
    # Spawned, since every case is a fork of its worker: that is safe only where no thread has been started.
    with ProcessPoolExecutor(os.cpu_count(), get_context("spawn")) as pool:
        outcomes = list(tqdm(pool.map(run_one, cases, chunksize=8), total=len(cases), desc="cases", disable=None))
    for (name, number), outcome in zip(cases, outcomes, strict=True):
        if outcome.kind == "failed":
            print(f"{name} {number}: {outcome.said}\n")
    print(f"{'reader':20} {'read':>6} {'refused':>8} {'failed':>7} {'seconds':>8} {'MB':>6}   (the most of one case)")
    for name in FAMILIES:
        of_it = [outcome for (other, _), outcome in zip(cases, outcomes, strict=True) if other == name]
        kinds = Counter(outcome.kind for outcome in of_it)
        seconds, megabytes = max(outcome.seconds for outcome in of_it), max(outcome.megabytes for outcome in of_it)
        print(f"{name:20} {kinds['read']:6} {kinds['refused']:8} {kinds['failed']:7} {seconds:8.1f} {megabytes:6.0f}")
    failed = sum(outcome.kind == "failed" for outcome in outcomes)
    print(f"{len(cases):,} cases in {time.monotonic() - start:.0f} s, {failed} failed")
    return not failed


def main() -> None:
    match sys.argv[1:]:
        case []:
            sys.exit(not run_all(CASES))
        case [count] if count.isdecimal():
            sys.exit(not run_all(int(count)))
        case [name, number] if name in FAMILIES and number.isdecimal():
            print(*run_one((name, int(number))), sep="\n")
        case _:
            sys.exit(f"usage: python -m fuzz.run [CASES | NAME NUMBER]; NAME is one of {', '.join(FAMILIES)}")


if __name__ == "__main__":
    main()
