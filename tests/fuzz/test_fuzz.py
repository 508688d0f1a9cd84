"""Broken inputs, a few of each reader: read with a checked meaning, or refused in one line. `make fuzz` runs more."""

from __future__ import annotations

import os
import time
from pathlib import Path

import numpy as np
import pytest

from fuzz import cases
from fuzz.cases import Outcome, run_case
from fuzz.families import FAMILIES
from fuzz.family import Family
from pipeline.common.files import InputError

CASES = 200  # of all readers together


@pytest.mark.parametrize("name", FAMILIES)
def test_broken_inputs(name: str) -> None:
    count = -(-CASES // len(FAMILIES))
    outcomes = {number: run_case(FAMILIES[name], number) for number in range(count)}
    failed = {number: outcome.said for number, outcome in outcomes.items() if outcome.kind == "failed"}
    assert not failed, "\n".join(f"python -m fuzz.run {name} {number}: {said}" for number, said in failed.items())


@pytest.mark.parametrize("name", FAMILIES)
def test_what_is_not_broken_is_read(name: str) -> None:
    assert run_case(FAMILIES[name]._replace(changes=(lambda rng, folder: None,)), 0).kind == "read"


# ---- the judge judges


def judged(read: object, check: object = lambda folder, value: None, writes: tuple[str, ...] = ()) -> Outcome:
    """The outcome of a reader that does this."""
    family = Family("mine", lambda folder: (folder / "a").touch(), read, check, (lambda rng, folder: None,), writes)  # type: ignore[arg-type]
    return run_case(family, 0)


def refuse(line: str) -> object:
    raise InputError(line)


def test_one_line_is_a_refusal() -> None:
    assert judged(lambda folder: refuse("a.txt: is empty"))[:2] == ("refused", "a.txt: is empty")
    assert judged(lambda folder: (folder / "a").name).kind == "read"


def test_a_traceback_a_long_line_and_a_wrong_value_fail(monkeypatch: pytest.MonkeyPatch) -> None:
    assert "ZeroDivisionError" in judged(lambda folder: 1 // 0).said
    with monkeypatch.context() as patch:
        patch.setattr(cases, "MAX_LINE", 10)
        assert "characters on 1 lines: a.txt: is empty" in judged(lambda folder: refuse("a.txt: is empty")).said

    def wrong(folder: Path, value: object) -> None:
        assert value == 2

    outcome = judged(lambda folder: 1, wrong)
    assert (outcome.kind, outcome.said[:22]) == ("failed", "believed what is wrong")


def test_a_changed_file_fails() -> None:
    assert judged(lambda folder: (folder / "a").write_text("b")).said == "changed files that it was only to read"
    assert judged(lambda folder: Path("elsewhere").touch()).said == "changed files that it was only to read"
    assert judged(lambda folder: (folder / "a").write_text("b"), writes=("a",)).kind == "read"


def test_too_long_too_much_and_a_crash_fail(monkeypatch: pytest.MonkeyPatch) -> None:
    assert "MemoryError" in judged(lambda folder: np.ones(3 << 30, np.uint8)).said
    assert judged(lambda folder: len(np.ones(1 << 28, np.uint8))).megabytes == pytest.approx(256, abs=32)
    assert judged(lambda folder: os._exit(0)).said == "the process ended by itself (status 0)"
    monkeypatch.setattr(cases, "MAX_SECONDS", 0.3)
    outcome = judged(lambda folder: time.sleep(60))
    assert (outcome.kind, outcome.said) == ("failed", "took more than 0.3 s")
    assert outcome.seconds < 10


def test_cases_follow_from_their_number_alone() -> None:
    assert [run_case(FAMILIES["jpeg"], number)[:2] for number in (3, 4)] == [
        run_case(FAMILIES["jpeg"], number)[:2] for number in (3, 4)
    ]
