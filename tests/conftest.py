"""Settings of all tests."""

import os

# The networks of the tests are tiny: more threads only wait for each other, ten times longer on a busy machine.
os.environ["OMP_NUM_THREADS"] = "1"
