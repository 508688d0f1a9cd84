"""How fast fercrop is, always beside another way to do the same: `make bench`.

Each module is one comparison, `python -m benchmarks.NAME`. The ways take turns, so that a machine that slows down slows
all of them; medians and their ratios are printed, and nothing is asserted.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from statistics import median


def side_by_side(title: str, unit: str, ways: Mapping[str, tuple[int, Callable[[], object]]], rounds: int = 7) -> None:
    """Time several ways in turn, and print how much each does in a second, and the first as a multiple of each.

    Args:
        title: what is done, on what.
        unit: what is counted, such as faces.
        ways: for each name how many units one call does, and the call.
        rounds: how often each is called, after once to warm up.
    """
    for _, call in ways.values():
        call()  # warm
    rates: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(rounds):
        for name, (count, call) in ways.items():
            start = time.perf_counter()
            call()
            rates[name].append(count / (time.perf_counter() - start))
    first = next(iter(rates.values()))
    print(f"{title}: median (least to most) of {rounds} rounds in turn, and the first as a multiple of each")
    for name, found in rates.items():
        ratio = median(mine / other for mine, other in zip(first, found, strict=True))
        spread = f"({min(found):,.1f} to {max(found):,.1f})"
        print(f"  {name:42} {median(found):>9,.1f} {unit}/s {spread:24} x {ratio:.2f}")
