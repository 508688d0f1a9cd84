"""Read 300-W: cut every face to a square, and assign it to its official split."""

from pathlib import Path

from pipeline.data.sources import Sources
from pipeline.faces.ibug import read_300w
from pipeline.params import load_params
from stages import run


def main() -> None:
    sources = Sources.load(load_params().source_folder / "sources.json")
    read_300w(sources.path("faces")).save(Path("data/faces.npz"))


if __name__ == "__main__":
    run(main)
