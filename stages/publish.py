"""Copy what may be shown of the results, figures without photographs, into a folder that git may hold."""

from pathlib import Path

from pipeline.evaluation.results import read_results
from pipeline.params import load_params
from pipeline.report.publish import publish
from stages import run

REPORTS = Path("reports")


def main(folder: str) -> None:
    params = load_params()
    publish(REPORTS, Path(folder), read_results(REPORTS, params), params)
    print(f"{folder}: what may be shown of the comparison")


if __name__ == "__main__":
    run(main)
