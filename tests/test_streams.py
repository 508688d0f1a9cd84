"""Streams that nobody reads, and interrupts before a stage has begun. What is tested here needs no torch."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[1]


def python(code: str, shell: str) -> subprocess.CompletedProcess[str]:
    """Run code of a stage within a command of a shell, in which it stands as $STAGE."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "STAGE": f"import time, sys\nfrom stages import run\n{code}"}
    line = shell.replace("STAGE", f'{sys.executable} -c "$STAGE"')
    return subprocess.run(["bash", "-o", "pipefail", "-c", line], env=environment, capture_output=True, text=True)


PRINTS = (
    "run(lambda: [print(1, file=stream, flush=True) or time.sleep(0.1) for stream in (sys.stderr, sys.stdout) * 3])"
)


@pytest.mark.parametrize("shell", ["STAGE 2>&1 | true", "STAGE 2>&1 >/dev/null | true", "STAGE 2>&-", "STAGE 2>&- >&-"])
def test_streams_that_nobody_reads_are_no_failure(shell: str) -> None:
    assert python(PRINTS, shell).returncode == 0


def test_a_full_disk_behind_standard_output_is_one_line() -> None:
    done = python("run(lambda: print(1))", "STAGE > /dev/full")
    assert (done.returncode, done.stderr.count("\n")) == (1, 1)
    assert done.stderr.startswith("error: no space left on the disk")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupt_while_a_stage_is_imported_is_one_line(tmp_path: Path, number: signal.Signals) -> None:
    """From the moment on at which this package is imported; see docs/files.md."""
    package = tmp_path / "stages"
    package.mkdir()
    (package / "__init__.py").write_bytes((ROOT / "stages/__init__.py").read_bytes())
    (package / "slow.py").write_text("import time\nprint('begun', flush=True)\ntime.sleep(60)\n")
    command = [sys.executable, "-m", "stages.slow"]
    pipes: dict[str, Any] = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    with subprocess.Popen(command, cwd=tmp_path, env={**os.environ, "PYTHONPATH": str(ROOT)}, **pipes) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "begun\n"
        start = time.monotonic()
        process.send_signal(number)
        _, said = process.communicate(timeout=30)
    assert time.monotonic() - start < 30
    assert (process.returncode, said.count("\n")) == (1, 1)
    assert said.startswith("error: interrupted; ")


def test_the_package_of_the_stages_imports_nothing_that_takes_time() -> None:
    """What it imports lengthens the time in which an interrupt is Python's to tell."""
    code = "import runpy, sys; known = set(sys.modules); import stages; print(*set(sys.modules) - known)"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    ours = {"stages", "pipeline", "pipeline.common", "pipeline.common.ending"}
    cheap = {"__future__", "collections.abc", "contextlib", "enum", "errno", "signal", "types"}
    assert set(done.stdout.split()) <= ours | cheap
