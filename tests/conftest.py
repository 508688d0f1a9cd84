"""Settings of all tests."""

import os
import signal
import sys
from collections.abc import Iterator

import pytest

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
