"""Measure the landmark model on 300-W's test faces, as photographs and at FER2013's resolution."""

from pathlib import Path

from pipeline import figures, landmarks, pictures
from pipeline.face_tests import VIEWS
from pipeline.faces import Faces
from pipeline.files import whole_folder, write_bytes, write_json
from stages import run


def main() -> None:
    network = landmarks.load(Path("models/landmarks.safetensors"))
    tests = landmarks.run_tests(network, Faces.load(Path("data/faces.npz")))
    errors = {f"{group}, {view}": tests.errors(view)[rows] for group, rows in tests.groups().items() for view in VIEWS}
    with whole_folder(Path("reports/landmarks")) as part:
        write_json(part / "metrics.json", tests.scores())
        tests.save(part / "points.npz")
        write_bytes(part / "error_curves.png", figures.error_curves_png(errors, limit=0.10))
        for view in VIEWS:
            sheet = pictures.faces_sheet(tests.images[view][:24], tests.true[view][:24], tests.found[view][:24])
            pictures.save_png(part / f"faces_{view}.png", sheet)


if __name__ == "__main__":
    run(main)
