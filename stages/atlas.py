"""Ask one classifier of the whole image what every part of the face is worth to it."""

from pathlib import Path

from pipeline.classifiers.classifier_file import load_cell
from pipeline.common.files import InputError
from pipeline.data.roles import Roles
from pipeline.data.twins import Twins
from pipeline.evaluation.answer_rows import AnswerRows, chance_groups
from pipeline.faces.located import Located
from pipeline.inside.asking import ask, choose_rows
from pipeline.params import load_params
from pipeline.regions.cutting import trusted
from pipeline.regions.parts import seen_points
from pipeline.regions.variants import Variant
from stages import run

LANDMARKS = Path("data/landmarks.npz")


def main(network: str, seed: str) -> None:
    params = load_params()
    cell = params.cell(params.atlas.region, network, seed)
    variant = Variant.load(Path(f"data/variants/{cell.region}"))
    located = Located.load(LANDMARKS, len(variant))
    roles = Roles.load(Path("data/roles.npz"), len(variant))
    twins = Twins.load(Path("data/twins.npz"), len(variant)).twins
    test, fold = roles.role == "test", AnswerRows.of(roles, twins).fold
    usable = test & trusted(located.points, located.expected_error, params.landmarks.max_error)
    if not usable.any():
        raise InputError(f"{LANDMARKS}: no test image has points to be trusted; raise landmarks.max_error")
    rows = choose_rows(variant.labels, usable, params.atlas.images)
    points = seen_points(located.points[rows], variant.boxes[rows], variant.side)
    classifier = load_cell(Path(f"models/classifiers/{cell.path}.safetensors"), cell, variant)
    groups = chance_groups(roles.role, variant.subject, twins, params.split_rule)
    counts = int(test.sum()), int(usable.sum())
    found = ask(classifier, cell, variant, rows, fold[rows], points, groups[rows], params.parts, *counts)
    found.save(Path(f"reports/inside/atlas/{network}-{seed}"))


if __name__ == "__main__":
    run(main)
