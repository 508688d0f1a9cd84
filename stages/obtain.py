"""Draw the demo data sets, or find the real ones in data/raw, and record what they are."""

from pathlib import Path

from pipeline.common.files import whole_folder
from pipeline.data import extra, outside
from pipeline.data.readers import reader
from pipeline.data.sources import find_sources, record_sources
from pipeline.demo import draw_demo
from pipeline.faces import photographs
from pipeline.params import load_params
from stages import run

RAW = Path("data/raw")


def main() -> None:
    params = load_params()
    folder = params.source_folder
    with whole_folder(folder) as part:
        if params.data.source == "demo":
            draw_demo(part, params.data.expressions)
        here = part if params.data.source == "demo" else RAW
        sets = [reader(params.data.expressions).WANTED]
        if photographs.WANTED.find(here):  # `prepare_faces` says whether it is needed
            sets.append(photographs.WANTED)
        if params.data.extra:
            sets.append(extra.wanted(params.data.extra))
        if params.data.outside:
            sets.append(outside.wanted(params.data.outside))
        record_sources(part / "sources.json", find_sources(here, sets))


if __name__ == "__main__":
    run(main)
