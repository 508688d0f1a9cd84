"""Apply one cell's network, or those of its folds, to every row of what it sees, and score it under each protocol."""

from pathlib import Path

from pipeline.classifiers.classifier_file import load_cell
from pipeline.classifiers.lessons import save_lessons
from pipeline.classifiers.targets import Lessons
from pipeline.common.files import InputError, together, whole_folder, write_json
from pipeline.data.roles import Roles
from pipeline.data.twins import Twins
from pipeline.evaluation.judging import judge
from pipeline.params import load_params
from pipeline.regions.variants import Variant
from stages import run


def main(name: str, network: str, seed: str) -> None:
    params = load_params()
    cell = params.cell(name, network, seed)
    variant = Variant.load(Path(f"data/variants/{params.sees(name)}"))
    roles = Roles.load(Path("data/roles.npz"), len(variant))
    twins = Twins.load(Path("data/twins.npz"), len(variant)).twins
    path = Path(f"models/classifiers/{cell.path}.safetensors")
    model = load_cell(path, cell, variant)
    if model.header.folds != len(roles.folds):
        raise InputError(f"{path}: was trained with another split than data/roles.npz; delete it and run `dvc repro`")
    answers, scores = judge(model, variant, roles, twins, params.split_rule, params.chosen.test_time_augmentation)
    made = {"data": params.data.source, "recipe": params.recipe}
    with together():
        with whole_folder(Path(f"reports/classifiers/{cell.path}")) as part:
            answers.save(part / "predictions.parquet")
            write_json(part / "metrics.json", {**cell._asdict(), **made, **scores})
        if name in params.regions:
            # What a student may hear: of images that the classifier was trained on, and so knows how to look at.
            trained = (answers.role == "train") & ~(answers.fell_back & (params.fallback == "drop"))
            heard = Lessons.of(answers.row[trained], answers.probabilities[trained])
            save_lessons(Path(f"data/answers/{cell.path}.npz"), heard)


if __name__ == "__main__":
    run(main)
