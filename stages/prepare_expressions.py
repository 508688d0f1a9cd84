"""Read the expression data set, find images that occur more than once, and say what each image is for."""

from pathlib import Path

from pipeline.common.files import together, whole_folder, write_json
from pipeline.data import readers
from pipeline.data.audit import audit
from pipeline.data.extra import add_extra
from pipeline.data.outside import add_outside
from pipeline.data.proportions import proportions
from pipeline.data.protocols import rows
from pipeline.data.roles import OUTSIDE, assign_roles
from pipeline.data.sources import Sources
from pipeline.data.twin_search import find_twins
from pipeline.params import load_params
from pipeline.report.sheets.canvas import save_png
from pipeline.report.sheets.expressions import audit_sheet, expressions_sheet
from stages import run


def main() -> None:
    params = load_params()
    sources = Sources.load(params.source_folder / "sources.json")
    expressions = readers.read(params.data.expressions, sources, params.data.settings)
    if params.data.source == "real":
        print(*readers.reader(params.data.expressions).account(sources, expressions), sep="\n", flush=True)
    if params.data.extra:
        expressions = add_extra(expressions, sources, params.data.extra)
    taken = None
    if params.data.outside:
        expressions, taken = add_outside(expressions, sources, params.data.outside)
    twins = find_twins(expressions.images, params.twins.min_correlation)
    roles = assign_roles(expressions, twins.twins, params.split_rule, params.twins.train_on)
    for _, meanwhile in roles.trainings:
        # That there are some is said here, and not after hours of training.
        rows(meanwhile.role, twins.twins, "test_unique")
    if any(not rows(meanwhile.role, twins.twins, "validation_unique").any() for _, meanwhile in roles.trainings):
        print("Every validation image has a twin among those trained on, so all of them choose the epoch.")
    counted = audit(expressions, roles, twins)
    if taken and counted["twins"]["outside_rows_known"]:
        known, many = counted["twins"]["outside_rows_known"], counted["images"][OUTSIDE]
        print(f"{taken.name}: {known:,} of {many:,} images have a twin in the data set itself and are not scored.")
    with together():
        with whole_folder(Path("reports/expressions")) as part:
            write_json(part / "audit.json", counted)
            write_json(part / "split.json", proportions(expressions, twins.twins, roles))
            if taken:
                write_json(part / "outside.json", taken.model_dump())
            shown = roles.trainings[0][1].role  # of folds, while the first is tested
            save_png(part / "classes.png", expressions_sheet(expressions, shown))
            save_png(part / "audit.png", audit_sheet(expressions, shown, twins))
        twins.save(Path("data/twins.npz"))
        roles.save(Path("data/roles.npz"))
        expressions.save(Path("data/expressions"))


if __name__ == "__main__":
    run(main)
