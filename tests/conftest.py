"""Settings of all tests, and what many of them are about."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from studies import Found

    from pipeline.evaluation.results import Results
    from pipeline.params import Params

# The networks of the tests are tiny: more threads only wait for each other, ten times longer on a busy machine.
os.environ.setdefault("OMP_NUM_THREADS", "1")

# A shell that runs its jobs in the background lets them ignore interrupts, and so would the stages under test.
signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(autouse=True)
def forget_the_precision() -> Iterator[None]:
    """A process has one precision, as every stage does; each test chooses anew."""
    yield
    if "accelerate" in sys.modules:
        from accelerate.state import AcceleratorState

        AcceleratorState._reset_state(reset_partial_state=True)


# The comparison of three regions, about which the sections of the page are asked.


@pytest.fixture
def found() -> Found:
    from studies import three_regions  # only here: most tests need no comparison, which takes seconds to import

    return three_regions()


@pytest.fixture
def results(found: Found) -> Results:
    return found.results


@pytest.fixture
def params(found: Found) -> Params:
    return found.study.params


@pytest.fixture(scope="session")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of exported models that have not been trained."""
    from tiny_models import write_models  # only here, as above: torch takes seconds to import

    folder = tmp_path_factory.mktemp("models")
    write_models(folder)
    return folder
