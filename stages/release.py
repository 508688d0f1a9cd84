"""Put trained models into pretrained/, in half precision, so that they come with the project.

python -m stages.release landmarks REGION/NETWORK-SEED ...

landmarks is the landmark model with its curve of trust. A classifier is called as below models/classifiers: by its
region or student, network and seed; those that are named take the place of all that were released before.
"""

from pathlib import Path

from pipeline.classifiers.classifier_file import load_classifier
from pipeline.common.files import InputError, together, whole_folder, write_json
from pipeline.common.weights import halve, load_network, save_state
from pipeline.faces.detector_settings import SHIPPED, SHIPPED_MODEL, SHIPPED_TRUST
from pipeline.faces.detectors import xception
from pipeline.faces.trust import Trust
from pipeline.params import load_params
from pipeline.use import sources
from stages import run

LANDMARKS = "landmarks"
TRAINED = Path("models/classifiers")


def main(*names: str) -> None:
    if not names:
        raise InputError("usage: python -m stages.release landmarks REGION/NETWORK-SEED ...")
    classifiers = {}
    for name in names:
        if name == LANDMARKS:
            continue
        source = TRAINED / f"{name}.safetensors"
        about = load_classifier(source).header
        target = f"{about.cell[0]}-{about.network}.safetensors"
        if target in classifiers:
            raise InputError(f"{target}: would be written twice; name one classifier of a region and network")
        classifiers[target] = load_network(source)
    with together():
        if LANDMARKS in names:
            _release_landmarks()
        if classifiers:
            with whole_folder(sources.CLASSIFIERS) as part:
                for target, (state, header) in classifiers.items():
                    save_state(part / target, halve(state), header)
                write_json(part / sources.SHOWN, sources.shown(load_params()).model_dump(mode="json"))
    for path in [SHIPPED_MODEL] * (LANDMARKS in names) + [sources.CLASSIFIERS / target for target in classifiers]:
        print(f"{path}: {path.stat().st_size / 1e6:.1f} MB")


def _release_landmarks() -> None:
    state, header = load_network(xception.MODEL)
    save_state(SHIPPED_MODEL, halve(state), header)
    learnt = Trust.load(Path("models/trust.json"), "xception")
    Trust(SHIPPED, learnt.uncertainty, learnt.error).save(SHIPPED_TRUST)


if __name__ == "__main__":
    run(main)
