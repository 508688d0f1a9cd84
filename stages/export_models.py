"""Write the landmark model and classifiers into a folder, to be used without torch.

python -m stages.export_models FOLDER             # what `dvc repro` trained here: one classifier a region
python -m stages.export_models FOLDER shipped     # what comes with the project
"""

from pathlib import Path

from tqdm import tqdm

from pipeline.common.files import InputError, whole_folder, write_json
from pipeline.common.given import lies_there
from pipeline.faces.detectors.xception import load_model
from pipeline.faces.trust import Trust
from pipeline.params import load_params
from pipeline.use.export import export_classifier, export_landmarks
from pipeline.use.models import ABOUT, LANDMARKS, PROVIDER, TRUST, About, read_about
from pipeline.use.sources import shipped, trained
from stages import run


def main(folder: str, what: str = "trained") -> None:
    if what not in ("trained", "shipped"):
        raise InputError(f"{what}: is neither trained nor shipped")
    source = shipped() if what == "shipped" else trained(load_params())
    target = Path(folder).resolve()
    _check_replaceable(target)
    with whole_folder(target) as part:
        network, made = load_model(source.landmarks)
        export_landmarks(network, made.head, part / LANDMARKS)
        Trust(PROVIDER, source.trust.uncertainty, source.trust.error).save(part / TRUST)
        about = About(
            classes=source.classifiers[0].classes,
            side=source.shown.side,
            framing=source.shown.framing,
            max_error=source.shown.max_error,
            classifiers=tuple(
                export_classifier(one, part, source.shown.drawn) for one in tqdm(source.classifiers, "exporting")
            ),
        )
        write_json(part / ABOUT, about.model_dump(mode="json"))


def _check_replaceable(folder: Path) -> None:
    """Raise InputError if a folder holds what was not written here."""
    if not lies_there(folder):
        return
    if not folder.is_dir() or (any(folder.iterdir()) and not lies_there(folder / ABOUT)):
        raise InputError(f"{folder}: is there and holds no {ABOUT} of an export; name another folder")
    if lies_there(folder / ABOUT):
        written = {ABOUT, TRUST, LANDMARKS, *(one.file for one in read_about(folder).classifiers)}
        others = sorted(path.name for path in folder.iterdir() if path.name not in written)
        if others:
            raise InputError(f"{folder / others[0]}: is no file of the export in {folder}; move it away")


if __name__ == "__main__":
    run(main)
