"""Measure whoever finds the points on 300-W's test faces, as photographs and at FER2013's resolution."""

from pathlib import Path

import numpy as np

from pipeline.common.files import InputError, whole_folder, write_bytes, write_json
from pipeline.faces.detector_trials import try_points, try_trust
from pipeline.faces.detectors import open_all
from pipeline.faces.face_images import Faces
from pipeline.faces.hard_faces import harden
from pipeline.faces.trials import TEST_SPLITS, VIEWS
from pipeline.faces.trust import Trust
from pipeline.params import load_params
from pipeline.report.sheets import landmark_plots
from pipeline.report.sheets.canvas import save_png
from pipeline.report.sheets.faces import faces_sheet
from stages import run

SEED = 2
FACES = 24  # a contact sheet


def main() -> None:
    settings = load_params().landmarks
    faces = Faces.load(Path("data/faces.npz"))
    detectors = open_all(settings)
    tests = {name: try_points(faces, detector) for name, detector in detectors.items()}
    hard = harden(faces.where(np.isin(faces.split, TEST_SPLITS)), SEED)
    if not len(hard.kind) and settings.trains:
        raise InputError("data/faces.npz: no test faces; check the data set and run `dvc repro`")
    trusted = try_trust(hard, detectors[settings.provider], Trust.load(Path("models/trust.json"), settings.provider))

    ours = tests[settings.provider]
    with whole_folder(Path("reports/landmarks")) as part:
        scores = {name: test.scores() for name, test in tests.items()}
        report = {"provider": settings.provider, "providers": scores, "trust": trusted.scores(settings.max_error)}
        write_json(part / "metrics.json", report)
        ours.save(part / "points.npz")
        if not len(ours.split):
            return  # there is nothing to draw
        curves = {
            f"{name}, {group}, {view}": test.errors(view)[rows]
            for name, test in tests.items()
            for group, rows in test.groups().items()
            if group in TEST_SPLITS
            for view in VIEWS
        }
        write_bytes(part / "error_curves.png", landmark_plots.error_curves(curves, limit=0.10))
        write_bytes(part / "trust.png", landmark_plots.trust(trusted, settings.max_error))
        for view in VIEWS:
            by_point = landmark_plots.errors_by_point(ours.errors_by_point(view), ours.true[view].mean(0))
            write_bytes(part / f"errors_by_point_{view}.png", by_point)
            errors = ours.errors(view)
            some = np.random.default_rng(SEED).permutation(len(errors))[:FACES]
            for name, rows in (("worst", np.argsort(-errors)[:FACES]), ("random", some)):
                captions = [f"{100 * error:.1f}%" for error in errors[rows]]
                sheet = faces_sheet(ours.images[view][rows], ours.true[view][rows], ours.found[view][rows], captions)
                save_png(part / f"{name}_{view}.png", sheet)


if __name__ == "__main__":
    run(main)
