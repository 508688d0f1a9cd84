"""Put all regions, networks and seeds side by side: the answer as tables, plots and a page."""

from pathlib import Path

from pipeline.compare import compare, read_results, reference_region, save_tables, summary
from pipeline.files import write_bytes
from pipeline.params import load_params
from pipeline.report import page
from stages import run

REPORTS = Path("reports")


def main() -> None:
    params = load_params()
    results = read_results(REPORTS, params)
    table = compare(results, reference_region(params))
    save_tables(REPORTS, table, results, params)
    html = page(REPORTS, params.source_folder / "sources.json", table, results, params)
    write_bytes(REPORTS / "index.html", html.encode())
    print(summary(table, params))
    print(f"The whole answer with its pictures: {REPORTS / 'index.html'}")


if __name__ == "__main__":
    run(main)
