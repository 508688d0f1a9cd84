"""Write the landmark model and one classifier a region into a folder, to be used without torch."""

from pathlib import Path

from tqdm import tqdm

from pipeline.classifiers.cells import Cell
from pipeline.classifiers.classifier_file import Classifier, load_cell
from pipeline.common.files import InputError, whole_folder, write_json
from pipeline.common.given import lies_there
from pipeline.data.expressions import Expressions
from pipeline.data.roles import Roles
from pipeline.faces.detector_settings import SHIPPED_MODEL
from pipeline.faces.detectors.xception import MODEL, load_model
from pipeline.faces.located import Located
from pipeline.faces.trust import Trust
from pipeline.params import Params, load_params
from pipeline.regions.variants import Variant
from pipeline.use.export import export_classifier, export_landmarks, measure_framing
from pipeline.use.models import ABOUT, LANDMARKS, PROVIDER, TRUST, About
from stages import run

# Whose points can be found without torch: of the two that are the same network.
MODELS = {"xception": MODEL, "pretrained": SHIPPED_MODEL}


def main(folder: str) -> None:
    params = load_params()
    model = _landmark_model(params)
    trust = Trust.load(Path("models/trust.json"), params.landmarks.provider)
    expressions = Expressions.load(Path("data/expressions"))
    located = Located.load(Path("data/landmarks.npz"), len(expressions))
    role = Roles.load(Path("data/roles.npz"), len(expressions)).trainings[0][1].role  # of folds, those of the first
    train = role == "train"
    framing = measure_framing(
        located.points[train], located.expected_error[train], params.landmarks.max_error, expressions.side
    )
    classifiers = [_best(region, params) for region in params.regions]
    target = Path(folder).resolve()
    _check_replaceable(target)
    with whole_folder(target) as part:
        network, made = load_model(model)
        export_landmarks(network, made.head, part / LANDMARKS)
        Trust(PROVIDER, trust.uncertainty, trust.error).save(part / TRUST)
        drawn = params.data.source == "demo"
        about = About(
            classes=classifiers[0].classes,
            side=expressions.side,
            framing=framing,
            max_error=params.landmarks.max_error,
            classifiers=tuple(export_classifier(one, part, drawn) for one in tqdm(classifiers, "exporting")),
        )
        write_json(part / ABOUT, about.model_dump(mode="json"))


def _landmark_model(params: Params) -> Path:
    provider = params.landmarks.provider
    if provider not in MODELS:
        raise InputError(f"params.yaml: landmarks.provider: {provider} is not exported, only {' or '.join(MODELS)}")
    if params.landmarks.mirror:
        raise InputError("params.yaml: landmarks.mirror: must be false to export, for a face is looked at once in use")
    return MODELS[provider]


def _check_replaceable(folder: Path) -> None:
    """Raise InputError if a folder holds what was not written here."""
    if not lies_there(folder):
        return
    if not folder.is_dir() or (any(folder.iterdir()) and not lies_there(folder / ABOUT)):
        raise InputError(f"{folder}: is there and holds no {ABOUT} of an export; name another folder")


def _best(region: str, params: Params) -> Classifier:
    """The classifier of a region whose accuracy on the validation images that choose is the highest."""
    variant = Variant.load(Path(f"data/variants/{region}"))
    found: dict[float, Classifier] = {}
    for network in params.networks:
        for seed in params.seeds:
            cell = Cell(region, network, seed)
            path = Path(f"models/classifiers/{cell.path}.safetensors")
            classifier = load_cell(path, cell, variant)
            accuracy = classifier.header.scores.get("choosing", {}).get("accuracy")
            if accuracy is None:
                raise InputError(f"{path}: has no accuracy of choosing; delete it and run `make repro`")
            found.setdefault(accuracy, classifier)
    return found[max(found)]


if __name__ == "__main__":
    run(main)
