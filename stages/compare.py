"""Put all regions, networks and seeds side by side: the answer as tables, plots and a page."""

from pathlib import Path

from pipeline.common.files import together, write_bytes
from pipeline.evaluation.results import read_results
from pipeline.params import load_params
from pipeline.report.comparison import compare, save
from pipeline.report.page import WITHOUT_PICTURES, page
from pipeline.report.study import Origin
from stages import commit, run

REPORTS = Path("reports")


def main() -> None:
    params = load_params()
    results = read_results(REPORTS, params)
    comparison = compare(results, params, Origin(REPORTS, params.source_folder / "sources.json", commit()))
    pages = {"index.html": page(comparison), WITHOUT_PICTURES: page(comparison, pictures=False)}
    with together():
        save(REPORTS, comparison)
        for name, html in pages.items():
            write_bytes(REPORTS / name, html.encode())
    print(comparison.summary)
    print(f"The whole answer with its pictures: {REPORTS / 'index.html'}")


if __name__ == "__main__":
    run(main)
