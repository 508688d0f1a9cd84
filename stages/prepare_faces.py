"""Read 300-W: cut every face to a square, and assign it to its official split."""

from pathlib import Path

import numpy as np

from pipeline.common.files import InputError
from pipeline.data.sources import Sources
from pipeline.faces.accounts import account
from pipeline.faces.face_images import TRAINED_ON
from pipeline.faces.ibug import read_300w
from pipeline.faces.photographs import FACES, WANTED, Photographs, find_photographs
from pipeline.params import load_params
from stages import run


def main() -> None:
    params = load_params()
    sources = Sources.load(params.source_folder / "sources.json")
    if FACES not in sources.paths:
        if params.landmarks.trains:
            raise InputError(
                f"data/raw: missing {WANTED.get}; put it into data/raw, as data/raw/README.md says, or set "
                "landmarks.provider to pretrained in params.yaml"
            )
        print("300-W is not there: no landmark model is trained, and that of pretrained/ is not measured again")
        found = Photographs((), {})
    else:
        found = find_photographs(sources.path(FACES))
        if params.data.source == "real":
            print(*account(found), sep="\n", flush=True)
    faces = read_300w(found)
    if not params.landmarks.trains:
        faces = faces.where(~np.isin(faces.split, TRAINED_ON))
    faces.save(Path("data/faces.npz"))


if __name__ == "__main__":
    run(main)
