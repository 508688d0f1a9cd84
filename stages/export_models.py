"""Write the landmark model and one classifier a region into a folder, to be used without torch."""

from pathlib import Path

from tqdm import tqdm

from pipeline.classifiers.classifier_file import load_classifier
from pipeline.common.files import InputError, whole_folder, write_json
from pipeline.data.expressions import Expressions
from pipeline.faces.detectors.xception import MODEL, load_model
from pipeline.faces.located import Located
from pipeline.faces.trust import Trust
from pipeline.params import load_params
from pipeline.use.export import export_classifier, export_landmarks, measure_framing
from pipeline.use.models import ABOUT, LANDMARKS, PROVIDER, TRUST, About
from stages import run


def main(folder: str) -> None:
    params = load_params()
    trust = Trust.load(Path("models/trust.json"), PROVIDER)
    located = Located.load(Path("data/landmarks.npz"))
    side = Expressions.load(Path("data/expressions")).side
    paths = [_best(region) for region in params.regions]
    with whole_folder(Path(folder)) as part:
        network, made = load_model(MODEL)
        export_landmarks(network, made.head, part / LANDMARKS)
        trust.save(part / TRUST)
        classifiers = [load_classifier(path) for path in paths]
        drawn = params.data.source == "demo"
        about = About(
            classes=classifiers[0].classes,
            side=side,
            framing=measure_framing(located.points, located.expected_error, params.landmarks.max_error, side),
            max_error=params.landmarks.max_error,
            classifiers=tuple(export_classifier(one, part, drawn) for one in tqdm(classifiers, "exporting")),
        )
        write_json(part / ABOUT, about.model_dump(mode="json"))


def _best(region: str) -> Path:
    """The classifier of a region whose accuracy on the validation images is the highest."""
    paths = sorted(Path("models/classifiers", region).glob("*.safetensors"))
    if not paths:
        raise InputError(f"models/classifiers/{region}: no classifiers; run `make repro`")
    return max(paths, key=lambda path: load_classifier(path).header.scores["choosing"]["accuracy"])


if __name__ == "__main__":
    run(main)
