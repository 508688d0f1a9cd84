"""Read FER2013 and FER+, find identical images, and count what there is."""

from pathlib import Path

from pipeline import pictures
from pipeline.expressions import count
from pipeline.fer2013 import read_fer2013
from pipeline.files import write_json
from pipeline.params import load_params
from pipeline.sources import Sources
from stages import run


def main() -> None:
    sources = Sources.load(load_params().source_folder / "sources.json")
    expressions = read_fer2013(sources.expressions, sources.ferplus)
    write_json(Path("reports/expressions.json"), count(expressions))
    pictures.save_png(
        Path("reports/expressions.png"), pictures.expressions_sheet(expressions.images, expressions.labels)
    )
    expressions.save(Path("data/expressions.npz"))


if __name__ == "__main__":
    run(main)
