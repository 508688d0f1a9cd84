"""Learning curves, written by DVCLive while a training runs."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from dvclive.live import Live

from pipeline.common import device
from pipeline.common.files import whole_folder
from pipeline.training.loop import Log


@contextmanager
def curves(folder: Path) -> Iterator[Log]:
    """Yield a function that logs an epoch's metrics; the folder appears once the block has ended without an error.

    It holds `metrics.json` (the last epoch) and `plots/metrics/NAME.tsv` (step and value, one line an epoch). Of
    several processes only the first writes it.
    """
    if not device.first_process():
        yield lambda *_: None
        return
    with whole_folder(folder) as part, Live(str(part), save_dvc_exp=False, dvcyaml=None, report=None) as live:

        def log(epoch: int, metrics: dict[str, float]) -> None:
            live.step = epoch
            for name, value in metrics.items():
                live.log_metric(name, value)
            live.make_summary()

        yield log
