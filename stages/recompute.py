"""Score published predictions once more with the labels of the data set at hand, and compare their regions anew.

The images' roles and twins are those of `data/`: run `dvc repro prepare_expressions` before.
"""

from pathlib import Path

from pipeline.data.expressions import Expressions
from pipeline.data.roles import Roles
from pipeline.data.twins import Twins
from pipeline.params import load_params
from pipeline.report.answer import answer, caveat
from pipeline.report.recompute import compare_published, read_published, recompute
from pipeline.report.sections.differences import measure_differences, pair_rows
from pipeline.report.sections.expressions import measure_recall, recall_rows
from pipeline.report.sections.joined import fusion_rows, measure_joined, sentence
from pipeline.report.sections.scores import measure_scores, score_rows
from pipeline.report.study import HEADLINE
from pipeline.report.tables import markdown_table
from stages import run

DATA = Path("data")


def main(folder: str) -> None:
    expressions = Expressions.load(DATA / "expressions")
    published = read_published(Path(folder), expressions)
    role = Roles.load(DATA / "roles.npz", len(expressions)).role
    twins = Twins.load(DATA / "twins.npz", len(expressions)).twins
    table = recompute(published, expressions)
    print(table.to_string(index=False, float_format=lambda value: f"{value:.4f}"))
    print(f"{len(table)} scores; the furthest is {table['images_apart'].max()} images apart\n")
    study = compare_published(published, expressions, role, twins, load_params())
    scored, tested = measure_scores(study), measure_differences(study)
    print(answer(study, scored, tested.pairs), caveat(study, scored), "\n")
    for protocol in study.samples:
        rows = score_rows(scored, tested.pairs, protocol, study)
        # Earlier versions did not publish which images fell back.
        shown = rows if published.fell_back else [row[:-1] for row in rows]
        print(f"{protocol}: {study.note(protocol)}\n\n{markdown_table(shown)}")
    print(markdown_table(pair_rows(tested.pairs, HEADLINE, "region")))
    print(markdown_table(recall_rows(measure_recall(study), study)))
    fusion = measure_joined(study).fusion
    print(markdown_table(fusion_rows(fusion, HEADLINE)))
    print(sentence(fusion))


if __name__ == "__main__":
    run(main)
