"""Put trained models into pretrained/, in half precision, so that they come with the project.

python -m stages.release landmarks REGION/NETWORK-SEED ...

landmarks is the landmark model with its curve of trust. A classifier of a region or a student is called as below
models/classifiers or models/students.
"""

from pathlib import Path

from pipeline.classifiers.classifier_file import load_classifier
from pipeline.common.files import InputError
from pipeline.common.given import lies_there
from pipeline.common.weights import halve, load_network, save_state
from pipeline.faces.detector_settings import PRETRAINED, SHIPPED, SHIPPED_MODEL, SHIPPED_TRUST
from pipeline.faces.detectors import xception
from pipeline.faces.trust import Trust
from stages import run

LANDMARKS = "landmarks"
FOLDERS = (Path("models/classifiers"), Path("models/students"))


def main(*names: str) -> None:
    if not names:
        raise InputError("usage: python -m stages.release landmarks REGION/NETWORK-SEED ...")
    written = []
    for name in names:
        if name == LANDMARKS:
            learnt = Trust.load(Path("models/trust.json"), "xception")
            Trust(SHIPPED, learnt.uncertainty, learnt.error).save(SHIPPED_TRUST)
            source, target = xception.MODEL, SHIPPED_MODEL
        else:
            source = _classifier(name)
            header = load_classifier(source).header
            target = PRETRAINED / f"{header.cell[0]}-{header.network}.safetensors"
        state, said = load_network(source)
        save_state(target, halve(state), said)
        written.append(target)
    for path in written:
        print(f"{path}: {path.stat().st_size / 1e6:.1f} MB")


def _classifier(name: str) -> Path:
    paths = [folder / f"{name}.safetensors" for folder in FOLDERS]
    for path in paths:
        if lies_there(path):
            return path
    raise InputError(f"{paths[0]}: missing, as is {paths[1]}; name a classifier as REGION/NETWORK-SEED")


if __name__ == "__main__":
    run(main)
