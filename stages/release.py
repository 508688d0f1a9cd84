"""Put trained models into pretrained/, in half precision, so that they come with the project.

python -m stages.release landmarks REGION/NETWORK-SEED ...

landmarks is the landmark model with its curve of trust. A classifier is called as below models/classifiers: by its
region or student, network and seed.
"""

from pathlib import Path

from pipeline.classifiers.classifier_file import load_classifier
from pipeline.common.files import InputError
from pipeline.common.weights import halve, load_network, save_state
from pipeline.faces.detector_settings import PRETRAINED, SHIPPED, SHIPPED_MODEL, SHIPPED_TRUST
from pipeline.faces.detectors import xception
from pipeline.faces.trust import Trust
from stages import run

LANDMARKS = "landmarks"
CLASSIFIERS = Path("models/classifiers")


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
            source = CLASSIFIERS / f"{name}.safetensors"
            header = load_classifier(source).header
            target = PRETRAINED / f"{header.cell[0]}-{header.network}.safetensors"
        state, said = load_network(source)
        save_state(target, halve(state), said)
        written.append(target)
    for path in written:
        print(f"{path}: {path.stat().st_size / 1e6:.1f} MB")


if __name__ == "__main__":
    run(main)
