"""Put all regions, networks and seeds side by side: the answer as tables, plots and a page."""

import subprocess
from pathlib import Path

from pipeline.common.files import write_bytes
from pipeline.evaluation.results import read_results
from pipeline.params import load_params
from pipeline.report.compare import compare
from pipeline.report.page import page
from pipeline.report.tables import save_tables, summary
from stages import run

REPORTS = Path("reports")


def main() -> None:
    params = load_params()
    results = read_results(REPORTS, params)
    comparison = compare(results, params)
    html = page(REPORTS, params.source_folder / "sources.json", comparison, results, params, commit())
    save_tables(REPORTS, comparison, results, params)
    write_bytes(REPORTS / "index.html", html.encode())
    print(summary(comparison, params))
    print(f"The whole answer with its pictures: {REPORTS / 'index.html'}")


def commit() -> str | None:
    """The commit that the working tree is at, marked where files differ from it; None outside of git."""
    try:
        done = subprocess.run(
            ["git", "describe", "--always", "--dirty", "--abbrev=40", "--exclude=*"],
            capture_output=True,
            text=True,
            check=True,
        )
    except (OSError, subprocess.CalledProcessError):
        return None
    return done.stdout.strip()


if __name__ == "__main__":
    run(main)
