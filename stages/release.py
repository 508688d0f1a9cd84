"""Put trained models into pretrained/, in half precision, so that they come with the project.

python -m stages.release landmarks REGION/NETWORK-SEED ...

landmarks is the landmark model with its curve of trust. A classifier is called as below models/classifiers: by its
region or student, network and seed.
"""

from pathlib import Path

from pipeline.classifiers.classifier_file import load_classifier
from pipeline.common.files import InputError, together
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
    found = {}
    for name in names:
        source, target = _from_to(name)
        if target in found:
            raise InputError(f"{target}: would be written twice; name one classifier of a region and network")
        found[target] = load_network(source)
    with together():
        for target, (state, header) in found.items():
            save_state(target, halve(state), header)
        if SHIPPED_MODEL in found:
            learnt = Trust.load(Path("models/trust.json"), "xception")
            Trust(SHIPPED, learnt.uncertainty, learnt.error).save(SHIPPED_TRUST)
    for path in found:
        print(f"{path}: {path.stat().st_size / 1e6:.1f} MB")


def _from_to(name: str) -> tuple[Path, Path]:
    """Where a model is, and where it is to be."""
    if name == LANDMARKS:
        return xception.MODEL, SHIPPED_MODEL
    source = CLASSIFIERS / f"{name}.safetensors"
    header = load_classifier(source).header
    return source, PRETRAINED / f"{header.cell[0]}-{header.network}.safetensors"


if __name__ == "__main__":
    run(main)
