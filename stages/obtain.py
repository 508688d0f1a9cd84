"""Draw the demo data sets, or find the real ones in data/raw, and record what they are."""

from pathlib import Path

from pipeline.common.files import whole_folder
from pipeline.data.sources import find_sources
from pipeline.demo import draw_demo
from pipeline.params import load_params
from stages import run

RAW = Path("data/raw")


def main() -> None:
    params = load_params()
    folder = params.source_folder
    with whole_folder(folder) as part:
        if params.data.source == "demo":
            draw_demo(part)
        sources = find_sources(part if params.data.source == "demo" else RAW)
        sources.save(part / "sources.json")


if __name__ == "__main__":
    run(main)
