"""Read 300-W: cut every face to a square, and assign it to its official split."""

from pathlib import Path

from pipeline.data.sources import Sources
from pipeline.faces.accounts import account
from pipeline.faces.ibug import read_300w
from pipeline.faces.photographs import find_photographs
from pipeline.params import load_params
from stages import run


def main() -> None:
    params = load_params()
    found = find_photographs(Sources.load(params.source_folder / "sources.json").path("faces"))
    if params.data.source == "real":
        print(*account(found), sep="\n", flush=True)
    read_300w(found).save(Path("data/faces.npz"))


if __name__ == "__main__":
    run(main)
