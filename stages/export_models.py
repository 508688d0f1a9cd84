"""Write the landmark model and one classifier a region into a folder, to be used without torch."""

from pathlib import Path

from tqdm import tqdm

from pipeline.classifiers.cells import Cell
from pipeline.classifiers.classifier_file import Classifier, load_cell
from pipeline.common.files import InputError, whole_folder, write_json
from pipeline.data.expressions import Expressions
from pipeline.faces.detectors.xception import MODEL, load_model
from pipeline.faces.located import Located
from pipeline.faces.trust import Trust
from pipeline.params import Params, load_params
from pipeline.regions.variants import Variant
from pipeline.use.export import export_classifier, export_landmarks, measure_framing
from pipeline.use.models import ABOUT, LANDMARKS, PROVIDER, TRUST, About
from stages import run


def main(folder: str) -> None:
    params = load_params()
    trust = Trust.load(Path("models/trust.json"), PROVIDER)
    located = Located.load(Path("data/landmarks.npz"))
    side = Expressions.load(Path("data/expressions")).side
    classifiers = [_best(region, params) for region in params.regions]
    with whole_folder(Path(folder)) as part:
        network, made = load_model(MODEL)
        export_landmarks(network, made.head, part / LANDMARKS)
        trust.save(part / TRUST)
        drawn = params.data.source == "demo"
        about = About(
            classes=classifiers[0].classes,
            side=side,
            framing=measure_framing(located.points, located.expected_error, params.landmarks.max_error, side),
            max_error=params.landmarks.max_error,
            classifiers=tuple(export_classifier(one, part, drawn) for one in tqdm(classifiers, "exporting")),
        )
        write_json(part / ABOUT, about.model_dump(mode="json"))


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
