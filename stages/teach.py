"""Train one student: a classifier that learns from the labels and from what its teachers say."""

from pathlib import Path

from pipeline.classifiers.classifier_file import save_classifier
from pipeline.classifiers.embeddings import load_embeddings
from pipeline.classifiers.lessons import load_lessons
from pipeline.classifiers.training import train
from pipeline.common import device
from pipeline.common.files import InputError, digest, digest_folder
from pipeline.data.roles import Roles
from pipeline.params import load_params
from pipeline.regions.variants import Variant
from pipeline.training.curves import curves
from stages import run

ROLES = Path("data/roles.npz")


def main(name: str, seed: str, epochs: str) -> None:
    params = load_params()
    student = params.student(name)
    cell = params.cell(name, student.network, seed)
    if epochs != str(student.epochs):  # the word is there for DVC, which runs anew what is called in another way
        raise InputError(f"params.yaml: students: {name!r} has epochs: {student.epochs}, not {epochs}; run `dvc repro`")
    folder, lessons = Path(f"data/variants/{student.region}"), Path(f"data/lessons/{name}-{seed}.npz")
    variant = Variant.load(folder)
    roles = Roles.load(ROLES, len(variant))
    heard = load_lessons(lessons, roles.role, len(variant.about.classes))
    identity = {
        "data": digest_folder(folder),
        "roles": digest(ROLES),
        "fallback": params.fallback,
        "lessons": digest(lessons),
    }
    recipe = params.student_recipe(student)
    embedded = Path(f"data/embeddings/{student.region}/{student.network}.npz")
    embeddings = load_embeddings(embedded, student.network, recipe, identity["data"], len(variant))
    checkpoint = Path(f".checkpoints/{cell.path.replace('/', '-')}.pt")
    with curves(Path(f"reports/training/{cell.path}")) as log:
        given = (student.network, recipe, cell.start, identity, checkpoint, log, f"{student.network}, {name}")
        network, progress = train(variant, roles, params.fallback, *given, heard, embeddings)
        best = progress.history[progress.kept_epoch]
        scores = {"choosing": {"accuracy": best["validation_accuracy"], "log_loss": best["validation_loss"]}}
        path = Path(f"models/classifiers/{cell.path}.safetensors")
        save_classifier(path, network, variant, cell, recipe, identity["data"], progress.kept_epoch, scores)
    if device.first_process():
        checkpoint.unlink(missing_ok=True)


if __name__ == "__main__":
    run(main)
